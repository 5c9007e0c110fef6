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
    public static BusOutcome Read(uint index, out ulong value)
    {
        value = 0;
        return Find(index) switch
        {
            Behaviour.ReadsZero => BusOutcome.Done,
            Behaviour.Absent => BusOutcome.GeneralProtection,
            _ => BusOutcome.NotModelled,
        };
    }

    public static BusOutcome Write(uint index, ulong value) => Find(index) switch
    {
        Behaviour.ReadsZero => value == 0 ? BusOutcome.Done : BusOutcome.NotModelled,
        Behaviour.Absent => BusOutcome.GeneralProtection,
        _ => BusOutcome.NotModelled,
    };

    private static Behaviour Find(uint index) => index switch
    {
        0x017 => Behaviour.ReadsZero,   // IA32_PLATFORM_ID
        0x08B => Behaviour.ReadsZero,   // IA32_BIOS_SIGN_ID: no microcode update is loaded
        0x033 => Behaviour.Absent,      // MSR_TEST_CTRL: split-lock detection
        0x034 => Behaviour.Absent,      // MSR_SMI_COUNT
        0x03A => Behaviour.Absent,      // IA32_FEATURE_CONTROL: no VMX, no SGX
        0x04E => Behaviour.Absent,      // MSR_PPIN_CTL
        0x0CE => Behaviour.Absent,      // MSR_PLATFORM_INFO
        0x140 => Behaviour.Absent,      // MSR_MISC_FEATURES_ENABLES
        0x606 => Behaviour.Absent,      // MSR_RAPL_POWER_UNIT
        0xC001_1029 => Behaviour.Absent,    // MSR_AMD64_DE_CFG: read whatever the vendor
        _ => Behaviour.Unknown,
    };

    private enum Behaviour
    {
        Unknown,
        ReadsZero,
        Absent,
    }
}
