// SPDX-License-Identifier: Apache-2.0
using System.Collections.Generic;

namespace Liminal.X86.Observation;

/// <summary>Several observers as one, told in order.</summary>
public sealed class ObserverList(IReadOnlyList<IProcessorObserver> observers) : IProcessorObserver
{
    /// <inheritdoc/>
    public void OnDelivery(Processor processor, in EventDelivery delivery)
    {
        foreach (IProcessorObserver observer in observers)
            observer.OnDelivery(processor, delivery);
    }

    /// <inheritdoc/>
    public void OnInvalidation(Processor processor, in TlbInvalidation invalidation)
    {
        foreach (IProcessorObserver observer in observers)
            observer.OnInvalidation(processor, invalidation);
    }

    /// <inheritdoc/>
    public void OnCr3Write(Processor processor, ulong old, ulong value)
    {
        foreach (IProcessorObserver observer in observers)
            observer.OnCr3Write(processor, old, value);
    }

    /// <inheritdoc/>
    public void OnCacheFlush(Processor processor, in CacheFlush flush)
    {
        foreach (IProcessorObserver observer in observers)
            observer.OnCacheFlush(processor, flush);
    }

    /// <inheritdoc/>
    public void OnWatchedStore(Processor processor, in WatchedStore store)
    {
        foreach (IProcessorObserver observer in observers)
            observer.OnWatchedStore(processor, store);
    }

    /// <inheritdoc/>
    public void OnTracepoint(Processor processor)
    {
        foreach (IProcessorObserver observer in observers)
            observer.OnTracepoint(processor);
    }
}
