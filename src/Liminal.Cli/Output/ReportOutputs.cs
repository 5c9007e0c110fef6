// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;
using System.CommandLine;
using System.IO;
using System.Linq;
using Liminal.Cli.CommandLine;
using Liminal.Trace;

namespace Liminal.Cli.Output;

/// <summary>One format of a report.</summary>
/// <param name="Option">Names the file.</param>
/// <param name="Write">Writes the report.</param>
/// <param name="MayBePrinted">Whether <c>-</c> prints it in place of the text.</param>
internal sealed record ReportFormat<TReport>(Option<string?> Option, Action<TReport, Stream> Write, bool MayBePrinted = true);

/// <summary>The files that a command may write, each in its format.</summary>
internal sealed class ReportOutputs<TReport>(params IReadOnlyList<ReportFormat<TReport>> formats)
{
    private const string StandardOutput = "-";

    /// <summary>Adds the options to a command.</summary>
    public void AddTo(Command command)
    {
        foreach (ReportFormat<TReport> format in formats)
            command.Add(format.Option);
    }

    /// <summary>Whether a report is printed in place of the text.</summary>
    public bool IsPrinted(ParseResult parsed) => formats.Any(format => parsed.GetValue(format.Option) == StandardOutput);

    /// <summary>Looks whether everything that was asked for could be written, so that nobody waits for what cannot.</summary>
    /// <exception cref="CommandFailure">LIM3012 or LIM3015.</exception>
    /// <exception cref="ReportFileException">A file cannot be written.</exception>
    public void Expect(ParseResult parsed)
    {
        Dictionary<string, string> takenBy = new(StringComparer.Ordinal);
        foreach (ReportFormat<TReport> format in formats)
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
    public void Write(ParseResult parsed, TReport report, Terminal terminal)
    {
        foreach (ReportFormat<TReport> format in formats)
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
