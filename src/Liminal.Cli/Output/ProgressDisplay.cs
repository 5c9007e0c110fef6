// SPDX-License-Identifier: Apache-2.0

using System;
using System.Diagnostics;
using System.IO;
using Liminal.Trace;
using Spectre.Console;

namespace Liminal.Cli.Output;

/// <summary>Shows how far a long piece of work is: a bar on a terminal, a line now and then elsewhere. Always on standard error.</summary>
internal static class ProgressDisplay
{
    private static readonly TimeSpan Silence = TimeSpan.FromSeconds(1);
    private const int Lines = 10;

    /// <summary>Says that so many of so many pieces are done, and what was done last. Called by one thread at a time.</summary>
    public delegate void Report(int done, int total, string current);

    /// <summary>Does work and shows its progress.</summary>
    /// <param name="terminal">Where.</param>
    /// <param name="title">What is done, such as "exploring".</param>
    /// <param name="work">The work; it reports what is done.</param>
    public static T Run<T>(Terminal terminal, string title, Func<Report, T> work) =>
        terminal.HasProgressBar ? RunWithBar(terminal.Error, title, work) : RunWithLines(terminal, title, work);

    private static T RunWithBar<T>(TextWriter error, string title, Func<Report, T> work)
    {
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings { Ansi = AnsiSupport.Yes, Out = new AnsiConsoleOutput(error) });
        return console.Progress()
            .AutoClear(true)
            .Columns(new SpinnerColumn(), new TaskDescriptionColumn { Alignment = Justify.Left }, new ProgressBarColumn(), new PercentageColumn(), new ElapsedTimeColumn())
            .Start(context =>
            {
                ProgressTask bar = context.AddTask(title);
                return work((done, total, current) =>
                {
                    bar.MaxValue = Math.Max(total, 1);
                    bar.Value = done;
                    bar.Description = Markup.Escape(PrintableText.Of($"{done}/{total} {current}"));
                });
            });
    }

    /// <summary>At most ten lines, and none for work that is done in a moment.</summary>
    private static T RunWithLines<T>(Terminal terminal, string title, Func<Report, T> work)
    {
        Stopwatch watch = Stopwatch.StartNew();
        int told = 0;
        return work((done, total, current) =>
        {
            int reached = (int)((long)done * Lines / Math.Max(total, 1));
            if (reached == told || watch.Elapsed < Silence)
                return;

            told = reached;
            terminal.Note($"{title}: {done} of {total}, {current}");
        });
    }
}
