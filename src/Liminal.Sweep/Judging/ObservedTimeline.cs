// SPDX-License-Identifier: Apache-2.0

using System.Collections.Generic;
using System.Linq;
using Liminal.Checker.Properties;
using Liminal.Memory;
using Liminal.Sweep.Conversions;
using Liminal.Trace;

namespace Liminal.Sweep.Judging;

/// <summary>Tells an observed violation as a timeline: what the conversion did until then, and the load that met it.</summary>
public static class ObservedTimeline
{
    private const int MostPageLanes = 8;

    /// <summary>The lanes of a report on a conversion: processors, the host, the first pages.</summary>
    public static IReadOnlyList<Lane> Lanes(int processors, int converter, int pages)
    {
        List<Lane> lanes = [];
        for (int cpu = 0; cpu < processors; cpu++)
            lanes.Add(new Lane($"cpu {cpu}", $"CPU {cpu}", cpu == converter ? LaneKind.Converter : LaneKind.Cpu));

        lanes.Add(new Lane("host", "host", LaneKind.Host));
        for (int page = 0; page < System.Math.Min(pages, MostPageLanes); page++)
            lanes.Add(new Lane($"page {page}", $"page {page}", LaneKind.Page));

        return lanes;
    }

    /// <summary>The timeline.</summary>
    /// <param name="property">What is violated.</param>
    /// <param name="conclusion">Why, in one sentence.</param>
    /// <param name="finding">The sweep.</param>
    /// <param name="lastEvent">Index of the last event to tell; -1 for all of them.</param>
    /// <param name="window">The window whose load is told at the end; null for none.</param>
    public static Timeline Of(Property property, string conclusion, ConversionFinding finding, int lastEvent, SweepWindow? window)
    {
        IReadOnlyList<SweepEvent> events = finding.Record.Events;
        int last = lastEvent < 0 ? events.Count - 1 : lastEvent;
        int processors = events.Count == 0 ? 1 : events.Max(static one => one.Cpu) + 1;
        IReadOnlyList<Lane> lanes = Lanes(
            System.Math.Max(processors, window is { Runs.Count: > 0 } ? window.Runs.Max(static run => run.Cpu) + 1 : 1), finding.Question.Cpu, finding.Range.Frames.Count);
        List<TimelineStep> steps = [new TimelineStep(0, "", "before the conversion", "", null, StepTone.Normal, [])];
        for (int i = 0; i <= last && i < events.Count; i++)
        {
            SweepEvent one = events[i];
            bool isKnown = lanes.Any(lane => lane.Id == one.Lane);
            steps.Add(new TimelineStep(
                steps.Count, isKnown ? one.Lane : "host", isKnown ? one.Title : $"{one.Lane} {one.Title}", one.Detail, one.Symbol,
                i == last ? StepTone.Notable : one.Tone, []));
        }

        if (window is { Runs.Count: > 0 })
        {
            StrayLoadRun run = window.Runs.First(run => run.End == window.End);
            steps.Add(new TimelineStep(
                steps.Count, $"cpu {run.Cpu}", $"loads across the edge of page {run.Page} at {run.Site}", run.Detail, null, StepTone.Violation, []));
        }

        string direction = finding.Question.Target == PteAttribute.Shared ? "decrypt" : "encrypt";
        return new Timeline($"{direction}: {property}", conclusion, lanes, steps);
    }
}
