// SPDX-License-Identifier: Apache-2.0

using System.IO;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Liminal.Trace;

/// <summary>A sweep report as JSON: the records as they are, names in camelCase, <c>schemaVersion</c> first; docs/reference/sweep-report.md.</summary>
public static class SweepReportJson
{
    private static readonly SweepJsonContext Shape = new(
        new JsonSerializerOptions(SweepJsonContext.Default.Options) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });

    /// <summary>Writes the whole report, with a line end behind it.</summary>
    /// <param name="report">What is written.</param>
    /// <param name="stream">Where to; left open.</param>
    public static void Write(SweepReport report, Stream stream)
    {
        JsonSerializer.Serialize(stream, report, Shape.SweepReport);
        stream.WriteByte((byte)'\n');
    }

    /// <summary>Reads a report that <see cref="Write"/> has written.</summary>
    /// <param name="stream">Where from; left open.</param>
    /// <returns>Null when it is not a report, or one of another version.</returns>
    public static SweepReport? Read(Stream stream)
    {
        try
        {
            SweepReport? report = JsonSerializer.Deserialize(stream, Shape.SweepReport);
            return report?.SchemaVersion == SweepReport.CurrentSchemaVersion ? report : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}

/// <summary>How System.Text.Json sees the records of a sweep: made at build time, without reflection.</summary>
[JsonSourceGenerationOptions(
    WriteIndented = true,
    IndentSize = 1,
    NewLine = "\n",
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    UseStringEnumConverter = true)]
[JsonSerializable(typeof(SweepReport))]
internal sealed partial class SweepJsonContext : JsonSerializerContext;
