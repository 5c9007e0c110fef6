// SPDX-License-Identifier: Apache-2.0

using System.Collections.Generic;
using System.Linq;
using Liminal.Checker.Properties;
using Liminal.Machine.Confidential;
using Liminal.Memory;
using Liminal.Platform;
using Liminal.Sweep.Conversions;
using Liminal.Sweep.Failures;
using Liminal.Sweep.Recording;
using Liminal.Trace;
using Verdict = Liminal.Trace.Verdict;

namespace Liminal.Sweep.Judging;

/// <summary>Judges one observed conversion by the properties that the checker judges protocols by.</summary>
/// <remarks>
/// What was seen is one run: <c>Violated</c> means that it was seen to happen, <c>Holds</c> that it happened nowhere in this conversion, at none of its
/// instructions. Properties about contents need actors that a sweep has not (a host that writes, an owner that reads); they are not applicable here.
/// </remarks>
public static class PropertyJudge
{
    private static readonly StrayLoadEnd[] Fatal = [StrayLoadEnd.Oops, StrayLoadEnd.Panic, StrayLoadEnd.Terminated, StrayLoadEnd.Livelock];

    /// <summary>One verdict for each property, in the order of <see cref="PropertyInfo.All"/>.</summary>
    public static IReadOnlyList<PropertyVerdict> Of(ConversionFinding finding, ConfidentialPlatform platform) =>
        [.. PropertyInfo.All.Select(info => Judge(info.Property, finding, platform))];

    private static PropertyVerdict Judge(Property property, ConversionFinding finding, ConfidentialPlatform platform) => property switch
    {
        Property.StrayLoadsSurvive => Survive(finding),
        Property.StrayLoadsTakePageFaultsOnly => PageFaultsOnly(finding),
        Property.NoPrivateMappingOfASharedPage => NoPrivateView(finding),
        Property.TranslationSucceeds => TranslationSucceeds(finding),
        Property.CacheFlushTakesEffect => CacheFlush(finding),
        Property.NoStaleTranslationSurvives => NoStale(finding),
        Property.ConversionEndsAsRequested => EndsAsRequested(finding, platform),
        Property.FailureLeavesNothingUsable => FailureLeavesNothing(finding, platform),
        Property.ConversionTerminates => finding.Record.Result.HasReturned || finding.Record.End is not null
            ? Holds(property)
            : Violated(property, $"it did not return: {finding.Record.Result.Detail}", finding, -1),
        _ => NotApplicable(property, "a sweep watches no contents: use check"),
    };

    private static PropertyVerdict Survive(ConversionFinding finding)
    {
        const Property Property = Property.StrayLoadsSurvive;
        SweepWindow? fatal = finding.Windows.FirstOrDefault(static window => Fatal.Contains(window.End));
        if (fatal is not null)
            return Violated(Property, $"a stray load through the {fatal.Mappings[0]} {Word(fatal.End)}: {fatal.Conclusion}", finding, fatal.Opened, fatal);

        if (finding.Windows.FirstOrDefault(static window => window.End == StrayLoadEnd.Unknown && window.Runs.Count > 0) is SweepWindow unknown)
            return Inconclusive(Property, unknown.Conclusion);

        return HoldsIfTried(Property, finding);
    }

    /// <summary>A window in which no load was run says nothing, and neither does a sweep that was cut short.</summary>
    private static PropertyVerdict HoldsIfTried(Property property, ConversionFinding finding)
    {
        if (!finding.IsComplete)
            return Inconclusive(property, "the sweep was interrupted");

        SweepWindow? untried = finding.Windows.FirstOrDefault(static window => window.Runs.Count == 0);
        return untried is null
            ? Holds(property)
            : Inconclusive(property, $"no load was run through the {untried.Mappings[0]} where it meets {untried.Meets}: {untried.Conclusion}");
    }

    private static PropertyVerdict PageFaultsOnly(ConversionFinding finding)
    {
        const Property Property = Property.StrayLoadsTakePageFaultsOnly;
        SweepWindow? other = finding.Windows.FirstOrDefault(static window => window.Runs.Count > 0 && window.Translation == TranslationOrigin.Walked
            && !window.Meets.StartsWith(nameof(AccessOutcome.PageFault), System.StringComparison.Ordinal)
            && !window.Meets.StartsWith(nameof(AccessOutcome.SilentlyWrong), System.StringComparison.Ordinal));
        return other is null ? HoldsIfTried(Property, finding) : Violated(Property, $"a stray load through the {other.Mappings[0]} meets {other.Meets}", finding, other.Opened, other);
    }

    private static PropertyVerdict NoPrivateView(ConversionFinding finding)
    {
        const Property Property = Property.NoPrivateMappingOfASharedPage;
        MappingSpan? view = finding.Record.PrivateViewsOfShared.Count == 0 ? null : finding.Record.PrivateViewsOfShared[0];
        return view is null
            ? Holds(Property)
            : Violated(Property, $"page {view.Mapping.Page} is shared, and the {view.Mapping.Region} or a TLB has it private{HowLong(view, finding)}", finding, view.Opened);
    }

    private static string HowLong(MappingSpan view, ConversionFinding finding)
    {
        bool before = view.Opened < 0;
        bool after = view.Closed < 0 && finding.Record.End is null;
        string instructions = $"for {view.Last - view.First + 1} instructions";
        return (before, after) switch
        {
            (true, true) => ", before, during and after the conversion",
            (true, false) => $", since before the conversion and {instructions} of it",
            (false, true) => $", {instructions} and after the conversion has returned",
            _ => $", {instructions}",
        };
    }

    private static PropertyVerdict TranslationSucceeds(ConversionFinding finding)
    {
        const Property Property = Property.TranslationSucceeds;
        if (finding.Record.Steps.FirstOrDefault(static step => step.Kind == ObservedStepKind.TranslationFailed) is { Function.Length: > 0 } failed)
            return Violated(Property, $"page {failed.Page} cannot be named to the host: its leaf is not present", finding, -1);

        IEnumerable<ObservedStep> calls = finding.Record.Steps.Where(static step => step.Kind == ObservedStepKind.HostCall);
        if (!calls.Any())
            return NotApplicable(Property, "the conversion made no call that names pages");

        return calls.Any(static call => call.Page == -2)
            ? Violated(Property, "a host call names a page outside the range", finding, -1)
            : Holds(Property);
    }

    private static PropertyVerdict CacheFlush(ConversionFinding finding)
    {
        const Property Property = Property.CacheFlushTakesEffect;
        if (finding.Record.Steps.FirstOrDefault(static step => step.Kind == ObservedStepKind.CacheFlushSkipped) is { Function.Length: > 0 } skipped)
            return Violated(Property, $"the flush of page {skipped.Page} does nothing: its leaf is not present", finding, -1);

        int[] flushed = [.. finding.Record.Steps.Where(static step => step.Kind == ObservedStepKind.CacheFlush).Select(static step => step.Page).Distinct()];
        if (flushed.Length == 0)
            return NotApplicable(Property, "no cache line was flushed, and none was asked to be as far as can be seen");

        int missing = flushed.Contains(-1) ? -1 : Enumerable.Range(0, finding.Range.Frames.Count).FirstOrDefault(page => !flushed.Contains(page), -1);
        return missing < 0 ? Holds(Property) : Violated(Property, $"lines of other pages were flushed, and none of page {missing}", finding, -1);
    }

    private static PropertyVerdict NoStale(ConversionFinding finding)
    {
        const Property Property = Property.NoStaleTranslationSurvives;
        if (!Succeeded(finding))
            return NotApplicable(Property, "the conversion did not succeed");

        TrackedMapping? stale = finding.Record.Mappings.FirstOrDefault(static mapping => mapping.StaleAnywhere != PteAttributes.None);
        return stale is null
            ? Holds(Property)
            : Violated(Property, $"a TLB may still hold {stale.Address} ({stale.Region}, page {stale.Page}) as {stale.StaleAnywhere}", finding, -1);
    }

    private static PropertyVerdict EndsAsRequested(ConversionFinding finding, ConfidentialPlatform platform)
    {
        const Property Property = Property.ConversionEndsAsRequested;
        if (finding.Record.End is { } end)
            return Violated(Property, $"the guest did not survive it: {(end.CanGoOn ? end.Detail : end.ToString())}", finding, -1);

        bool isExcused = finding.Question.Host is HostPolicy.Refuse or HostPolicy.Lie;
        if (!Succeeded(finding))
            return isExcused ? NotApplicable(Property, "the host refused") : Violated(Property, $"it returned {finding.Record.Result.Error}", finding, -1);

        if (finding.Question.Host == HostPolicy.Lie)
            return NotApplicable(Property, "the host lied");

        string? wrong = WhatIsWrong(finding, platform);
        return wrong is null ? Holds(Property) : Violated(Property, $"it returned 0, and {wrong}", finding, -1);
    }

    private static PropertyVerdict FailureLeavesNothing(ConversionFinding finding, ConfidentialPlatform platform)
    {
        const Property Property = Property.FailureLeavesNothingUsable;
        if (Succeeded(finding) || finding.Record.End is not null)
            return NotApplicable(Property, "the conversion did not fail");

        TrackedMapping? missing = Left(PageCondition.NotPresent);
        if (missing is not null)
            return Violated(Property, $"page {missing.Page} stays not present in the {missing.Region}", finding, -1);

        TrackedMapping? mixed = Left(PageCondition.Mixed);
        return mixed is null
            ? Holds(Property)
            : Violated(Property, $"page {mixed.Page} is {Name(finding, mixed, platform)}, and the {mixed.Region} has it {mixed.Attribute}", finding, -1);

        TrackedMapping? Left(PageCondition condition) => finding.Record.Mappings.FirstOrDefault(mapping => !mapping.Entry.IsZero
            && PagesAfterwards.Of(mapping, finding.Record.FinalStates[mapping.Page], platform) == condition);
    }

    private static string? WhatIsWrong(ConversionFinding finding, ConfidentialPlatform platform)
    {
        PageSide wanted = finding.Question.Target == PteAttribute.Shared ? PageSide.Shared : PageSide.Private;
        bool statesMatter = StatesMatter(finding, platform);
        foreach (TrackedMapping mapping in finding.Record.Mappings)
        {
            if (statesMatter && platform.States[finding.Record.FinalStates[mapping.Page].Value].Side != wanted)
                return $"page {mapping.Page} is {Name(finding, mapping, platform)}";
            if (!mapping.Entry.IsZero && !mapping.Entry.IsPresent)
                return $"page {mapping.Page} is not present in the {mapping.Region}";
            if (mapping.Entry.IsPresent && mapping.Attribute != finding.Question.Target)
                return $"page {mapping.Page} is {mapping.Attribute} in the {mapping.Region}";
        }

        return null;
    }

    private static bool StatesMatter(ConversionFinding finding, ConfidentialPlatform platform) =>
        platform.StatesMatter(finding.Question.Switches ?? ConfidentialConfiguration.DefaultSwitches(platform));

    private static string Name(ConversionFinding finding, TrackedMapping mapping, ConfidentialPlatform platform) =>
        platform.States[finding.Record.FinalStates[mapping.Page].Value].Name;

    private static bool Succeeded(ConversionFinding finding) => finding.Record.Result is { HasReturned: true, Error: 0 } && finding.Record.End is null;

    private static string Word(StrayLoadEnd end) => end switch
    {
        StrayLoadEnd.Oops => "ends in an oops",
        StrayLoadEnd.Panic => "panics the kernel",
        StrayLoadEnd.Livelock => "repeats for ever",
        _ => "ends the guest",
    };

    private static PropertyVerdict Holds(Property property) => new(property.ToString(), Verdict.Holds, null, null);

    private static PropertyVerdict NotApplicable(Property property, string why) => new(property.ToString(), Verdict.NotApplicable, why, null);

    private static PropertyVerdict Inconclusive(Property property, string why) => new(property.ToString(), Verdict.Inconclusive, why, null);

    private static PropertyVerdict Violated(Property property, string reason, ConversionFinding finding, int lastEvent, SweepWindow? window = null) =>
        new(property.ToString(), Verdict.Violated, reason, ObservedTimeline.Of(property, reason, finding, lastEvent, window));
}
