// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;
using System.CommandLine;
using System.IO;
using System.Linq;
using Liminal.Cli.CommandLine;
using Liminal.Cli.Output;
using Liminal.Trace;

namespace Liminal.Cli.Sweep;

/// <summary>The files that a sweep may write, each in its format.</summary>
internal sealed class SweepOutputs
{
    private const string StandardOutput = "-";

    /// <summary>One format: its option, how it is written, and whether it may be printed in place of the text.</summary>
    private sealed record Format(Option<string?> Option, Action<SweepReport, Stream> Write, bool MayBePrinted);

    private readonly Format[] _formats =
    [
        new(OptionValue.Single("--json", "FILE", "Write everything to a file as JSON; - prints it in place of the text."), SweepReportJson.Write, true),
        new(OptionValue.Single("--html", "FILE", "Write everything to one HTML page that needs no network."), SweepReportHtml.Write, false),
        new(OptionValue.Single("--junit", "FILE", "Write the verdicts as JUnit XML, for build servers; - prints it."), SweepReportJUnit.Write, true),
        new(OptionValue.Single("--sarif", "FILE", "Write the violations as SARIF 2.1.0, for tools that gather findings; - prints it."), SweepReportSarif.Write, true),
        new(OptionValue.Single("--perfetto", "FILE", "Write the conversions as a trace for ui.perfetto.dev, an instruction as a microsecond; - prints it."), SweepReportPerfetto.Write, true),
    ];

    /// <summary>Adds the options to a command.</summary>
    public void AddTo(Command command)
    {
        foreach (Format format in _formats)
            command.Add(format.Option);
    }

    /// <summary>Whether a report is printed in place of the text.</summary>
    public bool IsPrinted(ParseResult parsed) => _formats.Any(format => parsed.GetValue(format.Option) == StandardOutput);

    /// <summary>Looks whether everything that was asked for could be written, so that nobody waits for what cannot.</summary>
    /// <exception cref="CommandFailure">LIM3012 or LIM3015.</exception>
    /// <exception cref="ReportFileException">A file cannot be written.</exception>
    public void Expect(ParseResult parsed)
    {
        Dictionary<string, string> takenBy = new(StringComparer.Ordinal);
        foreach (Format format in _formats)
        {
            if (parsed.GetValue(format.Option) is not string file)
                continue;

            if (file == StandardOutput && !format.MayBePrinted)
                throw new CommandFailure("LIM3012", $"{format.Option.Name}: a page is not printed; name a file");

            if (!takenBy.TryAdd(file, format.Option.Name))
                throw new CommandFailure("LIM3015", $"{takenBy[file]} and {format.Option.Name} both write to {file}; name another file for one of them");

            if (file != StandardOutput)
                ReportFile.Expect(file);
        }
    }

    /// <summary>Writes what was asked for.</summary>
    public void Write(ParseResult parsed, SweepReport report, Terminal terminal)
    {
        foreach (Format format in _formats)
        {
            string? file = parsed.GetValue(format.Option);
            if (file == StandardOutput)
            {
                using Stream output = terminal.OpenOut();
                format.Write(report, output);
            }
            else if (file is not null)
            {
                ReportFile.Save(file, stream => format.Write(report, stream));
            }
        }
    }
}
