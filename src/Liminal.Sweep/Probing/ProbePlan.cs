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
