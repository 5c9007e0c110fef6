// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;

namespace Liminal.Memory;

/// <summary>The bits of a page-table entry that do not depend on the platform.</summary>
/// <remarks>Source: Linux v6.12, arch/x86/include/asm/pgtable_types.h, _PAGE_BIT_*; SDM3A, 5.5 "Structure of paging-structure entries".</remarks>
[Flags]
public enum PteFlags : ulong
{
    /// <summary>No bit.</summary>
    None = 0,

    /// <summary>P, bit 0. Clear: the walk ends here with #PF, and no other bit means anything to the processor.</summary>
    Present = 1UL << 0,

    /// <summary>R/W, bit 1.</summary>
    Writable = 1UL << 1,

    /// <summary>U/S, bit 2.</summary>
    User = 1UL << 2,

    /// <summary>PWT, bit 3.</summary>
    WriteThrough = 1UL << 3,

    /// <summary>PCD, bit 4.</summary>
    CacheDisable = 1UL << 4,

    /// <summary>A, bit 5.</summary>
    Accessed = 1UL << 5,

    /// <summary>D, bit 6.</summary>
    Dirty = 1UL << 6,

    /// <summary>Bit 7: PS in an entry of the second or third level; in a 4 KiB leaf the same bit is PAT.</summary>
    LargePage = 1UL << 7,

    /// <summary>G, bit 8. In a non-present entry Linux reads it as PROTNONE.</summary>
    Global = 1UL << 8,

    /// <summary>Software, bit 9 (Linux: SPECIAL, CPA_TEST).</summary>
    Software1 = 1UL << 9,

    /// <summary>Software, bit 10 (Linux: UFFD_WP).</summary>
    Software2 = 1UL << 10,

    /// <summary>Software, bit 11 (Linux: SOFT_DIRTY).</summary>
    Software3 = 1UL << 11,

    /// <summary>PAT, bit 12 of a 2 MiB or 1 GiB leaf.</summary>
    LargePat = 1UL << 12,

    /// <summary>Software, bit 57 (Linux: DEVMAP).</summary>
    Software4 = 1UL << 57,

    /// <summary>Software, bit 58 (Linux: SAVED_DIRTY, NOPTISHADOW).</summary>
    Software5 = 1UL << 58,

    /// <summary>NX, bit 63.</summary>
    NoExecute = 1UL << 63,
}

/// <summary>One 64-bit entry of an x86-64 page table, bit for bit. What its address field and attribute mean is up to a <see cref="PteFormat"/>.</summary>
/// <param name="Raw">The 64 bits as they stand in guest memory.</param>
public readonly record struct PageTableEntry(ulong Raw)
{
    private static readonly (PteFlags Flag, string Name)[] Names =
    [
        (PteFlags.Present, "P"), (PteFlags.Writable, "RW"), (PteFlags.User, "US"), (PteFlags.WriteThrough, "PWT"),
        (PteFlags.CacheDisable, "PCD"), (PteFlags.Accessed, "A"), (PteFlags.Dirty, "D"), (PteFlags.LargePage, "PS"),
        (PteFlags.Global, "G"), (PteFlags.Software1, "SW1"), (PteFlags.Software2, "SW2"), (PteFlags.Software3, "SW3"),
        (PteFlags.Software4, "SW4"), (PteFlags.Software5, "SW5"), (PteFlags.NoExecute, "NX"),
    ];

    /// <summary>Bit 0. Everything else is meaningless to the processor when it is clear.</summary>
    public bool IsPresent => Has(PteFlags.Present);

    /// <summary>Bit 1.</summary>
    public bool IsWritable => Has(PteFlags.Writable);

    /// <summary>Bit 2.</summary>
    public bool IsUser => Has(PteFlags.User);

    /// <summary>Bit 5.</summary>
    public bool IsAccessed => Has(PteFlags.Accessed);

    /// <summary>Bit 6.</summary>
    public bool IsDirty => Has(PteFlags.Dirty);

    /// <summary>Bit 7 read as PS. Only an entry of the second or third level has it.</summary>
    public bool IsLargePage => Has(PteFlags.LargePage);

    /// <summary>Bit 8.</summary>
    public bool IsGlobal => Has(PteFlags.Global);

    /// <summary>Bit 63.</summary>
    public bool IsNoExecute => Has(PteFlags.NoExecute);

    /// <summary>All 64 bits clear: a hole. Linux never inverts it, and its lookups report it as no entry.</summary>
    public bool IsZero => Raw == 0;

    /// <summary>
    /// Whether Linux holds the page number of this entry inverted: not zero, and not present.
    /// </summary>
    /// <remarks>The guard against L1TF. Source: Linux v6.12, arch/x86/include/asm/pgtable-invert.h, __pte_needs_invert().</remarks>
    public bool HoldsInvertedFrame => Raw != 0 && !IsPresent;

    /// <summary>The entry with these bits set as well.</summary>
    public PageTableEntry With(PteFlags flags) => new(Raw | (ulong)flags);

    /// <summary>The entry with these bits cleared.</summary>
    public PageTableEntry Without(PteFlags flags) => new(Raw & ~(ulong)flags);

    /// <summary>Sixteen hexadecimal digits and the names of the flags set, e.g. <c>8007ffffc4108062 RW|A|D|NX</c>.</summary>
    public override string ToString()
    {
        var names = new List<string>();
        foreach ((PteFlags flag, string name) in Names)
        {
            if (Has(flag))
                names.Add(name);
        }

        return $"{Raw:x16} {(names.Count == 0 ? "-" : string.Join('|', names))}";
    }

    private bool Has(PteFlags flag) => (Raw & (ulong)flag) != 0;
}
