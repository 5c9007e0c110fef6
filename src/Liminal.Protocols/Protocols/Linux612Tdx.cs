// SPDX-License-Identifier: Apache-2.0

using Liminal.Checker.Vocabulary;

namespace Liminal.Protocols;

/// <summary>Linux 6.12 as a TDX guest: MapGPA after the PTEs on decrypt, MapGPA and ACCEPT before them on encrypt.</summary>
/// <remarks>
/// Source: Linux v6.12, arch/x86/coco/tdx/tdx.c, tdx_enc_status_change_prepare() and _finish(), tdx_map_gpa(), tdx_tlb_flush_required();
/// arch/x86/mm/pat/set_memory.c.
/// <para>
/// The callback translates with __pa(), so vmalloc addresses are not supported, and the direct map is the only region explored by itself.
/// The cache flush is asked for on every TDX guest, on decrypt only. ACCEPT of 2 MiB and 1 GiB is left out: the model has 4 KiB pages.
/// </para>
/// </remarks>
public static class Linux612Tdx
{
    /// <summary>The protocol.</summary>
    public static Protocol Protocol { get; } = Protocol.Named("linux-6.12-tdx")
        .Titled("Linux 6.12, TDX guest")
        .From("Linux v6.12, arch/x86/coco/tdx/tdx.c, tdx_enc_status_changed()")
        .On("tdx")
        .Decrypt(steps => Decrypt(steps, OnRetry.CallAgain))
        .Encrypt(steps => Encrypt(steps, OnRetry.CallAgain));

    /// <summary>From private to shared, as in every Linux since 5.19; they differ in what they do when MapGPA says RETRY.</summary>
    internal static void Decrypt(StepList steps, OnRetry onRetry) => steps
        .RemoveAliases().From(LinuxConversion.PurgeAliases)
        .FlushTlb(FlushScope.CallersRange).From(LinuxConversion.FirstFlush)
        .FlushCache(When.Always).From("tdx.c, tdx_cache_flush_required()")
        .SetAttribute(mayFail: LinuxConversion.Split, onFailure: failed => failed.FlushTlb()).From(LinuxConversion.ChangeAttribute)
        .FlushTlb().From(LinuxConversion.SecondFlush)
        .MapGpa(Translation.VirtToPhys, onRetry, mayFail: LinuxConversion.Refused).From("tdx.c, tdx_enc_status_change_finish()");

    /// <summary>From shared to private, as in every Linux since the fix 195edce08b63 of 6.5.</summary>
    internal static void Encrypt(StepList steps, OnRetry onRetry) => steps
        .RemoveAliases().From(LinuxConversion.PurgeAliases)
        .MapGpa(Translation.VirtToPhys, onRetry, mayFail: LinuxConversion.Refused).From("tdx.c, tdx_enc_status_change_prepare()")
        .Accept(mayFail: "TDG.MEM.PAGE.ACCEPT reports an error for a page (-EIO)").From("tdx-shared.c, tdx_accept_memory()")
        .SetAttribute(mayFail: LinuxConversion.Split, onFailure: failed => failed.FlushTlb()).From(LinuxConversion.ChangeAttribute)
        .FlushTlb().From(LinuxConversion.SecondFlush);
}
