// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;
using System.Linq;
using Liminal.Checker.Checking;
using Liminal.Cli.CommandLine;
using Liminal.Machine.Confidential;
using Liminal.Memory;
using Liminal.Platform;
using Liminal.Sweep.Conversions;
using Liminal.Sweep.Judging;
using Liminal.Sweep.Replaying;
using Liminal.Trace;

namespace Liminal.Cli.Replay;

/// <summary>Which counterexamples of a report are meant; null means any.</summary>
internal sealed record ReplayFilter
{
    /// <summary>Names of protocols.</summary>
    public IReadOnlyList<string>? Protocols { get; init; }

    /// <summary>Names of platforms.</summary>
    public IReadOnlyList<string>? Platforms { get; init; }

    /// <summary><c>decrypt</c> or <c>encrypt</c>.</summary>
    public IReadOnlyList<string>? Directions { get; init; }

    /// <summary>Names of host policies.</summary>
    public IReadOnlyList<string>? Hosts { get; init; }

    /// <summary>Names of regions.</summary>
    public IReadOnlyList<string>? Regions { get; init; }

    /// <summary>Names of properties.</summary>
    public IReadOnlyList<string>? Properties { get; init; }

    /// <summary>Settings as a report has them, such as <c>suppress-ve=yes</c>.</summary>
    public IReadOnlyList<string> Settings { get; init; } = [];
}

/// <summary>A counterexample that can be steered onto a kernel.</summary>
/// <param name="Cell">Where it was found.</param>
/// <param name="Exploration">Under which host and settings.</param>
/// <param name="Verdict">What it violates.</param>
/// <param name="Platform">The rulebook.</param>
/// <param name="Question">The conversion to make.</param>
/// <param name="Plan">What has to happen in it.</param>
/// <param name="Others">How many more counterexamples were meant as well.</param>
internal sealed record ReplayChoice(
    CellReport Cell, Exploration Exploration, PropertyVerdict Verdict, ConfidentialPlatform Platform, ConversionQuestion Question, TracePlan Plan, int Others)
{
    private static readonly SweepRegion[] Regions = [SweepRegion.DirectMap, SweepRegion.Vmalloc, SweepRegion.Image];

    /// <summary>Takes the shortest of the counterexamples that are meant and can be replayed; of equally short ones the first.</summary>
    /// <param name="report">The report.</param>
    /// <param name="file">Its name, for messages.</param>
    /// <param name="filter">Which are meant.</param>
    /// <exception cref="CommandFailure">LIM3231, LIM3232.</exception>
    public static ReplayChoice From(CheckReport report, string file, ReplayFilter filter)
    {
        List<(CellReport Cell, Exploration Run, PropertyVerdict Verdict)> meant =
        [
            .. from cell in report.Cells
               where IsIn(filter.Protocols, cell.Protocol) && IsIn(filter.Platforms, cell.Platform) && IsIn(filter.Directions, cell.Direction)
               from run in cell.Explorations
               where IsIn(filter.Hosts, run.Host) && IsIn(filter.Regions, run.Region) && filter.Settings.All(run.Switches.Contains)
               from verdict in run.Properties
               where verdict.Counterexample is not null && IsIn(filter.Properties, verdict.Property)
               select (cell, run, verdict),
        ];
        if (meant.Count == 0)
        {
            bool isEmpty = report.Cells.All(static cell => cell.Explorations.All(static run => run.Properties.All(static verdict => verdict.Counterexample is null)));
            throw new CommandFailure("LIM3231", isEmpty
                ? $"{file} holds no counterexample: nothing in it is violated"
                : $"{file} holds no counterexample that fits the options; leave some of them out");
        }

        string? firstReason = null;
        foreach ((CellReport cell, Exploration run, PropertyVerdict verdict) in meant.OrderBy(static one => one.Verdict.Counterexample!.Steps.Count))
        {
            if (Try(cell, run, verdict, meant.Count - 1, out string reason) is ReplayChoice choice)
                return choice;

            firstReason ??= $"{cell.Protocol} on {cell.Platform}, {cell.Direction}, {verdict.Property}: {reason}";
        }

        throw new CommandFailure("LIM3232", meant.Count == 1
            ? $"the counterexample cannot be replayed: {firstReason}; choose another"
            : $"none of {meant.Count} counterexamples can be replayed, the shortest for this reason: {firstReason}; choose others");
    }

    private static bool IsIn(IReadOnlyList<string>? wanted, string name) => wanted is null || wanted.Contains(name, StringComparer.Ordinal);

    private static ReplayChoice? Try(CellReport cell, Exploration run, PropertyVerdict verdict, int others, out string problem)
    {
        if (Platforms.All.FirstOrDefault(one => one.Name == cell.Platform) is not ConfidentialPlatform platform || platform == Platforms.None)
        {
            problem = $"no kernel boots as a guest of '{cell.Platform}'";
            return null;
        }

        if (HostNames.Find(run.Host) is not HostPolicy host || host == HostPolicy.Malicious)
        {
            problem = $"the machine's host cannot be '{run.Host}'";
            return null;
        }

        int region = Array.FindIndex(Regions, one => FindingReport.RegionName(one) == run.Region);
        if (region < 0 || cell.Direction is not ("decrypt" or "encrypt") || SwitchesOf(platform, run.Switches, out problem) is not PolicySwitches switches)
        {
            problem = $"the conversion is described in words that this version does not know: {cell.Direction} {run.Region} {string.Join(' ', run.Switches)}";
            return null;
        }

        if (TracePlan.Of(verdict.Counterexample!, verdict.Property, out problem) is not TracePlan plan)
            return null;

        PteAttribute target = cell.Direction == "decrypt" ? PteAttribute.Shared : PteAttribute.Private;
        var question = new ConversionQuestion(target, Regions[region], plan.Pages) { Host = host, Switches = switches };
        return new ReplayChoice(cell, run, verdict, platform, question, plan, others);
    }

    private static PolicySwitches? SwitchesOf(ConfidentialPlatform platform, IReadOnlyList<string> settings, out string problem)
    {
        problem = "";
        PolicySwitches switches = ConfidentialConfiguration.DefaultSwitches(platform);
        foreach (string setting in settings)
        {
            string[] parts = setting.Split('=');
            PolicySwitchInfo? info = platform.Switches.FirstOrDefault(one => one.Name == parts[0]);
            if (info is null || parts.Length != 2 || parts[1] is not ("yes" or "no"))
            {
                problem = $"the setting {setting} is not known";
                return null;
            }

            switches = parts[1] == "yes" ? switches | info.Switch : switches & ~info.Switch;
        }

        return switches;
    }
}
