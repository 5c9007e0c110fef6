// SPDX-License-Identifier: Apache-2.0

using Liminal.Checker.Vocabulary;

namespace Liminal.Protocols;

/// <summary>Project Oak's firmware stage0 sharing its GHCB, in the order that pull request 3844 settled on and in the other one.</summary>
/// <remarks>
/// Source: Oak, stage0/src/sev.rs, init_ghcb(); pull request 3844 (2023-04), which gives both components the order mark, flush, share,
/// register, and resets the GHCB after the flush because it had been found corrupted. PVALIDATE is not undone before sharing; the cache is not flushed.
/// Registering the GHCB and resetting its bytes are left out. Taking the page back is left out too: the page is handed on without having been validated.
/// The second protocol is not taken from a commit: it is the same steps in the other order, for comparison.
/// </remarks>
public static class OakGhcb
{
    /// <summary>Mark the page unencrypted, flush, then share it.</summary>
    public static Protocol AttributeFirst { get; } = Protocol.Named("oak-stage0-ghcb")
        .Titled("Oak stage0, GHCB page: attribute first, then the page state")
        .From("Oak, stage0/src/sev.rs, init_ghcb(); pull request 3844")
        .On("snp")
        .WithoutStaleAliases()
        .Decrypt(steps => steps
            .SetAttribute().From("sev.rs, init_ghcb(): the entry without the encrypted bit")
            .FlushTlb().From("sev.rs, init_ghcb(): tlb::flush_all()")
            .PageStateChange().From("sev.rs, init_ghcb(): change_snp_page_state()"));

    /// <summary>Share the page, then mark it unencrypted and flush.</summary>
    public static Protocol StateFirst { get; } = Protocol.Named("oak-stage0-ghcb-state-first")
        .Titled("the steps of Oak stage0 in the other order: page state first")
        .From("Liminal: the steps of Oak, stage0/src/sev.rs, init_ghcb(), in the other order")
        .On("snp")
        .WithoutStaleAliases()
        .Decrypt(steps => steps
            .PageStateChange()
            .SetAttribute()
            .FlushTlb());
}
