// SPDX-License-Identifier: Apache-2.0

using System.Collections.Generic;
using System.Linq;

namespace Liminal.Trace;

/// <summary>A check report in the shape of its JSON: as <see cref="CheckReport"/>, with equal counterexamples and tables held once.</summary>
internal sealed record JsonReport(
    int SchemaVersion,
    string Tool,
    string Version,
    string CommandLine,
    bool Interrupted,
    string? RecordedComparison,
    IReadOnlyList<ProtocolEntry> Protocols,
    IReadOnlyList<PlatformEntry> Platforms,
    IReadOnlyList<PropertyEntry> Properties,
    IReadOnlyList<HostEntry> Hosts,
    IReadOnlyList<JsonCell> Cells,
    IReadOnlyList<JsonTimeline> Counterexamples,
    IReadOnlyList<StateTable> Tables)
{
    /// <summary>The report in this shape; counterexamples and tables are numbered in the order in which they first occur.</summary>
    public static JsonReport Of(CheckReport report)
    {
        Numbering numbering = new();
        JsonCell[] cells = [.. report.Cells.Select(cell => new JsonCell(
            cell.Protocol, cell.Direction, cell.Platform, cell.Applicable, cell.WhyNot,
            [.. cell.Explorations.Select(run => new JsonExploration(
                run.Host, run.Switches, run.Failures, run.Region, run.States, run.Transitions, run.Diameter, run.Seconds,
                [.. run.Properties.Select(verdict => new JsonVerdict(
                    verdict.Property, verdict.Verdict, verdict.Reason, numbering.Of(verdict.Counterexample)))]))]))];
        return new JsonReport(
            report.SchemaVersion, report.Tool, report.Version, report.CommandLine, report.Interrupted, report.RecordedComparison,
            report.Protocols, report.Platforms, report.Properties, report.Hosts, cells, numbering.Timelines, numbering.Tables);
    }

    /// <summary>The report that this is the shape of.</summary>
    /// <exception cref="System.ArgumentOutOfRangeException">A number leads to no counterexample or table.</exception>
    public CheckReport ToReport()
    {
        Timeline[] timelines = [.. Counterexamples.Select(timeline => new Timeline(
            timeline.Title, timeline.Conclusion, timeline.Lanes, [.. timeline.Steps.Select(step => new TimelineStep(
                step.Number, step.Lane, step.Title, step.Detail, step.Source, step.Tone, [.. step.State.Select(number => Tables[number])]))]))];
        return new CheckReport(
            SchemaVersion, Tool, Version, CommandLine, Protocols, Platforms, Properties, Hosts,
            [.. Cells.Select(cell => new CellReport(
                cell.Protocol, cell.Direction, cell.Platform, cell.Applicable, cell.WhyNot,
                [.. cell.Explorations.Select(run => new Exploration(
                    run.Host, run.Switches, run.Failures, run.Region, run.States, run.Transitions, run.Diameter, run.Seconds,
                    [.. run.Properties.Select(verdict => new PropertyVerdict(
                        verdict.Property, verdict.Verdict, verdict.Reason, verdict.Counterexample is int number ? timelines[number] : null))]))]))],
            Interrupted, RecordedComparison);
    }

    private sealed class Numbering
    {
        private readonly ReportPool _pool = new();
        private readonly Dictionary<int, int> _timelineNumbers = [];
        private readonly Dictionary<int, int> _tableNumbers = [];

        public List<JsonTimeline> Timelines { get; } = [];

        public List<StateTable> Tables { get; } = [];

        public int? Of(Timeline? timeline)
        {
            if (timeline is null)
                return null;

            int key = _pool.Timeline(timeline);
            if (!_timelineNumbers.TryGetValue(key, out int number))
            {
                number = Timelines.Count;
                _timelineNumbers.Add(key, number);
                Timelines.Add(new JsonTimeline(timeline.Title, timeline.Conclusion, timeline.Lanes, [.. timeline.Steps.Select(step => new JsonStep(
                    step.Number, step.Lane, step.Title, step.Detail, step.Source, step.Tone, [.. step.State.Select(Of)]))]));
            }

            return number;
        }

        private int Of(StateTable table)
        {
            int key = _pool.Table(table);
            if (!_tableNumbers.TryGetValue(key, out int number))
            {
                number = Tables.Count;
                _tableNumbers.Add(key, number);
                Tables.Add(table);
            }

            return number;
        }
    }
}

/// <summary>A <see cref="CellReport"/>.</summary>
internal sealed record JsonCell(
    string Protocol, string Direction, string Platform, bool Applicable, string? WhyNot, IReadOnlyList<JsonExploration> Explorations);

/// <summary>An <see cref="Exploration"/>.</summary>
internal sealed record JsonExploration(
    string Host, IReadOnlyList<string> Switches, bool Failures, string Region, long States, long Transitions, int Diameter, double Seconds,
    IReadOnlyList<JsonVerdict> Properties);

/// <summary>A <see cref="PropertyVerdict"/> that names its counterexample by its place in <see cref="JsonReport.Counterexamples"/>.</summary>
internal sealed record JsonVerdict(string Property, Verdict Verdict, string? Reason, int? Counterexample);

/// <summary>A <see cref="Timeline"/>.</summary>
internal sealed record JsonTimeline(string Title, string Conclusion, IReadOnlyList<Lane> Lanes, IReadOnlyList<JsonStep> Steps);

/// <summary>A <see cref="TimelineStep"/> that names its tables by their places in <see cref="JsonReport.Tables"/>.</summary>
internal sealed record JsonStep(
    int Number, string Lane, string Title, string Detail, string? Source, StepTone Tone, IReadOnlyList<int> State);
