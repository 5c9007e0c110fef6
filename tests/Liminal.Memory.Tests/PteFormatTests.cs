// SPDX-License-Identifier: Apache-2.0

using System;
using CsCheck;

namespace Liminal.Memory.Tests;

public sealed class PteFormatTests
{
    private const PteFlags DirectMap =
        PteFlags.Writable | PteFlags.Accessed | PteFlags.Dirty | PteFlags.Global | PteFlags.NoExecute;

    private static readonly PteFormat[] Formats =
    [
        PteFormat.Plain, PteFormat.AmdCBit(51), PteFormat.AmdCBit(47), PteFormat.TdxSharedBit(51),
        PteFormat.TdxSharedBit(47), PteFormat.Boundary(47), PteFormat.Boundary(47, 51), PteFormat.Boundary(46, 51),
    ];

    private static readonly Gen<PteFormat> AnyFormat = Gen.Int[0, Formats.Length - 1].Select(index => Formats[index]);
    private static readonly Gen<PageSize> AnySize = Gen.Enum<PageSize>();
    private static readonly Gen<PteAttribute> AnyAttribute = Gen.Enum<PteAttribute>();

    /// <summary>Leaves as Linux writes them: never without any flag, and large ones with PAT clear.</summary>
    private static readonly Gen<(PteFormat Format, PageSize Size, PageTableEntry Leaf, PteAttribute Attribute)> AnyLeaf =
        from format in AnyFormat
        from size in AnySize
        from attribute in AnyAttribute
        from frame in Gen.ULong
        from flags in Gen.ULong
        let masked = new FrameNumber((frame & ((1UL << 46) - 1)) >> size.Log2() << (size.Log2() - Page.Shift))
        let pat = size == PageSize.Size4K ? 0 : (ulong)PteFlags.LargePat
        let kept = (PteFlags)((flags & ~format.FrameMask & ~format.AttributeMask & ~pat) | (ulong)PteFlags.Accessed)
        select (format, size, format.Leaf(masked, attribute, kept, size), attribute);

    [Fact]
    public void The_entry_of_the_oops_of_October_2023_maps_frame_3bef7_shared()
    {
        // VA ffff88803bef7000: the direct map begins at ffff888000000000, so the address itself says the frame.
        var address = new VirtualAddress(0xffff88803bef7000);
        var entry = new PageTableEntry(0x8007ffffc4108062);
        PteFormat format = PteFormat.AmdCBit(51);

        Assert.Equal((1UL << 51) - 1, format.PhysicalMask);
        Assert.Equal(new FrameNumber(0x3bef7), format.Frame(entry));
        Assert.Equal((address.Value - 0xffff888000000000) >> Page.Shift, format.Frame(entry).Value);
        Assert.Equal(PteAttribute.Shared, format.Attribute(entry));
        Assert.Equal("8007ffffc4108062 RW|A|D|NX", entry.ToString());
        Assert.False(entry.IsPresent);
        Assert.False(entry.IsGlobal);
    }

    [Fact]
    public void The_entry_of_the_oops_is_what_two_steps_make_of_an_ordinary_private_leaf()
    {
        PteFormat format = PteFormat.AmdCBit(51);
        PageTableEntry leaf = format.Leaf(new FrameNumber(0x3bef7), PteAttribute.Private, DirectMap);

        PageTableEntry entry = format.WithAttribute(format.ClearPresent(leaf), PteAttribute.Shared);

        Assert.Equal(0x8007ffffc4108062, entry.Raw);
    }

    [Fact]
    public void A_tool_that_does_not_know_of_the_inversion_reads_another_frame()
    {
        PteFormat format = PteFormat.AmdCBit(51);

        Assert.Equal(new FrameNumber(0x7ffffc4108), format.RawFrame(new PageTableEntry(0x8007ffffc4108062)));
    }

    [Theory]
    [InlineData("C-bit 51", 0x0008000000001000, PteAttribute.Private)]
    [InlineData("C-bit 51", 0x0000000000001000, PteAttribute.Shared)]
    [InlineData("shared bit 51", 0x0008000000001000, PteAttribute.Shared)]
    [InlineData("shared bit 51", 0x0000000000001000, PteAttribute.Private)]
    [InlineData("boundary bit 47", 0x0000800000001000, PteAttribute.Shared)]
    [InlineData("boundary bit 47", 0x0000000000001000, PteAttribute.Private)]
    [InlineData("plain", 0x0008800000001000, PteAttribute.Private)]
    public void The_attribute_bit_has_the_sense_of_its_platform(string format, ulong raw, PteAttribute expected)
    {
        PteFormat chosen = Array.Find(Formats, candidate => candidate.Name == format)!;

        Assert.Equal(expected, chosen.Attribute(new PageTableEntry(raw | 1)));
        Assert.Equal(expected, chosen.Attribute(new PageTableEntry(raw)));
    }

    [Theory]
    [InlineData("C-bit 51", 0x0007ffffffffffff)]
    [InlineData("C-bit 47", 0x000f7fffffffffff)]
    [InlineData("shared bit 51", 0x0007ffffffffffff)]
    [InlineData("shared bit 47", 0x00007fffffffffff)]
    [InlineData("boundary bit 47", 0x00007fffffffffff)]
    public void The_physical_mask_is_the_one_that_Linux_computes(string format, ulong mask)
    {
        Assert.Equal(mask, Array.Find(Formats, candidate => candidate.Name == format)!.PhysicalMask);
    }

    [Fact]
    public void A_large_leaf_that_is_not_present_has_no_PS_and_gets_it_back()
    {
        PteFormat format = PteFormat.Boundary(47, 51);
        PageTableEntry leaf = format.Leaf(new FrameNumber(0x3be00), PteAttribute.Private, DirectMap, PageSize.Size2M);

        PageTableEntry cleared = format.ClearPresent(leaf, PageSize.Size2M);

        Assert.False(cleared.IsLargePage);
        Assert.Equal(new FrameNumber(0x3be00), format.Frame(cleared));
        Assert.True(format.SetPresent(cleared, PageSize.Size2M).IsLargePage);
    }

    [Fact]
    public void The_PAT_bit_of_a_small_leaf_survives_where_PS_does_not()
    {
        PteFormat format = PteFormat.AmdCBit();
        PageTableEntry leaf = format.Leaf(new FrameNumber(5), PteAttribute.Private, PteFlags.LargePage);

        Assert.True(format.ClearPresent(leaf).IsLargePage);
    }

    [Fact]
    public void A_hole_is_never_inverted()
    {
        foreach (PteFormat format in Formats)
        {
            var hole = default(PageTableEntry);

            Assert.True(hole.IsZero);
            Assert.False(hole.HoldsInvertedFrame);
            Assert.Equal(new FrameNumber(0), format.Frame(hole));
            Assert.Equal(hole, format.ClearPresent(hole));
        }
    }

    [Fact]
    public void Only_bits_of_the_frame_mask_are_inverted()
    {
        AnyLeaf.Sample(sample =>
        {
            PageTableEntry cleared = sample.Format.ClearPresent(sample.Leaf, sample.Size);
            ulong changed = cleared.Raw ^ sample.Leaf.Raw;
            const ulong Lost = (ulong)(PteFlags.Present | PteFlags.Global | PteFlags.LargePage);

            Assert.Equal(sample.Format.FrameMask, changed & sample.Format.FrameMask);
            Assert.Equal(0UL, changed & ~sample.Format.FrameMask & ~Lost);
        });
    }

    [Fact]
    public void The_frame_is_the_same_whether_present_or_not()
    {
        AnyLeaf.Sample(sample =>
        {
            FrameNumber frame = sample.Format.Frame(sample.Leaf);

            Assert.Equal(frame, sample.Format.RawFrame(sample.Leaf));
            Assert.Equal(frame, sample.Format.Frame(sample.Format.ClearPresent(sample.Leaf, sample.Size)));
        });
    }

    [Fact]
    public void Clearing_present_and_setting_it_again_loses_the_global_bit_and_nothing_else()
    {
        AnyLeaf.Sample(sample =>
        {
            PageTableEntry cleared = sample.Format.ClearPresent(sample.Leaf, sample.Size);

            Assert.Equal(sample.Leaf.Without(PteFlags.Global), sample.Format.SetPresent(cleared, sample.Size));
        });
    }

    [Fact]
    public void The_attribute_can_be_changed_while_the_entry_is_not_present()
    {
        Gen.Select(AnyLeaf, AnyAttribute).Sample((sample, target) =>
        {
            PteFormat format = sample.Format;
            PageTableEntry cleared = format.ClearPresent(sample.Leaf, sample.Size);
            PageTableEntry changed = format.WithAttribute(cleared, target);

            Assert.Equal(format.Frame(sample.Leaf), format.Frame(changed));
            Assert.Equal(
                format.WithAttribute(sample.Leaf.Without(PteFlags.Global), target),
                format.SetPresent(changed, sample.Size));
            Assert.Equal(cleared, format.WithAttribute(changed, format.Attribute(sample.Leaf)));
        });
    }

    [Fact]
    public void The_attribute_of_a_leaf_is_the_one_it_was_made_with_unless_the_guest_has_none()
    {
        AnyLeaf.Sample(sample => Assert.Equal(
            sample.Format.AttributeBit is null ? PteAttribute.Private : sample.Attribute,
            sample.Format.Attribute(sample.Leaf)));
    }

    [Fact]
    public void A_C_bit_under_vTOM_is_a_reserved_bit()
    {
        PteFormat vtom = PteFormat.Boundary(47, 51);
        PageTableEntry leaf = vtom.Leaf(new FrameNumber(7), PteAttribute.Shared, PteFlags.Writable);

        Assert.Equal(0UL, vtom.ReservedBitsSet(leaf));
        Assert.Equal(1UL << 51, vtom.ReservedBitsSet(new PageTableEntry(leaf.Raw | (1UL << 51))));
        Assert.Equal(0UL, PteFormat.AmdCBit(51).ReservedBitsSet(new PageTableEntry(leaf.Raw | (1UL << 51))));
    }

    [Fact]
    public void Bits_above_the_shared_bit_are_reserved_on_TDX()
    {
        PteFormat format = PteFormat.TdxSharedBit(47);
        PageTableEntry leaf = format.Leaf(new FrameNumber(7), PteAttribute.Shared, PteFlags.Writable);

        Assert.Equal(0UL, format.ReservedBitsSet(leaf));
        Assert.Equal(1UL << 48, format.ReservedBitsSet(new PageTableEntry(leaf.Raw | (1UL << 48))));
    }

    [Theory]
    [InlineData(PageSize.Size4K, 13, 0UL)]
    [InlineData(PageSize.Size2M, 12, 0UL)]
    [InlineData(PageSize.Size2M, 13, 1UL << 13)]
    [InlineData(PageSize.Size2M, 20, 1UL << 20)]
    [InlineData(PageSize.Size2M, 21, 0UL)]
    [InlineData(PageSize.Size1G, 29, 1UL << 29)]
    [InlineData(PageSize.Size1G, 30, 0UL)]
    public void Address_bits_below_a_large_leaf_are_reserved_except_PAT(PageSize size, int bit, ulong expected)
    {
        var entry = new PageTableEntry((1UL << bit) | (ulong)(PteFlags.Present | PteFlags.LargePage));

        Assert.Equal(expected, PteFormat.Plain.ReservedBitsSet(entry, size));
    }

    [Fact]
    public void Bits_above_the_physical_address_width_are_reserved_but_the_attribute_is_not()
    {
        var entry = new PageTableEntry((1UL << 51) | (1UL << 48) | 1);

        Assert.Equal(1UL << 48, PteFormat.AmdCBit(51).ReservedBitsSet(entry, PageSize.Size4K, physicalAddressBits: 48));
        Assert.Equal(0UL, PteFormat.AmdCBit(51).ReservedBitsSet(entry));
    }

    [Fact]
    public void A_non_present_entry_has_no_reserved_bits()
    {
        Assert.Equal(0UL, PteFormat.Boundary(47, 51).ReservedBitsSet(new PageTableEntry(ulong.MaxValue & ~1UL)));
    }

    [Fact]
    public void A_leaf_refuses_a_frame_that_does_not_fit()
    {
        Assert.Throws<ArgumentException>(() =>
            PteFormat.Plain.Leaf(new FrameNumber(1), PteAttribute.Private, PteFlags.None, PageSize.Size2M));
        Assert.Throws<ArgumentException>(() =>
            PteFormat.TdxSharedBit(47).Leaf(new FrameNumber(1UL << 35), PteAttribute.Private, PteFlags.None));
        Assert.Throws<ArgumentOutOfRangeException>(() => PteFormat.AmdCBit(52));
    }
}
