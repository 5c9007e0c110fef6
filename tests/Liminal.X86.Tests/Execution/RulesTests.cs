// SPDX-License-Identifier: Apache-2.0
using System;
using System.Collections.Generic;
using Iced.Intel;
using Liminal.X86.State;
using static Iced.Intel.AssemblerRegisters;

namespace Liminal.X86.Tests.Execution;

/// <summary>What the rules of a confidential guest are asked, and when they are not.</summary>
public sealed class RulesTests
{
    [Fact]
    public void Port_accesses_are_described_before_they_happen()
    {
        var rules = new Recorder();
        using var machine = new TestMachine(rules: rules);
        machine.Load(a =>
        {
            a.mov(edx, 0x3f8);
            a.@in(al, dx);
            a.@out(0x80, eax);
            a.rep.outsw();
            a.mov(ecx, 1);
            a.mov(esi, (int)TestMachine.DataAddress);
            a.rep.outsw();
            a.hlt();
        });
        machine.Processor.Gpr(1) = 0;
        machine.RunToHalt();

        Assert.Equal(
            [
                new PortAccess(0x3f8, 1, IsInput: true, IsString: false, IsRepeated: false, IsImmediate: false),
                new PortAccess(0x80, 4, IsInput: false, IsString: false, IsRepeated: false, IsImmediate: true),
                new PortAccess(0x3f8, 2, IsInput: false, IsString: true, IsRepeated: true, IsImmediate: false),
            ],
            rules.Ports);
    }

    [Fact]
    public void Faults_of_privilege_come_before_the_rules()
    {
        var rules = new Recorder();
        using var machine = new TestMachine(rules: rules);
        machine.Ram.Write(machine.Processor.State.Tr.Base + 102, (ushort)0x68);  // no I/O permission bitmap
        foreach (Action<Assembler> instruction in new Action<Assembler>[] { a => a.hlt(), a => a.@in(al, 0x60), a => a.rdmsr(), a => a.tdcall() })
        {
            machine.Processor.Gpr(4) = TestMachine.StackTop;
            machine.Load(TestMachine.UserCode, instruction);
            EnterUserMode(machine);
            machine.RunToHalt();
            Assert.Equal(13ul, machine.Processor.Gpr(15));
            LeaveUserMode(machine);
        }

        Assert.Equal([Intercept.Hlt, Intercept.Hlt, Intercept.Hlt, Intercept.Hlt], rules.Asked);
    }

    [Fact]
    public void A_held_processor_goes_on_at_an_interrupt_that_it_does_not_take()
    {
        using var machine = new TestMachine();
        machine.Load(a =>
        {
            a.mov(eax, 1);
            a.mov(eax, 2);
            a.hlt();
        });
        machine.Processor.Run(1);
        machine.Processor.WaitForInterrupt();
        Assert.Equal(StopKind.Halted, machine.Processor.Run(10).Kind);
        Assert.Equal(1ul, machine.Processor.Gpr(0));

        machine.Processor.InterruptRequested = true;
        machine.Processor.Run(1);
        Assert.Equal(2ul, machine.Processor.Gpr(0));
        Assert.Equal(Activity.Running, machine.Processor.State.Activity);
    }

    [Fact]
    public void Table_reads_are_asked_with_the_address_that_is_being_translated()
    {
        const ulong Edge = 0x30_1000;
        var rules = new Recorder();
        using var machine = new TestMachine(rules: rules);
        machine.Load(a =>
        {
            a.mov(rax, __[Edge - 4]);
            a.hlt();
        });
        machine.RunToHalt();

        Assert.Contains((Edge - 4, Platform.AccessKind.Read), rules.Accesses);
        Assert.Contains((Edge, Platform.AccessKind.Read), rules.Accesses);
        Assert.Contains((Edge, Platform.AccessKind.PageWalk), rules.Accesses);
        Assert.DoesNotContain((0ul, Platform.AccessKind.PageWalk), rules.Accesses);
    }

    [Fact]
    public void A_handler_that_gives_up_at_its_instruction_is_a_livelock()
    {
        using var machine = new TestMachine(rules: new Recorder());
        machine.Load(TestMachine.HandlerAddress + (6 * 16), a => a.iretq());
        machine.Load(a => a.ud2());
        StopReason reason = machine.Processor.Run(100_000);

        Assert.Equal(StopKind.Livelock, reason.Kind);
        Assert.Equal(TestMachine.CodeAddress, reason.Rip);
        Assert.InRange(machine.Processor.InstructionsRetired, 256ul, 1024ul);
    }

    [Fact]
    public void A_handler_that_goes_on_behind_its_instruction_is_none_even_when_that_faults_too()
    {
        using var machine = new TestMachine(rules: new Recorder());
        machine.Load(TestMachine.HandlerAddress + (6 * 16), a =>
        {
            a.add(__qword_ptr[rsp], 2);
            a.iretq();
        });
        machine.Load(a =>
        {
            Label again = a.CreateLabel();
            a.mov(ecx, 2000);
            a.Label(ref again);
            a.ud2();
            a.ud2();
            a.dec(ecx);
            a.jne(again);
            a.hlt();
        });
        machine.RunToHalt();

        Assert.Equal(0ul, machine.Processor.Gpr(1));
    }

    private static void EnterUserMode(TestMachine machine)
    {
        ref VcpuState state = ref machine.Processor.State;
        state.Segments[(int)SegmentIndex.Cs] = new SegmentRegister(TestMachine.UserCodeSelector, 0xa0fb, uint.MaxValue);
        state.Segments[(int)SegmentIndex.Ss] = new SegmentRegister(TestMachine.UserData, 0xc0f3, uint.MaxValue);
        state.Activity = Activity.Running;
        machine.Processor.StateChanged();
    }

    private static void LeaveUserMode(TestMachine machine)
    {
        ref VcpuState state = ref machine.Processor.State;
        state.Segments[(int)SegmentIndex.Cs] = new SegmentRegister(TestMachine.KernelCode, 0xa09b, uint.MaxValue);
        state.Segments[(int)SegmentIndex.Ss] = new SegmentRegister(TestMachine.KernelData, 0xc093, uint.MaxValue);
        state.Activity = Activity.Running;
        machine.Processor.StateChanged();
    }

    private sealed class Recorder : IConfidentialRules
    {
        public List<PortAccess> Ports { get; } = [];

        public List<Intercept> Asked { get; } = [];

        public List<(ulong Address, Platform.AccessKind Kind)> Accesses { get; } = [];

        public ulong AttributeBit => 0;

        public bool AttributeBitMeansShared => true;

        public ConfidentialVerdict Check(Processor processor, in ConfidentialAccess access)
        {
            Accesses.Add((access.LinearAddress, access.Kind));
            return default;
        }

        public ConfidentialVerdict Execute(Processor processor, Intercept intercept, int length)
        {
            Asked.Add(intercept);
            if (intercept == Intercept.Io)
                Ports.Add(processor.PortAccess);
            return default;
        }
    }
}
