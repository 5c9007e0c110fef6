// SPDX-License-Identifier: Apache-2.0

using System;
using Liminal.Memory;
using Liminal.Platform;
using Liminal.X86;
using Liminal.X86.State;
using static Iced.Intel.AssemblerRegisters;

namespace Liminal.Machine.Tests.Confidential.Tdx;

/// <summary>What programs meet in pages of every state; the rulebook says what they should.</summary>
public sealed class TdxAccessTests
{
    private const ulong Ve = ExceptionVector.Virtualization;
    private const PolicySwitches None = PolicySwitches.None;
    private const PolicySwitches SeptVeDisable = PolicySwitches.SeptVeDisable;
    private const PolicySwitches SuppressVe = PolicySwitches.SuppressVe;

    [Theory]
    [InlineData(HostPolicy.Cooperative, SeptVeDisable)]
    [InlineData(HostPolicy.Cooperative, SeptVeDisable | SuppressVe)]
    [InlineData(HostPolicy.Cooperative, None)]
    [InlineData(HostPolicy.ImplicitConvert, SeptVeDisable)]
    [InlineData(HostPolicy.ImplicitConvert, SeptVeDisable | SuppressVe)]
    [InlineData(HostPolicy.ImplicitConvert, SuppressVe)]
    [InlineData(HostPolicy.Refuse, SeptVeDisable | SuppressVe)]
    public void Each_state_and_access_ends_as_the_rulebook_says(HostPolicy host, PolicySwitches switches)
    {
        var platform = new TdxPlatform();
        foreach (PageStateInfo info in platform.States)
        {
            foreach (PteAttribute attribute in Enum.GetValues<PteAttribute>())
            {
                foreach (AccessKind kind in Enum.GetValues<AccessKind>())
                {
                    AccessResolution expected = AccessResolution.Of(platform, info.State, attribute, kind, host, switches);
                    using var machine = new TdxMachine(host, switches);
                    Prepare(machine, info.State);
                    MachineEnd end = Access(machine, attribute, kind);
                    string question = $"{info.Name}, {attribute}, {kind}, {host}, {switches}: {expected.Outcome}, but {end}, R15 = {machine.Vector:x}";

                    Assert.True(expected.Outcome == Met(machine, end), question);
                    Assert.True(machine.Platform.States[expected.Change.State.Value].Name == machine.NameOf(TdxMachine.FirstFrame), question);
                    if (expected.Outcome == AccessOutcome.VirtualizationException)
                    {
                        AssertInformation(machine, attribute, kind);
                    }
                }
            }
        }
    }

    [Fact]
    public void A_load_across_a_page_edge_reports_the_first_byte_of_the_second_page()
    {
        using var machine = new TdxMachine();
        machine.Vm.PageStates![TdxMachine.FirstFrame] = machine.State("Free+Shared");
        const ulong Edge = TdxMachine.SharedWindow + 0x1000;
        machine.Run(a => a.mov(rax, __[Edge - 3]));

        Assert.Equal(Ve, machine.Vector);
        Assert.Equal(Edge, machine.Cpu.Gpr(8));
        Assert.Equal(((TdxMachine.FirstFrame + 1) << 12) | machine.SharedBit, machine.Cpu.Gpr(9));
    }

    [Fact]
    public void A_load_across_a_page_edge_whose_first_page_is_bad_reports_itself()
    {
        using var machine = new TdxMachine();
        machine.Vm.PageStates![TdxMachine.FirstFrame + 1] = machine.State("Free+Shared");
        const ulong Edge = TdxMachine.SharedWindow + 0x1000;
        machine.Run(a => a.mov(rax, __[Edge - 3]));

        Assert.Equal(Ve, machine.Vector);
        Assert.Equal(Edge - 3, machine.Cpu.Gpr(8));
    }

    [Fact]
    public void Shared_accesses_reach_another_backing_than_private_ones()
    {
        using var machine = new TdxMachine();
        machine.Vm.PageStates![TdxMachine.FirstFrame] = machine.State("Mapped+Shared");
        machine.Run(a =>
        {
            a.mov(rbx, TdxMachine.PrivateWindow);
            a.mov(__dword_ptr[rbx], 1);
            a.mov(rsi, TdxMachine.SharedWindow);
            a.mov(__dword_ptr[rsi], 2);
            a.mov(ecx, __[rbx]);
            a.mov(edx, __[rsi]);
        });

        Assert.Equal((1ul, 2ul), (machine.Cpu.Gpr(1), machine.Cpu.Gpr(2)));
        Assert.Equal(2u, machine.Vm.SharedRam!.Read<uint>(TdxMachine.FirstFrame << 12));
    }

    [Fact]
    public void A_device_is_a_ve_and_a_private_access_to_it_ends_the_guest()
    {
        using var machine = new TdxMachine();
        machine.Vm.Ram.Write(0x2000ul + 0x3000 + 24, 0xFEC0_0000ul | 0x83 | machine.SharedBit);     // where the shared table window was
        machine.Run(a => a.mov(__dword_ptr[TdxMachine.SharedTableWindow + 0x10], eax));

        Assert.Equal(Ve, machine.Vector);
        Assert.Equal(48ul, machine.Cpu.Gpr(1));
        Assert.Equal(0x182ul, machine.Cpu.Gpr(2));
        Assert.Equal(TdxMachine.SharedTableWindow + 0x10, machine.Cpu.Gpr(8));
        Assert.Equal(0xFEC0_0010ul | machine.SharedBit, machine.Cpu.Gpr(9));

        MachineEnd end = machine.Run(a => a.mov(eax, __dword_ptr[0xFEE0_0020]));
        Assert.Equal(MachineEndKind.GuestTerminated, end.Kind);
        Assert.Contains("no memory", end.Detail, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(HostPolicy.Cooperative, MachineEndKind.GuestTerminated)]
    [InlineData(HostPolicy.ImplicitConvert, MachineEndKind.InstructionLimit)]
    public void A_shared_access_raises_no_second_ve_but_exits(HostPolicy host, MachineEndKind kind)
    {
        using var machine = new TdxMachine(host);
        machine.Guest.Execute(machine.Cpu, Intercept.Hlt, 1);   // leaves information to be read
        MachineEnd end = machine.Run(a => a.mov(rax, __[TdxMachine.SharedWindow]));

        Assert.Equal(kind, end.Kind);
        Assert.Equal(kind == MachineEndKind.InstructionLimit ? "Free+Shared" : "Mapped", machine.NameOf(TdxMachine.FirstFrame));
    }

    [Fact]
    public void A_blocked_page_lives_on_in_a_tlb_until_it_is_flushed()
    {
        using var machine = new TdxMachine();
        machine.Vm.Ram.Write(TdxMachine.FirstFrame << 12, 0x77ul);
        machine.Run(a => a.mov(rbx, __[TdxMachine.PrivateWindow]));
        Assert.Equal(OperationStatus.Done, machine.Guest.Act(HostOperation.Block, TdxMachine.FirstFrame));

        machine.Run(a => a.mov(rcx, __[TdxMachine.PrivateWindow]));
        Assert.Equal((TdxMachine.Finished, 0x77ul), (machine.Vector, machine.Cpu.Gpr(1)));

        MachineEnd end = machine.Run(a =>
        {
            a.invlpg(__[TdxMachine.PrivateWindow]);
            a.mov(rcx, __[TdxMachine.PrivateWindow]);
        });
        Assert.Equal(MachineEndKind.Livelock, end.Kind);
    }

    [Fact]
    public void A_page_goes_through_its_life_at_the_hosts_hands()
    {
        using var machine = new TdxMachine();
        const ulong Frame = TdxMachine.FirstFrame;
        Assert.Equal(OperationStatus.WrongState, machine.Guest.Act(HostOperation.Augment, Frame));
        Assert.Equal(OperationStatus.WrongState, machine.Guest.Act(HostOperation.Remove, Frame));
        Assert.Equal(OperationStatus.Done, machine.Guest.Act(HostOperation.Block, Frame));
        Assert.Equal("Blocked", machine.NameOf(Frame));
        Assert.Equal(OperationStatus.Done, machine.Guest.Act(HostOperation.Unblock, Frame));
        Assert.Equal("Mapped", machine.NameOf(Frame));
        Assert.Equal(OperationStatus.Done, machine.Guest.Act(HostOperation.Block, Frame));
        Assert.Equal(OperationStatus.Done, machine.Guest.Act(HostOperation.Remove, Frame));
        Assert.Equal("Free", machine.NameOf(Frame));
        Assert.Equal(OperationStatus.Done, machine.Guest.Act(HostOperation.Augment, Frame));
        Assert.Equal("Pending", machine.NameOf(Frame));
        Assert.Equal(5, machine.Seen.Changes.Count);
    }

    private static void Prepare(TdxMachine machine, PageState state)
    {
        // What a fetch executes, and what a walk finds as an entry for its first page.
        const ulong Frame = TdxMachine.FirstFrame << 12;
        machine.Vm.Ram.Write(Frame, TdxMachine.Assemble(TdxMachine.PrivateWindow, a => TdxMachine.Finish(a)));
        machine.Vm.Ram.Write(Frame + (8 * 0x100), 0x50_0003ul);
        machine.Vm.SharedRam!.Write(Frame + (8 * 0x100), 0x50_0003ul);
        machine.Vm.PageStates![TdxMachine.FirstFrame] = state;
    }

    private static MachineEnd Access(TdxMachine machine, PteAttribute attribute, AccessKind kind)
    {
        ulong window = attribute == PteAttribute.Shared ? TdxMachine.SharedWindow : TdxMachine.PrivateWindow;
        ulong table = attribute == PteAttribute.Shared ? TdxMachine.SharedTableWindow : TdxMachine.PrivateTableWindow;
        return machine.Run(a =>
        {
            a.mov(rbx, kind == AccessKind.PageWalk ? table + 0x10_0008 : window);
            switch (kind)
            {
                case AccessKind.Write:
                    a.mov(__qword_ptr[rbx + 8], rax);
                    break;
                case AccessKind.Fetch:
                    a.jmp(rbx);
                    break;
                case AccessKind.PageWalk:
                    a.mov(rax, __qword_ptr[rbx]);
                    break;
                default:
                    a.mov(rax, __qword_ptr[rbx + 8]);
                    break;
            }
        });
    }

    private static AccessOutcome Met(TdxMachine machine, MachineEnd end) => (end.Kind, machine.Vector) switch
    {
        (MachineEndKind.GuestTerminated, _) => AccessOutcome.GuestTerminated,
        (MachineEndKind.Livelock, _) => AccessOutcome.Livelock,
        (MachineEndKind.InstructionLimit, TdxMachine.Finished) => AccessOutcome.Ok,
        (MachineEndKind.InstructionLimit, Ve) => AccessOutcome.VirtualizationException,
        (MachineEndKind.InstructionLimit, ExceptionVector.PageFault) => AccessOutcome.PageFault,
        _ => AccessOutcome.SilentlyWrong,
    };

    private static void AssertInformation(TdxMachine machine, PteAttribute attribute, AccessKind kind)
    {
        bool isShared = attribute == PteAttribute.Shared;
        ulong window = isShared ? TdxMachine.SharedWindow : TdxMachine.PrivateWindow;
        (ulong linear, ulong offset, ulong qualification) = kind switch
        {
            AccessKind.Read => (window + 8, 8ul, 0x181ul),
            AccessKind.Write => (window + 8, 8ul, 0x182ul),
            AccessKind.Fetch => (window, 0ul, 0x184ul),
            _ => ((isShared ? TdxMachine.SharedTableWindow : TdxMachine.PrivateTableWindow) + 0x10_0008, 8ul * 0x100, 0x81ul),
        };
        Assert.Equal(48ul, machine.Cpu.Gpr(1));
        Assert.Equal(qualification, machine.Cpu.Gpr(2));
        Assert.Equal(linear, machine.Cpu.Gpr(8));
        Assert.Equal((TdxMachine.FirstFrame << 12) + offset + (isShared ? machine.SharedBit : 0), machine.Cpu.Gpr(9));
    }
}
