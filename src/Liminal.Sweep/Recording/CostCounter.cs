// SPDX-License-Identifier: Apache-2.0

using System.Collections.Generic;
using Liminal.Trace;

namespace Liminal.Sweep.Recording;

/// <summary>Counts what a conversion costs while it runs.</summary>
internal struct CostCounter
{
    public long PteStores;
    public long FlushRequests;
    public long TlbFlushes;
    public long CacheFlushes;
    public long GuestOperations;
    public long HostCalls;

    /// <summary>The counts with the instructions beside them.</summary>
    /// <param name="instructions">Of the converting processor.</param>
    /// <param name="others">Of the other processors.</param>
    /// <param name="phases">Where those of the converting processor went.</param>
    public readonly ConversionCost Sum(ulong instructions, ulong others, IReadOnlyList<PhaseCost> phases) => new(
        instructions, others, PteStores, FlushRequests, TlbFlushes, CacheFlushes, GuestOperations, HostCalls, phases);
}
