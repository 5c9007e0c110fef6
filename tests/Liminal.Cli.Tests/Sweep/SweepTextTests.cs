// SPDX-License-Identifier: Apache-2.0

using System.Collections.Generic;
using System.Linq;
using Liminal.Cli.Sweep;
using Liminal.Trace;

namespace Liminal.Cli.Tests.Sweep;

public sealed class SweepTextTests
{
    private const int Width = 100;

    [Fact]
    public void A_conversion_is_told_with_its_cost_its_windows_and_its_verdicts()
    {
        List<string> lines = Lines(SweptConversion.Report(SweptConversion.Of(windows: [SweptConversion.Window(StrayLoadEnd.Terminated)])));

        Assert.Equal("6.12.0-test", lines[0]);
        Assert.Contains("snp decrypt  set_memory_decrypted(ffff888000100000, 16), direct-map, 2 CPUs", lines);
        Assert.Contains("  returned 0: 12,345 instructions, 32 PTE stores, 4 TLB flushes, 16 guest operations, 1 host calls", lines);
        Assert.Contains(
            "        500..1499      16 pages, direct map, AssignedUnvalidated: meets VmmCommunicationException Terminated, and open when it returns", lines);
        Assert.Contains("  ✘ StrayLoadsSurvive  a stray load ends the guest", lines);
        Assert.Contains(lines, static line => line.EndsWith("longest window 1,000 instructions, Terminated, and open when it returns"));
    }

    [Fact]
    public void Hosts_under_which_the_same_happens_are_told_once_and_summed_up_each()
    {
        SweepReport same = SweptConversion.Report(SweptConversion.Of(), SweptConversion.Of("implicit-convert"));
        SweepReport different = SweptConversion.Report(SweptConversion.Of(), SweptConversion.Of("implicit-convert", SweptConversion.Window(StrayLoadEnd.Repaired)));

        Assert.Single(Lines(same), static line => line.StartsWith("  returned "));
        Assert.Equal(2, Lines(different).Count(static line => line.StartsWith("  returned ")));
        Assert.Equal(2, Lines(same).Count(static line => line.Contains("longest window 0 instructions, no window")));
    }

    [Fact]
    public void Events_are_printed_when_asked_for()
    {
        SweepReport report = SweptConversion.Report(SweptConversion.Of());

        Assert.DoesNotContain(Lines(report), static line => line.Contains("makes the leaf shared"));
        Assert.Contains(Lines(report, withEvents: true), static line => line == "        500 cpu 0   makes the leaf shared of page 0  __change_page_attr+0x10  1 -> 2");
    }

    [Fact]
    public void A_call_that_never_returned_and_an_interruption_are_said()
    {
        ConversionSweep lost = SweptConversion.Of() with { Result = null, Ended = "the VMM ended the guest" };
        List<string> lines = Lines(SweptConversion.Report(lost) with { Interrupted = true });

        Assert.Contains(lines, static line => line.StartsWith("  returned never: "));
        Assert.Contains("  the VMM ended the guest", lines);
        Assert.Equal("interrupted: what is above is what was done until then", lines[^1]);
    }

    [Fact]
    public void What_the_guest_wrote_cannot_control_the_terminal()
    {
        List<string> lines = Lines(SweptConversion.Report(SweptConversion.Of(windows: [SweptConversion.Window(StrayLoadEnd.Oops, "\u001b[31mred")])));

        Assert.DoesNotContain(lines, static line => line.Contains('\u001b'));
    }

    private static List<string> Lines(SweepReport report, bool withEvents = false) =>
        [.. SweepText.Render(report, withEvents, Width).Select(static line => string.Concat(line.Spans.Select(static span => span.Text)).TrimEnd())];
}
