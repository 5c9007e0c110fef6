// SPDX-License-Identifier: Apache-2.0

/// <summary>
/// An order for SEV-SNP without clearing PRESENT: whenever the page is in between, its mapping is shared, because a read through a shared mapping
/// has no RMP check. PVALIDATE goes through another, private mapping made for it.
/// </summary>
public static class SnpSharedMappingThroughout
{
    public static Protocol SharedMapping => Protocol.Named("snp-shared-mapping-throughout")
        .Titled("SEV-SNP: shared mapping while the page is in between, PVALIDATE through another one")
        .From("an idea of this sample, not of any kernel")
        .On("snp")
        .Decrypt(steps => steps
            .RemoveAliases()
            .FlushCache()
            .SetAttribute()
            .FlushTlb()
            .Rescind(Through.TemporaryMapping)
            .PageStateChange())
        .Encrypt(steps => steps
            .RemoveAliases()
            .FlushCache()
            .PageStateChange()
            .Validate(Through.TemporaryMapping)
            .SetAttribute()
            .FlushTlb());
}
