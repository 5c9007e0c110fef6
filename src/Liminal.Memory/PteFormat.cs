// SPDX-License-Identifier: Apache-2.0

using System;

namespace Liminal.Memory;

/// <summary>
/// How a guest of one platform writes its page-table entries: where the attribute stands, in which sense, and which bits hold
/// the page number.
/// </summary>
/// <remarks>
/// The attribute lies outside the physical mask and so belongs to the flags: it is never inverted, and reading a page number
/// never sees it. Source: Linux v6.12, arch/x86/coco/core.c, cc_mkenc() and cc_mkdec(); arch/x86/include/asm/pgtable.h,
/// pte_pfn() and pfn_pte(). Protection keys, shadow stacks and the p4d and pgd levels are not modelled.
/// </remarks>
public sealed record PteFormat
{
    private const int AddressBits = 52;
    private const ulong AddressMask = (1UL << AddressBits) - 1;
    private const ulong FlagsOfPage = Page.Bytes - 1;

    private PteFormat(string name, int? attributeBit, bool setMeansShared, ulong physicalMask, int? forbiddenBit)
    {
        Name = name;
        AttributeBit = attributeBit;
        SetMeansShared = setMeansShared;
        PhysicalMask = physicalMask;
        ForbiddenBit = forbiddenBit;
    }

    /// <summary>Short name with the bit, e.g. <c>C-bit 51</c>.</summary>
    public string Name { get; }

    /// <summary>Number of the bit that holds the attribute, or null when this guest has none.</summary>
    public int? AttributeBit { get; }

    /// <summary>Whether the attribute bit set means shared (TDX, vTOM) or private (C-bit).</summary>
    public bool SetMeansShared { get; }

    /// <summary>Linux's <c>physical_mask</c>: which bits of an entry can belong to an address; the low 12 are set too.</summary>
    public ulong PhysicalMask { get; }

    /// <summary>A bit that must be clear in every present entry, or null: under vTOM the C-bit.</summary>
    public int? ForbiddenBit { get; }

    /// <summary>Linux's <c>PTE_PFN_MASK</c>: the bits that hold the page number, and the only ones that are inverted.</summary>
    public ulong FrameMask => PhysicalMask & ~FlagsOfPage;

    /// <summary>The attribute bit as a mask; zero when this guest has none. Linux's <c>cc_mask</c> or <c>sme_me_mask</c>.</summary>
    public ulong AttributeMask => AttributeBit is int bit ? 1UL << bit : 0;

    /// <summary>No attribute: an ordinary guest.</summary>
    public static PteFormat Plain { get; } = new("plain", null, setMeansShared: false, AddressMask, null);

    /// <summary>AMD SEV, SEV-ES, SEV-SNP: the C-bit, set = private.</summary>
    /// <param name="bit">CPUID 8000_001F EBX[5:0]: 51 or 47.</param>
    /// <remarks>Source: Linux v6.12, arch/x86/mm/mem_encrypt_identity.c, sme_enable(): <c>physical_mask &amp;= ~sme_me_mask</c>.</remarks>
    public static PteFormat AmdCBit(int bit = 51) =>
        new($"C-bit {Checked(bit)}", bit, setMeansShared: false, AddressMask & ~(1UL << bit), null);

    /// <summary>TDX: the shared bit GPAW-1, set = shared.</summary>
    /// <param name="bit">51 or 47.</param>
    /// <remarks>Source: Linux v6.12, arch/x86/coco/tdx/tdx.c, tdx_early_init(): <c>physical_mask &amp;= cc_mask - 1</c>.</remarks>
    public static PteFormat TdxSharedBit(int bit = 51) =>
        new($"shared bit {Checked(bit)}", bit, setMeansShared: true, (1UL << bit) - 1, null);

    /// <summary>An address boundary (SEV-SNP vTOM, or a TD under a Hyper-V paravisor): at or above it = shared.</summary>
    /// <param name="boundaryBit">log2 of the shared GPA boundary; 47 in the guests known.</param>
    /// <param name="forbiddenCBit">Where the C-bit would stand; a set C-bit is a reserved bit under vTOM. Null on a TD.</param>
    /// <remarks>
    /// Sources: Linux v6.12, arch/x86/hyperv/ivm.c, hv_vtom_init(): <c>physical_mask &amp;= boundary - 1</c>;
    /// APM2, 15.36.8 "Virtual Top-of-Memory" for the C-bit.
    /// </remarks>
    public static PteFormat Boundary(int boundaryBit = 47, int? forbiddenCBit = null) =>
        new($"boundary bit {Checked(boundaryBit)}", boundaryBit, setMeansShared: true, (1UL << boundaryBit) - 1, forbiddenCBit);

    /// <summary>What this entry says about its page, present or not. An ordinary guest's pages count as private.</summary>
    public PteAttribute Attribute(PageTableEntry entry) =>
        ((entry.Raw & AttributeMask) != 0) == SetMeansShared && AttributeBit is not null
            ? PteAttribute.Shared
            : PteAttribute.Private;

    /// <summary>The entry with the attribute changed and every other bit as it was. Without an attribute: the entry itself.</summary>
    /// <remarks>Source: Linux v6.12, arch/x86/coco/core.c, cc_mkenc() and cc_mkdec().</remarks>
    public PageTableEntry WithAttribute(PageTableEntry entry, PteAttribute attribute) =>
        (attribute == PteAttribute.Shared) == SetMeansShared
            ? new(entry.Raw | AttributeMask)
            : new(entry.Raw & ~AttributeMask);

    /// <summary>The page number, un-inverted when the entry is not present: what Linux's pte_pfn() returns.</summary>
    /// <remarks>Source: Linux v6.12, arch/x86/include/asm/pgtable.h, pte_pfn() with protnone_mask().</remarks>
    public FrameNumber Frame(PageTableEntry entry) =>
        new(((entry.HoldsInvertedFrame ? ~entry.Raw : entry.Raw) & FrameMask) >> Page.Shift);

    /// <summary>
    /// The bits of the page number as they stand. Wrong for a non-present entry: this is what a tool reads that does not
    /// know of the inversion.
    /// </summary>
    public FrameNumber RawFrame(PageTableEntry entry) => new((entry.Raw & FrameMask) >> Page.Shift);

    /// <summary>A present leaf.</summary>
    /// <param name="frame">The first page mapped; aligned to <paramref name="size"/>, inside the physical mask.</param>
    /// <param name="attribute">Private or shared; has no effect on a guest without an attribute.</param>
    /// <param name="flags">Further bits. Present, and PS for a large leaf, are added.</param>
    /// <param name="size">What the leaf maps.</param>
    /// <exception cref="ArgumentException">The frame is not aligned, or does not fit the physical mask.</exception>
    public PageTableEntry Leaf(
        FrameNumber frame, PteAttribute attribute, PteFlags flags, PageSize size = PageSize.Size4K)
    {
        if (!frame.IsAligned(size))
            throw new ArgumentException($"Frame {frame} cannot begin a leaf of {size.SizeInBytes()} bytes.", nameof(frame));

        if ((frame.Start.Value & ~FrameMask) != 0)
            throw new ArgumentException($"Frame {frame} lies outside the physical mask {PhysicalMask:x}.", nameof(frame));

        PteFlags shape = size == PageSize.Size4K ? PteFlags.Present : PteFlags.Present | PteFlags.LargePage;
        return WithAttribute(new PageTableEntry(frame.Start.Value).With(flags | shape), attribute);
    }

    /// <summary>The entry as set_memory_np() leaves it.</summary>
    /// <remarks>
    /// P cleared; the page number inverted inside <see cref="FrameMask"/>; G cleared, because it would read as PROTNONE; PS
    /// cleared in a large leaf. The attribute and all other flags stay. A leaf that is already non-present, or a hole, stays
    /// as it is. The PAT bit of a large leaf (bit 12) lies inside the mask and is lost; Linux maps its memory write-back, with
    /// PAT clear. Source: Linux v6.12, arch/x86/mm/pat/set_memory.c, __change_page_attr(), __should_split_large_page() and
    /// pgprot_clear_protnone_bits().
    /// </remarks>
    public PageTableEntry ClearPresent(PageTableEntry entry, PageSize size = PageSize.Size4K)
    {
        if (!entry.IsPresent)
            return entry;

        ulong frame = Frame(entry).Start.Value;
        PteFlags lost = PteFlags.Present | PteFlags.Global | (size == PageSize.Size4K ? PteFlags.None : PteFlags.LargePage);
        ulong flags = new PageTableEntry(entry.Raw & ~FrameMask).Without(lost).Raw;
        return new(flags | (flags == 0 ? frame : ~frame & FrameMask));
    }

    /// <summary>The entry as set_memory_p() leaves it: P set, PS set in a large leaf, the page number un-inverted. G does not come back.</summary>
    /// <remarks>Source: as <see cref="ClearPresent"/>; set_memory_p() asks for _PAGE_PRESENT alone. A present entry stays as it is.</remarks>
    public PageTableEntry SetPresent(PageTableEntry entry, PageSize size = PageSize.Size4K)
    {
        if (entry.IsPresent)
            return entry;

        PteFlags shape = size == PageSize.Size4K ? PteFlags.Present : PteFlags.Present | PteFlags.LargePage;
        return new PageTableEntry((entry.Raw & ~FrameMask) | Frame(entry).Start.Value).With(shape);
    }

    /// <summary>The reserved bits that this present leaf has set: any of them makes an access #PF with RSVD. Zero when there are none.</summary>
    /// <param name="entry">A leaf; a non-present one has no reserved bits, the walk ends before they are checked.</param>
    /// <param name="size">What the leaf maps.</param>
    /// <param name="physicalAddressBits">The guest's MAXPHYADDR, CPUID 8000_0008 EAX[7:0]; 52 at most.</param>
    /// <remarks>
    /// Bits 51:MAXPHYADDR without the attribute; bits 20:13 or 29:13 of a large leaf; the C-bit under vTOM; on TDX the bits above
    /// the shared bit. Sources: SDM3A, 5.7 "Page-fault exceptions"; APM2, 15.36.8; TDX-Module 1.5,
    /// td_ept_violation.c, which turns an address with bits above the guest's width into #PF with RSVD.
    /// </remarks>
    public ulong ReservedBitsSet(PageTableEntry entry, PageSize size = PageSize.Size4K, int physicalAddressBits = AddressBits)
    {
        if (!entry.IsPresent)
            return 0;

        ulong above = AddressMask & ~((1UL << physicalAddressBits) - 1);
        if (SetMeansShared)
            above |= AddressMask & ~((AttributeMask << 1) - 1);

        ulong forbidden = ForbiddenBit is int bit ? 1UL << bit : 0;
        ulong belowLeaf = size == PageSize.Size4K ? 0 : (size.SizeInBytes() - 1) & ~(Page.Bytes * 2 - 1);
        return entry.Raw & ((above & ~AttributeMask) | forbidden | belowLeaf);
    }

    /// <summary>The name.</summary>
    public override string ToString() => Name;

    private static int Checked(int bit) =>
        bit is > 31 and < AddressBits
            ? bit
            : throw new ArgumentOutOfRangeException(nameof(bit), bit, "An attribute bit lies between 32 and 51.");
}
