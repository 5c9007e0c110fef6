// SPDX-License-Identifier: Apache-2.0

using System.Collections.Generic;
using Liminal.Checker.Scenarios;
using Liminal.Checker.Vocabulary;
using Liminal.Platform;

namespace Liminal.Protocols;

/// <summary>One cell of the matrix before it is explored.</summary>
/// <param name="Protocol">The row.</param>
/// <param name="Direction">The direction of the row.</param>
/// <param name="Platform">The column.</param>
/// <param name="WhyNot">Why there is nothing to explore; null when there is.</param>
/// <param name="Scenarios">What is explored, in the order of the report.</param>
internal sealed record PlannedCell(
    Protocol Protocol, Direction Direction, ConfidentialPlatform Platform, string? WhyNot, IReadOnlyList<Scenario> Scenarios);

/// <summary>Lists the scenarios that a request asks for, in the order of the report.</summary>
internal static class CheckPlan
{
    /// <summary>The cells: protocol by protocol, direction by direction, platform by platform.</summary>
    public static IReadOnlyList<PlannedCell> Of(CheckRequest request)
    {
        List<PlannedCell> cells = [];
        foreach (Protocol protocol in request.Protocols)
        {
            foreach (Direction direction in request.Directions)
            {
                foreach (ConfidentialPlatform platform in request.Platforms)
                    cells.Add(CellOf(request, protocol, direction, platform));
            }
        }

        return cells;
    }

    private static PlannedCell CellOf(CheckRequest request, Protocol protocol, Direction direction, ConfidentialPlatform platform)
    {
        Scenario first = new(protocol, platform, direction, HostPolicy.Cooperative, PolicySwitches.None)
        {
            Pages = request.Pages,
            Cpus = request.Cpus,
            Caller = request.Caller,
            Second = request.Second,
            LiveAlias = request.LiveAlias,
            Translation = request.Translation,
        };
        string? whyNot = !first.IsApplicable ? protocol.WhyNotElsewhere
            : protocol.StepsOf(direction).Count == 0 ? "the protocol has no steps in this direction"
            : null;
        return new PlannedCell(protocol, direction, platform, whyNot, whyNot is null ? [.. Scenarios(request, first)] : []);
    }

    /// <summary>The success path before failures, then by region, by host, and by setting of the switches.</summary>
    /// <remarks>Where no step may fail, failures beside the success path would be the same explorations once more; they are left out.</remarks>
    private static IEnumerable<Scenario> Scenarios(CheckRequest request, Scenario first)
    {
        bool[] failures = request.Failures switch
        {
            FailureMode.SuccessPath => [false],
            FailureMode.WithFailures => [true],
            _ when !MayFail(first.Protocol.StepsOf(first.Direction)) => [false],
            _ => [false, true],
        };
        foreach (bool fails in failures)
        {
            foreach (Region region in request.Regions ?? first.Protocol.Regions)
            {
                foreach (HostPolicy host in request.Hosts ?? first.Platform.DocumentedHosts)
                {
                    foreach (PolicySwitches switches in Settings(request, first.Platform))
                        yield return first with { Failures = fails, Region = region, Host = host, Switches = switches };
                }
            }
        }
    }

    private static bool MayFail(IReadOnlyList<Step> steps)
    {
        foreach (Step step in steps)
        {
            if (step.MayFail is not null || MayFail(step.Inner))
                return true;
        }

        return false;
    }

    /// <summary>Every setting of the platform's switches that is explored; the last switch changes fastest, clear before set.</summary>
    private static List<PolicySwitches> Settings(CheckRequest request, ConfidentialPlatform platform)
    {
        List<PolicySwitches> settings = [PolicySwitches.None];
        foreach (PolicySwitchInfo info in platform.Switches)
        {
            SwitchSettings explored = request.Switches.TryGetValue(info.Switch, out SwitchSettings wanted) ? wanted : info.Explored;
            List<PolicySwitches> longer = [];
            foreach (PolicySwitches setting in settings)
            {
                if (explored != SwitchSettings.Set)
                    longer.Add(setting);

                if (explored != SwitchSettings.Clear)
                    longer.Add(setting | info.Switch);
            }

            settings = longer;
        }

        return settings;
    }
}
