// SPDX-License-Identifier: Apache-2.0

using System.Collections.Generic;
using System.Linq;
using Liminal.Memory;
using Liminal.Sweep.Recording;

namespace Liminal.Sweep.Probing;

/// <summary>One stray load to be run: at an instruction, through a mapping.</summary>
/// <param name="Key">What makes it the same as others.</param>
/// <param name="Instruction">Instructions retired when it begins.</param>
/// <param name="Page">Index of the page.</param>
/// <param name="Address">Where the page is mapped.</param>
/// <param name="Region">Name of the mapping.</param>
/// <param name="Held">Translations that the loading processor is to hold: of the page, of the page before, or neither.</param>
/// <param name="Cpu">The processor that may hold them; -1 for any.</param>
public sealed record ProbePlan(ProbeKey Key, ulong Instruction, int Page, ulong Address, string Region, IReadOnlyList<HeldTranslation> Held, int Cpu = -1)
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
        ILookup<ulong, MappingSpan> held = HeldByAddress(record);
        foreach (MappingSpan span in record.Spans.OrderBy(static span => span.Mapping.Page).ThenBy(static span => span.First))
        {
            Add(plans, new ProbeKey(span.Mapping.Region, span.Situation, AtEnd: false), span, span.First, held);
            Add(plans, new ProbeKey(span.Mapping.Region, span.Situation, AtEnd: true), span, span.Last, held);
        }

        return [.. plans.Values];
    }

    /// <summary>Other loads in the situation of one that could not begin: through other pages, and at other instructions.</summary>
    /// <remarks>
    /// Where the mapping of the page before is one of those that were watched, it is known when a load through it completes: at the edges of those
    /// stretches a load is tried. Where it is not, the ends of the span are as good as any instruction. Last, a processor that still holds a translation
    /// of the page before may begin by that.
    /// </remarks>
    internal static IEnumerable<ProbePlan> Others(ConversionRecord record, ProbePlan failed)
    {
        ILookup<ulong, MappingSpan> held = HeldByAddress(record);
        Dictionary<ulong, List<MappingSpan>> byAddress = record.Spans.Where(static span => !span.Situation.IsHeld).GroupBy(static span => span.Mapping.Address.Value).ToDictionary(static group => group.Key, static group => group.ToList());
        List<MappingSpan> spans =
        [
            .. record.Spans.Where(span => span.Mapping.Region == failed.Region && span.Situation == failed.Key.Situation)
                .OrderBy(static span => span.Mapping.Page).ThenBy(static span => span.First),
        ];
        return spans
            .SelectMany(span => MomentsIn(span, byAddress.GetValueOrDefault(span.Mapping.Address.Value - Memory.Page.Bytes, []), failed.Key.AtEnd)
                .Select(moment => At(failed.Key, span, moment, held)))
            .Take(MostOthers)
            .Concat(spans.Where(static span => !span.Situation.IsHeld).SelectMany(span => ByHeldPageBefore(failed.Key, span, held)).Take(MostOthers))
            .Where(plan => plan.Instruction != failed.Instruction || plan.Page != failed.Page || plan.Cpu != failed.Cpu);
    }

    /// <summary>Loads of a walk into the page, begun through a translation of the page before that a processor holds.</summary>
    private static IEnumerable<ProbePlan> ByHeldPageBefore(ProbeKey key, MappingSpan span, ILookup<ulong, MappingSpan> held) =>
        from before in held[span.Mapping.Address.Value - Memory.Page.Bytes]
        where before.Last >= span.First && before.First <= span.Last
        let moment = key.AtEnd ? ulong.Min(before.Last, span.Last) : ulong.Max(before.First, span.First)
        select new ProbePlan(key, moment, span.Mapping.Page, span.Mapping.Address.Value, key.Region, [HeldTranslation.Of(before)], before.Cpu);

    private static ILookup<ulong, MappingSpan> HeldByAddress(ConversionRecord record) =>
        record.Spans.Where(static span => span.Situation.IsHeld).ToLookup(static span => span.Mapping.Address.Value);

    /// <summary>A load at a moment of a span; one by a held translation may also begin by a held translation of the page before.</summary>
    private static ProbePlan At(ProbeKey key, MappingSpan span, ulong moment, ILookup<ulong, MappingSpan> held)
    {
        List<HeldTranslation> used = [];
        if (span.Situation.IsHeld)
        {
            used.Add(HeldTranslation.Of(span));
            if (held[span.Mapping.Address.Value - Memory.Page.Bytes].FirstOrDefault(one => one.Cpu == span.Cpu && one.Covers(moment)) is MappingSpan before)
                used.Add(HeldTranslation.Of(before));
        }

        return new ProbePlan(key, moment, span.Mapping.Page, span.Mapping.Address.Value, span.Mapping.Region, used, span.Cpu);
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

    private static void Add(Dictionary<ProbeKey, ProbePlan> plans, ProbeKey key, MappingSpan span, ulong instruction, ILookup<ulong, MappingSpan> held)
    {
        ProbePlan plan = At(key, span, instruction, held);
        if (!plans.TryGetValue(key, out ProbePlan? known) || (key.AtEnd && known.Page == plan.Page))
            plans[key] = plan;
    }
}

/// <summary>A translation that a TLB may hold and the page tables no longer say.</summary>
/// <param name="Address">Linear address of the page.</param>
/// <param name="Page">Index of the page.</param>
/// <param name="Attribute">What the page tables said.</param>
/// <param name="IsGlobal">Whether it survives a change of address space.</param>
public readonly record struct HeldTranslation(ulong Address, int Page, PteAttribute Attribute, bool IsGlobal)
{
    internal static HeldTranslation Of(MappingSpan span) =>
        new(span.Mapping.Address.Value, span.Mapping.Page, span.Situation.Attribute, span.IsGlobal);
}

/// <summary>What makes two stray loads the same.</summary>
/// <param name="Region">Through which mapping.</param>
/// <param name="Situation">What they meet.</param>
/// <param name="AtEnd">At the last instruction of the span instead of its first.</param>
public readonly record struct ProbeKey(string Region, Situation Situation, bool AtEnd);
