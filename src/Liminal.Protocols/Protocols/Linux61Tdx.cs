// SPDX-License-Identifier: Apache-2.0

using Liminal.Checker.Vocabulary;

namespace Liminal.Protocols;

/// <summary>Linux 6.1 (6.1.192) as a TDX guest: the steps of 6.12, and RETRY taken for a failure.</summary>
/// <remarks>
/// Source: Linux v6.1.192, arch/x86/coco/tdx/tdx.c, tdx_enc_status_changed(): any answer of MapGPA but success is a failure. The order of
/// encrypt is that of 6.12 since the fix 195edce08b63 was taken over (Debian 6.1.52-1); <see cref="LinuxTdxBefore65"/> is the order before it.
/// Debian builds 6.1 without TDX guest support.
/// </remarks>
public static class Linux61Tdx
{
    /// <summary>The protocol.</summary>
    public static Protocol Protocol { get; } = Protocol.Named("linux-6.1-tdx")
        .Titled("Linux 6.1, TDX guest: RETRY is a failure")
        .From("Linux v6.1.192, arch/x86/coco/tdx/tdx.c, tdx_enc_status_changed()")
        .On("tdx")
        .HandledBy(GuestKernel.Linux61)
        .Decrypt(steps => Linux612Tdx.Decrypt(steps, OnRetry.Fail))
        .Encrypt(steps => Linux612Tdx.Encrypt(steps, OnRetry.Fail));
}
