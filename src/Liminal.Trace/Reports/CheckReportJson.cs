// SPDX-License-Identifier: Apache-2.0

using System.IO;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Liminal.Trace;

/// <summary>A check report as JSON.</summary>
/// <remarks>
/// UTF-8, indented, names in camelCase, <c>schemaVersion</c> first; words such as <c>Violated</c> as in the records. Two runs of
/// the same check differ only in <c>seconds</c>. Equal counterexamples and state tables stand there once, and places that have
/// them name them by number. The shape is <see cref="JsonReport"/>, and is written down in docs/reference/check-report.schema.json.
/// </remarks>
public static class CheckReportJson
{
    /// <summary>Quotes, arrows and the like are written as themselves: a report is a file for people and programs, never part of a page.</summary>
    private static readonly ReportJsonContext Shape = new(
        new JsonSerializerOptions(ReportJsonContext.Default.Options) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });

    /// <summary>Writes the whole report, with a line end behind it.</summary>
    /// <param name="report">What is written. A half of a surrogate pair in a text becomes U+FFFD.</param>
    /// <param name="stream">Where to; left open.</param>
    public static void Write(CheckReport report, Stream stream)
    {
        JsonSerializer.Serialize(stream, JsonReport.Of(report), Shape.JsonReport);
        stream.WriteByte((byte)'\n');
    }
}

/// <summary>How System.Text.Json sees the records: made at build time, without reflection.</summary>
[JsonSourceGenerationOptions(
    WriteIndented = true,
    IndentSize = 1,
    NewLine = "\n",
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    UseStringEnumConverter = true)]
[JsonSerializable(typeof(JsonReport))]
internal sealed partial class ReportJsonContext : JsonSerializerContext;
