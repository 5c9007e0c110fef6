// SPDX-License-Identifier: Apache-2.0

using System;
using CsCheck;

namespace Liminal.Memory.Tests;

public sealed class AddressTests
{
    [Theory]
    [InlineData(PageSize.Size4K, 1, 0x1000UL)]
    [InlineData(PageSize.Size2M, 512, 0x200000UL)]
    [InlineData(PageSize.Size1G, 262144, 0x40000000UL)]
    public void A_leaf_maps_as_many_frames_as_its_bytes_say(PageSize size, int frames, ulong bytes)
    {
        Assert.Equal(frames, size.Frames());
        Assert.Equal(bytes, size.SizeInBytes());
        Assert.Equal(bytes, (ulong)frames * Page.Bytes);
    }

    [Fact]
    public void A_size_that_does_not_exist_is_refused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => ((PageSize)3).SizeInBytes());
    }

    [Fact]
    public void A_physical_address_is_its_frame_and_its_offset()
    {
        Gen.ULong[0, (1UL << 52) - 1].Select(value => new GuestPhysicalAddress(value)).Sample(address =>
            Assert.Equal(address, address.Frame.Start.Add((ulong)address.PageOffset)));
    }

    [Fact]
    public void A_virtual_address_is_its_page_and_its_offset_and_wraps_around()
    {
        Gen.ULong.Select(value => new VirtualAddress(value)).Sample(address =>
            Assert.Equal(address, address.PageStart.Add((ulong)address.PageOffset)));

        Assert.Equal(new VirtualAddress(0), new VirtualAddress(ulong.MaxValue).Add(1));
    }

    [Fact]
    public void A_frame_is_aligned_to_a_size_when_its_address_is()
    {
        Gen.Select(Gen.ULong[0, (1UL << 40) - 1], Gen.Enum<PageSize>()).Sample((value, size) =>
        {
            var frame = new FrameNumber(value);

            Assert.Equal(frame.Start.Value % size.SizeInBytes() == 0, frame.IsAligned(size));
            Assert.True(new FrameNumber(value & ~((ulong)size.Frames() - 1)).IsAligned(size));
        });
    }

    [Fact]
    public void Addresses_print_as_in_a_kernel_log()
    {
        Assert.Equal("ffff88803bef7000", $"{new VirtualAddress(0xffff88803bef7000)}");
        Assert.Equal("3bef7", $"{new FrameNumber(0x3bef7)}");
        Assert.Equal("3bef7000", $"{new FrameNumber(0x3bef7).Start}");
    }
}
