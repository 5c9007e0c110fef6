// SPDX-License-Identifier: Apache-2.0

using System.Linq;
using Liminal.Checker.Properties;
using Liminal.Linux.Calls;
using Liminal.Platform;
using Liminal.Sweep.Conversions;
using Liminal.Sweep.Judging;
using Liminal.Sweep.Recording;
using Liminal.Trace;
using static Liminal.Sweep.Tests.ObservedConversion;

namespace Liminal.Sweep.Tests.Judging;

public sealed class PropertyJudgeTests
{
    [Theory]
    [InlineData(StrayLoadEnd.Completed, Verdict.Holds)]
    [InlineData(StrayLoadEnd.Repaired, Verdict.Holds)]
    [InlineData(StrayLoadEnd.HostVisible, Verdict.Holds)]
    [InlineData(StrayLoadEnd.Oops, Verdict.Violated)]
    [InlineData(StrayLoadEnd.Panic, Verdict.Violated)]
    [InlineData(StrayLoadEnd.Terminated, Verdict.Violated)]
    [InlineData(StrayLoadEnd.Livelock, Verdict.Violated)]
    [InlineData(StrayLoadEnd.Unknown, Verdict.Inconclusive)]
    public void Stray_loads_survive_unless_one_ends_the_guest(StrayLoadEnd end, Verdict verdict)
    {
        Assert.Equal(verdict, Of(Finding(ObservedConversion.Of(), Window(nameof(AccessOutcome.PageFault), end)), Property.StrayLoadsSurvive).Verdict);
    }

    [Theory]
    [InlineData(Property.StrayLoadsSurvive)]
    [InlineData(Property.StrayLoadsTakePageFaultsOnly)]
    public void A_window_without_a_load_and_a_sweep_cut_short_prove_nothing(Property property)
    {
        SweepWindow tried = Window(nameof(AccessOutcome.PageFault), StrayLoadEnd.Repaired);

        Assert.Equal(Verdict.Inconclusive, Of(Finding(ObservedConversion.Of(), tried with { Runs = [] }), property).Verdict);
        Assert.Equal(Verdict.Inconclusive, Of(Finding(ObservedConversion.Of(), tried) with { IsComplete = false }, property).Verdict);
        Assert.Equal(Verdict.Holds, Of(Finding(ObservedConversion.Of(), tried), property).Verdict);
    }

    [Fact]
    public void A_load_that_meets_more_than_a_page_fault_breaks_the_decoupling_claim()
    {
        ConversionFinding finding = Finding(ObservedConversion.Of(), Window(nameof(AccessOutcome.VirtualizationException), StrayLoadEnd.Repaired));

        Assert.Equal(Verdict.Violated, Of(finding, Property.StrayLoadsTakePageFaultsOnly).Verdict);
    }

    [Fact]
    public void A_conversion_that_returned_an_error_did_not_end_as_requested()
    {
        ConversionRecord failed = ObservedConversion.Returning(new KernelCallResult(KernelCallStatus.Returned, unchecked((ulong)-5), 1, ""));

        Assert.Equal(Verdict.Holds, Of(Finding(ObservedConversion.Of()), Property.ConversionEndsAsRequested).Verdict);
        Assert.Equal(Verdict.Violated, Of(Finding(failed), Property.ConversionEndsAsRequested).Verdict);
        Assert.Equal(Verdict.Holds, Of(Finding(failed), Property.FailureLeavesNothingUsable).Verdict);
    }

    [Fact]
    public void A_host_call_for_a_page_outside_the_range_is_a_wrong_translation()
    {
        ConversionFinding finding = Finding(ObservedConversion.Of(Call(HostCall.VisibilityShared, -2)));

        Assert.Equal(Verdict.Violated, Of(finding, Property.TranslationSucceeds).Verdict);
        Assert.Equal(Verdict.Holds, Of(Finding(ObservedConversion.Of(Call(HostCall.VisibilityShared, 0))), Property.TranslationSucceeds).Verdict);
    }

    [Fact]
    public void A_cache_flush_that_misses_a_page_did_not_take_effect()
    {
        ConversionFinding finding = Finding(ObservedConversion.Of(Step(ObservedStepKind.CacheFlush, 0)));

        Assert.Equal(Verdict.Violated, Of(finding, Property.CacheFlushTakesEffect).Verdict);
    }

    [Fact]
    public void A_conversion_that_never_returns_does_not_terminate()
    {
        ConversionRecord record = ObservedConversion.Returning(new KernelCallResult(KernelCallStatus.TimedOut, 0, 1, "it did not return"));

        Assert.Equal(Verdict.Violated, Of(Finding(record), Property.ConversionTerminates).Verdict);
    }

    private static PropertyVerdict Of(ConversionFinding finding, Property property) =>
        PropertyJudge.Of(finding, Platforms.Vtom).Single(verdict => verdict.Property == property.ToString());
}
