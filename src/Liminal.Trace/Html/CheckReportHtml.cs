// SPDX-License-Identifier: Apache-2.0

using System.IO;

namespace Liminal.Trace;

/// <summary>A check report as one page that needs nothing else: no network, no server, no other file.</summary>
public static class CheckReportHtml
{
    private static readonly string[] Styles = ["page.css", "matrix.css", "timeline.css"];

    private static readonly string[] Scripts =
    [
        "dom.js", "pack.js", "frame.js", "report.js", "conditions.js", "matrix.js", "detail.js", "picture.js", "timeline.js", "counterexample.js",
        "page.js",
    ];

    /// <summary>Writes the page.</summary>
    /// <param name="report">What it shows.</param>
    /// <param name="stream">Where to; UTF-8 without a byte-order mark; left open.</param>
    public static void Write(CheckReport report, Stream stream) =>
        ReportPage.Write(stream, $"{report.Tool} {report.Version}: {report.CommandLine}", Styles, Scripts, PageData.Of(report));
}
