// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using Liminal.Checker.Counterexamples;
using Liminal.Checker.Properties;
using Liminal.Platform;
using Liminal.Protocols;
using Liminal.Trace;

namespace Liminal.Sweep.Tests.Replaying;

public sealed class TraceReaderTests
{
    [Fact]
    public void Every_step_of_the_counterexamples_of_built_in_protocols_is_read_back()
    {
        HashSet<TraceActKind> seen = [];

        foreach (TimelineStep step in Counterexamples().SelectMany(static timeline => timeline.Steps))
        {
            TraceAct? act = TraceReader.Read(step);
            Assert.True(act is not null, $"{step.Lane}: {step.Title}");
            seen.Add(act.Value.Kind);
            if (act.Value.Kind == TraceActKind.StrayLoad)
                Assert.True(TraceReader.EndOf(step) is not null, step.Detail);
        }

        Assert.Empty(Enum.GetValues<TraceActKind>().Except(seen));
    }

    [Theory]
    [InlineData("cpu1", "makes a stray load through the vmalloc map of page 3", TraceActKind.StrayLoad, 1, 3, "vmalloc map")]
    [InlineData("converter0", "clears PRESENT in the PTE of the direct map of page 0", TraceActKind.ClearPresent, 0, 0, "direct map")]
    [InlineData("cpu1", "caches the private translation of the direct map of page 0, speculatively", TraceActKind.Fill, 1, 0, "direct map")]
    [InlineData("cpu0", "takes the flush request and flushes its TLB", TraceActKind.Flush, 0, -1, "")]
    [InlineData("host", "refuses the call for page 1", TraceActKind.HostRefuses, 0, 1, "")]
    [InlineData("page1", "gets a dirty private cache line written back", TraceActKind.WriteBack, 0, 1, "")]
    public void A_step_says_who_acts_on_what(string lane, string title, TraceActKind kind, int actor, int page, string mapping)
    {
        Assert.Equal(new TraceAct(kind, actor, page, mapping), TraceReader.Read(Step(lane, title, "")));
    }

    [Theory]
    [InlineData("does something else with page 0")]
    [InlineData("calls nobody for page 0")]
    [InlineData("executes NOP on page 0")]
    [InlineData("clears PRESENT in the PTE of the attic of page 0")]
    public void Other_words_are_not_guessed_at(string title)
    {
        Assert.Null(TraceReader.Read(Step("converter0", title, "")));
    }

    [Fact]
    public void The_end_of_a_load_is_read_from_its_last_clause()
    {
        TraceLoadEnd? end = TraceReader.EndOf(Step("cpu1", "", "a private access to a page that is Shared: rule; #VC is never fixed up: the guest terminates itself"));

        Assert.Equal((StrayEnd.GuestEnded, AccessOutcome.VmmCommunicationException), (end!.End, end.Outcome));
    }

    private static TimelineStep Step(string lane, string title, string detail) => new(1, lane, title, detail, null, StepTone.Normal, []);

    private static IEnumerable<Timeline> Counterexamples()
    {
        CheckRequest request = new()
        {
            Protocols = BuiltIn.All,
            Platforms = [.. Platforms.All.Where(static one => one != Platforms.None)],
            Hosts = [.. Enum.GetValues<HostPolicy>()],
            Pages = 1,
            Failures = FailureMode.Both,
            Threads = 2,
        };
        CheckReport report = CheckRun.Execute(request, "", "", null, CancellationToken.None);
        return report.Cells.SelectMany(static cell => cell.Explorations).SelectMany(static run => run.Properties).Select(static verdict => verdict.Counterexample).OfType<Timeline>();
    }
}
