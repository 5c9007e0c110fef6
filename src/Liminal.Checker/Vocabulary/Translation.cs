// SPDX-License-Identifier: Apache-2.0

namespace Liminal.Checker.Vocabulary;

/// <summary>How the notify step finds the physical address to tell the host.</summary>
/// <remarks>Source: Thread 2023, Kelley and Shutemov on slow_virt_to_phys(); Linux v6.12, arch/x86/include/asm/pgtable-invert.h.</remarks>
public enum Translation : byte
{
    /// <summary><c>__pa()</c> arithmetic: looks at no PTE, right for the direct map and the image, wrong for vmalloc.</summary>
    VirtToPhys,

    /// <summary><c>vmalloc_to_page()</c> for vmalloc addresses (arithmetic otherwise): needs a present leaf PTE.</summary>
    VmallocToPage,

    /// <summary><c>slow_virt_to_phys()</c>: walks with <c>lookup_address()</c> and un-inverts the PFN; works on non-present leaves.</summary>
    SlowVirtToPhys,

    /// <summary><c>lookup_address()</c> and <c>pte_pfn()</c>: what Shutemov proposed in the thread; the same walk, the PFN un-inverted.</summary>
    LookupAddress,

    /// <summary>The PFN bits of the PTE as they stand: wrong for a non-present leaf, whose PFN is inverted against L1TF.</summary>
    RawPteBits,
}

/// <summary>Through which address PVALIDATE or a read-back reaches the page.</summary>
public enum Through : byte
{
    /// <summary>The address the caller converts; it must be present.</summary>
    CallersMapping,

    /// <summary>The direct map (Linux 6.12 <c>pfn_to_kaddr()</c>).</summary>
    DirectMap,

    /// <summary>A temporary private mapping made for this purpose, between guard pages (v2 of the series).</summary>
    TemporaryMapping,

    /// <summary>No virtual address at all: an SVSM call that takes frame numbers.</summary>
    FrameNumbers,
}

/// <summary>When a data-cache flush is made.</summary>
public enum When : byte
{
    /// <summary>Only where caches are not coherent across attributes, and nobody flushes for the guest (the <c>enc_cache_flush_required</c> callback).</summary>
    Needed,

    /// <summary>Always.</summary>
    Always,
}

/// <summary>Which translations a TLB flush covers.</summary>
public enum FlushScope : byte
{
    /// <summary>Everything on every CPU (<c>flush_tlb_all()</c>).</summary>
    All,

    /// <summary>The caller's address range on every CPU; aliases stay.</summary>
    CallersRange,
}

/// <summary>What the guest does when a host call says RETRY or stops early.</summary>
public enum OnRetry : byte
{
    /// <summary>Calls again from the failing page; three times without progress is a failure (Linux 6.12 <c>tdx_map_gpa()</c>).</summary>
    CallAgain,

    /// <summary>Calls again for ever.</summary>
    CallAgainForever,

    /// <summary>Takes it for a failure (Linux 6.1).</summary>
    Fail,
}
