// SPDX-License-Identifier: Apache-2.0

using System;

namespace Liminal.Platform;

/// <summary>How the host behaves.</summary>
public enum HostPolicy : byte
{
    /// <summary>Does what it is asked; an access it did not expect is not converted.</summary>
    Cooperative,

    /// <summary>Cooperative, and converts a page on an unexpected access (KVM with guest_memfd and QEMU).</summary>
    ImplicitConvert,

    /// <summary>Cooperative, and may stop a call half-way and ask to be called again.</summary>
    Retry,

    /// <summary>May refuse a call at any page, after having done those before.</summary>
    Refuse,

    /// <summary>May report success without having done it, for any page.</summary>
    Lie,

    /// <summary>May also do any host operation at any time.</summary>
    Malicious,
}

/// <summary>Behaviour that the sources leave open, or that depends on hardware or configuration. A set bit means yes.</summary>
[Flags]
public enum PolicySwitches : ushort
{
    /// <summary>None set.</summary>
    None = 0,

    /// <summary>TDX ATTRIBUTES bit 28: an access to a pending page exits to the VMM instead of raising #VE.</summary>
    SeptVeDisable = 1 << 0,

    /// <summary>The VMM sets suppress-#VE in non-present shared EPT entries, so an access exits instead of raising #VE.</summary>
    SuppressVe = 1 << 1,

    /// <summary>A change of an RMP entry invalidates cached translations of the page on every CPU.</summary>
    RmpChangeInvalidatesTlb = 1 << 2,

    /// <summary>Cache lines of one page under different attributes are kept coherent by hardware (SME_COHERENT).</summary>
    CoherentCaches = 1 << 3,

    /// <summary>A paravisor that cannot serve an access injects #MC (OpenHCL); clear: it terminates the VM (the thread of 2023).</summary>
    ParavisorInjectsMachineCheck = 1 << 4,

    /// <summary>The guest's #MC handler panics; clear: it returns and the access repeats for ever.</summary>
    MachineCheckPanics = 1 << 5,

    /// <summary>A C=0 read of a page that is not shared exits, because nothing maps it there; clear: it returns ciphertext.</summary>
    SharedReadExits = 1 << 6,

    /// <summary>TDX Connect: the host cannot take an accepted page that the guest has not released.</summary>
    ReleaseRequired = 1 << 7,
}

/// <summary>One switch as a platform uses it.</summary>
/// <param name="Switch">Exactly one bit.</param>
/// <param name="Name">kebab-case, for the command line and reports.</param>
/// <param name="WhenSet">What holds when set, one sentence.</param>
/// <param name="WhenClear">What holds when clear, one sentence.</param>
/// <param name="Explored">Which settings are explored when the user names none.</param>
/// <param name="Source">Where the question comes from and what is known.</param>
public sealed record PolicySwitchInfo(
    PolicySwitches Switch, string Name, string WhenSet, string WhenClear, SwitchSettings Explored, string Source);

/// <summary>Settings of a switch that are explored.</summary>
public enum SwitchSettings : byte
{
    /// <summary>Only clear.</summary>
    Clear = 1,

    /// <summary>Only set.</summary>
    Set = 2,

    /// <summary>Both; a verdict says under which it holds.</summary>
    Both = 3,
}
