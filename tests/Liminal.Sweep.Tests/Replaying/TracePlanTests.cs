// SPDX-License-Identifier: Apache-2.0

using System.Collections.Generic;
using Liminal.Sweep.Replaying;
using Liminal.Trace;

namespace Liminal.Sweep.Tests.Replaying;

public sealed class TracePlanTests
{
    private const string Load = "makes a stray load through the direct map of page 1";
    private const string Ends = "a private access to a page that is Shared: rule; #VC is never fixed up: the guest terminates itself";

    [Fact]
    public void The_page_of_the_last_load_is_the_one_that_matters()
    {
        TracePlan? plan = TracePlan.Of(Told(("cpu1", Load, Ends)), "StrayLoadsSurvive", out string problem);

        Assert.Equal("", problem);
        Assert.Equal((1, "direct map", 2, 2), (plan!.Page, plan.Mapping, plan.Pages, plan.Processors));
    }

    [Fact]
    public void Where_a_state_violates_the_conclusion_names_the_mapping()
    {
        Timeline timeline = Told(("converter0", "calls MapGPA(shared) for page 0", "")) with
        {
            Conclusion = "A private mapping of a shared page: the vmalloc map of page 1 is private while the page is Shared",
        };

        TracePlan? plan = TracePlan.Of(timeline, "NoPrivateMappingOfASharedPage", out _);

        Assert.Equal((1, "vmalloc map"), (plan!.Page, plan.Mapping));
    }

    [Theory]
    [InlineData("NoPlaintextReachesTheHost", "cpu1", Load, Ends, "contents")]
    [InlineData("CacheFlushTakesEffect", "cpu1", Load, Ends, "data caches")]
    [InlineData("NoSuchProperty", "cpu1", Load, Ends, "no property of this version")]
    [InlineData("StrayLoadsSurvive", "converter0", "dances on page 0", "", "words that this version does not know")]
    [InlineData("StrayLoadsSurvive", "cpu1", Load, "it ends somehow", "words that this version does not know")]
    [InlineData("StrayLoadsSurvive", "converter0", "fails: clear PRESENT, page 0", "no memory", "the guest itself fails")]
    [InlineData("StrayLoadsSurvive", "host", "acts by itself on page 0: WriteShared", "", "acts there by itself")]
    [InlineData("StrayLoadsSurvive", "page0", "gets a dirty private cache line written back", "", "no data caches")]
    [InlineData("StrayLoadsSurvive", "cpu1", "makes a stray load through the stale vmap of page 0", Ends, "a stale vmap")]
    public void What_cannot_be_brought_about_in_a_kernel_is_refused_with_the_reason(string property, string lane, string title, string detail, string reason)
    {
        Assert.Null(TracePlan.Of(Told((lane, title, detail)), property, out string problem));
        Assert.Contains(reason, problem);
    }

    [Fact]
    public void Two_conversions_at_the_same_time_are_refused()
    {
        Timeline timeline = Told(("cpu1", Load, Ends));
        timeline = timeline with { Lanes = [.. timeline.Lanes, new Lane("converter1", "Converter 1", LaneKind.Converter)] };

        Assert.Null(TracePlan.Of(timeline, "StrayLoadsSurvive", out string problem));
        Assert.Contains("two conversions", problem);
    }

    private static Timeline Told(params (string Lane, string Title, string Detail)[] steps)
    {
        List<TimelineStep> all = [new(0, "", "before the conversion", "", null, StepTone.Normal, [])];
        foreach ((string lane, string title, string detail) in steps)
            all.Add(new TimelineStep(all.Count, lane, title, detail, null, StepTone.Normal, []));

        return new Timeline(
            "title", "conclusion",
            [
                new("converter0", "Converter", LaneKind.Converter), new("cpu0", "CPU 0", LaneKind.Cpu), new("cpu1", "CPU 1", LaneKind.Cpu),
                new("host", "Host", LaneKind.Host), new("page0", "page 0", LaneKind.Page), new("page1", "page 1", LaneKind.Page),
            ],
            all);
    }
}
