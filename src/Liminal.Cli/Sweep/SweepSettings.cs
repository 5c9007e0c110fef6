// SPDX-License-Identifier: Apache-2.0

using System.Collections.Generic;
using System.Linq;
using Liminal.Machine.Confidential;
using Liminal.Memory;
using Liminal.Platform;
using Liminal.Sweep.Failures;
using Liminal.Trace;

namespace Liminal.Cli.Sweep;

/// <summary>Which hosts and settings of the policy switches a sweep plays when the user names none.</summary>
internal static class SweepSettings
{
    /// <summary>A cooperative host, and one that converts on an unexpected access where the platform's documentation allows it.</summary>
    public static IReadOnlyList<HostPolicy> HostsOf(ConfidentialPlatform platform) =>
        [.. platform.DocumentedHosts.Where(static host => host is HostPolicy.Cooperative or HostPolicy.ImplicitConvert)];

    /// <summary>What goes wrong under the hosts that the user named, all of it when none; failures inside the guest are a cooperative host's.</summary>
    public static IReadOnlyList<ConversionFault> FaultsOf(IReadOnlyCollection<HostPolicy>? hosts) =>
        [.. System.Enum.GetValues<ConversionFault>().Where(fault => hosts is null || hosts.Contains(Fault.PolicyOf(fault)))];

    /// <summary>Every combination of the switches that are open and matter to a load or to what TLBs may hold.</summary>
    /// <remarks>
    /// Whether caches are coherent is decided when the guest boots (CPUID), and changes no outcome of a load. What the guest's #MC handler does is
    /// not assumed: it runs.
    /// </remarks>
    public static IReadOnlyList<PolicySwitches> CombinationsOf(ConfidentialPlatform platform)
    {
        const PolicySwitches Decided = PolicySwitches.CoherentCaches | PolicySwitches.MachineCheckPanics;
        List<PolicySwitches> all = [ConfidentialConfiguration.DefaultSwitches(platform)];
        foreach (PolicySwitchInfo info in platform.Switches)
        {
            if (info.Explored == SwitchSettings.Both && (info.Switch & Decided) == PolicySwitches.None && Matters(platform, info.Switch))
                all.AddRange([.. all.Select(one => one | info.Switch)]);
        }

        return all;
    }

    /// <summary>The settings as texts, for a report: those of the open switches.</summary>
    public static IReadOnlyList<string> Texts(ConfidentialPlatform platform, PolicySwitches switches) =>
        [.. platform.Switches
            .Where(static info => info.Explored == SwitchSettings.Both)
            .Select(info => $"{info.Name}={(switches.HasFlag(info.Switch) ? "on" : "off")}")];

    private static bool Matters(ConfidentialPlatform platform, PolicySwitches one)
    {
        PolicySwitches basis = ConfidentialConfiguration.DefaultSwitches(platform);
        foreach (PageStateInfo info in platform.States)
        {
            foreach (PteAttribute attribute in new[] { PteAttribute.Private, PteAttribute.Shared })
            {
                foreach (HostPolicy host in HostsOf(platform))
                {
                    AccessResolution without = AccessResolution.Of(platform, info.State, attribute, AccessKind.Read, host, basis);
                    AccessResolution with = AccessResolution.Of(platform, info.State, attribute, AccessKind.Read, host, basis | one);
                    if (without.Outcome != with.Outcome || without.Change != with.Change)
                        return true;
                }
            }

            foreach (HostCall call in System.Enum.GetValues<HostCall>())
            {
                if (platform.Apply(call, info.State, basis).Change != platform.Apply(call, info.State, basis | one).Change)
                    return true;
            }
        }

        return false;
    }
}
