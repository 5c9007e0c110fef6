// SPDX-License-Identifier: Apache-2.0

using System.IO;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Liminal.Trace;

/// <summary>The conversions of a boot as one page that needs nothing else: guest memory over time, each conversion, the pages that are shared.</summary>
public static class BootReportHtml
{
    private static readonly string[] Styles = ["page.css", "matrix.css", "Boots/boot.css"];

    private static readonly string[] Scripts = ["dom.js", "frame.js", "Boots/map.js", "Boots/detail.js", "Boots/page.js"];

    /// <summary>Writes the page.</summary>
    /// <param name="report">What it shows.</param>
    /// <param name="stream">Where to; UTF-8 without a byte-order mark; left open.</param>
    /// <remarks>The default encoder writes &lt;, &gt;, &amp; and everything but plain ASCII as \uXXXX: no text can end the element that holds the data.</remarks>
    public static void Write(BootPageReport report, Stream stream) => ReportPage.Write(
        stream, $"{report.Tool} {report.Version}: {report.CommandLine}", Styles, Scripts,
        JsonSerializer.SerializeToUtf8Bytes(report, BootPageJsonContext.Default.BootPageReport));
}

/// <summary>What the page of a boot shows.</summary>
/// <param name="Tool">The program that made it: <c>liminal</c>.</param>
/// <param name="Version">Version of that program.</param>
/// <param name="CommandLine">What the user asked for, as typed.</param>
/// <param name="Kernel">The kernel's banner.</param>
/// <param name="PlatformTitle">What the machine was a guest of.</param>
/// <param name="Host">Name of the host policy.</param>
/// <param name="Processors">Number of processors.</param>
/// <param name="MemoryBytes">RAM.</param>
/// <param name="Ended">Why the machine stopped, in one line.</param>
/// <param name="Census">The conversions.</param>
public sealed record BootPageReport(
    string Tool,
    string Version,
    string CommandLine,
    string Kernel,
    string PlatformTitle,
    string Host,
    int Processors,
    ulong MemoryBytes,
    string Ended,
    ConversionCensus Census);

/// <summary>How System.Text.Json sees the page's report: made at build time, without reflection.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(BootPageReport))]
internal sealed partial class BootPageJsonContext : JsonSerializerContext;
