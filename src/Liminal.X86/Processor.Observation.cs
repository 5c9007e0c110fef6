// SPDX-License-Identifier: Apache-2.0
using System;
using Liminal.Memory.Ram;
using Liminal.X86.Observation;
using Liminal.X86.Paging;

namespace Liminal.X86;

/// <content>Reports to the observer. Nothing here is reached on the fast path.</content>
public sealed unsafe partial class Processor
{
    private WatchedPages? _watched;
    private byte[]? _beforeBulkStore;
    private ulong _bulkTranslation;
    private bool _isBulkStoreWatched;

    /// <summary>Sees deliveries, invalidations, CR3 writes, cache flushes and stores to <see cref="WatchedPages"/>; null for none.</summary>
    public IProcessorObserver? Observer { get; set; }

    /// <summary>Pages whose stores the observer sees; null for none.</summary>
    public WatchedPages? WatchedPages
    {
        get => _watched;
        set
        {
            _watched = value;
            WatchedPagesChanged();
        }
    }

    /// <summary>Must follow every change to <see cref="WatchedPages"/>: host pointers for writing are looked up anew.</summary>
    public void WatchedPagesChanged() => ForgetFastEntries();

    private bool IsWatched(ulong physical) => _watched != null && _watched.Contains(physical >> 12);

    /// <summary>After a store of up to 8 bytes inside a page.</summary>
    private void ReportStore(ulong data, ulong address, int size, ulong old, ulong value)
    {
        ulong mask = ulong.MaxValue >> (64 - (8 * size));
        Observer?.OnWatchedStore(this, new WatchedStore(
            (data & Translation.FrameMask) | (address & ~PageMask), address, size, old & mask, value & mask,
            ByPageWalk: false, (data & Translation.Shared) != 0));
    }

    /// <summary>Before a bulk store to host memory: keeps the old bytes of a watched page.</summary>
    private void BeforeBulkStore(ulong data, byte* host, int length)
    {
        _isBulkStoreWatched = IsWatched(data & Translation.FrameMask);
        if (!_isBulkStoreWatched)
            return;
        _bulkTranslation = data;
        _beforeBulkStore ??= new byte[GuestRam.PageSize];
        new ReadOnlySpan<byte>(host, length).CopyTo(_beforeBulkStore);
    }

    /// <summary>After a bulk store through the pointer of the last <see cref="TryHostForStore"/>.</summary>
    internal void AfterBulkStore(ulong address, byte* host, int length)
    {
        if (!_isBulkStoreWatched)
            return;
        _isBulkStoreWatched = false;
        ReadOnlySpan<byte> before = _beforeBulkStore;
        for (int offset = 0; offset < length;)
        {
            int size = Math.Min(8 - (int)((address + (ulong)offset) & 7), length - offset);
            ulong old = 0;
            for (int i = 0; i < size; i++)
                old |= (ulong)before[offset + i] << (8 * i);
            ulong value = LoadOdd(host + offset, size);
            if (old != value)
                ReportStore(_bulkTranslation, address + (ulong)offset, size, old, value);
            offset += size;
        }
    }
}
