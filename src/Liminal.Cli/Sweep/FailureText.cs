// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;
using System.Linq;
using Liminal.Trace;

namespace Liminal.Cli.Sweep;

/// <summary>The table of failed conversions as text: a line for what went wrong, what was returned, what the caller did, and what is left of the pages.</summary>
internal static class FailureText
{
    private const int LeastPages = 30;

    private static readonly string[] Headings = ["", "failure", "at", "returns", "caller", "pages afterwards"];
    private static readonly int[] Widths = [1, 9, 17, 13, 10];

    /// <summary>What the words of the table mean, in the order of their columns.</summary>
    private static readonly string[] Legend =
    [
        "refuse: the host stops a call at its middle page. retry: it does so and asks to be called again. stall: it asks for that for ever and does nothing. "
            + "lie: it leaves the middle page out and reports success. no memory: an allocation inside the conversion returns NULL.",
        "mixed: host side and page tables disagree; behind a colon: what a new owner meets who clears the pages.",
    ];

    /// <summary>The table.</summary>
    /// <param name="report">What was found.</param>
    /// <param name="width">Columns of a line.</param>
    public static IEnumerable<TextLine> Render(SweepReport report, int width)
    {
        foreach (IGrouping<(string Kernel, string Platform, string Direction, string Caller), FailureCase> caller
            in report.Failures.GroupBy(static one => (one.Kernel, one.Platform, one.Direction, one.Caller)))
        {
            yield return Line(("", TextStyle.Plain));
            string kernel = report.Kernels.Count > 1 ? $"{caller.Key.Kernel} " : "";
            yield return Line(($"{kernel}{caller.Key.Platform} {caller.Key.Direction}", TextStyle.Strong), ($"  failures in {caller.Key.Caller}", TextStyle.Plain));
            yield return Line(($"  {Columns(Headings)}{Headings[^1]}", TextStyle.Faint));
            foreach (IReadOnlyList<FailureCase> same in FailureWords.Same(caller))
            {
                foreach (TextLine line in RenderSame(same, width))
                    yield return line;
            }
        }

        if (report.Failures.Count > 0 || report.FailuresNotTried.Count > 0)
            yield return Line(("", TextStyle.Plain));
        foreach (string line in report.Failures.Count > 0 ? Legend.SelectMany(line => Wrapped(line, width)) : [])
            yield return Line((line, TextStyle.Faint));
        foreach (string line in report.FailuresNotTried)
            yield return Line(($"not tried: {line}", TextStyle.Notable));
    }

    /// <summary>Places where the same thing comes of the same failure are one row.</summary>
    private static IEnumerable<TextLine> RenderSame(IReadOnlyList<FailureCase> same, int width)
    {
        FailureCase first = same[0];
        (string mark, TextStyle style) = first.Verdict switch
        {
            Verdict.Holds => ("✔", TextStyle.Good),
            Verdict.Violated => ("✘", TextStyle.Violation),
            _ => ("·", TextStyle.Faint),
        };
        string cells = Columns([mark, FailureWords.Fault(first.Fault), FailureWords.Places(same), first.Result ?? "never", FailureWords.Fate(first.Fate)]);
        string pages = string.Join("; ", first.Pages.Select(FailureWords.Pages));
        int indent = cells.Length + 2;
        bool isFirst = true;
        foreach (string line in Wrapped(pages, Math.Max(width - indent, LeastPages)))
        {
            yield return isFirst
                ? Line(("  ", TextStyle.Plain), (cells[..1], style), (cells[1..], TextStyle.Plain), (line, TextStyle.Plain))
                : Line((new string(' ', indent) + line, TextStyle.Plain));
            isFirst = false;
        }
    }

    private static string Columns(string[] cells) =>
        string.Concat(Widths.Select((width, index) => cells[index].PadRight(width) + "  "));

    private static IEnumerable<string> Wrapped(string text, int width) => PrintableText.Wrap(PrintableText.Of(text), width);

    private static TextLine Line(params (string Text, TextStyle Style)[] spans) =>
        new([.. spans.Select(static span => new TextSpan(PrintableText.Of(span.Text), span.Style))]);
}
