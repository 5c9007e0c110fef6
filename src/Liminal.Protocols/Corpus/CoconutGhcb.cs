// SPDX-License-Identifier: Apache-2.0

using Liminal.Checker.Vocabulary;

namespace Liminal.Protocols;

/// <summary>COCONUT-SVSM sharing a page as its GHCB and taking it back, before and after the missing TLB flush was added.</summary>
/// <remarks>
/// Source: COCONUT-SVSM, kernel/src/sev/ghcb.rs, GhcbPage::new() and its drop; pull request 1188 (commit 338cbc2d, 2026-08). Registering the GHCB with
/// the hypervisor, the SVSM's own bitmap of valid pages and RMPADJUST change nothing here and are left out. An error is a panic of the SVSM.
/// The SVSM has no load_unaligned_zeropad(): the verdicts on stray loads say what such a load would meet.
/// </remarks>
public static class CoconutGhcb
{
    private const string File = "COCONUT-SVSM, kernel/src/sev/ghcb.rs";

    /// <summary>Before the fix: nothing is flushed when the page is taken back.</summary>
    public static Protocol BeforeFix { get; } = Protocol.Named("coconut-ghcb-before-1188")
        .Titled("COCONUT-SVSM, GHCB page, before the TLB flush on drop")
        .From(File + ", before pull request 1188")
        .On("snp")
        .WithoutStaleAliases()
        .Decrypt(Share)
        .Encrypt(steps => steps
            .SetAttribute().From("ghcb.rs, drop: set_encrypted_4k()")
            .PageStateChange().From("ghcb.rs, drop: validate_page_msr()")
            .Validate().From("ghcb.rs, drop: pvalidate()"));

    /// <summary>After the fix.</summary>
    public static Protocol AfterFix { get; } = Protocol.Named("coconut-ghcb")
        .Titled("COCONUT-SVSM, GHCB page, with the TLB flush on drop")
        .From(File + ", since pull request 1188")
        .On("snp")
        .WithoutStaleAliases()
        .Decrypt(Share)
        .Encrypt(steps => steps
            .SetAttribute().From("ghcb.rs, drop: set_encrypted_4k()")
            .FlushTlb().From("pull request 1188")
            .PageStateChange().From("ghcb.rs, drop: validate_page_msr()")
            .Validate().From("ghcb.rs, drop: pvalidate()"));

    private static void Share(StepList steps) => steps
        .Rescind().From("ghcb.rs, new(): pvalidate()")
        .PageStateChange().From("ghcb.rs, new(): invalidate_page_msr()")
        .SetAttribute().From("ghcb.rs, new(): set_shared_4k()")
        .FlushTlb().From("ghcb.rs, new(): flush_tlb_global_sync()");
}
