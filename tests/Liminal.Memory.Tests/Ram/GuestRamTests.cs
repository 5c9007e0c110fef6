// SPDX-License-Identifier: Apache-2.0
using System;
using System.Collections.Generic;
using Liminal.Memory.Ram;

namespace Liminal.Memory.Tests.Ram;

public sealed unsafe class GuestRamTests
{
    [Fact]
    public void Untouched_memory_reads_as_zero()
    {
        using var ram = new GuestRam(1 << 20);

        Assert.Equal(0ul, ram.Read<ulong>(0x12345));
    }

    [Fact]
    public void A_value_across_a_page_edge_is_read_back()
    {
        using var ram = new GuestRam(1 << 20);

        ram.Write(0xffd, 0x1122334455667788ul);

        Assert.Equal(0x1122334455667788ul, ram.Read<ulong>(0xffd));
        Assert.Equal(0x55, ram.Read<byte>(0x1000));
    }

    [Fact]
    public void Ram_beyond_three_gibibytes_goes_on_at_four()
    {
        using var ram = new GuestRam(GuestRam.LowLimit + 0x2000);

        Assert.True(ram.Contains(GuestRam.LowLimit - 8, 8));
        Assert.False(ram.Contains(GuestRam.LowLimit - 8, 9));
        Assert.False(ram.Contains(0xfee00000, 4));
        Assert.True(ram.Contains(0x1_0000_0000, 0x2000));
        Assert.False(ram.Contains(0x1_0000_0000, 0x2001));
        Assert.True(ram.PageForRead(0xfee00) == null);
    }

    [Fact]
    public void An_access_outside_ram_is_refused()
    {
        using var ram = new GuestRam(0x2000);

        Assert.Throws<ArgumentOutOfRangeException>(() => ram.Read<ulong>(0x1ffc));
        Assert.Throws<ArgumentOutOfRangeException>(() => ram.Write(ulong.MaxValue, (byte)1));
    }

    [Fact]
    public void A_fork_and_its_parent_do_not_see_each_others_writes()
    {
        using var ram = new GuestRam(1 << 20);
        ram.Write(0x5000, 1);

        using (GuestRam fork = ram.Fork())
        {
            fork.Write(0x5000, 2);
            ram.Write(0x5004, 3);
            ram.Write(0x6000, 4);

            Assert.Equal((1, 3, 4), (ram.Read<int>(0x5000), ram.Read<int>(0x5004), ram.Read<int>(0x6000)));
            Assert.Equal((2, 0, 0), (fork.Read<int>(0x5000), fork.Read<int>(0x5004), fork.Read<int>(0x6000)));
        }

        Assert.Equal((1, 3, 4), (ram.Read<int>(0x5000), ram.Read<int>(0x5004), ram.Read<int>(0x6000)));
    }

    [Fact]
    public void A_spare_of_a_spare_holds_what_its_parent_holds_in_its_next_life()
    {
        using var ram = new GuestRam(1 << 20);
        ram.Write(0x5000, 1);
        GuestRam fork = ram.Fork();
        fork.Write(0x5000, 2);
        GuestRam inner = fork.Fork();
        inner.Write(0x6000, 3);
        inner.Detach();
        fork.Detach();

        fork.Attach();
        inner.Attach();

        Assert.Equal(1, inner.Read<int>(0x5000));
        Assert.Equal(0, inner.Read<int>(0x6000));
        inner.Dispose();
        fork.Dispose();
    }

    [Fact]
    public void A_page_is_the_parents_own_again_when_the_last_fork_is_gone()
    {
        using var ram = new GuestRam(1 << 20);
        ram.Write(0x5000, 1);
        byte* before = ram.PageForWrite(5);
        ram.Fork().Dispose();

        byte* after = ram.PageForWrite(5);

        Assert.True(before == after);
    }

    [Fact]
    public void The_observer_hears_of_a_copied_page_but_not_of_a_first_touch()
    {
        using var ram = new GuestRam(1 << 20);
        ram.Write(0x5000, 1);
        using GuestRam fork = ram.Fork();
        var observer = new Recorder();
        fork.Observer = observer;
        byte* old = fork.PageForRead(5);

        fork.Write(0x9000, 1);
        fork.Write(0x5000, 1);
        fork.Write(0x5008, 1);

        Assert.Equal([(nint)old], observer.Replaced);
    }

    [Fact]
    public void Random_writes_in_a_tree_of_forks_behave_as_separate_arrays()
    {
        var random = new Random(1);
        const int Size = 64 * 4096;
        using var ram = new GuestRam(Size);
        var machines = new List<(GuestRam Ram, byte[] Model)> { (ram, new byte[Size]) };

        int[] parents = new int[6];

        for (int step = 0; step < 20_000; step++)
        {
            (GuestRam target, byte[] model) = machines[random.Next(machines.Count)];
            if (random.Next(500) == 0 && machines.Count < 6)
            {
                parents[machines.Count] = machines.FindIndex(each => each.Ram == target);
                machines.Add((target.Fork(), (byte[])model.Clone()));
            }
            else if (random.Next(500) == 0 && machines.Count > 1)
            {
                // The youngest has no forks of its own.
                machines[^1].Ram.Dispose();
                machines.RemoveAt(machines.Count - 1);
            }
            else if (random.Next(200) == 0 && machines.Count > 1)
            {
                (GuestRam again, int parent) = (machines[^1].Ram, parents[machines.Count - 1]);
                again.Detach();
                again.Attach();
                machines[^1] = (again, (byte[])machines[parent].Model.Clone());
            }
            else
            {
                int address = random.Next(Size - 8);
                long value = random.NextInt64();
                target.Write((ulong)address, value);
                BitConverter.TryWriteBytes(model.AsSpan(address), value);
            }
        }

        foreach ((GuestRam each, byte[] model) in machines)
        {
            byte[] bytes = new byte[Size];
            each.Read(0, bytes);
            Assert.Equal(model, bytes);
        }

        for (int i = machines.Count - 1; i > 0; i--)
            machines[i].Ram.Dispose();
    }

    private sealed class Recorder : IPageObserver
    {
        public List<nint> Replaced { get; } = [];

        public void OnPageReplaced(byte* old) => Replaced.Add((nint)old);

        public void OnCodeWritten(byte* page, int offset, int length)
        {
        }
    }
}
