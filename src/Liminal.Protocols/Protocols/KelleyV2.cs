// SPDX-License-Identifier: Apache-2.0

using Liminal.Checker.Vocabulary;

namespace Liminal.Protocols;

/// <summary>Version 2 of Kelley's series: the cache is flushed first, and PVALIDATE gets a temporary virtual address.</summary>
/// <remarks>
/// Source: Michael Kelley, [PATCH v2 0/8] of 2023-11-21 (LKML and linux-hyperv).
/// The TLB is flushed once, after the attribute has changed: until then a CPU may still hold the old translation, but the page is in its
/// old state too. What its code does when a step fails is not known here, so no step may fail inside the guest.
/// </remarks>
public static class KelleyV2
{
    private const string Series = "LKML 2023-11-21, Kelley, PATCH v2 0/8";

    /// <summary>The protocol.</summary>
    public static Protocol Protocol { get; } = Protocol.Named("v2-2023")
        .Titled("Kelley's series, version 2: cache flush first, a temporary address for PVALIDATE")
        .From(Series)
        .On("tdx", "snp", "tdp", "vtom", "sev")
        .For(Region.DirectMap, Region.Vmalloc)
        .BothDirections(steps => steps
            .RemoveAliases().From(Series + ", step 1")
            .FlushCache().From(Series + ", step 2")
            .ClearPresent().From(Series + ", step 3")
            .SetAttribute().From(Series + ", step 4")
            .FlushTlb().From(Series + ", step 5")
            .NotifyHypervisor(Translation.SlowVirtToPhys, Through.TemporaryMapping).From(Series + ", step 6")
            .SetPresent().From(Series + ", step 7"));
}
