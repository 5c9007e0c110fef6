// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;
using System.Linq;
using Liminal.Checker.Counterexamples;
using Liminal.Checker.Properties;
using Liminal.Trace;

namespace Liminal.Sweep.Replaying;

/// <summary>A counterexample of the checker as what has to happen in a kernel.</summary>
public sealed class TracePlan
{
    private TracePlan(Timeline timeline, Property property, IReadOnlyList<TraceAct> acts, int page, string mapping)
    {
        Timeline = timeline;
        Property = property;
        Acts = acts;
        Page = page;
        Mapping = mapping;
    }

    /// <summary>The counterexample.</summary>
    public Timeline Timeline { get; }

    /// <summary>What it violates.</summary>
    public Property Property { get; }

    /// <summary>Its steps; the first is the state before the conversion.</summary>
    public IReadOnlyList<TraceAct> Acts { get; }

    /// <summary>The page with which it goes wrong. The steps of other pages are not compared: what happens to one page does not depend on them.</summary>
    public int Page { get; }

    /// <summary>The mapping through which it goes wrong; empty when no mapping is named.</summary>
    public string Mapping { get; }

    /// <summary>Pages of the conversion.</summary>
    public int Pages => Timeline.Lanes.Count(static lane => lane.Kind == LaneKind.Page);

    /// <summary>Processors that take part.</summary>
    public int Processors => Timeline.Lanes.Count(static lane => lane.Kind == LaneKind.Cpu);

    /// <summary>Reads a counterexample.</summary>
    /// <param name="timeline">As a report of <c>check</c> has it.</param>
    /// <param name="property">Name of the property that it violates.</param>
    /// <param name="problem">Why it cannot be replayed, as a clause.</param>
    /// <returns>Null with the reason when it cannot be replayed.</returns>
    public static TracePlan? Of(Timeline timeline, string property, out string problem)
    {
        ArgumentNullException.ThrowIfNull(timeline);
        if (!Enum.TryParse(property, out Property known) || PropertyInfo.All.All(info => info.Name != property))
        {
            problem = $"{property} is no property of this version";
            return null;
        }

        List<TraceAct> acts = [];
        problem = WhyNot(known) ?? WhyNot(timeline, acts) ?? WhyNot(acts, timeline) ?? "";
        if (problem.Length > 0)
            return null;

        TraceAct last = acts[^1];
        (string Mapping, int Page)? named = last.Kind == TraceActKind.StrayLoad ? (last.Mapping, last.Page) : TraceReader.MappingIn(timeline.Conclusion);
        return new TracePlan(timeline, known, acts, named?.Page ?? Math.Max(last.Page, 0), named?.Mapping ?? "");
    }

    private static string? WhyNot(Property property) => property switch
    {
        Property.NoPlaintextReachesTheHost or Property.NoHostDataIsTakenForPrivate =>
            $"{property} is about contents, which a recorded conversion does not watch",
        Property.CacheFlushTakesEffect => $"{property} is about data caches, which the machine has not",
        _ => null,
    };

    private static string? WhyNot(Timeline timeline, List<TraceAct> acts)
    {
        foreach (TimelineStep step in timeline.Steps)
        {
            if (TraceReader.Read(step) is not TraceAct act || (act.Kind == TraceActKind.StrayLoad && TraceReader.EndOf(step) is null))
                return $"step {step.Number} is told in words that this version does not know: {step.Title}";

            acts.Add(act);
        }

        return acts.Count < 2 ? "it has no step" : null;
    }

    private static string? WhyNot(List<TraceAct> acts, Timeline timeline)
    {
        if (timeline.Lanes.Count(static lane => lane.Kind == LaneKind.Converter) > 1)
            return "two conversions run in it at the same time; the machine makes one";

        int loaded = -1;
        for (int index = 0; index < acts.Count; index++)
        {
            TraceAct act = acts[index];
            string? reason = act.Kind switch
            {
                TraceActKind.FailInGuest => "the guest itself fails there, which cannot be brought about in a kernel",
                TraceActKind.HostActs => "the host acts there by itself; the machine's host acts only when it is called",
                TraceActKind.WriteBack => "a cache line is written back there, and the machine has no data caches",
                TraceActKind.UserWrites or TraceActKind.UserReads when timeline.Steps[index].Detail.Contains("a cached ", StringComparison.Ordinal) =>
                    "the page is used there through a translation of a CPU's choice",
                TraceActKind.StrayLoad when ObservedWords.RegionOf(act.Mapping) is null => $"the load goes through a {act.Mapping}, which the conversion of a kernel's own pages has not",
                TraceActKind.StrayLoad when loaded >= 0 && loaded != act.Page => "loads into different pages come before it",
                TraceActKind.HostRetries or TraceActKind.HostRefuses or TraceActKind.HostLies when acts.Take(index).Any(IsStrike) =>
                    "the host does not do as it is told for the second time there; once can be steered",
                _ => null,
            };
            if (reason is not null)
                return $"step {index}: {reason}";

            loaded = act.Kind == TraceActKind.StrayLoad ? act.Page : loaded;
        }

        return null;
    }

    /// <summary>Whether the host does not do as it is told.</summary>
    internal static bool IsStrike(TraceAct act) => act.Kind is TraceActKind.HostRetries or TraceActKind.HostRefuses or TraceActKind.HostLies;
}
