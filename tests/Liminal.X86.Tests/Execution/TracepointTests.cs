// SPDX-License-Identifier: Apache-2.0
using System.Collections.Generic;
using Liminal.X86.Observation;
using static Iced.Intel.AssemblerRegisters;

namespace Liminal.X86.Tests.Execution;

public sealed class TracepointTests
{
    private const ulong Function = TestMachine.CodeAddress + 0x40;

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(1_000_000)]
    public void An_observer_is_told_of_each_arrival_and_the_run_goes_on(int budget)
    {
        using TestMachine machine = CallsInALoop();
        var seen = new Recorder();
        machine.Processor.Observer = seen;
        machine.Processor.Breakpoints!.AddTracepoint(Function);

        StopReason stop;
        do
        {
            stop = machine.Processor.Run(budget);
        }
        while (stop.Kind == StopKind.BudgetExhausted);

        Assert.Equal(StopKind.Halted, stop.Kind);
        Assert.Equal([1ul, 2, 3, 4, 5], seen.Arrivals);
        Assert.Equal(5ul, machine.Processor.Gpr(0));
    }

    [Fact]
    public void An_address_added_while_an_observer_is_told_counts_from_the_next_block_on()
    {
        using TestMachine machine = CallsInALoop();
        var seen = new Recorder { Next = TestMachine.CodeAddress + 10 };
        machine.Processor.Observer = seen;
        machine.Processor.Breakpoints!.AddTracepoint(Function);

        machine.RunToHalt();

        // The function's first instruction, and the one behind the call, in turn.
        Assert.Equal([1ul, 1, 2, 2, 3, 3, 4, 4, 5, 5], seen.Arrivals);
    }

    [Fact]
    public void A_breakpoint_at_the_same_address_stops_and_tells_once()
    {
        using TestMachine machine = CallsInALoop();
        var seen = new Recorder();
        machine.Processor.Observer = seen;
        machine.Processor.Breakpoints!.AddTracepoint(Function);
        machine.Processor.Breakpoints.Add(Function);

        Assert.Equal(new StopReason(StopKind.Breakpoint, Function, ""), machine.Processor.Run(1000));
        Assert.Equal([1ul], seen.Arrivals);
        Assert.True(machine.Processor.Breakpoints.Remove(Function));
        machine.RunToHalt();
        Assert.Equal([1ul, 2, 3, 4, 5], seen.Arrivals);
    }

    [Fact]
    public void A_tracepoint_that_is_gone_or_has_no_observer_is_silent()
    {
        using TestMachine machine = CallsInALoop();
        var seen = new Recorder();
        machine.Processor.Breakpoints!.AddTracepoint(Function);
        machine.RunToHalt();

        using TestMachine other = CallsInALoop();
        other.Processor.Observer = seen;
        Assert.True(other.Processor.Breakpoints!.AddTracepoint(Function));
        Assert.True(other.Processor.Breakpoints.RemoveTracepoint(Function));
        Assert.False(other.Processor.Breakpoints.RemoveTracepoint(Function));
        other.RunToHalt();

        Assert.Empty(seen.Arrivals);
    }

    /// <summary>Calls a function five times, with 1 to 5 in RCX.</summary>
    private static TestMachine CallsInALoop()
    {
        var machine = new TestMachine();
        machine.Processor.Breakpoints = new BreakpointSet(machine.Processor.Code);
        machine.Load(a =>
        {
            Iced.Intel.Label again = a.CreateLabel();
            a.xor(ecx, ecx);
            a.Label(ref again);
            a.inc(rcx);
            a.call(Function);
            a.cmp(ecx, 5);
            a.jne(again);
            a.hlt();
        });
        machine.Ram.Write(Function, TestMachine.Assemble(Function, static a =>
        {
            a.inc(rax);
            a.ret();
        }));
        return machine;
    }

    private sealed class Recorder : IProcessorObserver
    {
        public List<ulong> Arrivals { get; } = [];

        public ulong Next { get; init; }

        public void OnTracepoint(Processor processor)
        {
            Arrivals.Add(processor.Gpr(1));
            if (Next != 0)
                processor.Breakpoints!.AddTracepoint(Next);
        }
    }
}
