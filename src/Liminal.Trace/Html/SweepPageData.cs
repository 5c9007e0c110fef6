// SPDX-License-Identifier: Apache-2.0

using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Liminal.Trace;

/// <summary>A sweep report in the compact form that the page carries; Html/Sweeps/sweeps.js reads it.</summary>
/// <remarks>
/// Sweeps that came to the same are one group, and equal texts, stacks, events and counterexamples are held once. Instructions are counted from the
/// entry of the conversion.
/// </remarks>
internal static class SweepPageData
{
    /// <summary>The report as JSON that may stand inside a script element, as in <see cref="PageData"/>.</summary>
    public static byte[] Of(SweepReport report)
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream, new JsonWriterOptions { Encoder = JavaScriptEncoder.Default }))
        {
            ReportPool pool = new();
            writer.WriteStartObject();
            WriteHead(writer, report);
            writer.WriteStartArray("groups");
            foreach (SweepGroup group in SweepGroup.Of(report.Sweeps))
                WriteGroup(writer, pool, group);

            writer.WriteEndArray();
            WriteComparisons(writer, report.Costs);
            writer.WriteStartArray("notSwept");
            foreach (string line in report.NotSwept)
                writer.WriteStringValue(line);

            writer.WriteEndArray();
            WriteFailures(writer, report);
            pool.Write(writer);
            writer.WriteEndObject();
        }

        return stream.ToArray();
    }

    private static void WriteHead(Utf8JsonWriter writer, SweepReport report)
    {
        writer.WriteString("tool", report.Tool);
        writer.WriteString("version", report.Version);
        writer.WriteString("commandLine", report.CommandLine);
        writer.WriteBoolean("interrupted", report.Interrupted);
        PageData.WriteEntries(writer, "kernels", [.. report.Kernels.Select(static one => new[] { one.Name, one.File, one.Sha256 })]);
        PageData.WriteEntries(writer, "platforms", [.. report.Platforms.Select(static one => new[] { one.Name, one.Title })]);
        PageData.WriteEntries(writer, "properties", [.. report.Properties.Select(static one => new[] { one.Name, one.Sentence })]);
        PageData.WriteEntries(writer, "hosts", [.. report.Hosts.Select(static one => new[] { one.Name, one.Title })]);
    }

    private static void WriteGroup(Utf8JsonWriter writer, ReportPool pool, SweepGroup group)
    {
        ConversionSweep sweep = group.First;
        writer.WriteStartObject();
        writer.WriteString("kernel", sweep.Kernel);
        writer.WriteString("platform", sweep.Platform);
        writer.WriteString("direction", sweep.Direction);
        WriteSettings(writer, pool, group);
        WriteSubject(writer, sweep.Subject);
        writer.WriteString("result", sweep.Result);
        writer.WriteString("ended", sweep.Ended);
        writer.WriteString("incomplete", sweep.Incomplete);
        writer.WriteNumber("first", sweep.FirstInstruction);
        writer.WriteNumber("length", sweep.LastInstruction - sweep.FirstInstruction);
        writer.WriteNumber("probes", sweep.Probes);
        writer.WriteNumber("situations", sweep.Situations);
        writer.WriteNumber("runs", sweep.Runs);
        writer.WriteNumber("lanes", pool.List([.. sweep.Lanes.Select(lane => Lane(pool, lane))]));
        writer.WriteNumber("events", pool.List([.. sweep.Events.Select(one => Event(pool, sweep, one))]));
        writer.WriteNumber("windows", pool.List([.. sweep.Windows.Select(one => Window(pool, sweep, one))]));
        writer.WriteNumber("folds", pool.List([.. PageFold.Of(sweep).Select(fold => Fold(pool, fold))]));
        writer.WriteNumber("verdicts", pool.List([.. sweep.Properties.Select(one => PageData.VerdictList(pool, one))]));
        WriteCost(writer, sweep.Cost);
        writer.WriteEndObject();
    }

    /// <summary>[host, switches, seconds] of each sweep in the group.</summary>
    private static void WriteSettings(Utf8JsonWriter writer, ReportPool pool, SweepGroup group)
    {
        writer.WriteStartArray("settings");
        foreach (ConversionSweep one in group.Sweeps)
        {
            writer.WriteStartArray();
            writer.WriteNumberValue(pool.Text(one.Host));
            writer.WriteNumberValue(pool.Texts(one.Switches));
            writer.WriteNumberValue(one.Seconds);
            writer.WriteEndArray();
        }

        writer.WriteEndArray();
    }

    private static void WriteSubject(Utf8JsonWriter writer, SweepSubject subject)
    {
        writer.WriteStartObject("subject");
        writer.WriteString("cause", subject.Cause);
        if (subject.Number is int number)
            writer.WriteNumber("number", number);

        writer.WriteString("region", subject.Region);
        writer.WriteNumber("pages", subject.Pages);
        writer.WriteString("firstFrame", $"0x{subject.FirstFrame:x}");
        writer.WriteNumber("processors", subject.Processors);
        writer.WriteString("applied", subject.Applied);
        writer.WriteStartArray("without");
        foreach (string function in subject.Without)
            writer.WriteStringValue(function);

        writer.WriteEndArray();
        writer.WriteEndObject();
    }

    private static int Lane(ReportPool pool, Lane lane) => pool.List(pool.Text(lane.Id), pool.Text(lane.Title), (int)lane.Kind);

    /// <summary>[instruction, cpu, kind, lane, title, detail, pages, symbol, disassembly, stack, tone].</summary>
    private static int Event(ReportPool pool, ConversionSweep sweep, SweepEvent one) => pool.List(
        Offset(sweep, one.Instruction), one.Cpu, pool.Text(one.Kind.ToString()), pool.Text(one.Lane), pool.Text(one.Title), pool.Text(one.Detail),
        Numbers(pool, one.Pages), pool.Text(one.Symbol), pool.Text(one.Disassembly), pool.Texts(one.Stack), (int)one.Tone);

    /// <summary>[first, last, pages, mappings, translation, meets, page states, end, conclusion, opened, closed, run...].</summary>
    private static int Window(ReportPool pool, ConversionSweep sweep, SweepWindow one) => pool.List(
    [
        Offset(sweep, one.First), Offset(sweep, one.Last), Numbers(pool, one.Pages), pool.Texts(one.Mappings), pool.Text(one.Translation.ToString()),
        pool.Text(one.MeetsInWords()), pool.Texts(one.PageStates), pool.Text(one.End.ToString()), pool.Text(one.Conclusion), one.Opened, one.Closed,
        .. one.Runs.Select(run => Run(pool, sweep, run)),
    ]);

    /// <summary>[instruction, cpu, page, mapping, site, end, detail, length, stack, console].</summary>
    private static int Run(ReportPool pool, ConversionSweep sweep, StrayLoadRun one) => pool.List(
        Offset(sweep, one.Instruction), one.Cpu, one.Page, pool.Text(one.Mapping), pool.Text(one.Site), pool.Text(one.End.ToString()),
        pool.Text(one.Detail), (long)one.Length, pool.Texts(one.Stack), pool.Texts(one.Console));

    /// <summary>[title, pages, windows, their tracks, tracks].</summary>
    private static int Fold(ReportPool pool, PageFold fold) => pool.List(
        pool.Text(fold.Title), Numbers(pool, fold.Pages), Numbers(pool, fold.Windows), Numbers(pool, fold.Tracks), fold.TrackCount);

    private static int Numbers(ReportPool pool, IEnumerable<int> numbers) => pool.List([.. numbers.Select(static number => (long)number)]);

    private static long Offset(ConversionSweep sweep, ulong instruction) => (long)(instruction - sweep.FirstInstruction);

    /// <summary>For each caller, what came of each failure; and what was not tried.</summary>
    private static void WriteFailures(Utf8JsonWriter writer, SweepReport report)
    {
        writer.WriteStartArray("failures");
        foreach (IGrouping<(string Kernel, string Platform, string Direction, string Caller), FailureCase> caller
            in report.Failures.GroupBy(static one => (one.Kernel, one.Platform, one.Direction, one.Caller)))
        {
            writer.WriteStartObject();
            writer.WriteString("kernel", caller.Key.Kernel);
            writer.WriteString("platform", caller.Key.Platform);
            writer.WriteString("direction", caller.Key.Direction);
            writer.WriteString("caller", caller.Key.Caller);
            writer.WriteStartArray("rows");
            foreach (IReadOnlyList<FailureCase> same in FailureWords.Same(caller))
                WriteFailure(writer, same);

            writer.WriteEndArray();
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        writer.WriteStartArray("failuresNotTried");
        foreach (string line in report.FailuresNotTried)
            writer.WriteStringValue(line);

        writer.WriteEndArray();
    }

    private static void WriteFailure(Utf8JsonWriter writer, IReadOnlyList<FailureCase> same)
    {
        FailureCase first = same[0];
        writer.WriteStartObject();
        writer.WriteString("verdict", JsonNamingPolicy.CamelCase.ConvertName(first.Verdict.ToString()));
        writer.WriteString("fault", FailureWords.Fault(first.Fault));
        writer.WriteString("places", FailureWords.Places(same));
        writer.WriteString("result", first.Result ?? "never");
        writer.WriteString("fate", FailureWords.Fate(first.Fate));
        writer.WriteString("reason", first.Reason);
        writer.WriteString("ended", first.Ended);
        writer.WriteStartArray("pages");
        foreach (PagesLeft left in first.Pages)
            writer.WriteStringValue(FailureWords.Pages(left));

        writer.WriteEndArray();
        writer.WriteEndObject();
    }

    /// <summary>Costs beside each other: what, and for each row whose.</summary>
    private static void WriteComparisons(Utf8JsonWriter writer, IReadOnlyList<CostComparison> comparisons)
    {
        writer.WriteStartArray("comparisons");
        foreach (CostComparison comparison in comparisons)
        {
            writer.WriteStartObject();
            writer.WriteString("platform", comparison.Platform);
            writer.WriteString("direction", comparison.Direction);
            writer.WriteString("region", comparison.Region);
            writer.WriteNumber("pages", comparison.Pages);
            writer.WriteStartArray("rows");
            foreach (CostRow row in comparison.Rows)
            {
                writer.WriteStartObject();
                writer.WriteString("kernel", row.Kernel);
                writer.WriteString("applied", row.Applied);
                writer.WriteStartArray("without");
                foreach (string function in row.Without)
                    writer.WriteStringValue(function);

                writer.WriteEndArray();
                writer.WriteString("host", row.Host);
                writer.WriteNumber("pteStoresPerPage", row.PteStoresPerPage);
                WriteCost(writer, row.Cost);
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    }

    private static void WriteCost(Utf8JsonWriter writer, ConversionCost cost)
    {
        writer.WriteStartObject("cost");
        writer.WriteNumber("instructions", cost.Instructions);
        writer.WriteNumber("otherInstructions", cost.OtherInstructions);
        writer.WriteNumber("pteStores", cost.PteStores);
        writer.WriteNumber("flushRequests", cost.FlushRequests);
        writer.WriteNumber("tlbFlushes", cost.TlbFlushes);
        writer.WriteNumber("cacheFlushes", cost.CacheFlushes);
        writer.WriteNumber("guestOperations", cost.GuestOperations);
        writer.WriteNumber("hostCalls", cost.HostCalls);
        writer.WriteStartArray("phases");
        foreach (PhaseCost phase in cost.Phases)
        {
            writer.WriteStartArray();
            writer.WriteStringValue(phase.Name);
            writer.WriteNumberValue(phase.Instructions);
            writer.WriteEndArray();
        }

        writer.WriteEndArray();
        writer.WriteEndObject();
    }
}
