// SPDX-License-Identifier: Apache-2.0
using System;
using Liminal.Memory.Ram;
using Liminal.X86;
using Liminal.X86.Observation;

namespace Liminal.Machine;

/// <content>Observers of the processors. They cost nothing while there are none, change nothing for the guest, and are not inherited by forks.</content>
public sealed partial class VirtualMachine
{
    private IProcessorObserver? _processorObserver;
    private WatchedPages? _watchedPages;

    /// <summary>Sees deliveries, TLB invalidations, CR3 writes, cache flushes and stores to watched pages on every processor; null for none.</summary>
    /// <remarks>For several at once, <see cref="ObserverList"/>. In a call, <see cref="InstructionsRetired"/> is the machine's time.</remarks>
    public IProcessorObserver? ProcessorObserver
    {
        get => _processorObserver;
        set
        {
            _processorObserver = value;
            foreach (Processor processor in _processors)
            {
                processor.Observer = value;
            }
        }
    }

    /// <summary>Reports every store to a guest-physical page, by any processor through any mapping, to <see cref="ProcessorObserver"/>.</summary>
    /// <param name="frame">Frame number; in a confidential guest both backings are watched.</param>
    public void WatchPage(ulong frame)
    {
        _watchedPages ??= new WatchedPages(Ram.EndAddress / GuestRam.PageSize);
        if (_watchedPages.Add(frame))
        {
            ApplyWatchedPages();
        }
    }

    /// <summary>Reports stores to a page no longer.</summary>
    public void UnwatchPage(ulong frame)
    {
        if (_watchedPages?.Remove(frame) == true)
        {
            ApplyWatchedPages();
        }
    }

    /// <summary>Stores a word for a processor between two of its instructions, seen by an observer as a store of its own would be.</summary>
    /// <param name="processor">In whose place.</param>
    /// <param name="physicalAddress">Guest-physical, aligned, in private RAM.</param>
    /// <param name="value">What is stored.</param>
    public void StoreFor(Processor processor, ulong physicalAddress, ulong value)
    {
        ulong old = Ram.Read<ulong>(physicalAddress);
        Ram.Write(physicalAddress, value);
        if (_watchedPages?.Contains(physicalAddress / GuestRam.PageSize) == true)
        {
            _processorObserver?.OnWatchedStore(
                processor, new WatchedStore(physicalAddress, 0, sizeof(ulong), old, value, ByPageWalk: false, IsShared: false));
        }
    }

    /// <summary>Watches no page any more.</summary>
    public void UnwatchAllPages()
    {
        _watchedPages?.Clear();
        ApplyWatchedPages();
    }

    /// <summary>The watched frames, ascending.</summary>
    public ReadOnlySpan<ulong> WatchedFrames => _watchedPages?.ToArray() ?? [];

    /// <summary>An empty watch is no watch: the slow path then has nothing to look at.</summary>
    private void ApplyWatchedPages()
    {
        WatchedPages? pages = _watchedPages is { Count: > 0 } ? _watchedPages : null;
        foreach (Processor processor in _processors)
        {
            processor.WatchedPages = pages;
        }
    }
}
