// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;
using System.IO;
using System.Text;
using Liminal.Trace;

namespace Liminal.Cli.Output;

/// <summary>Where a command writes: results to standard output, everything about the run to standard error.</summary>
internal sealed class Terminal
{
    /// <summary>Columns when nothing better is known: the output goes to a file or a pipe.</summary>
    public const int WidthOfAFile = 120;

    /// <summary>Results.</summary>
    public required TextWriter Out { get; init; }

    /// <summary>Progress, notes and failures.</summary>
    public required TextWriter Error { get; init; }

    /// <summary>Standard output as bytes, for a report on it. What <see cref="Out"/> holds back must be flushed before.</summary>
    public required Func<Stream> OpenOut { get; init; }

    /// <summary>Standard input when it is a file or a pipe; null when it is a terminal, or nobody's.</summary>
    public Func<Stream?> OpenIn { get; init; } = () => null;

    /// <summary>Columns of a line of results.</summary>
    public int Width { get; init; } = WidthOfAFile;

    /// <summary>Whether results may carry colours and other styles.</summary>
    public bool HasColour { get; init; }

    /// <summary>Whether a progress bar can be drawn on standard error.</summary>
    public bool HasProgressBar { get; init; }

    /// <summary>The terminal of this process. NO_COLOR and TERM=dumb are honoured.</summary>
    public static Terminal OfProcess()
    {
        bool plain = !string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR"))
            || Environment.GetEnvironmentVariable("TERM") == "dumb";
        bool outIsTerminal = !Console.IsOutputRedirected;
        return new Terminal
        {
            // Flushed once at the end, or before something else is waited for: a matrix line by line would be hundreds of writes.
            Out = new StreamWriter(Console.OpenStandardOutput(), new UTF8Encoding(false), 1 << 15) { AutoFlush = false, NewLine = "\n" },
            Error = new StreamWriter(Console.OpenStandardError(), new UTF8Encoding(false)) { AutoFlush = true, NewLine = "\n" },
            OpenOut = Console.OpenStandardOutput,
            OpenIn = () => Console.IsInputRedirected ? Console.OpenStandardInput() : null,
            Width = outIsTerminal && Console.WindowWidth > 0 ? Console.WindowWidth : WidthOfAFile,
            HasColour = outIsTerminal && !plain,
            HasProgressBar = !Console.IsErrorRedirected && Environment.GetEnvironmentVariable("TERM") != "dumb",
        };
    }

    /// <summary>Prints lines of results in their styles, or plainly where styles are not wanted.</summary>
    public void Print(IEnumerable<TextLine> lines)
    {
        StyledPrinter? styled = HasColour ? new StyledPrinter(Out) : null;
        foreach (TextLine line in lines)
        {
            if (styled is null)
                Out.WriteLine(line.ToString());
            else
                styled.Print(line);
        }
    }

    /// <summary>Prints one plain line of results.</summary>
    public void Print(string line) => Out.WriteLine(line);

    /// <summary>Tells the user something about the run that is no result: one line on standard error.</summary>
    public void Note(string message) => Error.WriteLine("liminal: " + PrintableText.Of(message));
}
