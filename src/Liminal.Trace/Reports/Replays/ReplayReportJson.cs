// SPDX-License-Identifier: Apache-2.0

using System.IO;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Liminal.Trace;

/// <summary>A replay report as JSON: the records as they are, names in camelCase, <c>schemaVersion</c> first; docs/reference/replay-report.md.</summary>
public static class ReplayReportJson
{
    private static readonly ReplayJsonContext Shape = new(
        new JsonSerializerOptions(ReplayJsonContext.Default.Options) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });

    /// <summary>Writes the whole report, with a line end behind it.</summary>
    /// <param name="report">What is written.</param>
    /// <param name="stream">Where to; left open.</param>
    public static void Write(ReplayReport report, Stream stream)
    {
        JsonSerializer.Serialize(stream, report, Shape.ReplayReport);
        stream.WriteByte((byte)'\n');
    }
}

/// <summary>How System.Text.Json sees the records of a replay: made at build time, without reflection.</summary>
[JsonSourceGenerationOptions(
    WriteIndented = true,
    IndentSize = 1,
    NewLine = "\n",
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    UseStringEnumConverter = true)]
[JsonSerializable(typeof(ReplayReport))]
internal sealed partial class ReplayJsonContext : JsonSerializerContext;
