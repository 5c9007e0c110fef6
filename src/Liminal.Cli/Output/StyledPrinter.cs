// SPDX-License-Identifier: Apache-2.0

using System.IO;
using Liminal.Trace;
using Spectre.Console;

namespace Liminal.Cli.Output;

/// <summary>Prints styled lines with escape sequences. Only the sixteen colours that the user's own theme defines are used.</summary>
internal sealed class StyledPrinter
{
    private static readonly Style Strong = new(decoration: Decoration.Bold);
    private static readonly Style Faint = new(decoration: Decoration.Dim);
    private static readonly Style Changed = new(Color.Yellow, decoration: Decoration.Bold);
    private static readonly Style Good = new(Color.Green);
    private static readonly Style Notable = new(Color.Yellow);
    private static readonly Style Violation = new(Color.Red, decoration: Decoration.Bold);

    private readonly IAnsiConsole _console;

    /// <summary>Prints to a writer that leads to a terminal.</summary>
    public StyledPrinter(TextWriter writer)
    {
        _console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = AnsiSupport.Yes,
            ColorSystem = ColorSystemSupport.Standard,
            Interactive = InteractionSupport.No,
            Out = new AnsiConsoleOutput(writer),
        });
        // Lines are laid out already; nothing may be wrapped again.
        _console.Profile.Width = int.MaxValue / 4;
    }

    /// <summary>Prints a line and its end.</summary>
    public void Print(TextLine line)
    {
        Paragraph paragraph = new();
        foreach (TextSpan span in line.Spans)
            paragraph.Append(span.Text, StyleOf(span.Style));

        _console.Write(paragraph);
        _console.WriteLine();
    }

    private static Style StyleOf(TextStyle style) => style switch
    {
        TextStyle.Strong => Strong,
        TextStyle.Faint => Faint,
        TextStyle.Changed => Changed,
        TextStyle.Good => Good,
        TextStyle.Notable => Notable,
        TextStyle.Violation => Violation,
        _ => Style.Plain,
    };
}
