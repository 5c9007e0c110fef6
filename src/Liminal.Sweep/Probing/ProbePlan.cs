// SPDX-License-Identifier: Apache-2.0

using System.Collections.Generic;
using System.Linq;
using Liminal.Sweep.Recording;

namespace Liminal.Sweep.Probing;

/// <summary>One stray load to be run: at an instruction, through a mapping.</summary>
/// <param name="Key">What makes it the same as others.</param>
/// <param name="Instruction">Instructions retired when it begins.</param>
/// <param name="Page">Index of the page.</param>
/// <param name="Address">Where the page is mapped.</param>
/// <param name="Region">Name of the mapping.</param>
public sealed record ProbePlan(ProbeKey Key, ulong Instruction, int Page, ulong Address, string Region)
{
    /// <summary>Loads that are tried in place of one that cannot begin.</summary>
    private const int MostOthers = 24;

    /// <summary>The loads that have to be run: one for each distinct situation, at its first instruction and at its last.</summary>
    /// <remarks>
    /// A load can begin only where the page before it is not itself in transition, so the first page of the range is preferred; through
    /// mappings that scatter the pages any will do. Only a failed attempt tells that nothing can begin there.
    /// </remarks>
    internal static List<ProbePlan> Of(ConversionRecord record)
    {
        Dictionary<ProbeKey, ProbePlan> plans = [];
        foreach (MappingSpan span in record.Spans.OrderBy(static span => span.Mapping.Page).ThenBy(static span => span.First))
        {
            Add(plans, new ProbeKey(span.Mapping.Region, span.Situation, AtEnd: false), span, span.First);
            Add(plans, new ProbeKey(span.Mapping.Region, span.Situation, AtEnd: true), span, span.Last);
        }

        return [.. plans.Values];
    }

    /// <summary>Other loads in the situation of one that could not begin: through other pages, and at other instructions.</summary>
    /// <remarks>
    /// Where the mapping of the page before is one of those that were watched, it is known when a load through it completes: at the edges of those
    /// stretches a load is tried. Where it is not, the ends of the span are as good as any instruction.
    /// </remarks>
    internal static IEnumerable<ProbePlan> Others(ConversionRecord record, ProbePlan failed)
    {
        Dictionary<ulong, List<MappingSpan>> byAddress = record.Spans.GroupBy(static span => span.Mapping.Address.Value).ToDictionary(static group => group.Key, static group => group.ToList());
        return record.Spans
            .Where(span => span.Mapping.Region == failed.Region && span.Situation == failed.Key.Situation)
            .OrderBy(static span => span.Mapping.Page).ThenBy(static span => span.First)
            .SelectMany(span => MomentsIn(span, byAddress.GetValueOrDefault(span.Mapping.Address.Value - Liminal.Memory.Page.Bytes, []), failed.Key.AtEnd)
                .Select(moment => new ProbePlan(failed.Key, moment, span.Mapping.Page, span.Mapping.Address.Value, failed.Region)))
            .Where(plan => plan != failed)
            .Take(MostOthers);
    }

    /// <summary>Instructions of a span at which a load through the page before completes: the first of each stretch, or the last ones from the end.</summary>
    internal static IEnumerable<ulong> MomentsIn(MappingSpan span, IReadOnlyList<MappingSpan> before, bool fromEnd)
    {
        List<(ulong First, ulong Last)> stretches = [];
        ulong next = span.First;
        foreach (MappingSpan closed in before.Where(one => one.Last >= span.First && one.First <= span.Last).OrderBy(static one => one.First))
        {
            if (closed.First > next)
                stretches.Add((next, closed.First - 1));

            next = ulong.Max(next, closed.Last + 1);
        }

        if (next <= span.Last)
            stretches.Add((next, span.Last));

        return fromEnd ? stretches.Select(static stretch => stretch.Last).Reverse() : stretches.Select(static stretch => stretch.First);
    }

    private static void Add(Dictionary<ProbeKey, ProbePlan> plans, ProbeKey key, MappingSpan span, ulong instruction)
    {
        var plan = new ProbePlan(key, instruction, span.Mapping.Page, span.Mapping.Address.Value, span.Mapping.Region);
        if (!plans.TryGetValue(key, out ProbePlan? known) || (key.AtEnd && known.Page == plan.Page))
            plans[key] = plan;
    }
}

/// <summary>What makes two stray loads the same.</summary>
/// <param name="Region">Through which mapping.</param>
/// <param name="Situation">What they meet.</param>
/// <param name="AtEnd">At the last instruction of the span instead of its first.</param>
public readonly record struct ProbeKey(string Region, Situation Situation, bool AtEnd);
