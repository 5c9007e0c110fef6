// SPDX-License-Identifier: Apache-2.0

using Liminal.Checker.Vocabulary;

namespace Liminal.Protocols;

/// <summary>Linux as a TDX guest that releases private pages before it asks for them to be shared, as TDX Connect demands.</summary>
/// <remarks>
/// Source: LKML 2026-06-04 and 2026-06-23, Zhenzhong Duan ("x86/tdx: Release private memory before private->shared conversion"); OpenVMM
/// pull request 3748. The release stands where the finish callback asks for the conversion. That the guest re-accepts what it had
/// released when a later page cannot be released is left out: a step that cleans up covers the whole range here, not the pages done so far.
/// </remarks>
public static class TdxConnect
{
    /// <summary>The protocol.</summary>
    public static Protocol Protocol { get; } = Protocol.Named("linux-tdx-connect-2026")
        .Titled("Linux, TDX guest with TDX Connect: private pages are released before they are shared")
        .From("LKML 2026-06-04, Duan, tdx_enc_status_changed()")
        .On("tdx")
        .Decrypt(steps => steps
            .RemoveAliases().From(LinuxConversion.PurgeAliases)
            .FlushTlb(FlushScope.CallersRange).From(LinuxConversion.FirstFlush)
            .FlushCache(When.Always).From("tdx.c, tdx_cache_flush_required()")
            .SetAttribute(mayFail: LinuxConversion.Split, onFailure: failed => failed.FlushTlb()).From(LinuxConversion.ChangeAttribute)
            .FlushTlb().From(LinuxConversion.SecondFlush)
            .Release().From("LKML 2026-06-04, Duan: tdx_release_memory()")
            .MapGpa(Translation.VirtToPhys, OnRetry.CallAgain, mayFail: LinuxConversion.Refused).From("tdx.c, tdx_enc_status_change_finish()"))
        .Encrypt(steps => Linux612Tdx.Encrypt(steps, OnRetry.CallAgain));
}
