// SPDX-License-Identifier: Apache-2.0

/// <summary>The RFC's seven steps with the cache flush moved to where the entries are still present, and what SEV-SNP needs besides.</summary>
public static class FlushCacheFirst
{
    public static Protocol SevenSteps => With(Through.CallersMapping, "flush-cache-first")
        .Titled("the RFC's seven steps, the cache flushed while the pages are present");

    public static Protocol WithTemporaryMapping => With(Through.TemporaryMapping, "flush-cache-first-temporary")
        .Titled("the same, with a temporary mapping for PVALIDATE");

    private static Protocol With(Through through, string name) => Protocol.Named(name)
        .From("Thread 2023, Kelley, RFC of 6 July, step 4 moved before step 2")
        .On("tdx", "snp", "tdp", "vtom", "sev")
        .For(Region.DirectMap, Region.Vmalloc)
        .BothDirections(steps => steps
            .RemoveAliases()
            .FlushCache()
            .ClearPresent()
            .FlushTlb()
            .SetAttribute()
            .NotifyHypervisor(Translation.SlowVirtToPhys, through)
            .SetPresent());
}
