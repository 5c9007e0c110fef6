// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;
using Liminal.X86;
using Liminal.X86.Observation;

namespace Liminal.Machine.Tests;

public sealed class TrapTests
{
    /// <summary>inc rax; jmp to it: the INC is at the entry, the JMP three bytes behind.</summary>
    private const ulong Inc = 0x10_0000;
    private const ulong Jmp = Inc + 3;
    private const int Rax = 0;
    private const int Rbx = 3;

    [Fact]
    public void A_trap_acts_before_each_execution_of_its_instruction_and_no_run_ends_for_it()
    {
        using VirtualMachine machine = SmallGuest.Create(SmallGuest.Counts);
        List<ulong> seen = [];
        machine.AddTrap(Jmp, processor => seen.Add(processor.Gpr(Rax)));
        MachineEnd end = machine.Run(20);

        Assert.Equal(MachineEndKind.InstructionLimit, end.Kind);
        Assert.Equal(20ul, machine.InstructionsRetired);
        Assert.Equal([1ul, 2, 3, 4, 5, 6, 7, 8, 9, 10], seen);
    }

    [Fact]
    public void A_trap_acts_once_for_each_arrival_of_a_processor_that_runs_because_none_that_should_can()
    {
        using VirtualMachine machine = SmallGuest.Create(SmallGuest.Counts);
        List<ulong> seen = [];
        machine.AddTrap(Jmp, processor => seen.Add(processor.Gpr(Rax)));
        machine.Run(20, new ProcessorChoice(Allowed: 0, Stepped: 0));

        Assert.Equal([1ul, 2, 3, 4, 5, 6, 7, 8, 9, 10], seen);
    }

    [Fact]
    public void The_guest_goes_on_from_where_a_trap_left_it()
    {
        using VirtualMachine machine = SmallGuest.Create(SmallGuest.Counts);
        machine.AddTrap(Jmp, static processor =>
        {
            processor.Gpr(Rbx)++;
            processor.Rip = Inc;
        });
        machine.Run(10);

        Assert.Equal(10ul, machine.Processors[0].Gpr(Rax));
        Assert.Equal(9ul, machine.Processors[0].Gpr(Rbx));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(1000)]
    public void What_acts_at_a_moment_does_not_depend_on_how_runs_are_cut(int step)
    {
        using VirtualMachine machine = SmallGuest.Create(SmallGuest.Counts);
        List<ulong> moments = [];
        machine.AddTrap(Jmp, _ => moments.Add(machine.InstructionsRetired));
        while (machine.InstructionsRetired < 8)
            machine.Run(Math.Min(8, machine.InstructionsRetired + (ulong)step));

        Assert.Equal([1ul, 3, 5, 7], moments);
        machine.Run(9);
        Assert.Equal([1ul, 3, 5, 7], moments);
        machine.Run(10);
        Assert.Equal([1ul, 3, 5, 7, 9], moments);
    }

    [Fact]
    public void A_fork_begins_without_traps_and_a_trap_of_its_own_acts_at_the_same_moment()
    {
        using VirtualMachine machine = SmallGuest.Create(SmallGuest.Counts);
        int original = 0;
        machine.AddTrap(Jmp, _ => original++);
        machine.Run(5);
        using VirtualMachine fork = machine.Fork();
        List<ulong> moments = [];
        fork.AddTrap(Jmp, _ => moments.Add(fork.InstructionsRetired));
        fork.Run(8);

        Assert.Equal(2, original);
        Assert.Equal([5ul, 7], moments);
    }

    [Fact]
    public void A_breakpoint_at_the_same_instruction_ends_the_run_first()
    {
        using VirtualMachine machine = SmallGuest.Create(SmallGuest.Counts);
        int acted = 0;
        machine.AddTrap(Jmp, _ => acted++);
        machine.Breakpoints.Add(Jmp);

        Assert.Equal(MachineEndKind.Breakpoint, machine.Run(100).Kind);
        Assert.Equal(0, acted);
        Assert.Equal(MachineEndKind.Breakpoint, machine.Run(100).Kind);
        Assert.Equal(1, acted);
        Assert.Equal(3ul, machine.InstructionsRetired);
    }

    [Fact]
    public void A_trap_that_was_removed_acts_no_more()
    {
        using VirtualMachine machine = SmallGuest.Create(SmallGuest.Counts);
        int acted = 0;
        machine.AddTrap(Jmp, _ => acted++);
        machine.Run(4);
        machine.RemoveTrap(Jmp);
        machine.Run(40);

        Assert.Equal(2, acted);
        Assert.Throws<ArgumentException>(() =>
        {
            machine.AddTrap(Inc, static _ => { });
            machine.AddTrap(Inc, static _ => { });
        });
    }

    [Fact]
    public void A_store_for_a_processor_is_seen_where_its_page_is_watched()
    {
        const ulong Watched = 0x20_0008;
        using VirtualMachine machine = SmallGuest.Create(SmallGuest.Counts);
        var seen = new Stores();
        machine.ProcessorObserver = seen;
        machine.StoreFor(machine.Processors[0], Watched, 1);
        machine.WatchPage(Watched >> 12);
        machine.StoreFor(machine.Processors[0], Watched, 5);

        WatchedStore store = Assert.Single(seen.All);
        Assert.Equal((Watched, 1ul, 5ul), (store.PhysicalAddress, store.Old, store.Value));
        Assert.Equal(5ul, machine.Ram.Read<ulong>(Watched));
    }

    private sealed class Stores : IProcessorObserver
    {
        public List<WatchedStore> All { get; } = [];

        public void OnWatchedStore(Processor processor, in WatchedStore store) => All.Add(store);
    }
}
