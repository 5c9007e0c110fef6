// SPDX-License-Identifier: Apache-2.0

using Liminal.Linux.Calls;
using Liminal.Sweep.Failures;
using Liminal.Trace;

namespace Liminal.Sweep.Tests.Failures;

public sealed class FailureVerdictTests
{
    private static readonly KernelCallResult Failed = new(KernelCallStatus.Returned, unchecked((ulong)-14), 1000, "");

    [Theory]
    [InlineData(PageFate.Undecided)]
    [InlineData(PageFate.Kept)]
    [InlineData(PageFate.Leaked)]
    [InlineData(PageFate.Freed)]
    public void A_hole_in_the_direct_map_is_a_violation_whoever_has_the_page(PageFate fate)
    {
        (Verdict verdict, string? reason) = FailureVerdict.Of(Failed, fate, [Left(PageCondition.Private, 0, 7), Left(PageCondition.NotPresent, 8, 15)]);

        Assert.Equal(Verdict.Violated, verdict);
        Assert.Equal("pages 8 to 15 stay not present", reason);
    }

    [Theory]
    [InlineData(PageFate.Undecided, Verdict.Violated)]
    [InlineData(PageFate.Kept, Verdict.Violated)]
    [InlineData(PageFate.Leaked, Verdict.Holds)]
    [InlineData(PageFate.Freed, Verdict.Violated)]
    [InlineData(PageFate.GuestGone, Verdict.Violated)]
    public void A_mixed_page_is_a_violation_unless_it_is_leaked(PageFate fate, Verdict verdict)
    {
        Assert.Equal(verdict, FailureVerdict.Of(Failed, fate, [Left(PageCondition.Mixed, 3, 3)]).Verdict);
    }

    [Fact]
    public void A_freed_page_that_no_new_owner_can_clear_is_a_violation()
    {
        PagesLeft shared = Left(PageCondition.Shared, 0, 0);

        Assert.Equal(Verdict.Holds, FailureVerdict.Of(Failed, PageFate.Freed, [shared with { UsedAgain = FailureVerdict.Works }]).Verdict);
        Assert.Equal(Verdict.Violated, FailureVerdict.Of(Failed, PageFate.Freed, [shared with { UsedAgain = "oops" }]).Verdict);
        Assert.Equal(Verdict.Holds, FailureVerdict.Of(Failed, PageFate.Leaked, [shared with { UsedAgain = "oops" }]).Verdict);
    }

    [Fact]
    public void A_conversion_that_did_not_fail_or_did_not_return_is_not_judged()
    {
        PagesLeft[] pages = [Left(PageCondition.Mixed, 0, 0)];

        Assert.Equal(Verdict.NotApplicable, FailureVerdict.Of(Failed with { Value = 0 }, PageFate.Kept, pages).Verdict);
        Assert.Equal(Verdict.NotApplicable, FailureVerdict.Of(null, PageFate.GuestGone, pages).Verdict);
    }

    private static PagesLeft Left(PageCondition condition, int first, int last) => new(first, last, "state", ["direct map: shared"], condition, null, "");
}
