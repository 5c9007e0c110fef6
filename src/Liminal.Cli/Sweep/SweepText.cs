// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using Liminal.Trace;

namespace Liminal.Cli.Sweep;

/// <summary>A sweep report as text: what happened to each conversion, its windows, its verdicts, and what it cost.</summary>
internal static class SweepText
{
    private const int LongestConclusion = 400;
    private static readonly StrayLoadEnd[] Fatal = [StrayLoadEnd.Oops, StrayLoadEnd.Panic, StrayLoadEnd.Terminated, StrayLoadEnd.Livelock];

    /// <summary>The report.</summary>
    /// <param name="report">What was found.</param>
    /// <param name="withEvents">Whether each event is a line too.</param>
    /// <param name="width">Columns of a line.</param>
    public static IEnumerable<TextLine> Render(SweepReport report, bool withEvents, int width)
    {
        foreach (KernelEntry kernel in report.Kernels)
            yield return Line((kernel.Name, TextStyle.Strong));

        foreach (SweepGroup same in SweepGroup.Of(report.Sweeps))
        {
            yield return Line(("", TextStyle.Plain));
            foreach (TextLine line in RenderOne(same.Sweeps, report.Kernels.Count > 1, withEvents, width))
                yield return line;
        }

        foreach (TextLine line in FailureText.Render(report, width))
            yield return line;

        yield return Line(("", TextStyle.Plain));
        foreach (TextLine line in SweepCostText.Render(report.Costs))
            yield return line;

        yield return Line(("", TextStyle.Plain));
        foreach (TextLine line in Summary(report))
            yield return line;
    }

    /// <summary>Sweeps under different hosts and settings that came to the same are told once.</summary>
    private static IEnumerable<TextLine> RenderOne(IReadOnlyList<ConversionSweep> same, bool withKernel, bool withEvents, int width)
    {
        ConversionSweep sweep = same[0];
        yield return Line(
            ($"{(withKernel ? $"{sweep.Kernel} " : "")}{sweep.Platform} {(sweep.Subject.Number is int number ? $"#{number} " : "")}{sweep.Direction}", TextStyle.Strong),
            ($"  {sweep.Subject.Cause}, {sweep.Subject.Region}, {sweep.Subject.Processors} CPUs", TextStyle.Plain));
        if (sweep.Subject.Without.Count > 0)
            yield return Line(($"  without {string.Join(", ", sweep.Subject.Without)}", TextStyle.Notable));
        if (sweep.Subject.Applied is string protocol)
            yield return Line(($"  {protocol} in place of the kernel's own steps", TextStyle.Notable));

        foreach (ConversionSweep one in same)
            yield return Line(($"  {one.Host} host{string.Concat(one.Switches.Select(static text => $", {text}"))}", TextStyle.Faint));

        yield return Line(
            ($"  returned {sweep.Result ?? "never"}: {Number(sweep.Cost.Instructions)} instructions, {sweep.Cost.PteStores} PTE stores, {sweep.Cost.TlbFlushes} TLB flushes, "
                + $"{sweep.Cost.GuestOperations} guest operations, {sweep.Cost.HostCalls} host calls", TextStyle.Plain));
        yield return Line(
            ($"  {Number((ulong)sweep.Probes)} probes, {sweep.Situations} situations, {sweep.Runs} stray loads run{Sites(sweep)}, {same.Sum(static one => one.Seconds).ToString("0.0", CultureInfo.InvariantCulture)} s", TextStyle.Faint));
        if (sweep.Ended is not null)
            yield return Line(($"  {sweep.Ended}", TextStyle.Violation));

        if (withEvents)
        {
            foreach (SweepEvent one in sweep.Events)
                yield return Line(($"  {one.Instruction - sweep.FirstInstruction,9} {one.Lane,-7} {one.Title}", TextStyle.Plain), ($"  {one.Symbol}  {one.Detail}", TextStyle.Faint));
        }

        foreach (SweepWindow window in sweep.Windows)
        {
            TextStyle style = Fatal.Contains(window.End) ? TextStyle.Violation : window.End == StrayLoadEnd.Repaired ? TextStyle.Good : TextStyle.Notable;
            string pages = window.Pages.Count == 1 ? $"page {window.Pages[0]}" : $"{window.Pages.Count} pages";
            yield return Line(
                ($"  {window.First - sweep.FirstInstruction,9}..{window.Last - sweep.FirstInstruction,-9} {pages}, {window.Mappings[0]}, {window.PageStates[0]}: meets {window.MeetsInWords()} ", TextStyle.Plain),
                (window.End.ToString(), style),
                (Open(window, sweep), TextStyle.Notable));
            foreach (string line in PrintableText.Wrap(PrintableText.Of(Shorten(window.Conclusion)), Math.Max(width - 24, 40)))
                yield return Line(($"                       {line}", TextStyle.Faint));
        }

        foreach (PropertyVerdict verdict in sweep.Properties)
        {
            if (verdict.Verdict == Verdict.NotApplicable)
                continue;

            (string mark, TextStyle style) = verdict.Verdict switch
            {
                Verdict.Holds => ("✔", TextStyle.Good),
                Verdict.Violated => ("✘", TextStyle.Violation),
                _ => ("?", TextStyle.Notable),
            };
            yield return Line(($"  {mark} {verdict.Property}", style), (verdict.Reason is null ? "" : $"  {Shorten(verdict.Reason)}", TextStyle.Plain));
        }
    }

    /// <summary>One line a sweep: verdict, longest stretch in which a load does not get its data, worst end.</summary>
    private static IEnumerable<TextLine> Summary(SweepReport report)
    {
        int kernels = report.Kernels.Count < 2 ? 0 : report.Kernels.Max(static kernel => kernel.Name.Length) + 1;
        int settings = report.Sweeps.Count == 0 ? 0 : report.Sweeps.Max(static sweep => Settings(sweep).Length);
        foreach (ConversionSweep sweep in report.Sweeps)
        {
            PropertyVerdict survives = sweep.Properties.First(static one => one.Property == "StrayLoadsSurvive");
            TextStyle style = survives.Verdict switch { Verdict.Violated => TextStyle.Violation, Verdict.Holds => TextStyle.Good, _ => TextStyle.Notable };
            var summary = SweepSummary.Of(sweep);
            ulong longest = summary.LongestWindow;
            string open = summary.IsOpen ? ", and open when it returns" : "";
            string worst = longest == 0 ? "no window" : summary.Worst?.ToString() ?? "no load was run";
            yield return Line(
                ($"{(kernels == 0 ? "" : sweep.Kernel.PadRight(kernels))}{sweep.Platform,-5} {(sweep.Subject.Number is int number ? $"#{number,-3} " : "")}{sweep.Direction,-8} {Settings(sweep).PadRight(settings)}  ", TextStyle.Plain),
                ($"{survives.Verdict,-13}", style),
                ($" longest window {Number(longest)} instructions, {worst}{open}", TextStyle.Plain));
        }

        foreach (string line in report.NotSwept)
            yield return Line((line, TextStyle.Faint));

        if (report.Interrupted)
            yield return Line(("interrupted: what is above is what was done until then", TextStyle.Notable));
    }

    /// <summary>What is no window of the conversion alone: it is there before, or after.</summary>
    private static string Open(SweepWindow window, ConversionSweep sweep) => (window.Opened < 0, window.Closed < 0 && sweep.Ended is null) switch
    {
        (true, true) => ", before and after too",
        (true, false) => ", before too",
        (false, true) => ", and open when it returns",
        _ => "",
    };

    /// <summary>The instructions that loaded: by name when it is one.</summary>
    private static string Sites(ConversionSweep sweep)
    {
        List<string> sites = [.. sweep.Windows.SelectMany(static window => window.Runs).Select(static run => run.Site).Distinct()];
        return sites.Count switch { 0 => "", 1 => $" at {sites[0]}", int count => $" at {count} sites" };
    }

    private static string Settings(ConversionSweep sweep) => string.Join(' ', [sweep.Host, .. sweep.Switches, .. sweep.Subject.Without.Select(static name => $"without {name}")]);

    private static string Shorten(string text) => text.Length <= LongestConclusion ? text : text[..LongestConclusion] + "...";

    private static string Number(ulong value) => value.ToString("N0", CultureInfo.InvariantCulture);

    private static TextLine Line(params (string Text, TextStyle Style)[] spans) =>
        new([.. spans.Select(static span => new TextSpan(PrintableText.Of(span.Text), span.Style))]);
}
