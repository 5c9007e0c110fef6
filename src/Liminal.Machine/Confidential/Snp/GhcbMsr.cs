// SPDX-License-Identifier: Apache-2.0
namespace Liminal.Machine.Confidential.Snp;

/// <summary>Requests of the GHCB MSR protocol: the low 12 bits of MSR C001_0130 at a VMGEXIT. Zero there: it holds the address of a GHCB.</summary>
/// <remarks>Source: GHCB 2.0, "GHCB MSR protocol"; KVM v6.12, svm/sev.c, sev_handle_vmgexit_msr_protocol().</remarks>
internal enum GhcbRequest : ushort
{
    Information = 0x002,
    Cpuid = 0x004,
    ApResetHold = 0x006,
    PreferredGhcb = 0x010,
    RegisterGhcb = 0x012,
    PageStateChange = 0x014,
    RunVmpl = 0x016,
    Features = 0x080,
    Terminate = 0x100,
}

/// <summary>The values that requests and answers of the GHCB MSR protocol are made of.</summary>
internal static class GhcbMsr
{
    /// <summary>Index of the MSR.</summary>
    public const uint Index = 0xC001_0130;

    /// <summary>Bits that hold the request or the answer's kind.</summary>
    public const ulong RequestMask = 0xFFF;

    /// <summary>Protocol versions offered. KVM offers the same.</summary>
    public const ushort VersionMaximum = 2;

    /// <inheritdoc cref="VersionMaximum"/>
    public const ushort VersionMinimum = 1;

    /// <summary>"There is no preferred address": all ones.</summary>
    public const ulong NoPreference = ~RequestMask;

    private const int ValueShift = 32;
    private const int DataShift = 12;

    /// <summary>Frame number in a request, bits 51:12 or 63:12.</summary>
    public static ulong FrameOf(ulong msr) => msr >> DataShift;

    /// <summary>Answer to <see cref="GhcbRequest.Information"/>.</summary>
    public static ulong Information(int attributeBit) =>
        ((ulong)VersionMaximum << 48) | ((ulong)VersionMinimum << 32) | ((ulong)attributeBit << 24) | 0x001;

    /// <summary>Answer to <see cref="GhcbRequest.Cpuid"/>; bits 31:30 of the request stay.</summary>
    public static ulong Cpuid(ulong request, uint value) =>
        ((ulong)value << ValueShift) | (request & 0xFFFF_F000) | 0x005;

    /// <summary>Answer to <see cref="GhcbRequest.ApResetHold"/>.</summary>
    public static ulong ApResetHold(bool wasStarted) => (wasStarted ? 1ul << DataShift : 0) | 0x007;

    /// <summary>Answer to <see cref="GhcbRequest.PreferredGhcb"/>.</summary>
    public static ulong PreferredGhcb => NoPreference | 0x011;

    /// <summary>Answer to <see cref="GhcbRequest.RegisterGhcb"/>.</summary>
    public static ulong Registered(ulong request) => (request & ~RequestMask) | 0x013;

    /// <summary>Answer to <see cref="GhcbRequest.PageStateChange"/>.</summary>
    /// <param name="error">Zero when it was done.</param>
    public static ulong PageStateChange(uint error) => ((ulong)error << ValueShift) | 0x015;

    /// <summary>Answer to <see cref="GhcbRequest.Features"/>.</summary>
    public static ulong Features(ulong features) => (features << DataShift) | 0x081;
}

/// <summary>Hypervisor features in the answer to <see cref="GhcbRequest.Features"/>.</summary>
internal static class GhcbFeature
{
    /// <summary>SEV-SNP.</summary>
    public const ulong Snp = 1 << 0;

    /// <summary>AP creation.</summary>
    public const ulong ApCreation = 1 << 1;
}

/// <summary>Why a guest ended itself, in the words of those who wrote the code.</summary>
/// <remarks>
/// Source: GHCB 2.0, "Termination request"; Linux v6.12, arch/x86/include/asm/sev-common.h, SEV_TERM_SET_GEN and SEV_TERM_SET_LINUX.
/// </remarks>
internal static class GhcbTermination
{
    private static readonly string[] General =
    [
        "general request",
        "the hypervisor's protocol range is not supported",
        "the hypervisor lacks an SNP feature",
    ];

    private static readonly string[] Linux =
    [
        "registering the GHCB failed",
        "a page state change failed",
        "PVALIDATE failed",
        "the kernel does not run at VMPL0",
        "CPUID validation failed",
        "CPUID from the hypervisor failed",
        "the secrets page could not be read",
        "the SVSM runs at the kernel's VMPL",
        "the SVSM gave no calling area",
        "a boot calling area could not be set up",
    ];

    /// <summary>One clause for the report, from the value of the MSR.</summary>
    public static string Describe(ulong msr)
    {
        int set = (int)(msr >> 12) & 0xF;
        int reason = (int)(msr >> 16) & 0xFF;
        string[]? words = set switch { 0 => General, 1 => Linux, _ => null };
        string meaning = words is not null && reason < words.Length ? words[reason] : "no meaning known";
        return $"the guest asked for its termination, {set}:{reason}: {meaning}";
    }
}
