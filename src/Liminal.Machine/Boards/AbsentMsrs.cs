// SPDX-License-Identifier: Apache-2.0
namespace Liminal.Machine.Boards;

/// <summary>Model-specific registers that kernels probe and this machine answers with #GP, as a processor without them does.</summary>
/// <remarks>An index that is neither kept by the processor, nor the local APIC's, nor here stops the machine.</remarks>
internal static class AbsentMsrs
{
    public static bool Contains(uint index) => index switch
    {
        0x033 => true,                      // MSR_TEST_CTRL: split-lock detection
        0x034 => true,                      // MSR_SMI_COUNT
        0x0CE => true,                      // MSR_PLATFORM_INFO
        0x140 => true,                      // MSR_MISC_FEATURES_ENABLES
        0x17F => true,                      // MSR_ERROR_CONTROL
        0x606 => true,                      // MSR_RAPL_POWER_UNIT
        _ => false,
    };
}
