// SPDX-License-Identifier: Apache-2.0

using System.Numerics;
using Liminal.Linux.Image;
using Liminal.Linux.Symbols;
using Liminal.Memory;
using Liminal.Platform;

namespace Liminal.Linux.Guest;

/// <content>What the kernel has decided about memory and about the platform it runs on.</content>
public sealed partial class GuestKernel
{
    /// <summary>Start of the direct map of all physical memory.</summary>
    public ulong? DirectMap => ReadVariable("page_offset_base");

    /// <summary>Start of the area of vmalloc().</summary>
    public ulong? VmallocStart => ReadVariable("vmalloc_base");

    /// <summary>Start of the array of struct page.</summary>
    public ulong? PageArray => ReadVariable("vmemmap_base");

    /// <summary>Bits of a page-table entry that can belong to an address; without the attribute bit once the platform is known.</summary>
    public ulong? PhysicalMask => ReadVariable("physical_mask");

    /// <summary>The attribute bit as Linux holds it, cc_mask; zero in a plain guest.</summary>
    public ulong? AttributeMask => ReadVariable("cc_mask");

    /// <summary>The SEV_STATUS register as Linux has read it; zero without SEV.</summary>
    public ulong? SevStatus => ReadVariable("sev_status");

    /// <summary>How this guest writes its page-table entries, from the attribute bit that the machine knows.</summary>
    public PteFormat Format
    {
        get
        {
            GuestMemory memory = Memory;
            if (memory.AttributeBit == 0)
                return PteFormat.Plain;

            int bit = BitOperations.TrailingZeroCount(memory.AttributeBit);
            return memory.SetMeansShared ? PteFormat.TdxSharedBit(bit) : PteFormat.AmdCBit(bit);
        }
    }

    /// <summary>Address of the struct page of a physical page; null before the array exists.</summary>
    public ulong? PageStructure(FrameNumber frame) =>
        PageArray is ulong start && Knowledge.Types.TryFind("page", out Types.KernelField page) ? start + (frame.Value * (ulong)page.Size) : null;

    /// <summary>Number of references to a physical page, page->_refcount; null when its struct page is not mapped.</summary>
    public int? PageReferences(FrameNumber frame) =>
        PageStructure(frame) is ulong page && Knowledge.Types.TryFind("page._refcount", out Types.KernelField field)
        && Memory.TryRead(page + (ulong)field.Offset, out uint count)
            ? (int)count
            : null;

    /// <summary>The physical page behind an address, as the kernel's own page tables have it.</summary>
    public FrameNumber? FrameOf(ulong address) =>
        Memory.TryTranslate(address, out ulong physical, out _) ? new GuestPhysicalAddress(physical).Frame : null;

    /// <summary>On which side of a conversion the platform holds a physical page; private in a plain guest.</summary>
    /// <returns>Null when the page is not RAM.</returns>
    public PageSide? SideOf(FrameNumber frame)
    {
        if (!Machine.Ram.Contains(frame.Start.Value, Page.Bytes))
            return null;

        return Machine is { Confidential: { } guest, PageStates: { } states }
            ? guest.Platform.States[states[frame.Value].Value].Side
            : PageSide.Private;
    }

    /// <summary>The symbol of the kernel image that lies at the start of a physical page, or null when the page is not the image's.</summary>
    public SymbolOffset? SymbolOf(FrameNumber frame)
    {
        ulong offset = frame.Start.Value - _location.PhysicalOffset;
        return offset < KernelMapping.Size ? Resolve(KernelMapping.Start + offset) : null;
    }

    /// <summary>Which part of the address space an address lies in.</summary>
    /// <remarks>
    /// The areas follow one another in this order, each up to the next; with 4 or 5 levels of page tables alike.
    /// Source: Linux v6.12 Documentation/arch/x86/x86_64/mm.rst, and arch/x86/include/asm/pgtable_64_types.h for the sizes of the areas.
    /// </remarks>
    public KernelRegion RegionOf(ulong address)
    {
        const ulong EntryAreas = 0xFFFF_FE00_0000_0000;
        const ulong Modules = KernelMapping.Start + KernelMapping.Size;
        const ulong Fixmap = 0xFFFF_FFFF_FF00_0000;
        if (address >> 63 == 0)
            return KernelRegion.User;

        if (address >= KernelMapping.Start)
            return address >= Fixmap ? KernelRegion.Fixmap : address >= Modules ? KernelRegion.Modules : KernelRegion.Image;

        if (address >= EntryAreas)
            return KernelRegion.Other;

        return address >= PageArray ? KernelRegion.PageArray
            : address >= VmallocStart ? KernelRegion.Vmalloc
            : address >= DirectMap ? KernelRegion.DirectMap
            : KernelRegion.Other;
    }
}
