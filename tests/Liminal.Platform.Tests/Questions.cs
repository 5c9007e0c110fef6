// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;
using System.Linq;
using Liminal.Memory;

namespace Liminal.Platform.Tests;

/// <summary>Every question that can be put to a platform, and short ways to put one.</summary>
internal static class Questions
{
    public static readonly GuestOperation[] GuestOperations = Enum.GetValues<GuestOperation>();
    public static readonly HostCall[] HostCalls = Enum.GetValues<HostCall>();
    public static readonly HostOperation[] HostOperations = Enum.GetValues<HostOperation>();
    public static readonly HostPolicy[] Hosts = Enum.GetValues<HostPolicy>();
    public static readonly AccessKind[] Kinds = Enum.GetValues<AccessKind>();
    public static readonly PteAttribute[] Attributes = Enum.GetValues<PteAttribute>();

    /// <summary>Every combination of all switches, those of other platforms included.</summary>
    public static IEnumerable<PolicySwitches> AllSwitches =>
        Enumerable.Range(0, 1 << (Enum.GetValues<PolicySwitches>().Length - 1)).Select(setting => (PolicySwitches)setting);

    /// <summary>Every combination of the switches that a platform consults.</summary>
    public static IEnumerable<PolicySwitches> SettingsOf(ConfidentialPlatform platform)
    {
        PolicySwitches known = platform.Switches.Aggregate(PolicySwitches.None, (all, one) => all | one.Switch);
        return AllSwitches.Where(setting => (setting & ~known) == PolicySwitches.None);
    }

    public static IEnumerable<(ConfidentialPlatform Platform, PageState State, PolicySwitches Switches)> Situations =>
        from platform in Platforms.All
        from state in platform.States
        from switches in SettingsOf(platform)
        select (platform, state.State, switches);

    public static IEnumerable<(ConfidentialPlatform Platform, PageState State, PteAttribute Attribute, AccessKind Kind, PolicySwitches Switches)>
        Accesses =>
        from situation in Situations
        from attribute in Attributes
        from kind in Kinds
        select (situation.Platform, situation.State, attribute, kind, situation.Switches);

    /// <summary>Everything that can be applied to a page, as one list.</summary>
    public static IEnumerable<(string Operation, OperationRule Rule)> Applied(
        ConfidentialPlatform platform, PageState state, PolicySwitches switches) =>
    [
        .. GuestOperations.Select(operation => ($"{operation}", platform.Apply(operation, state, switches))),
        .. HostCalls.Select(call => ($"{call}", platform.Apply(call, state, switches))),
        .. HostOperations.Select(operation => ($"{operation}", platform.Apply(operation, state, switches))),
    ];

    public static PageState State(this ConfidentialPlatform platform, string name) =>
        platform.States.Single(state => state.Name == name).State;

    public static string NameOf(this ConfidentialPlatform platform, PageState state) => platform.States[state.Value].Name;

    /// <summary>How a stray load ends.</summary>
    public static AccessResolution Load(
        this ConfidentialPlatform platform, string state, PteAttribute attribute, HostPolicy host, PolicySwitches switches) =>
        AccessResolution.Of(platform, platform.State(state), attribute, AccessKind.Read, host, switches);
}
