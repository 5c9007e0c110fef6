// SPDX-License-Identifier: Apache-2.0
using Liminal.X86;

namespace Liminal.Machine.Confidential.Tdx;

/// <summary>CPUID in a TD: which leaves the module answers, and what it fixes in them.</summary>
/// <remarks>
/// Source: TDX-Module 1.5, cpuid_configurations.c (a leaf that is not in its table, or marked as faulting there, raises #VE) and td_cpuid.c.
/// The module demands features of a real processor that this board's has not, such as XSAVE: they stay hidden.
/// </remarks>
internal static class TdxCpuid
{
    private const uint LastBasicLeaf = 0x23;
    private const uint LastExtendedLeaf = 0x8000_0008;
    private const uint FirstReservedLeaf = 0x4000_0000;
    private const uint LastReservedLeaf = 0x4FFF_FFFF;
    private const uint FirstExtendedLeaf = 0x8000_0000;
    private const uint Any = uint.MaxValue;

    /// <summary>Leaves that the module answers, with the last subleaf it answers; Any where the subleaf does not matter.</summary>
    private static readonly (uint Leaf, uint LastSubleaf)[] Answered =
    [
        (0x00, Any), (0x01, Any), (0x03, Any), (0x04, 4), (0x05, Any), (0x07, 2), (0x08, Any), (0x0A, Any), (0x0D, 0x12), (0x0E, Any),
        (0x11, Any), (0x12, Any), (0x13, Any), (0x14, 1), (0x15, Any), (0x19, Any), (0x1C, Any), (0x1D, 1), (0x1E, Any),
        (0x20, Any), (0x21, 0), (0x22, Any), (0x23, 3),
        (0x8000_0000, Any), (0x8000_0001, Any), (0x8000_0007, Any), (0x8000_0008, Any),
    ];

    /// <summary>True when the module answers; false when it raises #VE.</summary>
    public static bool IsAnswered(uint leaf, uint subleaf)
    {
        // A leaf above the last one of its range is the last basic leaf.
        bool isReserved = leaf is >= FirstReservedLeaf and <= LastReservedLeaf;
        if (!isReserved && (leaf > LastExtendedLeaf || leaf is > LastBasicLeaf and < FirstExtendedLeaf))
        {
            leaf = LastBasicLeaf;
        }

        foreach ((uint answered, uint last) in Answered)
        {
            if (answered == leaf)
            {
                return last == Any || subleaf <= last;
            }
        }

        return false;
    }

    /// <summary>Changes the board's table to what the module shows.</summary>
    public static void Adjust(CpuidTable table, int sharedBit)
    {
        table[0, 0] = table[0, 0] with { Eax = LastBasicLeaf };

        // CR4.MCE is fixed to 1, so machine checks are announced; the host says that there are no banks. PSE-36 is fixed to 0.
        CpuidResult one = table[1, 0];
        const uint MachineChecks = (1u << 7) | (1u << 14);
        const uint PageSizeExtension36 = 1u << 17;
        table[1, 0] = one with { Edx = (one.Edx | MachineChecks) & ~PageSizeExtension36 };

        // IA32_TSC_ADJUST is fixed to 0.
        const uint TscAdjust = 1u << 1;
        CpuidResult seven = table[7, 0];
        table[7, 0] = seven with { Ebx = seven.Ebx & ~TscAdjust };

        table[0x21, 0] = new CpuidResult(0, 0x6574_6E49, 0x2020_2020, 0x5844_546C);     // "IntelTDX    " in EBX, EDX, ECX

        // MAXPA takes in the shared bit.
        CpuidResult widths = table[0x8000_0008, 0];
        table[0x8000_0008, 0] = widths with { Eax = (widths.Eax & ~0xFFu) | (uint)(sharedBit + 1) };
    }
}
