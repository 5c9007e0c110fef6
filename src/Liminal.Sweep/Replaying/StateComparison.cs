// SPDX-License-Identifier: Apache-2.0

using System.Linq;
using Liminal.Checker.Properties;
using Liminal.Platform;
using Liminal.Sweep.Conversions;
using Liminal.Sweep.Judging;
using Liminal.Sweep.Recording;
using Liminal.Trace;

namespace Liminal.Sweep.Replaying;

/// <summary>Says of a property that a state violates, and no load, whether the kernel's conversion violates it likewise.</summary>
internal static class StateComparison
{
    /// <summary>Judges.</summary>
    /// <param name="plan">The counterexample.</param>
    /// <param name="question">The conversion that was asked for.</param>
    /// <param name="range">Its pages.</param>
    /// <param name="record">The conversion.</param>
    /// <param name="boundary">Instructions retired where the counterexample ends.</param>
    /// <param name="platform">The rulebook.</param>
    /// <returns>Whether it is seen too, and in what words.</returns>
    public static (bool IsSeen, string Words) Of(
        TracePlan plan, ConversionQuestion question, ConversionRange range, ConversionRecord record, ulong boundary, ConfidentialPlatform platform)
    {
        if (plan.Property == Property.NoPrivateMappingOfASharedPage)
            return PrivateView(plan, record, boundary);

        ConversionFinding finding = new(question, range, record, [], [], IsComplete: true);
        PropertyVerdict verdict = PropertyJudge.Of(finding, platform).Single(one => one.Property == plan.Property.ToString());
        return verdict.Verdict == Verdict.Violated
            ? (true, verdict.Reason ?? "")
            : (false, $"{verdict.Property} is not violated by what the kernel did{(verdict.Reason is string why ? $": {why}" : "")}");
    }

    private static (bool IsSeen, string Words) PrivateView(TracePlan plan, ConversionRecord record, ulong boundary)
    {
        string? region = ObservedWords.RegionOf(plan.Mapping);
        MappingSpan? view = record.PrivateViewsOfShared.FirstOrDefault(
            span => span.Mapping.Page == plan.Page && (region is null || span.Mapping.Region == region) && span.First <= boundary && boundary <= span.Last);
        return view is null
            ? (false, $"page {plan.Page} cannot be reached through a private translation there")
            : (true, $"page {plan.Page} is shared, and the {view.Mapping.Region} or a TLB has it private, for {view.Last - view.First + 1} instructions");
    }
}
