// SPDX-License-Identifier: Apache-2.0

using System.IO;
using System.Linq;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Liminal.Trace;

/// <summary>A check report in the compact form that the page carries; Html/report.js reads it.</summary>
internal static class PageData
{
    /// <summary>The report as JSON that may stand inside a script element.</summary>
    /// <remarks>
    /// The default encoder writes everything but plain ASCII, and of that also &lt;, &gt;, &amp;, ' and +, as \uXXXX: no text in a
    /// report can end the element, open a comment or reorder what follows it.
    /// </remarks>
    public static byte[] Of(CheckReport report)
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream, new JsonWriterOptions { Encoder = JavaScriptEncoder.Default }))
        {
            ReportPool pool = new();
            writer.WriteStartObject();
            WriteHead(writer, report);
            writer.WriteStartArray("cells");
            foreach (CellReport cell in report.Cells)
                WriteCell(writer, pool, cell);

            writer.WriteEndArray();
            pool.Write(writer);
            writer.WriteEndObject();
        }

        return stream.ToArray();
    }

    private static void WriteHead(Utf8JsonWriter writer, CheckReport report)
    {
        writer.WriteString("tool", report.Tool);
        writer.WriteString("version", report.Version);
        writer.WriteString("commandLine", report.CommandLine);
        writer.WriteBoolean("interrupted", report.Interrupted);
        writer.WriteString("recordedComparison", report.RecordedComparison);
        WriteEntries(writer, "protocols", [.. report.Protocols.Select(p => new[] { p.Name, p.Title, p.Source })]);
        WriteEntries(writer, "platforms", [.. report.Platforms.Select(p => new[] { p.Name, p.Title })]);
        WriteEntries(writer, "properties", [.. report.Properties.Select(p => new[] { p.Name, p.Sentence })]);
        WriteEntries(writer, "hosts", [.. report.Hosts.Select(h => new[] { h.Name, h.Title })]);
    }

    /// <summary>Entries that have a name, as arrays of texts.</summary>
    public static void WriteEntries(Utf8JsonWriter writer, string name, string[][] entries)
    {
        writer.WriteStartArray(name);
        foreach (string[] entry in entries)
        {
            writer.WriteStartArray();
            foreach (string text in entry)
                writer.WriteStringValue(text);

            writer.WriteEndArray();
        }

        writer.WriteEndArray();
    }

    /// <summary>[protocol, direction, platform, applicable, why not, [run...]]; texts by number.</summary>
    private static void WriteCell(Utf8JsonWriter writer, ReportPool pool, CellReport cell)
    {
        writer.WriteStartArray();
        writer.WriteNumberValue(pool.Text(cell.Protocol));
        writer.WriteNumberValue(pool.Text(cell.Direction));
        writer.WriteNumberValue(pool.Text(cell.Platform));
        writer.WriteNumberValue(cell.Applicable ? 1 : 0);
        writer.WriteNumberValue(pool.Text(cell.WhyNot));
        writer.WriteStartArray();
        foreach (Exploration run in cell.Explorations)
            WriteRun(writer, pool, run);

        writer.WriteEndArray();
        writer.WriteEndArray();
    }

    /// <summary>[host, switches, failures, region, states, transitions, diameter, seconds, verdicts].</summary>
    private static void WriteRun(Utf8JsonWriter writer, ReportPool pool, Exploration run)
    {
        writer.WriteStartArray();
        writer.WriteNumberValue(pool.Text(run.Host));
        writer.WriteNumberValue(pool.Texts(run.Switches));
        writer.WriteNumberValue(run.Failures ? 1 : 0);
        writer.WriteNumberValue(pool.Text(run.Region));
        writer.WriteNumberValue(run.States);
        writer.WriteNumberValue(run.Transitions);
        writer.WriteNumberValue(run.Diameter);
        writer.WriteNumberValue(run.Seconds);
        writer.WriteNumberValue(pool.List([.. run.Properties.Select(verdict => VerdictList(pool, verdict))]));
        writer.WriteEndArray();
    }

    /// <summary>[property, verdict, reason, counterexample or -1].</summary>
    public static int VerdictList(ReportPool pool, PropertyVerdict verdict) => pool.List(
        pool.Text(verdict.Property),
        (int)verdict.Verdict,
        pool.Text(verdict.Reason),
        verdict.Counterexample is null ? -1 : pool.Timeline(verdict.Counterexample));
}
