// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;
using System.Linq;
using Liminal.Cli.Output;
using Liminal.Protocols;
using Liminal.Trace;

namespace Liminal.Cli.Check.Matrix;

/// <summary>What stands below the matrix: why cells are empty, what was explored, and where to go from here.</summary>
internal static class MatrixNotes
{
    private const int NarrowestText = 16;

    private static readonly TextSpan Nothing = new("", TextStyle.Plain);

    /// <summary>The notes.</summary>
    /// <param name="report">What was found out.</param>
    /// <param name="request">What was asked.</param>
    /// <param name="targets">How the user named the protocols.</param>
    /// <param name="elapsed">Wall-clock time of the run.</param>
    /// <param name="width">Columns of the terminal.</param>
    public static IEnumerable<TextLine> Render(CheckReport report, CheckRequest request, TargetSet targets, TimeSpan elapsed, int width)
    {
        IEnumerable<Paragraph> paragraphs = [.. NotApplicable(report), .. Explored(report, request, elapsed), .. Ending(report, targets)];
        foreach (Paragraph paragraph in paragraphs)
        {
            TextSpan start = paragraph.Start;
            foreach (TextLine line in StyledWrap.Lines(paragraph.Spans, Math.Max(width - start.Text.Length, NarrowestText)))
            {
                yield return new TextLine([start, .. line.Spans]);
                start = new TextSpan(new string(' ', start.Text.Length), TextStyle.Plain);
            }
        }
    }

    /// <summary>Text that hangs from its start: every further line begins below the text, not below the start.</summary>
    private sealed record Paragraph(TextSpan Start, params IReadOnlyList<TextSpan> Spans);

    private static IEnumerable<Paragraph> NotApplicable(CheckReport report)
    {
        foreach (IGrouping<string, CellReport> reason in report.Cells.Where(cell => !cell.Applicable).GroupBy(cell => cell.WhyNot ?? "", StringComparer.Ordinal))
        {
            IEnumerable<string> protocols = reason.Select(cell => cell.Protocol).Distinct(StringComparer.Ordinal);
            yield return new Paragraph(new TextSpan("·  ", TextStyle.Faint), new TextSpan($"{string.Join(", ", protocols)}: {reason.Key}", TextStyle.Plain));
        }
    }

    private static IEnumerable<Paragraph> Explored(CheckReport report, CheckRequest request, TimeSpan elapsed)
    {
        yield return new Paragraph(Nothing);
        yield return new Paragraph(
            new TextSpan("Explored: ", TextStyle.Strong),
            new TextSpan($"every interleaving of {Count(request.Pages, "page")} on {Count(request.Cpus, "CPU")} with stray loads, speculative TLB fills and the host", TextStyle.Plain));
        int widest = report.Platforms.Max(platform => platform.Name.Length);
        foreach (PlatformEntry platform in report.Platforms)
        {
            List<Exploration> explored = [.. report.Cells.Where(cell => cell.Platform == platform.Name).SelectMany(cell => cell.Explorations)];
            if (explored.Count > 0)
                yield return new Paragraph(new TextSpan($"  {platform.Name.PadRight(widest)}  ", TextStyle.Strong), new TextSpan(Settings(explored), TextStyle.Plain));
        }

        List<Exploration> all = [.. report.Cells.SelectMany(cell => cell.Explorations)];
        yield return new Paragraph(new TextSpan("  ", TextStyle.Plain), new TextSpan(
            $"{Count(all.Count, "state space")}, {Number(all.Sum(one => one.States))} states, {Number(all.Sum(one => one.Transitions))} transitions, {elapsed.TotalSeconds:0.0} s",
            TextStyle.Plain));
    }

    private static string Settings(List<Exploration> explored)
    {
        List<string> parts = ["host " + string.Join(", ", explored.Select(one => one.Host).Distinct(StringComparer.Ordinal))];
        parts.AddRange(explored
            .SelectMany(one => one.Switches)
            .Distinct(StringComparer.Ordinal)
            .Select(setting => setting.Split('='))
            .GroupBy(setting => setting[0], setting => setting[1], StringComparer.Ordinal)
            .Select(setting => $"{setting.Key} {string.Join('/', setting.Select(value => value == "yes" ? "on" : "off"))}"));
        string[] regions = [.. explored.Select(one => one.Region).Distinct(StringComparer.Ordinal)];
        parts.Add("region " + string.Join(", ", regions));
        return string.Join("; ", parts);
    }

    private static IEnumerable<Paragraph> Ending(CheckReport report, TargetSet targets)
    {
        yield return new Paragraph(Nothing);
        if (report.Interrupted)
            yield return new Paragraph(Nothing, new TextSpan("Interrupted: the violations above stand, but cells and settings are missing.", TextStyle.Notable));

        if (report.RecordedComparison is string comparison)
            yield return new Paragraph(new TextSpan("Recorded: ", TextStyle.Strong), new TextSpan(comparison, TextStyle.Plain));

        if (NextCommand(report, targets) is string command)
            yield return new Paragraph(new TextSpan("Next: ", TextStyle.Strong), new TextSpan(command, TextStyle.Plain));
    }

    /// <summary>The command that explains the first violation; null when there is none.</summary>
    private static string? NextCommand(CheckReport report, TargetSet targets)
    {
        foreach (CellReport cell in report.Cells)
        {
            foreach (Exploration exploration in cell.Explorations)
            {
                if (exploration.Properties.Any(verdict => verdict.Verdict == Verdict.Violated))
                {
                    string failures = exploration.Failures ? " --failures" : "";
                    return $"liminal explain {targets.NameOf(cell.Protocol)} --platform {cell.Platform} --direction {cell.Direction}{failures}";
                }
            }
        }

        return null;
    }

    private static string Count(int number, string what) => number == 1 ? $"1 {what}" : $"{Number(number)} {what}s";

    private static string Number(long number) => number.ToString("N0");
}
