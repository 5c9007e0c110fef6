// SPDX-License-Identifier: Apache-2.0

using System.Collections.Generic;
using System.Linq;
using Liminal.Cli.Sweep;
using Liminal.Trace;

namespace Liminal.Cli.Tests.Sweep;

public sealed class FailureTextTests
{
    private static readonly PagesLeft Shared = new(0, 7, "HostVisible", ["direct map: shared"], PageCondition.Shared, "works", "");
    private static readonly PagesLeft Mixed = new(8, 15, "Private", ["direct map: shared"], PageCondition.Mixed, "oops", "in memset");

    [Fact]
    public void A_row_says_what_failed_what_was_returned_what_the_caller_did_and_what_is_left()
    {
        List<string> lines = Lines(SweptConversion.Failure(ConversionFault.Refuse, 1, Shared, Mixed));

        Assert.Equal(
            [
                "",
                "vtom decrypt  failures in dma_direct_alloc()",
                "     failure    at                 returns        caller      pages afterwards",
                "  ✔  refuse     call 1 of 3        -EFAULT (-14)  leaks       0-7 shared; 8-15 mixed (Private,",
                "                                                              mapped shared): oops",
                "",
            ],
            lines.Take(6));
        Assert.StartsWith("refuse: the host stops a call", lines[6]);
    }

    [Fact]
    public void Places_where_the_same_comes_of_it_are_one_row()
    {
        FailureCase first = SweptConversion.Failure(ConversionFault.NoMemory, 0, Shared);

        Assert.Single(Lines(first, first with { Number = 1 }, first with { Number = 2 }), static line => line.Contains("no memory  alloc 0-2 of 3 "));
        Assert.Single(Lines(first, first with { Number = 2 }), static line => line.Contains("no memory  alloc 0,2 of 3 "));
        Assert.Equal(2, Lines(first, first with { Number = 1, Result = "0" }).Count(static line => line.Contains("no memory  alloc")));
    }

    [Fact]
    public void A_violation_and_a_guest_that_is_gone_are_seen()
    {
        FailureCase hole = SweptConversion.Failure(ConversionFault.NoMemory, 0, Mixed with { Condition = PageCondition.NotPresent }) with { Verdict = Verdict.Violated };
        FailureCase gone = SweptConversion.Failure(ConversionFault.Refuse, 0, Mixed with { UsedAgain = null }) with
        {
            Verdict = Verdict.NotApplicable,
            Result = null,
            CallerResult = null,
            Fate = PageFate.GuestGone,
            Ended = "the guest asked to be ended",
        };

        Assert.Contains(Lines(hole), static line => line.StartsWith("  ✘  no memory") && line.EndsWith("8-15 not present (Private): oops"));
        Assert.Contains(Lines(gone), static line => line.StartsWith("  ·  refuse     call 0 of 3        never          guest ends  8-15 mixed"));
    }

    [Fact]
    public void Callers_that_were_not_tried_are_named()
    {
        SweepReport report = SweptConversion.Report() with { FailuresNotTried = ["6.12.0-test sev dma_direct_alloc: there is nothing to fail"] };

        Assert.Equal("not tried: 6.12.0-test sev dma_direct_alloc: there is nothing to fail", Text(report).Last());
    }

    [Fact]
    public void The_kernel_is_named_where_there_are_several()
    {
        SweepReport report = SweptConversion.Report() with { Failures = [SweptConversion.Failure(ConversionFault.Refuse, 0, Shared)] };
        KernelEntry kernel = report.Kernels[0];

        Assert.Contains("vtom decrypt  failures in dma_direct_alloc()", Text(report));
        Assert.Contains("6.12.0-test vtom decrypt  failures in dma_direct_alloc()", Text(report with { Kernels = [kernel, kernel] }));
    }

    private static List<string> Lines(params IReadOnlyList<FailureCase> cases) => Text(SweptConversion.Report() with { Failures = cases });

    private static List<string> Text(SweepReport report) =>
        [.. FailureText.Render(report, 100).Select(static line => string.Concat(line.Spans.Select(static span => span.Text)).TrimEnd())];
}
