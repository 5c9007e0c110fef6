// SPDX-License-Identifier: Apache-2.0

using System;
using Liminal.Machine.Confidential;
using Liminal.Platform;
using static Iced.Intel.AssemblerRegisters;

namespace Liminal.Machine.Tests.Confidential.Tdx;

/// <summary>The functions of TDVMCALL.</summary>
public sealed class TdxHostCallTests
{
    private const ulong Cpuid = 0x0A;
    private const ulong PortIo = 0x1E;
    private const ulong ReadMsr = 0x1F;
    private const ulong WriteMsr = 0x20;
    private const ulong Mmio = 0x30;
    private const ulong MapGpa = 0x1_0001;
    private const ulong InvalidOperand = 0x8000_0000_0000_0000;
    private const ulong AlignError = 0x8000_0000_0000_0002;
    private const ulong Unsupported = 0x8000_0000_0000_0003;
    private const ulong Page = TdxMachine.FirstFrame << 12;
    private const ulong Shared = 1ul << 51;

    [Fact]
    public void Registers_that_are_not_selected_do_not_pass()
    {
        using var machine = new TdxMachine();
        machine.TdCall((0, 0), (1, (1 << 10) | (1 << 11) | (1 << 12)), (11, Cpuid), (12, 0x4000_0000), (13, 0x55));

        Assert.Equal(0x4000_0001ul, machine.Cpu.Gpr(12));
        Assert.Equal(0x55ul, machine.Cpu.Gpr(13));
        Assert.Equal(0ul, machine.Cpu.Gpr(3));
    }

    [Theory]
    [InlineData(1ul)]
    [InlineData(2ul)]
    [InlineData(0x10ul)]
    [InlineData(0x1_0000_0000ul)]
    public void Registers_that_cannot_pass_are_an_invalid_operand(ulong mask)
    {
        using var machine = new TdxMachine();
        machine.TdCall((0, 0), (1, mask), (11, Cpuid));

        Assert.Equal(0xC000_0100_0000_0001, machine.Cpu.Gpr(0));
    }

    [Fact]
    public void Cpuid_of_the_hypervisor_is_kvms()
    {
        using var machine = new TdxMachine();

        Assert.Equal(0ul, machine.TdVmCall(Cpuid, 0x4000_0000));
        Assert.Equal(
            (0x4000_0001ul, 0x4B4D_564Bul, 0x564B_4D56ul, 0x4Dul),
            (machine.Cpu.Gpr(12), machine.Cpu.Gpr(13), machine.Cpu.Gpr(14), machine.Cpu.Gpr(15)));
    }

    [Fact]
    public void Ports_are_the_boards()
    {
        using var machine = new TdxMachine();

        Assert.Equal(0ul, machine.TdVmCall(PortIo, 1, 1, 0x3F8, 0xFF41));
        Assert.Equal("A", machine.Console);
        Assert.Equal(0ul, machine.TdVmCall(PortIo, 1, 0, 0x3FD));
        Assert.Equal(0x60ul, machine.Cpu.Gpr(11) & 0x60);
        Assert.Equal(InvalidOperand, machine.TdVmCall(PortIo, 3, 0, 0x3FD));
        Assert.Equal(InvalidOperand, machine.TdVmCall(PortIo, 1, 2, 0x3FD));
    }

    [Fact]
    public void A_port_where_nothing_is_stops_the_machine()
    {
        using var machine = new TdxMachine();
        MachineEnd end = machine.Run(a =>
        {
            a.xor(eax, eax);
            a.mov(ecx, 0xFC00);
            a.xor(r10d, r10d);
            a.mov(r11d, (int)PortIo);
            a.mov(r12d, 1);
            a.xor(r13d, r13d);
            a.mov(r14d, 0x1234);
            a.tdcall();
        });

        Assert.Equal(MachineEndKind.NotModelled, end.Kind);
        Assert.Contains("1234", end.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public void Msrs_are_the_local_apics_and_the_boards()
    {
        using var machine = new TdxMachine();

        Assert.Equal(0ul, machine.TdVmCall(ReadMsr, 0x1B));
        Assert.Equal(0xFEE0_0D00ul, machine.Cpu.Gpr(11));
        Assert.Equal(0ul, machine.TdVmCall(ReadMsr, 0x179));
        Assert.Equal(0ul, machine.Cpu.Gpr(11));
        Assert.Equal(InvalidOperand, machine.TdVmCall(ReadMsr, 0x3A));
        Assert.Equal(InvalidOperand, machine.TdVmCall(ReadMsr, 0xDEAD));
        Assert.Equal(0ul, machine.TdVmCall(WriteMsr, 0x80F, 0x1FF));
        Assert.Equal(0ul, machine.TdVmCall(ReadMsr, 0x80F));
        Assert.Equal(0x1FFul, machine.Cpu.Gpr(11));
        Assert.Equal(InvalidOperand, machine.TdVmCall(WriteMsr, 0xDEAD, 1));
    }

    [Theory]
    [InlineData(0xC_4500ul)]
    [InlineData(0xC_4600ul)]
    public void Init_and_start_up_messages_reach_nobody(ulong command)
    {
        using var machine = new TdxMachine(processors: 2);

        Assert.Equal(0ul, machine.TdVmCall(WriteMsr, 0x830, command));
        Assert.False(machine.Vm.Board.LocalApics[1].HasInit);
        Assert.Equal(-1, machine.Vm.Board.LocalApics[1].StartupVector);
        Assert.Single(machine.Seen.Notes);
    }

    [Fact]
    public void Device_memory_is_the_boards()
    {
        const ulong IoApic = 0xFEC0_0000 | Shared;
        using var machine = new TdxMachine();

        Assert.Equal(0ul, machine.TdVmCall(Mmio, 4, 1, IoApic, 1));
        Assert.Equal(0ul, machine.TdVmCall(Mmio, 4, 0, IoApic + 0x10));
        Assert.Equal(23ul, machine.Cpu.Gpr(11) >> 16);
        Assert.Equal(InvalidOperand, machine.TdVmCall(Mmio, 4, 0, IoApic & ~Shared));
        Assert.Equal(InvalidOperand, machine.TdVmCall(Mmio, 3, 0, IoApic));
        Assert.Equal(InvalidOperand, machine.TdVmCall(Mmio, 4, 2, IoApic));
    }

    [Fact]
    public void Other_functions_and_hypercalls_are_not_there()
    {
        using var machine = new TdxMachine();

        Assert.Equal(Unsupported, machine.TdVmCall(0x1234));
        Assert.Equal(Unsupported, machine.TdVmCall(0x1_0002, Page | Shared, 0x1000));
        Assert.Equal(InvalidOperand, machine.TdVmCall(0x1_0002, Page, 0x1000));
        Assert.Equal(Unsupported, machine.TdVmCall(0x1_0004, 0x40));
        Assert.Equal(InvalidOperand, machine.TdVmCall(0x1_0004, 3));
        Assert.Equal(0ul, machine.TdVmCall(0x1_0000));
        machine.TdCall((0, 0), (1, 0xFFCC), (10, 5), (11, 5));
        Assert.Equal(unchecked((ulong)-1000L), machine.Cpu.Gpr(10));
        Assert.Equal(4, machine.Seen.Notes.Count);
    }

    [Fact]
    public void A_fatal_error_ends_the_machine_with_its_words()
    {
        using var machine = new TdxMachine();
        MachineEnd end = machine.Run(a =>
        {
            a.xor(eax, eax);
            a.mov(ecx, 0xFFCC);
            a.xor(r10d, r10d);
            a.mov(r11d, 0x1_0003);
            a.xor(r12d, r12d);
            a.xor(ebx, ebx);
            a.xor(edx, edx);
            a.xor(esi, esi);
            a.xor(edi, edi);
            a.xor(r8d, r8d);
            a.xor(r9d, r9d);
            a.mov(r14, BitConverter.ToUInt64("out of m"u8));
            a.mov(r15, BitConverter.ToUInt64("emory\0\0\0"u8));
            a.tdcall();
        });

        Assert.Equal(MachineEndKind.GuestTerminated, end.Kind);
        Assert.Contains("out of memory", end.Detail, StringComparison.Ordinal);
        Assert.Equal("the guest", end.Guest?.Who);
    }

    [Fact]
    public void Halt_returns_when_an_interrupt_is_pending_and_leaves_it_pending()
    {
        using var machine = new TdxMachine();
        machine.TdVmCall(WriteMsr, 0x80F, 0x1FF);
        machine.TdVmCall(WriteMsr, 0x832, (2 << 17) | 0x40);    // LVT timer: TSC deadline, vector 40h
        machine.TdVmCall(WriteMsr, 0x6E0, 1_000_000);
        machine.Run(a =>
        {
            a.xor(eax, eax);
            a.mov(ecx, 0x1C00);
            a.xor(r10d, r10d);
            a.mov(r11d, 0x0C);
            a.xor(r12d, r12d);
            a.tdcall();
        });

        Assert.Equal(TdxMachine.Finished, machine.Vector);
        Assert.InRange(machine.Vm.Board.Clock.Now, 1_000_000ul, 1_100_000ul);
        Assert.Equal(0x40, machine.Vm.Board.LocalApics[0].PendingVector);
    }

    [Fact]
    public void Halt_that_nothing_will_end_is_reported()
    {
        using var machine = new TdxMachine();
        MachineEnd end = machine.Run(a =>
        {
            a.xor(eax, eax);
            a.mov(ecx, 0x1C00);
            a.xor(r10d, r10d);
            a.mov(r11d, 0x0C);
            a.tdcall();
        });

        Assert.Equal(MachineEndKind.IdleForever, end.Kind);
    }

    [Fact]
    public void Pages_go_to_the_host_and_come_back_pending()
    {
        using var machine = new TdxMachine();
        machine.Vm.Ram.Write(Page, 0x1234ul);
        Assert.Equal(0ul, machine.TdVmCall(MapGpa, Page | Shared, 0x2000));
        Assert.Equal("Free+Shared", machine.NameOf(TdxMachine.FirstFrame));
        Assert.Equal("Free+Shared", machine.NameOf(TdxMachine.FirstFrame + 1));
        Assert.Equal("Mapped", machine.NameOf(TdxMachine.FirstFrame + 2));
        Assert.NotEqual(0x1234ul, machine.Vm.Ram.Read<ulong>(Page));
        HostCallEvent call = Assert.Single(machine.Seen.Calls);
        Assert.Equal((HostCall.MapGpaShared, TdxMachine.FirstFrame, 2ul, 2ul), (call.Call, call.FirstFrame, call.Pages, call.Done));

        Assert.Equal(0ul, machine.TdVmCall(MapGpa, Page, 0x2000));
        Assert.Equal("Pending", machine.NameOf(TdxMachine.FirstFrame));
    }

    [Theory]
    [InlineData(Page, 0ul, InvalidOperand)]
    [InlineData(Page, ulong.MaxValue, InvalidOperand)]
    [InlineData(Page | 1, 0x1000ul, AlignError)]
    [InlineData(Page, 0x1001ul, AlignError)]
    [InlineData(Shared - 0x1000, 0x2000ul, InvalidOperand)]
    [InlineData((Shared << 1) - 0x1000, 0x2000ul, InvalidOperand)]
    [InlineData(Shared << 1, 0x1000ul, InvalidOperand)]
    [InlineData(0xFFFF_FFFF_FFFF_F000, 0x1000ul, InvalidOperand)]
    public void Garbage_is_refused_with_the_address(ulong start, ulong size, ulong status)
    {
        using var machine = new TdxMachine();

        Assert.Equal(status, machine.TdVmCall(MapGpa, start, size));
        Assert.Equal(start, machine.Cpu.Gpr(11));
        Assert.Empty(machine.Seen.Changes);
    }

    [Fact]
    public void Where_there_is_no_memory_shared_is_nothing_new_and_private_is_refused()
    {
        using var machine = new TdxMachine();

        Assert.Equal(0ul, machine.TdVmCall(MapGpa, 0xFEC0_0000 | Shared, 0x1000));
        Assert.Equal(0ul, machine.TdVmCall(MapGpa, Shared, Shared));
        Assert.Equal("Free+Shared", machine.NameOf(0x3FFF));
        Assert.Equal(InvalidOperand, machine.TdVmCall(MapGpa, 0x3FF_F000, 0x2000));
        Assert.Equal(0x400_0000ul, machine.Cpu.Gpr(11));
        Assert.Equal("Pending", machine.NameOf(0x3FFF));
    }

    [Fact]
    public void A_host_that_retries_stops_half_way_and_tells_where()
    {
        using var machine = new TdxMachine(HostPolicy.Retry);

        Assert.Equal(1ul, machine.TdVmCall(MapGpa, Page | Shared, 0x40_0000));
        Assert.Equal((Page + 0x20_0000) | Shared, machine.Cpu.Gpr(11));
        Assert.Equal("Free+Shared", machine.NameOf(TdxMachine.FirstFrame + 511));
        Assert.Equal("Mapped", machine.NameOf(TdxMachine.FirstFrame + 512));
        Assert.Equal(0ul, machine.TdVmCall(MapGpa, (Page + 0x20_0000) | Shared, 0x20_0000));
        Assert.Equal("Free+Shared", machine.NameOf(TdxMachine.FirstFrame + 1023));
    }

    [Fact]
    public void A_host_that_refuses_has_done_the_pages_before()
    {
        using var machine = new TdxMachine(HostPolicy.Refuse, plan: HostPlan.Only(1, page: 1));

        Assert.Equal(0ul, machine.TdVmCall(MapGpa, Page | Shared, 0x1000));
        Assert.Equal(InvalidOperand, machine.TdVmCall(MapGpa, (Page + 0x1000) | Shared, 0x3000));
        Assert.Equal((Page + 0x2000) | Shared, machine.Cpu.Gpr(11));
        Assert.Equal("Free+Shared", machine.NameOf(TdxMachine.FirstFrame + 1));
        Assert.Equal("Mapped", machine.NameOf(TdxMachine.FirstFrame + 2));
    }

    [Fact]
    public void A_host_that_lies_says_that_all_is_done()
    {
        using var machine = new TdxMachine(HostPolicy.Lie, plan: HostPlan.Only(0, page: 1));

        Assert.Equal(0ul, machine.TdVmCall(MapGpa, Page | Shared, 0x3000));
        Assert.Equal("Free+Shared", machine.NameOf(TdxMachine.FirstFrame));
        Assert.Equal("Mapped", machine.NameOf(TdxMachine.FirstFrame + 1));
        Assert.Equal("Free+Shared", machine.NameOf(TdxMachine.FirstFrame + 2));
    }

    [Fact]
    public void A_host_can_ask_for_ever_to_be_called_again()
    {
        var plan = new HostPlan(0, ulong.MaxValue, Page: 0) { StrikesAgain = true };
        using var machine = new TdxMachine(HostPolicy.Retry, plan: plan);

        for (int call = 0; call < 4; call++)
        {
            Assert.Equal(1ul, machine.TdVmCall(MapGpa, Page | Shared, 0x3000));
            Assert.Equal(Page | Shared, machine.Cpu.Gpr(11));
            Assert.Equal("Mapped", machine.NameOf(TdxMachine.FirstFrame));
        }

        Assert.Equal(4ul, machine.Vm.Confidential!.CallsSoFar);
    }
}
