// SPDX-License-Identifier: Apache-2.0

using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using Liminal.Linux.Guest;
using Liminal.Memory;

namespace Liminal.Linux.Calls;

/// <summary>Memory of a running kernel, asked for and given back by calls of its own functions in one context.</summary>
/// <remarks>
/// Functions that allocate have another name since memory allocation profiling (v6.10): the suffix _noprof.
/// Source: Linux v6.12 include/linux/gfp.h and include/linux/vmalloc.h, alloc_hooks().
/// </remarks>
public sealed class KernelAllocations(KernelContext context)
{
    /// <summary>GFP_KERNEL | __GFP_ZERO; the same bits in 6.1 and 6.12.</summary>
    private const ulong ZeroedKernelPages = 0xCC0 | 0x100;

    private const ulong VmMap = 4;

    /// <summary>PAGE_KERNEL without the attribute: present, writable, accessed, dirty, global, not executable.</summary>
    private const ulong PageKernel = 0x8000_0000_0000_0163;

    private static readonly string[] ZeroedPage = ["get_zeroed_page_noprof", "get_zeroed_page"];
    private static readonly string[] GetFreePages = ["get_free_pages_noprof", "__get_free_pages"];
    private static readonly string[] VmallocZeroed = ["vzalloc_noprof", "vzalloc"];

    private GuestKernel Kernel => context.Kernel;

    /// <summary>Allocates 2^order physically contiguous zeroed pages in the direct map.</summary>
    /// <param name="order">0 to 10.</param>
    /// <returns>The result; its value is the address, zero when the kernel has no such memory left.</returns>
    public KernelCallResult AllocatePages(int order) =>
        context.Call(FindName(Kernel, GetFreePages), ZeroedKernelPages, (ulong)order);

    /// <summary>Gives pages back that <see cref="AllocatePages"/> returned.</summary>
    public KernelCallResult FreePages(ulong address, int order) => context.Call("free_pages", address, (ulong)order);

    /// <summary>Allocates zeroed pages that are contiguous in the area of vmalloc() only.</summary>
    public KernelCallResult Vmalloc(ulong bytes) => context.Call(FindName(Kernel, VmallocZeroed), bytes);

    /// <summary>Gives pages back that <see cref="Vmalloc"/> returned.</summary>
    public KernelCallResult Vfree(ulong address) => context.Call("vfree", address);

    /// <summary>set_memory_decrypted(): private to shared.</summary>
    public KernelCallResult Decrypt(ulong address, int pages) => context.Call("set_memory_decrypted", address, (ulong)pages);

    /// <summary>set_memory_encrypted(): shared to private.</summary>
    public KernelCallResult Encrypt(ulong address, int pages) => context.Call("set_memory_encrypted", address, (ulong)pages);

    /// <summary>set_memory_4k(): splits the large pages of a range of the direct map.</summary>
    public KernelCallResult SplitTo4K(ulong address, int pages) => context.Call("set_memory_4k", address, (ulong)pages);

    /// <summary>Maps pages a second time, private, in the area of vmalloc(): an alias that conversions do not know of.</summary>
    /// <param name="frames">At most 512 pages.</param>
    /// <returns>The result; its value is the address, zero when it failed.</returns>
    public KernelCallResult MapAgain(params ReadOnlySpan<FrameNumber> frames)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(frames.Length, (int)Page.Bytes / sizeof(ulong), nameof(frames));
        KernelCallResult list = AllocatePages(0);
        if (list.Value == 0)
            return list;

        byte[] pages = new byte[frames.Length * sizeof(ulong)];
        for (int i = 0; i < frames.Length; i++)
            BinaryPrimitives.WriteUInt64LittleEndian(pages.AsSpan(i * sizeof(ulong)), Kernel.PageStructure(frames[i]) ?? 0);

        Kernel.Memory.TryWrite(list.Value, pages);
        PteFormat format = Kernel.Format;
        ulong protection = format.WithAttribute(new PageTableEntry(PageKernel), PteAttribute.Private).Raw;
        KernelCallResult result = context.Call("vmap", list.Value, (ulong)frames.Length, VmMap, protection);
        FreePages(list.Value, 0);
        return result;
    }

    /// <summary>Takes away what <see cref="MapAgain"/> mapped; the pages stay.</summary>
    public KernelCallResult Unmap(ulong address) => context.Call("vunmap", address);

    /// <summary>Pages of the kernel image that nothing uses: the end of .bss..decrypted, which the kernel keeps unless it is an SEV guest.</summary>
    /// <returns>Address in the image mapping and number of pages; null when the kernel has given them back, or has none.</returns>
    /// <remarks>Source: Linux v6.12 arch/x86/mm/mem_encrypt_amd.c, mem_encrypt_free_decrypted_mem().</remarks>
    public (ulong Address, int Pages)? UnusedImagePages()
    {
        bool isSev = Kernel.AttributeMask is not null && Kernel.ReadVariable("sme_me_mask") is not (null or 0);
        if (isSev || Kernel.FindSymbol("__start_bss_decrypted_unused") is not ulong start || Kernel.FindSymbol("__end_bss_decrypted") is not ulong end)
            return null;

        start = (start + Page.Bytes - 1) & ~(Page.Bytes - 1);
        return end > start ? (start, (int)((end - start) / Page.Bytes)) : null;
    }

    /// <summary>The kernel's name for the function that allocates one zeroed page, whatever the context.</summary>
    internal static string ZeroedPageFunction(GuestKernel kernel) => FindName(kernel, ZeroedPage);

    /// <summary>The first of several names that the kernel has; the last one when it has none of them.</summary>
    private static string FindName(GuestKernel kernel, IReadOnlyList<string> names)
    {
        foreach (string name in names)
        {
            if (kernel.FindSymbol(name) is not null)
                return name;
        }

        return names[^1];
    }
}
