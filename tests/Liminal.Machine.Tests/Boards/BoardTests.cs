// SPDX-License-Identifier: Apache-2.0

using System;
using Liminal.Chipset;
using Liminal.Machine.Boards;
using Liminal.Testing;

namespace Liminal.Machine.Tests.Boards;

public sealed class BoardTests
{
    private readonly Board _board = new(new MachineConfiguration { ProcessorCount = 2, MemorySize = 512ul << 20 }, new NoControl(), _ => { });

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

    [Theory]
    [InlineData(0xFEE0_0C00)]
    [InlineData(0xFEE0_0000)]
    public void A_local_apic_that_is_disabled_or_in_x2apic_mode_leaves_its_page_to_nobody(ulong value)
    {
        Assert.True(_board.LocalApics[0].TrySetBase(value));

        IMmioDevice page = _board.MmioAt(0, 0xFEE0_0020, out ulong offset)!;
        page.WriteMmio(offset, 1, 0);
        Assert.Equal(0xFFFF_FFFFul, page.ReadMmio(offset, 4));
        Assert.Throws<InvalidOperationException>(() => page.WriteMmio(offset, 4, 0x20));
    }

    [Fact]
    public void A_local_apic_can_be_moved_where_no_memory_is()
    {
        Assert.True(_board.LocalApics[0].TrySetBase(0xFED4_0900));

        Assert.Same(_board.LocalApics[0], _board.MmioAt(0, 0xFED4_0020, out ulong offset));
        Assert.Equal(0x20ul, offset);
        Assert.Null(_board.MmioAt(0, 0xFEE0_0020, out _));
        Assert.Same(_board.LocalApics[1], _board.MmioAt(1, 0xFEE0_0020, out _));
        Assert.Throws<InvalidOperationException>(() => _board.LocalApics[0].TrySetBase(0x0010_0900));
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
