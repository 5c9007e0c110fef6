// SPDX-License-Identifier: Apache-2.0

using System.IO;

namespace Liminal.Trace;

/// <summary>A sweep report as one page that needs nothing else: no network, no server, no other file.</summary>
public static class SweepReportHtml
{
    private static readonly string[] Styles = ["page.css", "timeline.css", "Sweeps/sweep.css", "Sweeps/chart.css"];

    private static readonly string[] Scripts =
    [
        "dom.js", "pack.js", "frame.js", "conditions.js", "picture.js", "timeline.js", "Sweeps/sweeps.js", "Sweeps/looks.js", "Sweeps/comparisons.js", "Sweeps/failures.js", "Sweeps/summary.js",
        "Sweeps/scale.js", "Sweeps/rows.js", "Sweeps/chart.js", "Sweeps/events.js", "Sweeps/windows.js", "Sweeps/cost.js", "Sweeps/conversion.js",
        "Sweeps/page.js",
    ];

    /// <summary>Writes the page.</summary>
    /// <param name="report">What it shows.</param>
    /// <param name="stream">Where to; UTF-8 without a byte-order mark; left open.</param>
    public static void Write(SweepReport report, Stream stream) =>
        ReportPage.Write(stream, $"{report.Tool} {report.Version}: {report.CommandLine}", Styles, Scripts, SweepPageData.Of(report));
}
