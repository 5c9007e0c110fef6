// SPDX-License-Identifier: Apache-2.0

using Liminal.Cli.CommandLine;
using Liminal.Cli.Output;
using Liminal.Trace;

namespace Liminal.Cli.Sweep;

/// <summary>The files that a sweep may write.</summary>
internal static class SweepOutputs
{
    /// <summary>The options of one command.</summary>
    public static ReportOutputs<SweepReport> Create() => new(
        new(OptionValue.Single("--json", "FILE", "Write everything to a file as JSON; - prints it in place of the text."), SweepReportJson.Write),
        new(OptionValue.Single("--html", "FILE", "Write everything to one HTML page that needs no network."), SweepReportHtml.Write, MayBePrinted: false),
        new(OptionValue.Single("--junit", "FILE", "Write the verdicts as JUnit XML, for build servers; - prints it."), SweepReportJUnit.Write),
        new(OptionValue.Single("--sarif", "FILE", "Write the violations as SARIF 2.1.0, for tools that gather findings; - prints it."), SweepReportSarif.Write),
        new(OptionValue.Single("--perfetto", "FILE", "Write the conversions as a trace for ui.perfetto.dev, an instruction as a microsecond; - prints it."), SweepReportPerfetto.Write));
}
