// SPDX-License-Identifier: Apache-2.0

using Liminal.Checker.Vocabulary;

namespace Liminal.Protocols;

/// <summary>The seven steps of "x86/coco: Mark CoCo VM pages not present when changing encrypted state", as they stand in its RFC.</summary>
/// <remarks>
/// Source: Michael Kelley's RFC of 2023-07-06 and the thread that follows (LKML); linux-transitions 1.5.
/// The order is the RFC's own, the cache flush after clearing PRESENT included.
/// </remarks>
public static class Rfc2023
{
    private const string Thread = "Kelley, RFC 2023-07-06, LKML";

    /// <summary>The protocol, with the translation that the RFC chose.</summary>
    public static Protocol Protocol { get; } = Protocol.Named("rfc-2023")
        .Titled("the seven steps of the RFC: pages are not present while they change")
        .From(Thread)
        .On("tdx", "snp", "tdp", "vtom", "sev", "none")
        .For(Region.DirectMap, Region.Vmalloc)
        .BothDirections(steps => steps
            .RemoveAliases().From(Thread + ", step 1")
            .ClearPresent().From(Thread + ", step 2")
            .FlushTlb().From(Thread + ", step 3")
            .FlushCache().From(Thread + ", step 4")
            .SetAttribute().From(Thread + ", step 5")
            .NotifyHypervisor(Translation.SlowVirtToPhys).From(Thread + ", step 6")
            .SetPresent().From(Thread + ", step 7"));
}
