// SPDX-License-Identifier: Apache-2.0

using System.IO;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Liminal.Trace;

/// <summary>A check report as JSON.</summary>
/// <remarks>
/// UTF-8, indented, names in camelCase, properties in the order of the records' parameters and so <c>schemaVersion</c> first;
/// words such as <c>Violated</c> as in the records. Two runs of the same check differ only in <c>seconds</c>.
/// The shape is written down in docs/reference/check-report.schema.json.
/// </remarks>
public static class CheckReportJson
{
    /// <summary>Quotes, arrows and the like are written as themselves: a report is a file for people and programs, never part of a page.</summary>
    internal static readonly ReportJsonContext Shape = new(
        new JsonSerializerOptions(ReportJsonContext.Default.Options) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });

    /// <summary>Writes the whole report, with a line end behind it.</summary>
    /// <param name="report">What is written. A half of a surrogate pair in a text becomes U+FFFD.</param>
    /// <param name="stream">Where to; left open.</param>
    public static void Write(CheckReport report, Stream stream)
    {
        JsonSerializer.Serialize(stream, report, Shape.CheckReport);
        stream.WriteByte((byte)'\n');
    }
}

/// <summary>How System.Text.Json sees the records: made at build time, without reflection.</summary>
[JsonSourceGenerationOptions(
    WriteIndented = true,
    NewLine = "\n",
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    RespectNullableAnnotations = true,
    UseStringEnumConverter = true)]
[JsonSerializable(typeof(CheckReport))]
internal sealed partial class ReportJsonContext : JsonSerializerContext;
