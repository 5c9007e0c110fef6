// SPDX-License-Identifier: Apache-2.0

using System;
using Liminal.Chipset;
using Liminal.Machine.Boards;
using Liminal.Testing;

namespace Liminal.Machine.Tests.Boards;

public sealed class BoardTests
{
    private readonly Board _board = new(2, 512ul << 20, new NoControl(), _ => { });

    [Fact]
    public void The_board_describes_itself()
    {
        Snapshot.Match("board", _board.Describe(512ul << 20, 0));
    }

    [Fact]
    public void Each_processor_meets_its_own_local_apic()
    {
        Assert.Same(_board.LocalApics[0], _board.MmioAt(0, 0xFEE0_0020, out ulong offset));
        Assert.Same(_board.LocalApics[1], _board.MmioAt(1, 0xFEE0_0020, out _));
        Assert.Equal(0x20ul, offset);
        Assert.Same(_board.IoApic, _board.MmioAt(1, 0xFEC0_0010, out _));
        Assert.Null(_board.MmioAt(0, 0xFED0_0000, out _));
    }

    [Fact]
    public void In_x2apic_mode_the_register_page_answers_nobody()
    {
        Assert.True(_board.LocalApics[0].TrySetBase(_board.LocalApics[0].Base | 0x400));

        Assert.Null(_board.MmioAt(0, 0xFEE0_0020, out _));
    }

    [Theory]
    [InlineData(512, 1, 0x0100_0000)]
    [InlineData(64, 2, 0x0400_0000)]
    public void The_ram_disk_lies_between_kernel_and_the_top_or_nowhere(ulong megabytes, ulong diskMegabytes, ulong kernelEnd)
    {
        ulong? place = MemoryMap.PlaceInitialRamDisk(megabytes << 20, diskMegabytes << 20, kernelEnd);

        if (megabytes == 64)
        {
            Assert.Null(place);
        }
        else
        {
            Assert.InRange(place!.Value, kernelEnd, (megabytes - diskMegabytes) << 20);
            Assert.Equal(0ul, place.Value % 4096);
        }
    }

    private sealed class NoControl : IMachineControl
    {
        public void PowerOff() => throw new InvalidOperationException();

        public void Reset(string through) => throw new InvalidOperationException();

        public void DebugExit(uint value) => throw new InvalidOperationException();

        public void NotModelled(string what) => throw new InvalidOperationException(what);
    }
}
