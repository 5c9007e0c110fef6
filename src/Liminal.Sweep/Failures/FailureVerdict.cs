// SPDX-License-Identifier: Apache-2.0

using System.Collections.Generic;
using System.Linq;
using Liminal.Linux.Calls;
using Liminal.Trace;

namespace Liminal.Sweep.Failures;

/// <summary>Judges what is left of a conversion that failed: the property FailureLeavesNothingUsable.</summary>
/// <remarks>Holes in the direct map count whoever has the pages; a mixed page counts unless the caller leaks it. See docs/reference/properties.md.</remarks>
internal static class FailureVerdict
{
    /// <summary>A new owner can clear the page.</summary>
    public const string Works = "works";

    public static (Verdict Verdict, string? Reason) Of(KernelCallResult? conversion, PageFate fate, IReadOnlyList<PagesLeft> pages)
    {
        if (conversion is not KernelCallResult result)
            return (Verdict.NotApplicable, "the conversion does not return");
        if (result.Error == 0)
            return (Verdict.NotApplicable, "the conversion does not fail");
        if (pages.FirstOrDefault(static left => left.Condition == PageCondition.NotPresent) is PagesLeft hole)
            return (Verdict.Violated, $"{Name(hole)} not present");
        if (fate == PageFate.Leaked)
            return (Verdict.Holds, null);

        PagesLeft? bad = pages.FirstOrDefault(left => left.Condition == PageCondition.Mixed || (fate == PageFate.Freed && left.UsedAgain is not (null or Works)));
        return bad is null ? (Verdict.Holds, null) : (Verdict.Violated, $"{Name(bad)} {Condition(bad.Condition)}{Owner(fate)}");
    }

    private static string Name(PagesLeft left) => left.First == left.Last ? $"page {left.First} stays" : $"pages {left.First} to {left.Last} stay";

    private static string Condition(PageCondition condition) => condition == PageCondition.Mixed ? "mixed" : "unusable";

    private static string Owner(PageFate fate) => fate switch
    {
        PageFate.Freed => ", and the allocator has them",
        PageFate.Kept => ", and the caller uses them",
        PageFate.GuestGone => ", and the guest ends when the caller uses them",
        _ => "",
    };
}
