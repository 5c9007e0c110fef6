// SPDX-License-Identifier: Apache-2.0

using Liminal.Checker.Vocabulary;

namespace Liminal.Protocols;

/// <summary>Linux as a TDX guest before its #VE handler knew page-crossing loads: a stray load is decoded as MMIO, and the host answers it.</summary>
/// <remarks>
/// Source: the commit message of "x86/tdx: Handle load_unaligned_zeropad() page-cross to a shared page" (2022). The steps
/// are those of <see cref="LinuxTdxBefore65"/>; only the handler differs.
/// </remarks>
public static class LinuxTdxBeforePageCrossCheck
{
    /// <summary>The protocol.</summary>
    public static Protocol Protocol { get; } = LinuxTdxBefore65.Protocol with
    {
        Name = "linux-tdx-before-page-cross-check",
        Title = "Linux before the page-cross check of 2022, TDX guest: a stray load becomes MMIO",
        Source = "Linux, \"x86/tdx: Handle load_unaligned_zeropad() page-cross to a shared page\"",
        Kernel = GuestKernel.LinuxBeforePageCrossCheck,
    };
}
