// SPDX-License-Identifier: Apache-2.0
namespace Liminal.Machine.Confidential.Tdx;

/// <summary>What RDMSR or WRMSR of an index does in a TD.</summary>
internal enum TdxMsrAction : byte
{
    /// <summary>#VE: the guest's handler asks the VMM.</summary>
    Ve,

    /// <summary>The processor's, as in any guest.</summary>
    Native,

    /// <summary>#GP(0).</summary>
    Gp,

    /// <summary>The module answers.</summary>
    Module,
}

/// <summary>MSRs in a TD.</summary>
/// <remarks>
/// Source: TDX-Module 1.5, msr_config_lookup.c and td_msr_access.c. An index that is not in the table raises #VE. Of what depends on the
/// configuration of the TD this one has nothing: no performance monitoring, no TSX, no CET, no processor trace, no last-branch records, no
/// user interrupts, no protection keys for supervisor pages, no user-mode wait, no XFD; so those raise #GP. The TSC deadline is configured.
/// </remarks>
internal static class TdxMsrs
{
    public const uint XapicDisableStatus = 0xBD;
    public const uint MiscEnable = 0x1A0;
    public const uint PerformanceCapabilities = 0x345;
    public const uint ExtendedFeatures = 0xC000_0080;
    public const uint ExtendedSupervisorState = 0xDA0;

    private const TdxMsrAction Ve = TdxMsrAction.Ve;
    private const TdxMsrAction Native = TdxMsrAction.Native;
    private const TdxMsrAction Gp = TdxMsrAction.Gp;
    private const TdxMsrAction Module = TdxMsrAction.Module;

    /// <summary>First and last index, what a read and what a write does; in ascending order.</summary>
    private static readonly (uint First, uint Last, TdxMsrAction Read, TdxMsrAction Write)[] Table =
    [
        (0x010, 0x010, Native, Ve),         // IA32_TIME_STAMP_COUNTER
        (0x048, 0x049, Native, Native),     // speculation control, prediction command
        (0x087, 0x087, Gp, Gp),             // MKTME partitioning
        (0x08C, 0x08F, Gp, Gp),             // SGX launch keys
        (0x098, 0x09B, Gp, Gp),
        (0x09E, 0x09E, Gp, Gp),
        (0x0BC, 0x0BC, Native, Ve),
        (XapicDisableStatus, XapicDisableStatus, Module, Native),
        (0x0C1, 0x0C8, Gp, Gp),             // performance counters
        (0x0E1, 0x0E1, Gp, Gp),             // user-mode wait
        (0x10A, 0x10A, Native, Native),     // IA32_ARCH_CAPABILITIES: not announced by this processor
        (0x10B, 0x10B, Native, Native),
        (0x122, 0x122, Gp, Gp),             // TSX
        (0x174, 0x176, Native, Native),     // SYSENTER
        (0x186, 0x18D, Gp, Gp),
        (0x195, 0x195, Gp, Gp),
        (MiscEnable, MiscEnable, Module, Ve),
        (0x1A6, 0x1A7, Gp, Gp),
        (0x1C4, 0x1C5, Gp, Gp),             // XFD
        (0x1D9, 0x1D9, Native, Native),     // IA32_DEBUGCTL
        (0x1F8, 0x1FA, Gp, Gp),             // DCA
        (0x276, 0x276, Gp, Gp),
        (0x277, 0x277, Native, Native),     // IA32_PAT
        (0x309, 0x310, Gp, Gp),
        (0x329, 0x329, Gp, Gp),
        (PerformanceCapabilities, PerformanceCapabilities, Module, Gp),
        (0x38D, 0x392, Gp, Gp),
        (0x3F1, 0x3F2, Gp, Gp),
        (0x3F6, 0x3F7, Gp, Gp),
        (0x480, 0x480, Native, Gp),         // VMX capabilities: not of this processor
        (0x481, 0x484, Ve, Gp),
        (0x485, 0x489, Native, Gp),
        (0x48A, 0x48A, Ve, Gp),
        (0x48B, 0x492, Native, Gp),
        (0x4C1, 0x4C8, Gp, Gp),
        (0x500, 0x500, Gp, Gp),
        (0x560, 0x561, Gp, Gp),             // processor trace
        (0x570, 0x572, Gp, Gp),
        (0x580, 0x587, Gp, Gp),
        (0x600, 0x600, Native, Native),
        (0x6A0, 0x6A0, Gp, Gp),             // CET
        (0x6A2, 0x6A2, Gp, Gp),
        (0x6A4, 0x6A8, Gp, Gp),
        (0x6E0, 0x6E0, Ve, Ve),             // IA32_TSC_DEADLINE, as CPUID announces it
        (0x6E1, 0x6E1, Gp, Gp),
        (0x800, 0x801, Gp, Gp),             // x2APIC
        (0x804, 0x807, Gp, Gp),
        (0x808, 0x80C, Native, Native),
        (0x80E, 0x80E, Native, Native),
        (0x810, 0x827, Native, Native),
        (0x829, 0x82E, Gp, Gp),
        (0x831, 0x831, Gp, Gp),
        (0x83F, 0x83F, Native, Native),
        (0x840, 0x8FF, Gp, Gp),
        (0x981, 0x98A, Gp, Gp),             // TME, user interrupts
        (0xC80, 0xC80, Native, Ve),
        (0xD90, 0xD90, Gp, Gp),
        (0xD93, 0xD93, Gp, Gp),
        (ExtendedSupervisorState, ExtendedSupervisorState, Native, Module),
        (0x1200, 0x12FF, Gp, Gp),           // last-branch records
        (0x14CE, 0x14CF, Gp, Gp),
        (0x1500, 0x16FF, Gp, Gp),
        (0x1B01, 0x1B01, Native, Native),
        (ExtendedFeatures, ExtendedFeatures, Native, Module),
        (0xC000_0081, 0xC000_0082, Native, Native),
        (0xC000_0084, 0xC000_0084, Native, Native),
        (0xC000_0100, 0xC000_0103, Native, Native),
    ];

    /// <summary>What an access does.</summary>
    public static TdxMsrAction Find(uint index, bool isWrite)
    {
        int low = 0;
        int high = Table.Length - 1;
        while (low <= high)
        {
            int middle = (low + high) / 2;
            if (index < Table[middle].First)
            {
                high = middle - 1;
            }
            else if (index > Table[middle].Last)
            {
                low = middle + 1;
            }
            else
            {
                return isWrite ? Table[middle].Write : Table[middle].Read;
            }
        }

        return TdxMsrAction.Ve;
    }
}
