// SPDX-License-Identifier: Apache-2.0

using Liminal.Checker.Vocabulary;

namespace Liminal.Protocols;

/// <summary>Linux 6.12 as an SEV or SEV-ES guest: no page state, only the C-bit, the caches, and a note for migration.</summary>
/// <remarks>
/// Source: Linux v6.12, arch/x86/mm/mem_encrypt_amd.c, amd_enc_status_change_finish(): enc_dec_hypercall(), whose result is ignored, and which is made
/// with KVM's migration control only.
/// </remarks>
public static class Sev
{
    /// <summary>The protocol.</summary>
    public static Protocol Protocol { get; } = Protocol.Named("sev")
        .Titled("Linux 6.12, SEV or SEV-ES guest")
        .From("Linux v6.12, arch/x86/mm/mem_encrypt_amd.c, amd_enc_status_change_finish()")
        .On("sev")
        .For(Region.DirectMap, Region.Vmalloc)
        .BothDirections(steps => steps
            .RemoveAliases().From(LinuxConversion.PurgeAliases)
            .FlushTlb(FlushScope.CallersRange).From(LinuxConversion.FirstFlush)
            .FlushCache().From("mem_encrypt_amd.c, amd_enc_cache_flush_required()")
            .SetAttribute(mayFail: LinuxConversion.Split, onFailure: failed => failed.FlushTlb()).From(LinuxConversion.ChangeAttribute)
            .FlushTlb().From(LinuxConversion.SecondFlush)
            .StatusCall().From("mem_encrypt_amd.c, enc_dec_hypercall()"));
}
