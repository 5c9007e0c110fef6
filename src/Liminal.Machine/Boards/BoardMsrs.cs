// SPDX-License-Identifier: Apache-2.0
using Liminal.X86;

namespace Liminal.Machine.Boards;

/// <summary>Model-specific registers that kernels touch and that neither a processor nor its local APIC keeps.</summary>
/// <remarks>
/// Source of the indices: Intel SDM vol. 4, "Architectural MSRs". An index that is not here stops the machine.
/// What is absent answers with #GP, as on a processor that CPUID says has it not.
/// </remarks>
internal static class BoardMsrs
{
    public static BusOutcome Read(CpuidTable cpuid, uint index, out ulong value)
    {
        value = 0;
        return Find(cpuid, index) switch
        {
            Behaviour.ReadsZero => BusOutcome.Done,
            Behaviour.Absent => BusOutcome.GeneralProtection,
            _ => BusOutcome.NotModelled,
        };
    }

    public static BusOutcome Write(CpuidTable cpuid, uint index, ulong value) => Find(cpuid, index) switch
    {
        Behaviour.ReadsZero => value == 0 ? BusOutcome.Done : BusOutcome.NotModelled,
        Behaviour.Absent => BusOutcome.GeneralProtection,
        _ => BusOutcome.NotModelled,
    };

    private static Behaviour Find(CpuidTable cpuid, uint index) => index switch
    {
        0x017 => Behaviour.ReadsZero,   // IA32_PLATFORM_ID
        0x08B => Behaviour.ReadsZero,   // IA32_BIOS_SIGN_ID: no microcode update is loaded
        0x033 => Behaviour.Absent,      // MSR_TEST_CTRL: split-lock detection
        0x034 => Behaviour.Absent,      // MSR_SMI_COUNT
        0x03A => Behaviour.Absent,      // IA32_FEATURE_CONTROL: no VMX, no SGX
        0x048 => Behaviour.Absent,      // IA32_SPEC_CTRL
        0x049 => Behaviour.Absent,      // IA32_PRED_CMD
        0x04E => Behaviour.Absent,      // MSR_PPIN_CTL
        0x0CE => Behaviour.Absent,      // MSR_PLATFORM_INFO
        0x10B => Behaviour.Absent,      // IA32_FLUSH_CMD
        0x140 => Behaviour.Absent,      // MSR_MISC_FEATURES_ENABLES
        0x179 or 0x17A => HasMachineCheck(cpuid) ? Behaviour.ReadsZero : Behaviour.Absent,     // IA32_MCG_CAP: no banks; IA32_MCG_STATUS
        >= 0x400 and <= 0x47F => Behaviour.Absent,      // IA32_MC0_CTL to IA32_MC31_MISC: no banks
        0x606 => Behaviour.Absent,      // MSR_RAPL_POWER_UNIT
        >= 0x840 and <= 0x8FF => Behaviour.Absent,      // reserved for registers that the x2APIC does not have
        0xC001_1029 => Behaviour.Absent,    // MSR_AMD64_DE_CFG: read whatever the vendor
        _ => Behaviour.Unknown,
    };

    private static bool HasMachineCheck(CpuidTable cpuid) => (cpuid[1, 0].Edx & (1u << 14)) != 0;

    private enum Behaviour
    {
        Unknown,
        ReadsZero,
        Absent,
    }
}
