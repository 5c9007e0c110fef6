// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;

namespace Liminal.Platform.Tables;

/// <summary>A set of kinds of access.</summary>
[Flags]
internal enum AccessKinds : byte
{
    None = 0,
    Read = 1,
    Write = 2,
    Fetch = 4,
    PageWalk = 8,

    /// <summary>Loads and stores.</summary>
    Data = Read | Write,

    /// <summary>What AMD always treats as private, and TDX refuses to do in shared memory.</summary>
    FetchAndWalk = Fetch | PageWalk,

    /// <summary>All four.</summary>
    All = Data | FetchAndWalk,
}

/// <summary>A set of host policies.</summary>
[Flags]
internal enum Hosts : byte
{
    None = 0,
    Cooperative = 1 << HostPolicy.Cooperative,
    ImplicitConvert = 1 << HostPolicy.ImplicitConvert,
    Retry = 1 << HostPolicy.Retry,
    Refuse = 1 << HostPolicy.Refuse,
    Lie = 1 << HostPolicy.Lie,
    Malicious = 1 << HostPolicy.Malicious,

    /// <summary>Those that do not convert a page on an unexpected access.</summary>
    NotConverting = All & ~ImplicitConvert,

    /// <summary>All six.</summary>
    All = Cooperative | ImplicitConvert | Retry | Refuse | Lie | Malicious,
}

/// <summary>A condition on switches: those in the mask have the wanted value.</summary>
internal readonly record struct Setting(PolicySwitches Mask, PolicySwitches Wanted)
{
    /// <summary>Holds whatever the switches are.</summary>
    public static Setting Always { get; } = new(PolicySwitches.None, PolicySwitches.None);

    /// <summary>Holds when the switch is set.</summary>
    public static Setting When(PolicySwitches one) => new(one, one);

    /// <summary>Holds when the switch is clear.</summary>
    public static Setting Unless(PolicySwitches one) => new(one, PolicySwitches.None);

    public bool Holds(PolicySwitches switches) => (switches & Mask) == Wanted;
}

/// <summary>Every setting of some switches, in a fixed order: the first switch changes fastest.</summary>
internal static class Settings
{
    public static IEnumerable<PolicySwitches> Of(IReadOnlyList<PolicySwitchInfo> switches)
    {
        for (int number = 0; number < 1 << switches.Count; number++)
        {
            PolicySwitches setting = PolicySwitches.None;
            for (int i = 0; i < switches.Count; i++)
            {
                if ((number & (1 << i)) != 0)
                    setting |= switches[i].Switch;
            }

            yield return setting;
        }
    }
}
