// SPDX-License-Identifier: Apache-2.0

using Liminal.Checker.Vocabulary;

namespace Liminal.Protocols;

/// <summary>Linux 6.12 as an SEV-SNP guest at VMPL0: PVALIDATE and page-state change batch by batch.</summary>
/// <remarks>
/// Source: Linux v6.12, arch/x86/coco/sev/core.c, __set_pages_state(); coco/sev/shared.c, pval_pages(), which validates and reads back
/// through the direct map whatever the caller's address is; mm/mem_encrypt_amd.c for the callbacks.
/// <para>
/// A batch of up to 64 entries is explored as one page, so that a range of two has two batches. 2 MiB entries and their retry
/// as 512 pages are left out: the model has 4 KiB pages. So is KVM's status hypercall, which changes no page and is made with migration control only.
/// Every error of PVALIDATE or of the page-state change ends the guest (sev_es_terminate()).
/// </para>
/// </remarks>
public static class Linux612Snp
{
    private const string Batch = "sev/core.c, __set_pages_state()";
    private const string Pvalidate = "sev/shared.c, pval_pages()";

    /// <summary>The protocol.</summary>
    public static Protocol Protocol { get; } = Protocol.Named("linux-6.12-snp")
        .Titled("Linux 6.12, SEV-SNP guest at VMPL0")
        .From("Linux v6.12, arch/x86/coco/sev/core.c, __set_pages_state()")
        .On("snp")
        .For(Region.DirectMap, Region.Vmalloc)
        .Decrypt(steps => steps
            .RemoveAliases().From(LinuxConversion.PurgeAliases)
            .FlushTlb(FlushScope.CallersRange).From(LinuxConversion.FirstFlush)
            .FlushCache().From("mem_encrypt_amd.c, amd_enc_cache_flush_required()")
            .PerBatch(1, batch => batch
                .Rescind(Through.DirectMap).From(Pvalidate)
                .PageStateChange(Translation.VmallocToPage).From(Batch + ": vmgexit_psc()"))
            .SetAttribute(mayFail: LinuxConversion.Split, onFailure: failed => failed.FlushTlb()).From(LinuxConversion.ChangeAttribute)
            .FlushTlb().From(LinuxConversion.SecondFlush))
        .Encrypt(steps => steps
            .RemoveAliases().From(LinuxConversion.PurgeAliases)
            .FlushTlb(FlushScope.CallersRange).From(LinuxConversion.FirstFlush)
            .FlushCache().From("mem_encrypt_amd.c, amd_enc_cache_flush_required()")
            .SetAttribute(mayFail: LinuxConversion.Split, onFailure: failed => failed.FlushTlb()).From(LinuxConversion.ChangeAttribute)
            .FlushTlb().From(LinuxConversion.SecondFlush)
            .PerBatch(1, batch => batch
                .PageStateChange(Translation.VmallocToPage).From(Batch + ": vmgexit_psc()")
                .Validate(Through.DirectMap).From(Pvalidate)
                .ReadBack(Through.DirectMap).From(Pvalidate + ": sev_evict_cache(), CVE-2024-36331")));
}
