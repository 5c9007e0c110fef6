// SPDX-License-Identifier: Apache-2.0

using Liminal.Checker.Vocabulary;

namespace Liminal.Protocols;

/// <summary>Linux 6.1 (6.1.192) as an SEV-SNP guest: PVALIDATE of the whole range, through the caller's address, on one side of all page-state changes.</summary>
/// <remarks>
/// Source: Linux v6.1.192, arch/x86/kernel/sev.c, snp_set_memory_shared(), snp_set_memory_private(), pvalidate_pages(), set_pages_state();
/// mm/mem_encrypt_amd.c for the callbacks.
/// <para>
/// One VMGEXIT carries up to 253 entries; since PVALIDATE is not interleaved with it, its batches make no difference here. KVM's status hypercall is
/// left out: it changes no page and is made with migration control only. The panic of set_pages_state() without memory is left out: there is no guest afterwards.
/// Every error of PVALIDATE or of the page-state change ends the guest (sev_es_terminate()).
/// </para>
/// </remarks>
public static class Linux61Snp
{
    private const string Pvalidate = "kernel/sev.c, pvalidate_pages()";
    private const string StateChange = "kernel/sev.c, set_pages_state()";

    /// <summary>The protocol.</summary>
    public static Protocol Protocol { get; } = Protocol.Named("linux-6.1-snp")
        .Titled("Linux 6.1, SEV-SNP guest")
        .From("Linux v6.1.192, arch/x86/kernel/sev.c, snp_set_memory_shared() and snp_set_memory_private()")
        .On("snp")
        .For(Region.DirectMap, Region.Vmalloc)
        .HandledBy(GuestKernel.Linux61)
        .Decrypt(steps => steps
            .RemoveAliases().From(LinuxConversion.PurgeAliases)
            .FlushTlb(FlushScope.CallersRange).From(LinuxConversion.FirstFlush)
            .FlushCache().From("mem_encrypt_amd.c, amd_enc_cache_flush_required()")
            .Rescind().From(Pvalidate)
            .PageStateChange(Translation.VmallocToPage).From(StateChange)
            .SetAttribute(mayFail: LinuxConversion.Split, onFailure: failed => failed.FlushTlb()).From(LinuxConversion.ChangeAttribute)
            .FlushTlb().From(LinuxConversion.SecondFlush))
        .Encrypt(steps => steps
            .RemoveAliases().From(LinuxConversion.PurgeAliases)
            .FlushTlb(FlushScope.CallersRange).From(LinuxConversion.FirstFlush)
            .FlushCache().From("mem_encrypt_amd.c, amd_enc_cache_flush_required()")
            .SetAttribute(mayFail: LinuxConversion.Split, onFailure: failed => failed.FlushTlb()).From(LinuxConversion.ChangeAttribute)
            .FlushTlb().From(LinuxConversion.SecondFlush)
            .PageStateChange(Translation.VmallocToPage).From(StateChange)
            .Validate().From(Pvalidate)
            .ReadBack().From("kernel/sev.c, sev_evict_cache(), CVE-2024-36331"));
}
