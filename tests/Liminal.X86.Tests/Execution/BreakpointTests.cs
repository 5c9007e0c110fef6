// SPDX-License-Identifier: Apache-2.0
using System;
using System.Collections.Generic;
using Iced.Intel;
using Liminal.X86.State;
using static Iced.Intel.AssemblerRegisters;

namespace Liminal.X86.Tests.Execution;

public sealed class BreakpointTests
{
    [Fact]
    public void A_run_stops_before_the_instruction_and_the_next_one_goes_on()
    {
        using TestMachine machine = Create(out _);
        ulong target = TestMachine.CodeAddress + 5;
        machine.Processor.Breakpoints!.Add(target);

        StopReason stop = machine.Processor.Run(1000);
        Assert.Equal(new StopReason(StopKind.Breakpoint, target, ""), stop);
        Assert.Equal(1ul, machine.Processor.InstructionsRetired);
        Assert.Equal(0ul, machine.Processor.Gpr(0));

        machine.RunToHalt();
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(7)]
    [InlineData(1_000_000)]
    public void A_breakpoint_on_every_instruction_changes_nothing_but_where_runs_end(int budget)
    {
        using TestMachine plain = Create(out _);
        plain.RunToHalt();
        using TestMachine stopped = Create(out IReadOnlyList<ulong> instructions);
        foreach (ulong address in instructions)
            stopped.Processor.Breakpoints!.Add(address);

        ulong stops = 0;
        StopReason stop;
        do
        {
            stop = stopped.Processor.Run(budget);
            if (stop.Kind == StopKind.Breakpoint)
                stops++;
        }
        while (stop.Kind is StopKind.Breakpoint or StopKind.BudgetExhausted);

        Assert.Equal(StopKind.Halted, stop.Kind);
        Assert.Equal(plain.Processor.InstructionsRetired, stops);
        AssertEqual(plain, stopped);
    }

    [Fact]
    public void Code_that_ran_before_stops_too_and_runs_freely_again_once_the_breakpoint_is_gone()
    {
        using TestMachine machine = Create(out IReadOnlyList<ulong> instructions);
        ulong inLoop = instructions[4];
        machine.Processor.Run(100);

        machine.Processor.Breakpoints!.Add(inLoop);
        Assert.Equal(inLoop, machine.Processor.Run(100_000).Rip);
        Assert.Equal(StopKind.Breakpoint, machine.Processor.Run(100_000).Kind);

        Assert.True(machine.Processor.Breakpoints.Remove(inLoop));
        Assert.False(machine.Processor.Breakpoints.Remove(inLoop));
        machine.RunToHalt();
    }

    [Fact]
    public void Only_the_named_one_of_two_addresses_of_the_same_code_stops()
    {
        using var machine = new TestMachine();
        machine.Processor.Breakpoints = new BreakpointSet(machine.Processor.Code);
        ulong alias = TestMachine.CodeAddress + 0x5000;
        machine.Ram.Write(machine.PageEntry(alias), TestMachine.CodeAddress | 7);
        machine.Load(a =>
        {
            a.inc(rax);
            a.nop();
            a.hlt();
        });
        machine.Processor.Breakpoints.Add(alias + 3);
        machine.RunToHalt();

        machine.Processor.State.Activity = Activity.Running;
        machine.Processor.Rip = alias;
        machine.Processor.StateChanged();
        Assert.Equal(new StopReason(StopKind.Breakpoint, alias + 3, ""), machine.Processor.Run(100));
        Assert.Equal(2ul, machine.Processor.Gpr(0));
    }

    [Fact]
    public void A_stop_between_a_stack_switch_and_its_next_instruction_keeps_interrupts_waiting()
    {
        using var machine = new TestMachine();
        machine.Bus.Vector = 0x40;
        machine.Processor.Breakpoints = new BreakpointSet(machine.Processor.Code);
        ulong next = 0;
        machine.Load(a =>
        {
            a.mov(eax, TestMachine.KernelData);
            a.sti();
            a.nop();
            a.mov(ss, eax);
            next = TestMachine.CodeAddress + 9;
            a.mov(ebx, 7);
            a.nop();
            a.hlt();
        });
        machine.Processor.Breakpoints.Add(next);
        Assert.Equal(next, machine.Processor.Run(100).Rip);

        machine.Processor.InterruptRequested = true;
        machine.RunToHalt();
        Assert.Equal(0x40ul, machine.Processor.Gpr(15));
        Assert.Equal(7ul, machine.Processor.Gpr(3));
    }

    [Fact]
    public void A_processor_that_retired_nothing_since_the_report_does_not_report_again()
    {
        using TestMachine machine = Create(out IReadOnlyList<ulong> instructions);
        machine.Processor.Breakpoints!.Add(instructions[0]);

        Assert.Equal(StopKind.Breakpoint, machine.Processor.Run(1).Kind);
        Assert.Equal(0ul, machine.Processor.InstructionsRetired);
        Assert.Equal(StopKind.BudgetExhausted, machine.Processor.Run(1).Kind);
        Assert.Equal(instructions[1], machine.Processor.Rip);
    }

    [Fact]
    public void A_fault_at_a_breakpoint_makes_the_repeated_instruction_a_new_arrival()
    {
        using var machine = new TestMachine();
        machine.Processor.Breakpoints = new BreakpointSet(machine.Processor.Code);
        ulong missing = TestMachine.DataAddress + 0x1000;
        machine.Ram.Write(machine.PageEntry(missing), 0ul);
        machine.Load(a =>
        {
            a.mov(rax, __[missing]);
            a.hlt();
        });
        machine.Ram.Write(TestMachine.HandlerAddress + (14 * 16), TestMachine.Assemble(TestMachine.HandlerAddress + (14 * 16), a =>
        {
            a.mov(__dword_ptr[machine.PageEntry(missing)], (int)missing | 7);
            a.add(rsp, 8);
            a.iretq();
        }));
        machine.Processor.Breakpoints.Add(TestMachine.CodeAddress);

        Assert.Equal(StopKind.Breakpoint, machine.Processor.Run(100).Kind);
        Assert.Equal(StopKind.Breakpoint, machine.Processor.Run(100).Kind);
        Assert.Equal(4ul, machine.Processor.InstructionsRetired);
        machine.RunToHalt();
    }

    /// <summary>A loop with a call, a fused compare and branch, memory operands and a string instruction.</summary>
    private static TestMachine Create(out IReadOnlyList<ulong> instructions)
    {
        var machine = new TestMachine();
        machine.Processor.Breakpoints = new BreakpointSet(machine.Processor.Code);
        byte[] code = TestMachine.Assemble(TestMachine.CodeAddress, a =>
        {
            Label again = a.CreateLabel();
            Label function = a.CreateLabel();
            Label over = a.CreateLabel();
            a.mov(ecx, 60);
            a.mov(rbx, TestMachine.DataAddress);
            a.Label(ref again);
            a.call(function);
            a.cmp(ecx, 30);
            a.jae(over);
            a.add(__qword_ptr[rbx + (rcx * 8)], rax);
            a.Label(ref over);
            a.dec(ecx);
            a.jne(again);
            a.hlt();
            a.Label(ref function);
            a.push(rcx);
            a.imul(rax, rcx, 77);
            a.mov(rdi, rbx);
            a.mov(ecx, 3);
            a.rep.stosb();
            a.xor(rax, __[rbx + (rcx * 8)]);
            a.pop(rcx);
            a.ret();
        });
        machine.Ram.Write(TestMachine.CodeAddress, code);
        machine.Processor.Rip = TestMachine.CodeAddress;
        List<ulong> addresses = [];
        var decoder = Decoder.Create(64, new ByteArrayCodeReader(code), TestMachine.CodeAddress);
        while (decoder.IP < TestMachine.CodeAddress + (ulong)code.Length)
            addresses.Add(decoder.Decode().IP);
        instructions = addresses;
        return machine;
    }

    private static void AssertEqual(TestMachine expected, TestMachine actual)
    {
        Assert.Equal(expected.Processor.InstructionsRetired, actual.Processor.InstructionsRetired);
        Assert.Equal(expected.Processor.Rip, actual.Processor.Rip);
        Assert.Equal(expected.Processor.RflagsValue, actual.Processor.RflagsValue);
        for (int number = 0; number < 16; number++)
            Assert.Equal(expected.Processor.Gpr(number), actual.Processor.Gpr(number));
        Span<byte> left = stackalloc byte[1024];
        Span<byte> right = stackalloc byte[1024];
        expected.Ram.Read(TestMachine.DataAddress, left);
        actual.Ram.Read(TestMachine.DataAddress, right);
        Assert.True(left.SequenceEqual(right));
    }
}
