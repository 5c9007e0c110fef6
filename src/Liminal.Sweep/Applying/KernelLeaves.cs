// SPDX-License-Identifier: Apache-2.0

using Liminal.Linux.Guest;
using Liminal.Linux.Image;
using Liminal.Memory;
using Liminal.Memory.Ram;
using Liminal.X86;

namespace Liminal.Sweep.Applying;

/// <summary>A leaf of the kernel's page tables, present or not.</summary>
/// <param name="EntryAddress">Guest-physical address of the entry.</param>
/// <param name="Entry">As it stands in memory.</param>
/// <param name="Size">What it maps.</param>
internal readonly record struct Leaf(ulong EntryAddress, PageTableEntry Entry, PageSize Size);

/// <summary>The kernel's own page tables as <c>lookup_address()</c> reads them, and stores to their leaves.</summary>
/// <remarks>
/// A non-present entry that is not zero counts as a leaf at any level below the fourth.
/// Source: Linux v6.12, arch/x86/mm/pat/set_memory.c, lookup_address_in_pgd_attr().
/// </remarks>
internal sealed class KernelLeaves(GuestKernel kernel)
{
    private const int EntryBits = 9;
    private readonly PteFormat _format = kernel.Machine.Configuration.Confidential!.Platform.Format;

    /// <summary>Which bits mean what.</summary>
    public PteFormat Format => _format;

    /// <summary>The leaf that maps an address, or would; null for a hole.</summary>
    public Leaf? Find(ulong address)
    {
        GuestRam ram = kernel.Machine.Ram;
        ulong table = _format.Frame(new PageTableEntry(kernel.KernelRoot | 1)).Start.Value;
        for (int level = kernel.Memory.Levels; level > 0; level--)
        {
            int shift = Page.Shift + ((level - 1) * EntryBits);
            ulong place = table + (((address >> shift) & ((1 << EntryBits) - 1)) * sizeof(ulong));
            if (!ram.Contains(place, sizeof(ulong)))
                return null;

            var entry = new PageTableEntry(ram.Read<ulong>(place));
            if (entry.IsZero)
                return null;

            if (level == 1 || (level <= 3 && (entry.IsLargePage || !entry.IsPresent)))
                return new Leaf(place, entry, (PageSize)(level - 1));

            if (!entry.IsPresent)
                return null;

            table = _format.Frame(entry).Start.Value;
        }

        return null;
    }

    /// <summary>The page that a leaf maps at an address, un-inverted.</summary>
    public FrameNumber FrameAt(in Leaf leaf, ulong address) => At(_format.Frame(leaf.Entry), leaf, address);

    /// <summary>The page number as the bits stand, inverted when the leaf is not present.</summary>
    public FrameNumber RawFrameAt(in Leaf leaf, ulong address) => At(_format.RawFrame(leaf.Entry), leaf, address);

    /// <summary>What virt_to_phys() makes of an address: arithmetic, whatever is mapped there.</summary>
    /// <remarks>Source: Linux v6.12, arch/x86/include/asm/page_64.h, __phys_addr_nodebug().</remarks>
    public FrameNumber FrameByArithmetic(ulong address)
    {
        ulong start = kernel.DirectMap ?? 0;
        ulong physical = address >= KernelMapping.Start ? address - KernelMapping.Start + (kernel.ReadVariable("phys_base") ?? 0) : address - start;
        return new FrameNumber(physical >> Page.Shift);
    }

    /// <summary>Where the direct map has a page.</summary>
    public ulong DirectMapOf(FrameNumber frame) => (kernel.DirectMap ?? 0) + frame.Start.Value;

    /// <summary>Where the image mapping has a page; null when the page is not of the image.</summary>
    /// <remarks>Source: Linux v6.12, arch/x86/mm/pat/set_memory.c, cpa_process_alias(): from _text to _brk_end.</remarks>
    public ulong? ImageMappingOf(FrameNumber frame)
    {
        ulong address = KernelMapping.Start + frame.Start.Value - (kernel.ReadVariable("phys_base") ?? 0);
        return kernel.FindSymbol("_text") is ulong first && kernel.ReadVariable("_brk_end") is ulong end
            && address >= first && address < ((end + Page.Bytes - 1) & ~(Page.Bytes - 1))
                ? address
                : null;
    }

    /// <summary>Stores a leaf.</summary>
    public void Store(Processor processor, in Leaf leaf, PageTableEntry entry) =>
        kernel.Machine.StoreFor(processor, leaf.EntryAddress, entry.Raw);

    private static FrameNumber At(FrameNumber first, in Leaf leaf, ulong address)
    {
        ulong inside = (address & (leaf.Size.SizeInBytes() - 1)) >> Page.Shift;
        return new FrameNumber((first.Value & ~((ulong)leaf.Size.Frames() - 1)) + inside);
    }
}
