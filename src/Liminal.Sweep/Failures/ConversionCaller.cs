// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;
using System.Numerics;
using Liminal.Linux.Calls;
using Liminal.Linux.Guest;
using Liminal.Linux.Types;
using Liminal.Memory;

namespace Liminal.Sweep.Failures;

/// <summary>Somebody who converts pages, and what it does with them when that fails.</summary>
/// <param name="Name">Who, for reports.</param>
/// <param name="Target">What its pages are to become.</param>
/// <param name="Prepare">Obtains what the call needs; null when this kernel or guest has it not.</param>
/// <remarks>
/// Those that a running kernel can be made to call at any time: kvm_setup_vsyscall_timeinfo() and swiotlb_update_mem_attributes() are gone when the
/// kernel has booted, VMBus, netvsc, UIO and sev-guest are modules. Of sev-guest the sequence is repeated, with the kernel's own functions.
/// Source: Linux v6.12, kernel/dma/direct.c, kernel/dma/pool.c, kernel/dma/swiotlb.c, drivers/virt/coco/sev-guest/sev-guest.c, alloc_shared_pages().
/// </remarks>
internal sealed record ConversionCaller(string Name, PteAttribute Target, Func<KernelContext, int, PreparedCall?> Prepare)
{
    private const ulong KernelPages = 0xCC0; // GFP_KERNEL; the same in 6.1 and 6.12
    private const ulong OneMebibyte = 1 << 20;
    private const int MostOrder = 10;
    private const int LargePageOrder = 9;

    /// <summary>Every caller that is known.</summary>
    public static IReadOnlyList<ConversionCaller> All { get; } =
    [
        new("set_memory_decrypted() alone", PteAttribute.Shared, static (context, pages) => Alone(context, "set_memory_decrypted", pages)),
        new("set_memory_encrypted() alone", PteAttribute.Private, static (context, pages) => Alone(context, "set_memory_encrypted", pages)),
        new("alloc_shared_pages() of sev-guest, call by call", PteAttribute.Shared, LikeSevGuest),
        new("dma_direct_alloc()", PteAttribute.Shared, DmaAllocation),
        new("dma_direct_free()", PteAttribute.Private, DmaRelease),
        new("atomic_pool_expand()", PteAttribute.Shared, AtomicPool),
        new("swiotlb_init_late()", PteAttribute.Shared, BounceBuffer),
    ];

    /// <summary>The conversion function alone, on pages across the edge of two large ones where the allocator has such.</summary>
    private static PreparedCall? Alone(KernelContext context, string function, int pages)
    {
        if (Pages(context, pages) is not ulong address)
            return null;

        if (function == "set_memory_encrypted" && context.Call("set_memory_decrypted", address, (ulong)pages) is not { HasReturned: true, Error: 0 })
            return null;

        return new PreparedCall(function, [address, (ulong)pages], static result => result.Error != 0) { IsAlone = true };
    }

    private static ulong? Pages(KernelContext context, int pages)
    {
        KernelAllocations allocations = new(context);
        if (pages <= 1 << LargePageOrder && allocations.AllocatePages(MostOrder) is { HasReturned: true, Value: not 0 } block)
            return block.Value + (Page.Bytes << LargePageOrder) - ((ulong)(pages / 2) << Page.Shift);

        KernelCallResult plain = allocations.AllocatePages(Order(pages));
        return plain.HasReturned && plain.Value != 0 ? plain.Value : null;
    }

    private static PreparedCall? LikeSevGuest(KernelContext context, int pages)
    {
        int order = Order(pages);
        KernelCallResult block = new KernelAllocations(context).AllocatePages(order);
        return block.HasReturned && block.Value != 0
            ? new PreparedCall("set_memory_decrypted", [block.Value, (ulong)pages], static result => result.Error != 0)
            {
                CleanUp = new("free_pages", [block.Value, (ulong)order]),
            }
            : null;
    }

    private static PreparedCall? DmaAllocation(KernelContext context, int pages) =>
        Device(context) is ulong device
            ? new PreparedCall(
                "dma_direct_alloc", [device, (ulong)pages << Page.Shift, device + Page.Bytes, KernelPages, 0], static result => result.Value == 0)
            : null;

    private static PreparedCall? DmaRelease(KernelContext context, int pages)
    {
        if (DmaAllocation(context, pages) is not PreparedCall allocation)
            return null;

        KernelCallResult buffer = context.Call(allocation.Function, [.. allocation.Arguments]);
        ulong handle = allocation.Arguments[2];
        return buffer.HasReturned && buffer.Value != 0 && context.Kernel.Memory.TryRead(handle, out ulong bus)
            ? new PreparedCall("dma_direct_free", [allocation.Arguments[0], (ulong)pages << Page.Shift, buffer.Value, bus, 0], null)
            : null;
    }

    /// <summary>Adds pages to the pool for allocations that must not sleep.</summary>
    private static PreparedCall? AtomicPool(KernelContext context, int pages) =>
        context.Kernel.ReadVariable("atomic_pool_kernel") is ulong pool and not 0
            ? new PreparedCall("atomic_pool_expand", [pool, (ulong)pages << Page.Shift, KernelPages], static result => result.Error != 0)
            : null;

    /// <summary>Sets up a bounce buffer of the least size, as in a kernel that had none until now.</summary>
    private static PreparedCall? BounceBuffer(KernelContext context, int pages)
    {
        GuestKernel kernel = context.Kernel;
        return kernel.FindSymbol("io_tlb_default_mem") is ulong memory
            && kernel.Knowledge.Types.TryFind("io_tlb_mem.nslabs", out KernelField slabs)
            && kernel.Memory.TryWrite(memory + (ulong)slabs.Offset, 0ul)
            ? new PreparedCall("swiotlb_init_late", [2 * OneMebibyte, KernelPages, 0], static result => result.Error != 0)
            : null;
    }

    /// <summary>A struct device that can reach all memory, and has nothing else; a page for a bus address lies behind it.</summary>
    private static ulong? Device(KernelContext context)
    {
        GuestKernel kernel = context.Kernel;
        KernelCallResult pages = new KernelAllocations(context).AllocatePages(1);
        return pages.HasReturned && pages.Value != 0
            && kernel.Knowledge.Types.TryFind("device", out KernelField whole) && whole.Size <= (int)Page.Bytes
            && kernel.Knowledge.Types.TryFind("device.coherent_dma_mask", out KernelField mask)
            && kernel.Memory.TryWrite(pages.Value + (ulong)mask.Offset, ulong.MaxValue)
            ? pages.Value
            : null;
    }

    private static int Order(int pages) => BitOperations.Log2((uint)pages) + (BitOperations.IsPow2(pages) ? 0 : 1);
}

/// <summary>A call that is ready to be made.</summary>
/// <param name="Function">The kernel function.</param>
/// <param name="Arguments">Its arguments.</param>
/// <param name="Failed">Whether what it returned says that it failed; null when it has nothing to return.</param>
internal sealed record PreparedCall(string Function, IReadOnlyList<ulong> Arguments, Func<KernelCallResult, bool>? Failed)
{
    /// <summary>The conversion function itself: nobody decides what becomes of the pages.</summary>
    public bool IsAlone { get; init; }

    /// <summary>A second function, to be called when the first one failed.</summary>
    public FollowUp? CleanUp { get; init; }
}

/// <summary>A call that follows on another.</summary>
/// <param name="Function">The kernel function.</param>
/// <param name="Arguments">Its arguments.</param>
internal sealed record FollowUp(string Function, IReadOnlyList<ulong> Arguments);
