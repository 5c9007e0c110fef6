// SPDX-License-Identifier: Apache-2.0

using System.Linq;
using Liminal.Checker.Counterexamples;
using Liminal.Checker.Properties;
using Liminal.Memory;
using Liminal.Platform;
using Liminal.Sweep.Recording;
using Liminal.Sweep.Replaying;
using Liminal.Trace;

namespace Liminal.Sweep.Tests.Replaying;

public sealed class LoadComparisonTests
{
    [Theory]
    [InlineData(AccessOutcome.VmmCommunicationException, AccessOutcome.VmmCommunicationException, StrayLoadEnd.Terminated, true)]
    [InlineData(AccessOutcome.VmmCommunicationException, AccessOutcome.VmmCommunicationException, StrayLoadEnd.Panic, true)]
    [InlineData(AccessOutcome.VmmCommunicationException, AccessOutcome.VmmCommunicationException, StrayLoadEnd.Repaired, false)]
    [InlineData(AccessOutcome.VmmCommunicationException, AccessOutcome.PageFault, StrayLoadEnd.Terminated, false)]
    public void A_load_that_ends_the_guest_has_to_meet_the_same_and_be_fatal(AccessOutcome told, AccessOutcome met, StrayLoadEnd end, bool isSame)
    {
        TraceLoadEnd expected = TraceLoadEnd.All.Single(one => one.End == StrayEnd.GuestEnded && one.Outcome == told);

        Assert.Equal(isSame, LoadComparison.Of(expected, Meets(met), Run(end)).IsSame);
    }

    [Fact]
    public void A_load_that_completes_after_an_exit_is_not_one_that_simply_completes()
    {
        TraceLoadEnd completes = TraceLoadEnd.All.Single(static one => one.End == StrayEnd.Completed);

        Assert.True(LoadComparison.Of(completes, Meets(AccessOutcome.Ok), Run(StrayLoadEnd.HostVisible)).IsSame);
        Assert.False(LoadComparison.Of(completes, null, Run(StrayLoadEnd.Completed)).IsSame);
    }

    [Fact]
    public void What_differs_is_told_from_both_sides()
    {
        TraceLoadEnd repaired = TraceLoadEnd.All.Single(static one => one.End == StrayEnd.RepairedAfterVirtualizationException);

        (bool isSame, string words) = LoadComparison.Of(repaired, Meets(AccessOutcome.GuestTerminated), Run(StrayLoadEnd.Terminated));

        Assert.False(isSame);
        Assert.Contains("meets GuestTerminated and ends as Terminated", words);
        Assert.Contains("the trace has VirtualizationException, repaired after #VE", words);
    }

    private static Situation Meets(AccessOutcome outcome) => new(true, PteAttribute.Private, default, outcome, HostActs: true, "rule");

    private static StrayLoadRun Run(StrayLoadEnd end) => new(1100, 1, 0, "direct map", "full_name_hash+0x10", end, "so it ends", 10, [], []);
}
