// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Threading;
using Liminal.Checker.Counterexamples;
using Liminal.Checker.Exploration;
using Liminal.Checker.Model;
using Liminal.Checker.Properties;
using Liminal.Checker.Scenarios;
using Liminal.Checker.Vocabulary;
using Liminal.Platform;

namespace Liminal.Checker.Checking;

/// <summary>Explores one scenario and says for each property whether it holds.</summary>
public static class ScenarioCheck
{
    /// <summary>Explores a scenario whole, or up to a limit.</summary>
    /// <param name="scenario">A scenario that can run: applicable, and without complaint.</param>
    /// <param name="options">How to explore, and whether to tell counterexamples.</param>
    /// <param name="cancellation">Ends the exploration early; what holds so far is then inconclusive.</param>
    /// <returns>Counts and verdicts.</returns>
    /// <exception cref="ArgumentException">The scenario cannot run.</exception>
    public static Trace.Exploration Run(Scenario scenario, CheckOptions options, CancellationToken cancellation)
    {
        if (!scenario.IsApplicable)
            throw new ArgumentException($"{scenario.Protocol.Name} does not run on {scenario.Platform.Name}", nameof(scenario));

        if (scenario.Complaint() is string complaint)
            throw new ArgumentException(complaint, nameof(scenario));

        Stopwatch watch = Stopwatch.StartNew();
        TransitionSystem system = new(scenario, options.Exploration.LateFills);
        SearchResult result = BreadthFirst.Run(system, options.Exploration, cancellation);
        List<Trace.PropertyVerdict> verdicts = [];
        foreach (PropertyInfo info in PropertyInfo.All)
            verdicts.Add(Judge(info, scenario, system, result, options, cancellation));

        return new Trace.Exploration(
            HostNames.Of(scenario.Host),
            SettingsOf(scenario),
            scenario.Failures,
            RegionName(scenario.Region),
            result.States,
            result.Transitions,
            result.Diameter,
            watch.Elapsed.TotalSeconds,
            verdicts);
    }

    private static Trace.PropertyVerdict Judge(
        PropertyInfo info, Scenario scenario, TransitionSystem system, SearchResult result, CheckOptions options, CancellationToken cancellation)
    {
        Finding? found = result.Findings[(int)info.Property];
        if (Applicability.WhyNot(info.Property, scenario, system, found is not null) is string reason)
            return new Trace.PropertyVerdict(info.Name, Trace.Verdict.NotApplicable, reason, null);

        if (found is Finding finding)
        {
            Path? path = options.Counterexamples ? TraceSearch.Find(scenario, info.Property, finding.Depth, cancellation) : null;
            Trace.Timeline? timeline = path is null ? null : Narrator.Tell(path, info.Property);
            return new Trace.PropertyVerdict(info.Name, Trace.Verdict.Violated, timeline?.Conclusion ?? info.Violated, timeline);
        }

        return result.Limit == ExplorationLimit.None
            ? new Trace.PropertyVerdict(info.Name, Trace.Verdict.Holds, null, null)
            : new Trace.PropertyVerdict(info.Name, Trace.Verdict.Inconclusive, LimitText(result), null);
    }

    private static string LimitText(SearchResult result)
    {
        string limit = result.Limit switch
        {
            ExplorationLimit.States => "the limit on states was reached",
            ExplorationLimit.Memory => "the limit on memory was reached",
            _ => "interrupted",
        };
        return $"{limit} after {result.States} states, at depth {result.Diameter}; no violation so far";
    }

    private static List<string> SettingsOf(Scenario scenario)
    {
        List<string> settings = [];
        foreach (PolicySwitchInfo info in scenario.Platform.Switches)
            settings.Add($"{info.Name}={(scenario.Switches.HasFlag(info.Switch) ? "yes" : "no")}");

        return settings;
    }

    private static string RegionName(Region region) => region switch
    {
        Region.DirectMap => "direct-map",
        Region.Vmalloc => "vmalloc",
        _ => "image",
    };
}
