// SPDX-License-Identifier: Apache-2.0

using System.IO;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Liminal.Cli.Kernel;

/// <summary>A kernel report as JSON; docs/reference/kernel-images.md describes it.</summary>
internal static class KernelReportJson
{
    private static readonly KernelJsonContext Shape = new(
        new JsonSerializerOptions(KernelJsonContext.Default.Options) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });

    /// <summary>Writes the report, with a line end behind it.</summary>
    public static void Write(KernelReport report, Stream stream)
    {
        JsonSerializer.Serialize(stream, report, Shape.KernelReport);
        stream.WriteByte((byte)'\n');
    }
}

/// <summary>How System.Text.Json sees the report: made at build time, without reflection.</summary>
[JsonSourceGenerationOptions(
    WriteIndented = true,
    NewLine = "\n",
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    UseStringEnumConverter = true)]
[JsonSerializable(typeof(KernelReport))]
internal sealed partial class KernelJsonContext : JsonSerializerContext;
