// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using Liminal.Cli.Output;
using Liminal.Trace;

namespace Liminal.Cli.Replay;

/// <summary>A replay for the terminal: each step of the counterexample, and below it what the kernel did.</summary>
internal static class ReplayText
{
    private const int Indent = 6;
    private const int NarrowestText = 24;

    /// <summary>The lines.</summary>
    /// <param name="report">The replay.</param>
    /// <param name="timeline">The counterexample.</param>
    /// <param name="recognised">Names of the conversions that the kernel's symbols tell of.</param>
    /// <param name="others">How many more counterexamples could have been meant.</param>
    /// <param name="width">Columns of the terminal.</param>
    public static IEnumerable<TextLine> Render(ReplayReport report, Timeline timeline, IEnumerable<string> recognised, int others, int width)
    {
        ReplayedCounterexample trace = report.Counterexample;
        Dictionary<string, string> actors = timeline.Lanes.ToDictionary(static lane => lane.Id, static lane => lane.Title, StringComparer.Ordinal);
        List<TextLine> lines =
        [
            new([new TextSpan(PrintableText.Of(timeline.Title), TextStyle.Strong)]),
            new(
            [
                new TextSpan("host ", TextStyle.Faint), new TextSpan(PrintableText.Of(trace.Host), TextStyle.Plain),
                new TextSpan("  region ", TextStyle.Faint), new TextSpan(PrintableText.Of(trace.Region), TextStyle.Plain),
                new TextSpan(trace.Switches.Count == 0 ? "" : "  settings ", TextStyle.Faint), new TextSpan(PrintableText.Of(string.Join(", ", trace.Switches)), TextStyle.Plain),
            ]),
            new([new TextSpan("on Linux ", TextStyle.Faint), new TextSpan(PrintableText.Of(report.Kernel.Release), TextStyle.Plain), new TextSpan(Stranger(trace.Protocol, recognised), TextStyle.Faint)]),
            new([]),
        ];
        foreach (ReplayStep step in report.Steps)
            lines.AddRange(StepLines(step, actors.GetValueOrDefault(step.Lane, step.Lane), width));

        lines.Add(new TextLine([]));
        TextStyle style = report.Outcome == ReplayOutcome.Reached ? TextStyle.Violation : TextStyle.Notable;
        lines.AddRange(Wrapped("", $"{char.ToUpperInvariant(report.Conclusion[0])}{report.Conclusion[1..]}.", style, width));
        if (others > 0)
            lines.AddRange(Wrapped("", $"{others} more fit the options; --protocol, --platform, --direction, --host, --region, --switch and --property choose among them.", TextStyle.Faint, width));

        return lines;
    }

    /// <summary>Says so when the counterexample is about another kernel's conversion.</summary>
    private static string Stranger(string protocol, IEnumerable<string> recognised) =>
        recognised.Contains(protocol) || protocol.StartsWith("observed-", StringComparison.Ordinal) ? "" : $", in which {PrintableText.Of(protocol)} is not recognised";

    private static IEnumerable<TextLine> StepLines(ReplayStep step, string actor, int width)
    {
        TextStyle style = step.Fate switch
        {
            ReplayFate.Departs => TextStyle.Violation,
            ReplayFate.Steered => TextStyle.Notable,
            ReplayFate.NotReached => TextStyle.Faint,
            _ => TextStyle.Plain,
        };
        string mark = step.Fate switch { ReplayFate.Departs => "✘ ", ReplayFate.Steered => "! ", _ => "  " };
        string number = step.Number.ToString(CultureInfo.InvariantCulture).PadLeft(3) + " " + mark;
        foreach (TextLine line in Wrapped(number, $"{actor} {step.Title}".TrimStart(), style, width))
            yield return line;

        string what = KernelWords(step);
        if (what.Length == 0)
            yield break;

        foreach (TextLine line in Wrapped(new string(' ', Indent), what, step.Fate == ReplayFate.Departs ? TextStyle.Violation : TextStyle.Faint, width))
            yield return line;
    }

    private static string KernelWords(ReplayStep step)
    {
        if (step.Instruction is not long instruction)
            return step.Kernel;

        string function = step.Function.Length > 0 ? $", {step.Function}" : "";
        return string.Create(CultureInfo.InvariantCulture, $"{step.Kernel} [+{instruction:N0}, CPU {step.Cpu}{function}]");
    }

    private static IEnumerable<TextLine> Wrapped(string start, string text, TextStyle style, int width)
    {
        foreach (TextLine line in StyledWrap.Lines([new TextSpan(PrintableText.Of(text), style)], Math.Max(width - start.Length, NarrowestText)))
        {
            yield return new TextLine([new TextSpan(start, TextStyle.Plain), .. line.Spans]);
            start = new string(' ', start.Length);
        }
    }
}
