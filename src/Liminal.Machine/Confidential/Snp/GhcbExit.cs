// SPDX-License-Identifier: Apache-2.0
using System;
using System.Collections.Generic;

namespace Liminal.Machine.Confidential.Snp;

/// <summary>What a guest can ask for through a GHCB page: intercepted instructions, and requests of the protocol's own.</summary>
/// <remarks>Source: GHCB 2.0, "SW_EXITCODE"; APM2 appendix C, "SVM intercept exit codes".</remarks>
internal enum GhcbExit : uint
{
    ReadDr7 = 0x27,
    WriteDr7 = 0x37,
    Rdtsc = 0x6E,
    Rdpmc = 0x6F,
    Cpuid = 0x72,
    Invd = 0x76,
    InputOutput = 0x7B,
    Msr = 0x7C,
    Vmmcall = 0x81,
    Rdtscp = 0x87,
    Wbinvd = 0x89,
    Monitor = 0x8A,
    Mwait = 0x8B,
    MmioRead = 0x8000_0001,
    MmioWrite = 0x8000_0002,
    NmiComplete = 0x8000_0003,
    ApHaltLoop = 0x8000_0004,
    ApJumpTable = 0x8000_0005,
    PageStateChange = 0x8000_0010,
    GuestRequest = 0x8000_0011,
    ExtendedGuestRequest = 0x8000_0012,
    ApCreation = 0x8000_0013,
    Features = 0x8000_FFFD,
    Terminate = 0x8000_FFFE,
    UnsupportedEvent = 0x8000_FFFF,
}

/// <summary>Errors in SW_EXITINFO2 when SW_EXITINFO1 says "malformed input" (2).</summary>
/// <remarks>Source: GHCB 2.0, "Invalid GHCB"; Linux v6.12, arch/x86/include/asm/sev-common.h, GHCB_ERR_*.</remarks>
internal enum GhcbError : ulong
{
    NotRegistered = 1,
    InvalidUsage = 2,
    InvalidScratchArea = 3,
    MissingInput = 4,
    InvalidInput = 5,
    InvalidEvent = 6,
}

/// <summary>One request and the fields that must be valid in it, besides the exit code and its two words of information.</summary>
/// <param name="Exit">The request.</param>
/// <param name="Needs">Fields.</param>
internal sealed record GhcbExitRow(GhcbExit Exit, params GhcbField[] Needs)
{
    /// <summary>The requests that are answered. Everything else is <see cref="GhcbError.InvalidEvent"/>.</summary>
    /// <remarks>Source: KVM v6.12, svm/sev.c, sev_es_validate_vmgexit(). What depends on more than the code is checked where it is carried out.</remarks>
    public static IReadOnlyDictionary<ulong, GhcbExitRow> All { get; } = Table(
    [
        new(GhcbExit.ReadDr7),
        new(GhcbExit.WriteDr7, GhcbField.Rax),
        new(GhcbExit.Rdtsc),
        new(GhcbExit.Rdpmc, GhcbField.Rcx),
        new(GhcbExit.Cpuid, GhcbField.Rax, GhcbField.Rcx),
        new(GhcbExit.Invd),
        new(GhcbExit.InputOutput),
        new(GhcbExit.Msr, GhcbField.Rcx),
        new(GhcbExit.Vmmcall, GhcbField.Rax),
        new(GhcbExit.Rdtscp),
        new(GhcbExit.Wbinvd),
        new(GhcbExit.Monitor, GhcbField.Rax, GhcbField.Rcx, GhcbField.Rdx),
        new(GhcbExit.Mwait, GhcbField.Rax, GhcbField.Rcx),
        new(GhcbExit.MmioRead, GhcbField.Scratch),
        new(GhcbExit.MmioWrite, GhcbField.Scratch),
        new(GhcbExit.NmiComplete),
        new(GhcbExit.ApHaltLoop),
        new(GhcbExit.ApJumpTable),
        new(GhcbExit.PageStateChange, GhcbField.Scratch),
        new(GhcbExit.ApCreation),
        new(GhcbExit.Features),
        new(GhcbExit.Terminate),
        new(GhcbExit.UnsupportedEvent),
    ]);

    private static Dictionary<ulong, GhcbExitRow> Table(ReadOnlySpan<GhcbExitRow> rows)
    {
        Dictionary<ulong, GhcbExitRow> table = [];
        foreach (GhcbExitRow row in rows)
        {
            table.Add((ulong)row.Exit, row);
        }

        return table;
    }
}
