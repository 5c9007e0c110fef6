// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using Liminal.Machine.Saving;
using Liminal.X86;
using Liminal.X86.Observation;

namespace Liminal.Machine.Tests;

/// <summary>A fork or a restored snapshot is the same machine, to the last bit, and so is one whose run is cut, hooked or watched.</summary>
public sealed class ForkTests
{
    public static TheoryData<int> Seeds => [.. Enumerable.Range(1, 40)];

    [Theory]
    [MemberData(nameof(Seeds))]
    public void A_fork_a_fork_of_it_and_the_original_stay_equal_in_any_order(int seed)
    {
        var random = new Random(seed);
        using VirtualMachine original = SmallGuest.Create(RandomGuest.Program(seed));
        ulong at = 0;
        for (int round = 0; round < 6; round++)
        {
            at += (ulong)random.Next(1, 3000);
            original.Run(at);
            using VirtualMachine fork = original.Fork();
            fork.Run(at + (ulong)random.Next(300));
            using VirtualMachine second = fork.Fork();
            ulong end = at + (ulong)random.Next(300, 6000);
            VirtualMachine[] all = [original, fork, second];
            random.Shuffle(all);
            foreach (VirtualMachine machine in all)
            {
                machine.Run(end);
            }

            AssertEqual(original, fork);
            AssertEqual(original, second);
            at = end;
        }
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Forks_that_only_hand_a_machine_on_hand_on_what_it_is_now(int seed)
    {
        var random = new Random(seed);
        using VirtualMachine original = SmallGuest.Create(RandomGuest.Program(seed));
        ulong at = 0;
        for (int round = 0; round < 8; round++)
        {
            at += (ulong)random.Next(1, 200);
            original.Run(at);
            ulong end = at + (ulong)random.Next(1, 100);
            using (VirtualMachine between = original.Fork())
            {
                using VirtualMachine last = between.Fork();
                last.Run(end);
                using VirtualMachine expected = SmallGuest.Create(RandomGuest.Program(seed));
                expected.Run(end);
                AssertEqual(expected, last);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void A_machine_with_forks_that_come_and_go_ends_as_one_without(int seed)
    {
        const ulong End = 30_000;
        var random = new Random(seed);
        using VirtualMachine alone = SmallGuest.Create(RandomGuest.Program(seed));
        using VirtualMachine original = SmallGuest.Create(RandomGuest.Program(seed));
        List<VirtualMachine> forks = [];
        alone.Run(End);
        for (ulong at = 0; at < End;)
        {
            at = Math.Min(End, at + (ulong)random.Next(1, 900));
            original.Run(at);
            if (forks.Count > 3 || random.Next(3) == 0)
            {
                int index = forks.Count == 0 ? -1 : random.Next(forks.Count);
                if (index >= 0)
                {
                    forks[index].Dispose();
                    forks.RemoveAt(index);
                }
            }

            VirtualMachine fork = original.Fork();
            forks.Add(fork);
            fork.Run(at + (ulong)random.Next(2000));
            forks[random.Next(forks.Count)].Run(at + (ulong)random.Next(2000));
        }

        AssertEqual(alone, original);
        foreach (VirtualMachine fork in forks)
        {
            fork.Run(End + 3000);
        }

        alone.Run(End + 3000);
        Assert.All(forks, fork => AssertEqual(alone, fork));
        forks.ForEach(fork => fork.Dispose());
        original.Run(End + 3000);
        AssertEqual(alone, original);
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Where_a_run_is_cut_never_shows(int seed)
    {
        const ulong End = 20_000;
        using VirtualMachine whole = SmallGuest.Create(RandomGuest.Program(seed));
        whole.Run(End);
        foreach (int piece in (ReadOnlySpan<int>)[1, 7, 1000, 0])
        {
            var random = new Random(seed);
            using VirtualMachine pieces = SmallGuest.Create(RandomGuest.Program(seed));
            for (ulong at = 0; at < End;)
            {
                at = Math.Min(End, at + (ulong)(piece == 0 ? random.Next(1, 100) : piece));
                pieces.Run(at);
            }

            AssertEqual(whole, pieces);
        }
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void A_snapshot_goes_on_as_the_machine_that_was_saved(int seed)
    {
        byte[] key = new byte[SnapshotFile.KeySize];
        using VirtualMachine saved = SmallGuest.Create(RandomGuest.Program(seed));
        saved.Run((ulong)seed * 331);
        using var file = new MemoryStream();
        SnapshotFile.Write(file, saved, key, default);
        file.Position = 0;
        using VirtualMachine restored = SmallGuest.Create([0xF4]);
        Assert.Null(SnapshotFile.Read(file, restored, key, out _));

        AssertEqual(saved, restored);
        Assert.Equal(saved.Processors[0].InstructionsRetired, restored.Processors[0].InstructionsRetired);
        saved.Run(30_000);
        restored.Run(30_000);
        AssertEqual(saved, restored);
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Hooks_observers_and_watched_pages_change_nothing(int seed)
    {
        const ulong End = 20_000;
        using VirtualMachine plain = SmallGuest.Create(RandomGuest.Program(seed));
        using VirtualMachine watched = SmallGuest.Create(RandomGuest.Program(seed));
        var counter = new Counter();
        plain.Run(End);
        watched.ProcessorObserver = counter;
        for (ulong frame = 0x200; frame < 0x210; frame++)
        {
            watched.WatchPage(frame);
        }

        watched.Run(End / 2);
        var hook = new InstructionHook<CountingHook>();
        watched.Processors[0].Hook = hook;
        watched.Run(End);

        AssertEqual(plain, watched);
        Assert.Equal(End / 2, hook.Hook.Count);
        Assert.NotEqual(0ul, counter.Stores);
    }

    [Fact]
    public void Hooks_of_two_types_see_what_is_theirs_in_code_that_forks_share()
    {
        using VirtualMachine machine = SmallGuest.Create(SmallGuest.CountsInMemory);
        machine.Run(101);
        using VirtualMachine first = machine.Fork();
        using VirtualMachine second = machine.Fork();
        var counting = new InstructionHook<CountingHook>();
        var gathering = new InstructionHook<GatheringHook>(new GatheringHook([]));
        first.Processors[0].Hook = counting;
        second.Processors[0].Hook = gathering;
        for (ulong end = 201; end <= 1001; end += 100)
        {
            first.Run(end);
            second.Run(end);
        }

        Assert.Equal(900ul, counting.Hook.Count);
        Assert.Equal(900, gathering.Hook.Addresses.Count);
        Assert.Contains(first.Processors[0].Rip, gathering.Hook.Addresses);
        Assert.Equal(2, new HashSet<ulong>(gathering.Hook.Addresses).Count);
        AssertEqual(first, second);
    }

    [Fact]
    public void A_hook_that_says_no_ends_the_run_before_the_instruction()
    {
        using VirtualMachine machine = SmallGuest.Create(SmallGuest.CountsInMemory);
        machine.Run(101);
        machine.Processors[0].Hook = new InstructionHook<StoppingHook>(new StoppingHook { Left = 50 });

        MachineEnd end = machine.Run(1001);

        Assert.Equal(MachineEndKind.Requested, end.Kind);
        Assert.Equal(151ul, machine.InstructionsRetired);
    }

    [Fact]
    public void A_hook_may_take_itself_away_or_put_another_in_its_place()
    {
        using VirtualMachine machine = SmallGuest.Create(SmallGuest.CountsInMemory);
        var counting = new InstructionHook<CountingHook>();
        machine.Processors[0].Hook = new InstructionHook<PassingHook>(new PassingHook { Left = 50, Next = counting });
        machine.Run(101);
        Assert.Equal(51ul, counting.Hook.Count);

        machine.Processors[0].Hook = new InstructionHook<PassingHook>(new PassingHook { Left = 50 });
        machine.Run(1001);
        Assert.Null(machine.Processors[0].Hook);
        Assert.Equal(500ul, machine.Ram.Read<ulong>(0x20_0000));
        Assert.Equal(51ul, counting.Hook.Count);
    }

    [Fact]
    public void A_fork_begins_without_what_the_last_one_was_given()
    {
        using VirtualMachine machine = SmallGuest.Create(SmallGuest.CountsInMemory);
        machine.Run(101);
        var counter = new Counter();
        byte[] sent = [];
        using (VirtualMachine first = machine.Fork(value => sent = [.. sent, value]))
        {
            first.ProcessorObserver = counter;
            first.WatchPage(0x200);
            first.Processors[0].Hook = new InstructionHook<CountingHook>();
            first.Breakpoints.Add(0x10_0008);
            first.Run(201);
        }

        ulong seen = counter.Stores;
        using VirtualMachine second = machine.Fork();
        Assert.Equal(MachineEndKind.InstructionLimit, second.Run(1001).Kind);

        Assert.Equal(500ul, second.Ram.Read<ulong>(0x20_0000));
        Assert.Equal(seen, counter.Stores);
        Assert.Null(second.ProcessorObserver);
        Assert.Null(second.Processors[0].Hook);
        Assert.Equal(101ul, machine.Processors[0].InstructionsRetired);
    }

    [Fact]
    public void A_machine_outlives_its_forks_or_says_so()
    {
        VirtualMachine machine = SmallGuest.Create(SmallGuest.CountsInMemory);
        VirtualMachine fork = machine.Fork();
        VirtualMachine second = fork.Fork();

        Assert.Throws<InvalidOperationException>(fork.Dispose);
        second.Dispose();
        Assert.Throws<InvalidOperationException>(machine.Dispose);
        fork.Run(100);
        fork.Dispose();
        machine.Run(100);
        machine.Dispose();
        Assert.Throws<ObjectDisposedException>(() => machine.Fork());
    }

    private static void AssertEqual(VirtualMachine expected, VirtualMachine actual) => Assert.True(
        MachineDigest.Of(expected) == MachineDigest.Of(actual),
        $"differs in {MachineDigest.FirstDifference(expected, actual)}");

    private struct CountingHook : IInstructionHook
    {
        public ulong Count { get; private set; }

        public bool BeforeInstruction(HookedInstruction instruction)
        {
            Count++;
            return true;
        }
    }

    private readonly struct GatheringHook(List<ulong> addresses) : IInstructionHook
    {
        public List<ulong> Addresses => addresses;

        public bool BeforeInstruction(HookedInstruction instruction)
        {
            addresses.Add(instruction.Processor.Rip);
            return true;
        }
    }

    private struct PassingHook : IInstructionHook
    {
        public int Left { get; set; }

        public InstructionHook? Next { get; set; }

        public bool BeforeInstruction(HookedInstruction instruction)
        {
            if (--Left == 0)
                instruction.Processor.Hook = Next;
            return true;
        }
    }

    private struct StoppingHook : IInstructionHook
    {
        public int Left { get; set; }

        public bool BeforeInstruction(HookedInstruction instruction) => Left-- > 0;
    }

    private sealed class Counter : IProcessorObserver
    {
        public ulong Stores { get; private set; }

        public void OnWatchedStore(Processor processor, in WatchedStore store) => Stores++;
    }
}
