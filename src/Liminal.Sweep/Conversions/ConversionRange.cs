// SPDX-License-Identifier: Apache-2.0

using System.Collections.Generic;
using System.Numerics;
using Liminal.Linux.Calls;
using Liminal.Memory;

namespace Liminal.Sweep.Conversions;

/// <summary>Where the pages of a conversion come from.</summary>
public enum SweepRegion
{
    /// <summary>Pages of the allocator, converted through the direct map.</summary>
    DirectMap,

    /// <summary>Pages of vmalloc(), converted through its mapping; the direct map is an alias.</summary>
    Vmalloc,

    /// <summary>Pages of the kernel image that nothing uses, converted through the image mapping; the direct map is an alias.</summary>
    Image,
}

/// <summary>Pages that the guest's own allocator gave for a conversion, with a page before them at which a load may begin.</summary>
/// <param name="Address">The first page, where the caller of the conversion names it.</param>
/// <param name="Frames">The pages.</param>
/// <param name="Region">Where they come from.</param>
public sealed record ConversionRange(ulong Address, IReadOnlyList<FrameNumber> Frames, SweepRegion Region)
{
    private const int MostPages = 1 << MostOrder;
    private const int MostOrder = 10;
    private const int LargePageOrder = 9;

    /// <summary>Asks the guest for pages.</summary>
    /// <param name="context">Where kernel functions can be called.</param>
    /// <param name="region">Where from.</param>
    /// <param name="pages">How many, 1 to 1023; exactly 512 from the direct map are one aligned 2 MiB page.</param>
    /// <param name="problem">Why there are none.</param>
    /// <returns>Null when the guest has none.</returns>
    public static ConversionRange? Obtain(KernelContext context, SweepRegion region, int pages, out string problem)
    {
        problem = "";
        ulong address = region switch
        {
            SweepRegion.DirectMap => FromAllocator(context, pages, out problem),
            SweepRegion.Vmalloc => FromVmalloc(context, pages, out problem),
            _ => FromImage(context, pages, out problem),
        };
        if (address == 0)
            return null;

        List<FrameNumber> frames = [];
        for (int page = 0; page < pages; page++)
        {
            if (!context.Kernel.Memory.TryTranslate(address + ((ulong)page << Page.Shift), out ulong physical, out _))
            {
                problem = $"page {page} at {address:x16} is not mapped";
                return null;
            }

            frames.Add(new FrameNumber(physical >> Page.Shift));
        }

        return new ConversionRange(address, frames, region);
    }

    private static ulong FromAllocator(KernelContext context, int pages, out string problem)
    {
        bool isLarge = pages == 1 << LargePageOrder;
        int order = isLarge ? LargePageOrder : BitOperations.Log2((uint)pages) + 1;
        problem = $"the allocator gave no {1 << order} pages in a row";
        if (pages >= MostPages)
            return 0;

        KernelCallResult result = new KernelAllocations(context).AllocatePages(order);
        return !result.HasReturned || result.Value == 0 ? 0 : isLarge ? result.Value : result.Value + Page.Bytes;
    }

    private static ulong FromVmalloc(KernelContext context, int pages, out string problem)
    {
        problem = $"vmalloc() gave no {pages + 1} pages";
        KernelCallResult result = new KernelAllocations(context).Vmalloc((ulong)(pages + 1) << Page.Shift);
        return !result.HasReturned || result.Value == 0 ? 0 : result.Value + Page.Bytes;
    }

    private static ulong FromImage(KernelContext context, int pages, out string problem)
    {
        problem = "the kernel image has no such unused pages: an SEV guest gives them back when it boots";
        return new KernelAllocations(context).UnusedImagePages() is (ulong address, int count) && count > pages ? address + Page.Bytes : 0;
    }
}
