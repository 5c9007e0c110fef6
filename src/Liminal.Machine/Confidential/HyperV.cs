// SPDX-License-Identifier: Apache-2.0
using Liminal.Machine.Boards;
using Liminal.Platform;
using Liminal.X86;

namespace Liminal.Machine.Confidential;

/// <summary>Status of a hypercall: RAX 15:0.</summary>
/// <remarks>Source: TLFS, "Hypercall status values"; OpenVMM 2026-08, hvdef/src/lib.rs, HvError.</remarks>
internal enum HypercallStatus : ushort
{
    Success = 0,
    InvalidHypercallCode = 2,
    InvalidHypercallInput = 3,
    InvalidAlignment = 4,
    InvalidParameter = 5,
    AccessDenied = 6,
    OperationDenied = 8,
    Timeout = 0x78,
}

/// <summary>The input value of a hypercall: RCX.</summary>
/// <remarks>Source: TLFS, "Hypercall inputs".</remarks>
internal readonly record struct HypercallControl(ulong Value)
{
    private const int StartShift = 48;

    /// <summary>Call code.</summary>
    public ushort Code => (ushort)Value;

    /// <summary>Input is in registers.</summary>
    public bool IsFast => (Value & (1 << 16)) != 0;

    /// <summary>Size of a variable header in units of 8 bytes.</summary>
    public int VariableHeader => (int)(Value >> 17) & 0x3FF;

    /// <summary>Elements in the list.</summary>
    public int Count => (int)(Value >> 32) & 0xFFF;

    /// <summary>First element that has not been worked on.</summary>
    public int Start => (int)(Value >> StartShift) & 0xFFF;

    /// <summary>The same, to go on at an element.</summary>
    public ulong WithStart(int start) => (Value & ~(0xFFFul << StartShift)) | ((ulong)start << StartShift);
}

/// <summary>What CPUID says of the hypervisor and of the isolation.</summary>
/// <remarks>
/// Source: TLFS, "Feature and interface discovery"; Linux v6.12, arch/x86/kernel/cpu/mshyperv.c, ms_hyperv_init_platform(), for what is read. Left clear
/// on purpose: AccessPartitionId, which makes a kernel call HvCallGetPartitionId; SynIC, timers, and flushes and IPIs by hypercall, which
/// are not modelled.
/// </remarks>
internal static class HyperVCpuid
{
    /// <summary>Changes the table into that of a guest of a platform with a paravisor.</summary>
    public static void Apply(CpuidTable table, ConfidentialPlatform platform, int processorCount)
    {
        bool isSnp = platform is VtomPlatform;
        if (isSnp)
        {
            AmdCpuid.Apply(table, processorCount);
        }

        // Machine checks are announced; what a #MC of the paravisor does follows from it.
        const uint MachineCheck = (1u << 7) | (1u << 14);
        table[1, 0] = table[1, 0] with { Edx = table[1, 0].Edx | MachineCheck };

        (uint ebx, uint ecx, uint edx) = AmdCpuid.Text12("Microsoft Hv");
        const uint InterfaceHv1 = 0x3123_7648;
        table[0x4000_0000, 0] = new CpuidResult(0x4000_000C, ebx, ecx, edx);
        table[0x4000_0001, 0] = new CpuidResult(InterfaceHv1, 0, 0, 0);
        table[0x4000_0002, 0] = new CpuidResult(20348, 0x000A_0000, 0, 0);
        table[0x4000_0003, 0] = new CpuidResult(Features, Isolation, 0, FrequencyRegistersAvailable);
        table[0x4000_0004, 0] = new CpuidResult(RelaxedTiming, 0, 0, 0);
        table[0x4000_0005, 0] = new CpuidResult((uint)Board.MostProcessors, (uint)Board.MostProcessors, 0, 0);
        const uint ParavisorPresent = 1;
        const uint SharedBoundaryActive = 1 << 5;
        uint boundary = (uint)(platform.Format.AttributeBit ?? 0) << 6;
        table[0x4000_000C, 0] = new CpuidResult(ParavisorPresent, (isSnp ? 2u : 3u) | SharedBoundaryActive | boundary, 0, 0);
    }

    private static uint Features =>
        (1u << 1)       // reference counter
        | (1u << 5)     // hypercall registers
        | (1u << 6)     // virtual processor index
        | (1u << 9)     // reference TSC page
        | (1u << 11)    // frequency registers
        | (1u << 15);   // control of the invariant TSC

    private const uint Isolation = 1u << 22;
    private const uint FrequencyRegistersAvailable = 1u << 8;
    private const uint RelaxedTiming = 1u << 5;
}
