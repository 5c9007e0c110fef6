// SPDX-License-Identifier: Apache-2.0

using System.Collections.Generic;

namespace Liminal.Trace;

/// <summary>What a conversion cost, counted in the guest.</summary>
/// <param name="Instructions">Instructions of the converting processor, from entry to return.</param>
/// <param name="OtherInstructions">Instructions of the other processors in the same time, idle ones not counted.</param>
/// <param name="PteStores">Stores to leaf entries that map the pages.</param>
/// <param name="FlushRequests">Requests to other processors to flush.</param>
/// <param name="TlbFlushes">Flushes that were carried out, on all processors together.</param>
/// <param name="CacheFlushes">Cache lines or whole caches that were written back.</param>
/// <param name="GuestOperations">PVALIDATE, TDG.MEM.PAGE.ACCEPT, RMPADJUST.</param>
/// <param name="HostCalls">Calls to the host.</param>
/// <param name="Phases">Where the instructions went, in order; their sum is <see cref="Instructions"/>.</param>
public sealed record ConversionCost(
    ulong Instructions,
    ulong OtherInstructions,
    long PteStores,
    long FlushRequests,
    long TlbFlushes,
    long CacheFlushes,
    long GuestOperations,
    long HostCalls,
    IReadOnlyList<PhaseCost> Phases);

/// <summary>Instructions of one phase of a conversion.</summary>
/// <param name="Name">The kernel function that the phase stands for, such as <c>vm_unmap_aliases</c>, or <c>other</c>.</param>
/// <param name="Instructions">Instructions of the converting processor.</param>
public sealed record PhaseCost(string Name, ulong Instructions);
