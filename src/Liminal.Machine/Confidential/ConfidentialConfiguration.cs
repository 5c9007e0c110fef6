// SPDX-License-Identifier: Apache-2.0
using System;
using Liminal.Platform;

namespace Liminal.Machine.Confidential;

/// <summary>What makes a machine confidential: the rules and the host. Part of what decides every instruction of a run.</summary>
/// <param name="Platform">The rulebook.</param>
/// <param name="Host">How the host behaves at the start; <see cref="ConfidentialGuest.Host"/> can be changed later.</param>
/// <param name="Switches">What the sources leave open; fixed for the life of the machine.</param>
public sealed record ConfidentialConfiguration(ConfidentialPlatform Platform, HostPolicy Host, PolicySwitches Switches)
{
    /// <summary>At which calls of the guest the host's policy strikes.</summary>
    public HostPlan Plan { get; init; } = HostPlan.EveryCall;

    /// <summary>Where a guest has no RMP: whether its registers are encrypted too (SEV-ES) or its memory only (SEV).</summary>
    public bool EncryptsState { get; init; }

    /// <summary>A machine with a cooperative host and the settings of <see cref="DefaultSwitches"/>.</summary>
    public static ConfidentialConfiguration Of(ConfidentialPlatform platform) =>
        new(platform, HostPolicy.Cooperative, DefaultSwitches(platform));

    /// <summary>The settings of a boot for which the user set none: set where the platform is explored with the switch set only, else clear.</summary>
    public static PolicySwitches DefaultSwitches(ConfidentialPlatform platform)
    {
        PolicySwitches switches = PolicySwitches.None;
        foreach (PolicySwitchInfo info in platform.Switches)
        {
            if (info.Explored == SwitchSettings.Set)
            {
                switches |= info.Switch;
            }
        }

        return switches;
    }

    /// <summary>The configuration as one line, equal exactly when two machines follow the same rules; part of a snapshot's key.</summary>
    public string Key => $"{Platform.Name} {Host} {(int)Switches:x} {Plan.First} {Plan.Count} {Plan.Page} {(Plan.StrikesAgain ? "again " : "")}{EncryptsState}";
}

/// <summary>At which calls, and at which page of a call, a host that retries, refuses or lies does so.</summary>
/// <param name="First">Number of the first call that is struck; calls are counted from 0 at power-on, whatever they ask for.</param>
/// <param name="Count">How many calls from there on.</param>
/// <param name="Page">Index of the page in the call; null for the middle one.</param>
public sealed record HostPlan(ulong First, ulong Count, ulong? Page = null)
{
    /// <summary>Whether a call that continues one that was cut short is struck too: a host that asks for ever to be called again.</summary>
    public bool StrikesAgain { get; init; }

    /// <summary>Every call in its middle; a call that continues one that was cut short is left alone, so that it ends.</summary>
    public static HostPlan EveryCall { get; } = new(0, ulong.MaxValue);

    /// <summary>One call only.</summary>
    /// <param name="call">Its number from power-on.</param>
    /// <param name="page">Index of the page in it; null for the middle one.</param>
    public static HostPlan Only(ulong call, ulong? page = null) => new(call, 1, page);

    /// <summary>The page of a call at which the host strikes, or null when it leaves the call alone.</summary>
    /// <param name="call">Number of the call.</param>
    /// <param name="pages">Pages in it.</param>
    internal ulong? PageOf(ulong call, ulong pages) =>
        call >= First && call - First < Count && pages != 0 ? Math.Min(Page ?? (pages / 2), pages - 1) : null;
}
