// SPDX-License-Identifier: Apache-2.0

using System;
using Liminal.Linux.Image;
using Liminal.Linux.Symbols;
using Liminal.Machine;
using Liminal.X86;
using Liminal.X86.State;

namespace Liminal.Linux.Guest;

/// <summary>Where in a guest's address space a kernel runs, and the root of the page tables that say so.</summary>
/// <param name="Slide">Bytes from an address as linked to the address in the guest, modulo 2^64: a multiple of 2 MiB, zero without address randomisation; in the first code of a boot, which runs below the kernel mapping, minus the start of that.</param>
/// <param name="PhysicalOffset">The kernel's phys_base: what is added to an address of the kernel mapping, minus its start, to give the physical one; zero in the first code of a boot, where addresses are physical.</param>
/// <param name="Root">As CR3 would hold it, attribute bit included: init_top_pgt from <see cref="Find"/>, the root in use from <see cref="Of"/>.</param>
internal readonly record struct KernelLocation(ulong Slide, ulong PhysicalOffset, ulong Root)
{
    private const ulong SlideStep = 2 << 20;

    /// <summary>Page-table isolation keeps the user half of a pair of roots in the second page: bit 12 of CR3.</summary>
    private const ulong IsolationBit = 1 << 12;

    /// <summary>Looks for the kernel's banner through the page tables of each processor.</summary>
    /// <returns>Null when none has the kernel mapped: it has not got that far, or another kernel runs.</returns>
    public static KernelLocation? Find(VirtualMachine machine, KernelImage image)
    {
        if (!image.Symbols.TryFind("linux_banner", out KernelSymbol banner)
            || !image.Symbols.TryFind("phys_base", out KernelSymbol physicalBase)
            || !image.Symbols.TryFind("init_top_pgt", out KernelSymbol root))
        {
            return null;
        }

        byte[] expected = new byte[64];
        if (!image.Elf.TryRead(banner.Address, expected))
            return null;

        foreach (Processor processor in machine.Processors)
        {
            if ((processor.State.Efer & Efer.LongModeActive) == 0)
                continue;

            foreach (ulong candidate in (ReadOnlySpan<ulong>)[processor.State.Cr3, processor.State.Cr3 & ~IsolationBit])
            {
                GuestMemory memory = GuestMemory.At(processor, candidate);
                if (FindSlide(memory, banner.Address.Value, expected) is not ulong slide
                    || !memory.TryRead(physicalBase.Address.Value + slide, out ulong offset))
                {
                    continue;
                }

                ulong table = root.Address.Value + slide - KernelMapping.Start + offset;
                return new KernelLocation(slide, offset, table | (candidate & memory.AttributeBit));
            }
        }

        return null;
    }

    /// <summary>The kernel as a processor sees it now: through the tables that it uses, which may be those of the early boot.</summary>
    /// <remarks>
    /// The first code of a kernel runs where it was loaded, below 4 GiB, before the kernel mapping is used: its addresses are those of the kernel mapping
    /// without the start of that. Source: Linux v6.12 arch/x86/kernel/head_64.S, startup_64, and head64.c, __startup_64().
    /// </remarks>
    /// <returns>Null when the processor has this kernel mapped in neither way.</returns>
    public static KernelLocation? Of(Processor processor, KernelImage image)
    {
        byte[] expected = new byte[64];
        if ((processor.State.Efer & Efer.LongModeActive) == 0
            || !image.Symbols.TryFind("linux_banner", out KernelSymbol banner)
            || !image.Elf.TryRead(banner.Address, expected))
        {
            return null;
        }

        GuestMemory memory = GuestMemory.Of(processor);
        Span<byte> found = stackalloc byte[64];
        bool isBelow = processor.Rip < KernelMapping.Start && processor.Cpl == 0;
        if (isBelow && memory.TryRead(banner.Address.Value - KernelMapping.Start, found) && found.SequenceEqual(expected))
            return new KernelLocation(unchecked(0 - KernelMapping.Start), 0, processor.State.Cr3);

        return FindSlide(memory, banner.Address.Value, expected) is ulong slide
            && image.Symbols.TryFind("phys_base", out KernelSymbol physicalBase) && memory.TryRead(physicalBase.Address.Value + slide, out ulong offset)
            ? new KernelLocation(slide, offset, processor.State.Cr3)
            : null;
    }

    private static ulong? FindSlide(GuestMemory memory, ulong banner, ReadOnlySpan<byte> expected)
    {
        Span<byte> found = stackalloc byte[64];
        for (ulong slide = 0; slide < KernelMapping.Size; slide += SlideStep)
        {
            if (memory.TryRead(banner + slide, found) && found.SequenceEqual(expected))
                return slide;
        }

        return null;
    }
}
