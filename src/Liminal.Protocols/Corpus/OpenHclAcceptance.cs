// SPDX-License-Identifier: Apache-2.0

using Liminal.Checker.Vocabulary;

namespace Liminal.Protocols;

/// <summary>OpenHCL's boot loader taking pages back that were shared, without and with a flush of the shared cache lines.</summary>
/// <remarks>
/// Source: OpenVMM, openhcl/openhcl_boot, accept_pending_vtl2_memory(); pull requests 3806 and 3861 (2026-06 and -07). The change was taken back
/// by pull request 3994 as experimental, so that these are two designs and not a bug and its fix. The order of the steps is that of any
/// shared-to-private change of SEV-SNP; the loader's own mapping of the pages is left out.
/// </remarks>
public static class OpenHclAcceptance
{
    /// <summary>Without a flush.</summary>
    public static Protocol WithoutFlush { get; } = Protocol.Named("openhcl-acceptance-without-flush")
        .Titled("OpenHCL's boot loader accepting shared pages, no cache flush")
        .From("OpenVMM, openhcl_boot, before pull request 3806")
        .On("snp")
        .WithoutStaleAliases()
        .Encrypt(steps => Accept(steps));

    /// <summary>With the flush, through the mapping that goes away.</summary>
    public static Protocol WithFlush { get; } = Protocol.Named("openhcl-acceptance-with-flush")
        .Titled("OpenHCL's boot loader accepting shared pages, shared cache lines flushed first")
        .From("OpenVMM, openhcl_boot, pull request 3806: cache_lines_flush_page()")
        .On("snp")
        .WithoutStaleAliases()
        .Encrypt(steps => Accept(steps.FlushCache().From("pull request 3806: cache_lines_flush_page()")));

    private static void Accept(StepList steps) => steps
        .SetAttribute()
        .FlushTlb()
        .PageStateChange()
        .Validate();
}
