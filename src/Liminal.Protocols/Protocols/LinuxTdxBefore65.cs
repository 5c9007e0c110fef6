// SPDX-License-Identifier: Apache-2.0

using Liminal.Checker.Vocabulary;

namespace Liminal.Protocols;

/// <summary>Linux as a TDX guest before the fix of 6.5: on encrypt the PTEs are private before the page is.</summary>
/// <remarks>
/// Source: the commit message of 195edce08b63 ("x86/tdx: Fix race between set_memory_encrypted() and load_unaligned_zeropad()", 6.5, taken
/// over into 6.1.y), which describes the order before it. Before the fix the finish callback served both directions.
/// </remarks>
public static class LinuxTdxBefore65
{
    /// <summary>The protocol.</summary>
    public static Protocol Protocol { get; } = Protocol.Named("linux-tdx-before-6.5")
        .Titled("Linux before 6.5, TDX guest: on encrypt the PTEs change first")
        .From("Linux, commit message of 195edce08b63")
        .On("tdx")
        .HandledBy(GuestKernel.Linux61)
        .Decrypt(steps => Linux612Tdx.Decrypt(steps, OnRetry.Fail))
        .Encrypt(steps => steps
            .RemoveAliases().From(LinuxConversion.PurgeAliases)
            .SetAttribute(mayFail: LinuxConversion.Split, onFailure: failed => failed.FlushTlb()).From(LinuxConversion.ChangeAttribute)
            .FlushTlb().From(LinuxConversion.SecondFlush)
            .MapGpa(Translation.VirtToPhys, OnRetry.Fail, mayFail: LinuxConversion.Refused).From("tdx.c, tdx_enc_status_changed() as the finish callback")
            .Accept(mayFail: "TDG.MEM.PAGE.ACCEPT reports an error for a page (-EIO)").From("tdx.c, tdx_enc_status_changed(): try_accept_one()"));
}
