// SPDX-License-Identifier: Apache-2.0

namespace Liminal.Platform;

/// <summary>The questions that both platforms with a paravisor leave open.</summary>
internal static class ParavisorSwitches
{
    /// <summary>Who says that a paravisor cannot hand the exception on.</summary>
    public const string Thread = "Thread 2023, Kelley, 15 August: for an EPT violation the containing VM can only terminate the guest";

    /// <summary>What a paravisor does with an access that it cannot serve.</summary>
    public static PolicySwitchInfo InjectsMachineCheck { get; } = new(
        PolicySwitches.ParavisorInjectsMachineCheck, "paravisor-injects-mc",
        "The paravisor injects #MC.",
        "The paravisor terminates the VM.",
        SwitchSettings.Both,
        "OpenVMM 2026-08, hardware_cvm/mod.rs, check_mem_fault(), against " + Thread + ".");

    /// <summary>What the guest does with that #MC.</summary>
    public static PolicySwitchInfo MachineCheckPanics(SwitchSettings explored, string source) => new(
        PolicySwitches.MachineCheckPanics, "mc-panics",
        "The guest's #MC handler panics.",
        "It returns, and the access repeats for ever.",
        explored,
        source);

    /// <summary>Whether the caches need anybody's care.</summary>
    public static PolicySwitchInfo CoherentCaches(SwitchSettings explored, string source) => new(
        PolicySwitches.CoherentCaches, "coherent-caches",
        "Lines of one page under different attributes are kept coherent.",
        "They are not: paravisor and host flush, as the guest does not.",
        explored,
        source);
}
