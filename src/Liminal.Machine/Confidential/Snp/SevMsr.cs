// SPDX-License-Identifier: Apache-2.0
using Liminal.X86;

namespace Liminal.Machine.Confidential.Snp;

/// <summary>Model-specific registers of an AMD processor that kernels touch, as a hypervisor answers them.</summary>
/// <remarks>
/// Source: KVM v6.12, x86.c, kvm_get_msr_common() and kvm_set_msr_common(), svm/svm.c, svm_get_msr(): what is there only so that kernels find it reads
/// zero; HWCR takes the bits of the machine-check overwrite and of the time-stamp lock, and reads the latter set, or Linux calls it a firmware bug.
/// </remarks>
internal static class SevMsr
{
    /// <summary>SEV_STATUS.</summary>
    public const uint Status = 0xC001_0131;

    /// <summary>IA32_MTRR_DEF_TYPE; memory types are kept for the guest to read, and mean nothing here.</summary>
    public const uint MemoryTypeDefault = 0x2FF;

    /// <summary>MTRRs enabled, everything write-back: what a firmware leaves.</summary>
    public const ulong WriteBack = 0x806;

    private const uint MemoryTypeCapabilities = 0xFE;
    private const ulong WriteCombining = 1 << 10;
    private const uint HardwareConfiguration = 0xC001_0015;
    private const ulong TimeStampLock = 1 << 24;
    private const ulong HardwareConfigurationBits = TimeStampLock | (1 << 18);
    private const ulong IgnoredConfigurationBits = 0x148;

    /// <summary>A register of this list; null for one that is not in it.</summary>
    public static BusOutcome? Read(uint index, out ulong value)
    {
        value = index switch { HardwareConfiguration => TimeStampLock, MemoryTypeCapabilities => WriteCombining, _ => 0 };
        return value != 0 || ReadsZero(index) ? BusOutcome.Done : null;
    }

    /// <inheritdoc cref="Read"/>
    public static BusOutcome? Write(uint index, ulong value)
    {
        if (index == HardwareConfiguration)
        {
            return (value & ~(HardwareConfigurationBits | IgnoredConfigurationBits)) == 0 ? BusOutcome.Done : BusOutcome.GeneralProtection;
        }

        if (!ReadsZero(index))
        {
            return null;
        }

        return value == 0 ? BusOutcome.Done : BusOutcome.GeneralProtection;
    }

    private static bool ReadsZero(uint index) => index
        is (>= 0xC001_0000 and <= 0xC001_0007)  // performance counters of the K7
        or 0xC001_0010                          // SYSCFG: a guest sees no memory encryption of the host's
        or 0xC001_001F                          // NB_CFG
        or 0xC001_0055                          // INT_PENDING_MSG
        or 0xC001_1020                          // LS_CFG
        or 0xC001_1022                          // DC_CFG
        or 0xC001_1028                          // FP_CFG
        or 0xC001_1029                          // DE_CFG
        or 0xC001_102A                          // BU_CFG2
        or 0xC001_0140 or 0xC001_0141;          // OSVW: no errata
}
