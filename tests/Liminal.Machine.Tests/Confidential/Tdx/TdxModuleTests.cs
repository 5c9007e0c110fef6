// SPDX-License-Identifier: Apache-2.0

using System;
using Liminal.Platform;
using Liminal.X86;
using Liminal.X86.State;
using static Iced.Intel.AssemblerRegisters;

namespace Liminal.Machine.Tests.Confidential.Tdx;

/// <summary>The leaves of TDCALL.</summary>
public sealed class TdxModuleTests
{
    private const ulong OperandInvalid = 0xC000_0100_0000_0000;
    private const ulong AlreadyAccepted = 0x0000_0B0A_0000_0000;
    private const ulong SizeMismatch = 0xC000_0B0B_0000_0000;
    private const ulong Page = TdxMachine.FirstFrame << 12;

    [Fact]
    public void Vp_info_tells_width_attributes_and_processors()
    {
        using var machine = new TdxMachine(processors: 2);
        machine.TdCall((0, 1));

        Assert.Equal(0ul, machine.Cpu.Gpr(0));
        Assert.Equal(1ul << ((int)machine.Cpu.Gpr(1) - 1), machine.SharedBit);
        Assert.Equal(1ul << 28, machine.Cpu.Gpr(2));
        Assert.Equal(2ul | (2ul << 32), machine.Cpu.Gpr(8));
        Assert.Equal(0ul, machine.Cpu.Gpr(9));
    }

    [Fact]
    public void A_td_whose_pending_pages_raise_ve_is_a_debug_td()
    {
        using var machine = new TdxMachine(switches: PolicySwitches.None);
        machine.TdCall((0, 1));

        Assert.Equal(1ul, machine.Cpu.Gpr(2));
    }

    [Theory]
    [InlineData(2ul)]
    [InlineData(5ul)]
    [InlineData(0x19ul)]
    [InlineData(0xFFFFul)]
    [InlineData(0x1_0001ul)]
    [InlineData(0x100_0001ul)]
    [InlineData(0x8000_0000_0000_0001ul)]
    public void An_unknown_leaf_or_version_is_an_invalid_operand(ulong rax)
    {
        using var machine = new TdxMachine();
        Assert.Equal(ConfidentialAnswer.Emulated, machine.TdCall((0, rax)).Answer);

        Assert.Equal(OperandInvalid, machine.Cpu.Gpr(0));
        Assert.Equal(rax <= 0xFFFF, machine.Seen.Notes.Count == 1);
    }

    [Fact]
    public void Ve_information_is_read_once()
    {
        using var machine = new TdxMachine();
        machine.TdCall((0, 3));
        Assert.Equal(0xC000_0704_0000_0000, machine.Cpu.Gpr(0));

        MachineEnd end = machine.Run(a =>
        {
            a.mov(edx, 0x3F8);
            a.@in(al, dx);
        });
        Assert.Equal(MachineEndKind.InstructionLimit, end.Kind);
        Assert.Equal(ExceptionVector.Virtualization, machine.Vector);
        Assert.Equal(30ul, machine.Cpu.Gpr(1));
        Assert.Equal(0x3F8_0008ul, machine.Cpu.Gpr(2));
        Assert.Equal(1ul, machine.Cpu.Gpr(10));
        machine.TdCall((0, 3));
        Assert.Equal(0xC000_0704_0000_0000, machine.Cpu.Gpr(0));
    }

    [Fact]
    public void The_frame_of_a_ve_has_rf_set_and_the_instruction_itself()
    {
        using var machine = new TdxMachine();
        machine.Run(a => a.hlt());

        ulong frame = machine.Cpu.Gpr(4);
        Assert.Equal(ExceptionVector.Virtualization, machine.Vector);
        Assert.Equal(TdxMachine.CodeAddress, machine.Vm.Ram.Read<ulong>(frame));
        Assert.NotEqual(0ul, machine.Vm.Ram.Read<ulong>(frame + 16) & (1 << 16));
    }

    [Fact]
    public void A_ve_while_the_information_of_the_last_one_waits_is_a_double_fault()
    {
        using var machine = new TdxMachine();
        machine.Guest.Execute(machine.Cpu, Intercept.Hlt, 1);
        machine.Run(a => a.hlt());

        Assert.Equal(ExceptionVector.DoubleFault, machine.Vector);
        Assert.Single(machine.Seen.Notes);
    }

    [Fact]
    public void An_nmi_waits_until_the_information_of_a_ve_has_been_read()
    {
        const ulong WriteMsr = 0x20;
        const ulong NmiToItself = 0x4_0400;
        using var machine = new TdxMachine();
        machine.TdVmCall(WriteMsr, 0x830, NmiToItself);
        machine.Guest.Execute(machine.Cpu, Intercept.Hlt, 1);
        machine.Run(a =>
        {
            a.mov(ebx, 1);
            a.mov(eax, 3);
            a.tdcall();
            a.mov(ebx, 2);
        });

        Assert.Equal(ExceptionVector.NonMaskableInterrupt, machine.Vector);
        Assert.Equal(1ul, machine.Cpu.Gpr(3));
        Assert.Equal(12ul, machine.Cpu.Gpr(1));
    }

    [Fact]
    public void A_fork_has_page_states_and_ve_information_of_its_own()
    {
        using var machine = new TdxMachine();
        machine.Guest.Execute(machine.Cpu, Intercept.Hlt, 1);
        using (VirtualMachine fork = machine.Vm.Fork())
        {
            Processor processor = fork.Processors[0];
            processor.Gpr(0) = 3;
            fork.Confidential!.Execute(processor, Intercept.Tdcall, 4);
            Assert.Equal((0ul, 12ul), (processor.Gpr(0), processor.Gpr(1)));
            fork.PageStates![TdxMachine.FirstFrame] = machine.State("Pending");
        }

        Assert.Equal("Mapped", machine.NameOf(TdxMachine.FirstFrame));
        machine.TdCall((0, 3));
        Assert.Equal((0ul, 12ul), (machine.Cpu.Gpr(0), machine.Cpu.Gpr(1)));
    }

    [Theory]
    [InlineData("Pending", 0ul, 0ul, "Mapped")]
    [InlineData("Mapped", 0ul, AlreadyAccepted, "Mapped")]
    [InlineData("Mapped2M", 0ul, AlreadyAccepted | 1, "Mapped2M")]
    [InlineData("Pending", 1ul, SizeMismatch | 1, "Pending")]
    [InlineData("Mapped", 1ul, SizeMismatch | 1, "Mapped")]
    [InlineData("Removed", 0ul, SizeMismatch, "Removed")]
    [InlineData("Free", 0ul, 0ul, "Mapped")]
    [InlineData("Pending2M", 0ul, 0ul, "Mapped")]
    public void Accept_answers_as_the_rulebook_says(string state, ulong level, ulong status, string after)
    {
        using var machine = new TdxMachine();
        machine.Vm.PageStates![TdxMachine.FirstFrame] = machine.State(state);
        machine.TdCall((0, 6), (1, Page | level));

        Assert.Equal(status, machine.Cpu.Gpr(0));
        Assert.Equal(after, machine.NameOf(TdxMachine.FirstFrame));
    }

    [Fact]
    public void Accept_zeroes_and_a_second_one_changes_nothing()
    {
        using var machine = new TdxMachine();
        machine.Vm.PageStates![TdxMachine.FirstFrame] = machine.State("Pending");
        machine.Vm.Ram.Write(Page, 0x1234ul);
        machine.TdCall((0, 6), (1, Page));
        Assert.Equal(0ul, machine.Cpu.Gpr(0));
        Assert.Equal(0ul, machine.Vm.Ram.Read<ulong>(Page));

        machine.Vm.Ram.Write(Page, 0x1234ul);
        machine.TdCall((0, 6), (1, Page));
        Assert.Equal(AlreadyAccepted, machine.Cpu.Gpr(0));
        Assert.Equal(0x1234ul, machine.Vm.Ram.Read<ulong>(Page));
    }

    [Fact]
    public void Accept_of_2_MiB_takes_every_page_of_the_leaf()
    {
        using var machine = new TdxMachine();
        for (ulong page = 0; page < 512; page++)
        {
            machine.Vm.PageStates![TdxMachine.FirstFrame + page] = machine.State("Pending2M");
        }

        machine.TdCall((0, 6), (1, Page | 1));
        Assert.Equal(0ul, machine.Cpu.Gpr(0));
        Assert.Equal("Mapped2M", machine.NameOf(TdxMachine.FirstFrame));
        Assert.Equal("Mapped2M", machine.NameOf(TdxMachine.FirstFrame + 511));
    }

    [Theory]
    [InlineData(Page | 2)]
    [InlineData(Page | 7)]
    [InlineData(Page | 8)]
    [InlineData((Page + 0x1000) | 1)]
    [InlineData(1ul << 51)]
    [InlineData(1ul << 52)]
    [InlineData(ulong.MaxValue)]
    public void Accept_refuses_an_operand_that_is_no_private_page(ulong rcx)
    {
        using var machine = new TdxMachine();
        machine.TdCall((0, 6), (1, rcx));

        Assert.Equal(OperandInvalid | 1, machine.Cpu.Gpr(0));
        Assert.Empty(machine.Seen.Operations);
    }

    [Theory]
    [InlineData("Blocked", MachineEndKind.Livelock)]
    [InlineData("PendingBlocked", MachineEndKind.Livelock)]
    [InlineData("Free+Shared", MachineEndKind.GuestTerminated)]
    public void Accept_that_the_host_does_not_serve_ends_the_guest(string state, MachineEndKind kind)
    {
        using var machine = new TdxMachine();
        machine.Vm.PageStates![TdxMachine.FirstFrame] = machine.State(state);
        MachineEnd end = machine.Run(a =>
        {
            a.mov(eax, 6);
            a.mov(rcx, Page);
            a.tdcall();
        });

        Assert.Equal(kind, end.Kind);
        Assert.Equal("the VMM", end.Guest?.Who);
    }

    [Fact]
    public void Accept_where_there_is_no_memory_ends_the_guest()
    {
        using var machine = new TdxMachine();
        MachineEnd end = machine.Run(a =>
        {
            a.mov(eax, 6);
            a.mov(rcx, 0x1_0000_0000);
            a.tdcall();
        });

        Assert.Equal(MachineEndKind.GuestTerminated, end.Kind);
        Assert.Contains("no memory", end.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public void Fields_are_read_and_written_as_the_module_allows()
    {
        const ulong ConfigFlags = 0x1110_0003_0000_0016;
        const ulong TdControls = 0x1110_0003_0000_0017;
        const ulong NotifyEnables = 0x9110_0003_0000_0010;
        using var machine = new TdxMachine();
        machine.TdCall((0, 7), (2, ConfigFlags));
        Assert.Equal((0ul, 1ul), (machine.Cpu.Gpr(0), machine.Cpu.Gpr(8)));     // GPAW 52

        machine.TdCall((0, 7), (2, TdControls));
        Assert.Equal((0ul, 1ul), (machine.Cpu.Gpr(0), machine.Cpu.Gpr(8)));
        machine.TdCall((0, 8), (2, TdControls), (8, 0), (9, ulong.MaxValue));
        Assert.Equal(0xC000_0C03_0000_0000, machine.Cpu.Gpr(0));

        machine.TdCall((0, 8), (2, NotifyEnables), (8, 1), (9, ulong.MaxValue));
        Assert.Equal((0ul, 0ul), (machine.Cpu.Gpr(0), machine.Cpu.Gpr(8)));
        machine.TdCall((0, 7), (2, NotifyEnables));
        Assert.Equal(1ul, machine.Cpu.Gpr(8));

        machine.TdCall((0, 8), (2, ConfigFlags), (8, 0), (9, ulong.MaxValue));
        Assert.Equal(0xC000_0C01_0000_0000, machine.Cpu.Gpr(0));
        machine.TdCall((0, 7), (2, 0x1110_0003_0000_0099));
        Assert.Equal(0xC000_0C00_0000_0000, machine.Cpu.Gpr(0));
        machine.TdCall((0, 7), (1, 1), (2, ConfigFlags));
        Assert.Equal(OperandInvalid | 1, machine.Cpu.Gpr(0));
    }

    [Theory]
    [InlineData(1ul, 0ul, 0ul, 1ul)]
    [InlineData(0ul, 1ul, 0ul, 2ul)]
    [InlineData(0ul, 0ul, 1ul, 8ul)]
    public void A_report_with_bad_operands_is_refused(ulong rcx, ulong rdx, ulong r8, ulong operand)
    {
        using var machine = new TdxMachine();
        machine.TdCall((0, 4), (1, rcx), (2, rdx), (8, r8));

        Assert.Equal(OperandInvalid | operand, machine.Cpu.Gpr(0));
    }

    [Fact]
    public void A_report_stops_the_machine_because_nothing_could_sign_it()
    {
        using var machine = new TdxMachine();
        MachineEnd end = machine.Run(a =>
        {
            a.mov(eax, 4);
            a.xor(ecx, ecx);
            a.xor(edx, edx);
            a.xor(r8d, r8d);
            a.tdcall();
        });

        Assert.Equal(MachineEndKind.NotModelled, end.Kind);
    }
}
