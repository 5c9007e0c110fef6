// SPDX-License-Identifier: Apache-2.0

using Liminal.Checker.Vocabulary;

namespace Liminal.Protocols;

/// <summary>Version 1 of Kelley's series: generic, one callback where there had been two, so that all notification comes after the attribute.</summary>
/// <remarks>
/// Source: Michael Kelley, [PATCH 0/5] of 2023-09-29; Tom Lendacky's oops of 2023-10-02, in which PVALIDATE takes a #PF on the
/// page that is not present (LKML).
/// The order is taken to be the RFC's, which the description of v1 repeats. What its code does when a step fails is not known here, so no
/// step may fail inside the guest.
/// </remarks>
public static class KelleyV1
{
    /// <summary>The protocol.</summary>
    public static Protocol Protocol { get; } = Protocol.Named("v1-2023")
        .Titled("Kelley's series, version 1: not present on every platform, one callback")
        .From("LKML 2023-09-29, Kelley, PATCH 0/5")
        .On("tdx", "snp", "tdp", "vtom", "sev")
        .For(Region.DirectMap, Region.Vmalloc)
        .BothDirections(steps => steps
            .RemoveAliases()
            .ClearPresent()
            .FlushTlb()
            .FlushCache()
            .SetAttribute()
            .NotifyHypervisor(Translation.SlowVirtToPhys).From("LKML 2023-10-02, Lendacky: pvalidate_pages() from the finish callback")
            .SetPresent());
}
