// SPDX-License-Identifier: Apache-2.0

using System;
using System.IO;
using System.Linq;
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
        new JsonSerializerOptions(ReportJsonContext.Default.Options)
        {
            Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
            RespectNullableAnnotations = true,
            RespectRequiredConstructorParameters = true,
        });

    /// <summary>Writes the whole report, with a line end behind it.</summary>
    /// <param name="report">What is written. A half of a surrogate pair in a text becomes U+FFFD.</param>
    /// <param name="stream">Where to; left open.</param>
    public static void Write(CheckReport report, Stream stream)
    {
        JsonSerializer.Serialize(stream, JsonReport.Of(report), Shape.JsonReport);
        stream.WriteByte((byte)'\n');
    }

    /// <summary>Reads a report that this version or one with the same shape wrote; what it does not know it leaves aside.</summary>
    /// <param name="stream">Where from; left open.</param>
    /// <param name="problem">What is wrong with it, as a clause.</param>
    /// <returns>Null with the problem when it is no such report.</returns>
    public static CheckReport? Read(Stream stream, out string problem)
    {
        try
        {
            using var document = JsonDocument.Parse(stream);
            JsonElement root = document.RootElement;
            if (root.ValueKind != JsonValueKind.Object || !root.TryGetProperty("cells", out _))
            {
                problem = root.ValueKind == JsonValueKind.Object && root.TryGetProperty("sweeps", out _)
                    ? "is the report of a sweep, not of a check"
                    : "is JSON, but not the report of a check";
                return null;
            }

            if (!root.TryGetProperty("schemaVersion", out JsonElement version) || !version.TryGetInt32(out int number) || number != CheckReport.CurrentSchemaVersion)
            {
                problem = $"has another shape than this version reads, which is schemaVersion {CheckReport.CurrentSchemaVersion}";
                return null;
            }

            problem = HoldsNull(root) ? "is not the report of a check: a list holds null" : "";
            return problem.Length > 0 ? null : root.Deserialize(Shape.JsonReport)!.ToReport();
        }
        catch (JsonException broken)
        {
            problem = $"is not the report of a check: {broken.Message.Split('\n')[0].TrimEnd('.')}";
        }
        catch (Exception broken) when (broken is ArgumentOutOfRangeException or IndexOutOfRangeException or InvalidOperationException)
        {
            problem = "names a counterexample or a table that it does not hold";
        }

        return null;
    }

    /// <summary>Whether a list anywhere holds null, which the reader of records lets pass.</summary>
    private static bool HoldsNull(JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.Array => element.EnumerateArray().Any(static item => item.ValueKind == JsonValueKind.Null || HoldsNull(item)),
        JsonValueKind.Object => element.EnumerateObject().Any(static property => HoldsNull(property.Value)),
        _ => false,
    };
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
