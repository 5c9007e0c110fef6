// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;
using Liminal.Machine.Scheduling;

namespace Liminal.Machine.Tests.Scheduling;

public sealed class SchedulerTests
{
    [Fact]
    public void Round_robin_gives_each_runnable_processor_its_turn()
    {
        Assert.Equal([0, 1, 3, 0, 1, 3], Order(new Scheduler(0), 0b1011, 6));
    }

    [Fact]
    public void A_processor_keeps_its_turn_until_it_is_used_up_or_cannot_run()
    {
        var scheduler = new Scheduler(0);
        Assert.Equal(0, scheduler.Next(0b11, out ulong budget));
        Assert.Equal(Scheduler.Turn, budget);
        scheduler.Charge(1);
        Assert.Equal(0, scheduler.Next(0b11, out budget));
        Assert.Equal(Scheduler.Turn - 1, budget);
        Assert.Equal(1, scheduler.Next(0b10, out budget));
        Assert.Equal(ulong.MaxValue, budget);
    }

    [Fact]
    public void A_seed_decides_the_schedule_and_another_seed_decides_another()
    {
        Assert.Equal(Order(new Scheduler(7), 0b1111, 50), Order(new Scheduler(7), 0b1111, 50));
        Assert.NotEqual(Order(new Scheduler(7), 0b1111, 50), Order(new Scheduler(8), 0b1111, 50));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(7)]
    public void How_a_run_is_cut_does_not_change_the_schedule(ulong seed)
    {
        var whole = new Scheduler(seed);
        var cut = new Scheduler(seed);
        ulong[] runnable = [0b1, 0b111, 0b100, 0b110, 0b10, 0b111];
        foreach (ulong mask in runnable)
        {
            Assert.Equal(whole.Next(mask, out ulong budget), cut.Next(mask, out _));
            ulong length = Math.Min(budget, 25_000);
            whole.Charge(length);
            for (ulong done = 0; done < length; done += 1000)
            {
                cut.Next(mask, out _);
                cut.Charge(Math.Min(1000, length - done));
            }
        }

        Assert.True(whole.StateBytes.SequenceEqual(cut.StateBytes));
        Assert.Equal(Order(whole, 0b111, 20), Order(cut, 0b111, 20));
    }

    [Fact]
    public void A_processor_that_is_held_back_is_not_picked()
    {
        var scheduler = new Scheduler(0);

        Assert.Equal(2, scheduler.Next(0b111, out _, allowed: 0b100));
        Assert.Equal(2, scheduler.Next(0b111, out _));
    }

    [Fact]
    public void A_saved_schedule_goes_on_as_it_would_have()
    {
        var scheduler = new Scheduler(7);
        Order(scheduler, 0b1111, 10);
        var copy = new Scheduler(1);
        scheduler.StateBytes.CopyTo(copy.StateBytes);

        Assert.Equal(Order(scheduler, 0b1111, 20), Order(copy, 0b1111, 20));
    }

    [Fact]
    public void Random_numbers_are_those_of_the_published_generator()
    {
        var random = new SplitMix(1234567);

        // The reference implementation's first values for this seed.
        Assert.Equal(6457827717110365317ul, random.Next());
        Assert.Equal(3203168211198807973ul, random.Next());
        Assert.Equal(9817491932198370423ul, random.Next());
    }

    private static List<int> Order(Scheduler scheduler, ulong runnable, int turns)
    {
        List<int> order = [];
        for (int turn = 0; turn < turns; turn++)
        {
            order.Add(scheduler.Next(runnable, out ulong budget));
            scheduler.Charge(budget);
        }

        return order;
    }
}
