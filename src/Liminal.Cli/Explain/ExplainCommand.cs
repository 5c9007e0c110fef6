// SPDX-License-Identifier: Apache-2.0

using System.Collections.Generic;
using System.CommandLine;
using System.Linq;
using Liminal.Cli.Check;
using Liminal.Cli.CommandLine;
using Liminal.Cli.Output;
using Liminal.Protocols;
using Liminal.Trace;

namespace Liminal.Cli.Explain;

/// <summary><c>liminal explain</c>: the shortest counterexample, step by step.</summary>
internal sealed class ExplainCommand
{
    private readonly Argument<string> _target = new("PROTOCOL")
    {
        Description = "A built-in protocol, or a C# file (FILE.cs, or FILE.cs:NAME when it holds several).",
    };

    private readonly ScenarioOptions _scenario = new();
    private readonly Invocation _invocation;

    private ExplainCommand(Invocation invocation) => _invocation = invocation;

    /// <summary>A counterexample and where it was found.</summary>
    private sealed record Found(CellReport Cell, Exploration Exploration, PropertyVerdict Verdict, Timeline Timeline);

    /// <summary>Builds the command.</summary>
    public static Command Create(Invocation invocation)
    {
        ExplainCommand explain = new(invocation);
        ExplainedCommand command = new(
            "explain",
            "Tells the shortest counterexample step by step: who acts, and what changes in PTEs, TLBs and page states.",
            ("liminal explain rfc-2023 --platform snp", "why the RFC's order fails on SEV-SNP"),
            ("liminal explain linux-6.12-vtom --platform vtom --failures", "what a failure inside the guest leaves behind"),
            ("liminal explain rfc-2023 --platform tdx --property CacheFlushTakesEffect", "one property only"))
        {
            explain._target,
        };
        explain._scenario.AddTo(command);
        command.SetAction(explain.Run);
        return command;
    }

    private int Run(ParseResult parsed)
    {
        Terminal terminal = _invocation.Terminal;
        TargetSet targets = TargetSet.Of([parsed.GetValue(_target)!], terminal, _scenario.Kernels(parsed, _invocation.Interrupt));
        FailureMode failures = _scenario.Failures(parsed) ? FailureMode.WithFailures : FailureMode.SuccessPath;
        CheckRequest request = _scenario.Read(parsed, targets.Protocols, failures);
        CheckReport report = ProgressDisplay.Run(terminal, "exploring", progress => CheckRun.Execute(
            request, TypedCommand.Of(parsed), ProgramVersion.Text, step => progress(step.Done, step.Total, step.Current), _invocation.Interrupt));

        List<Found> all = [.. Counterexamples(report)];
        if (all.Count == 0)
            return TellNothingFound(report);

        Found shortest = Choose(all);
        terminal.Print(Heading(shortest));
        terminal.Print(TimelineText.Render(shortest.Timeline, terminal.Width, markChanges: !terminal.HasColour));
        terminal.Print(Others(shortest, all, terminal.Width));
        return report.Interrupted ? ExitCode.Interrupted : ExitCode.Violated;
    }

    /// <summary>
    /// The shortest counterexample to a property that is violated under every host and setting of its cell, or else the shortest of all:
    /// what goes wrong in any case is told before what takes special circumstances.
    /// </summary>
    private static Found Choose(List<Found> all) => all
        .OrderBy(found => found.Cell.Explorations.All(one => all.Exists(other => ReferenceEquals(other.Exploration, one) && other.Verdict.Property == found.Verdict.Property)) ? 0 : 1)
        .ThenBy(found => found.Timeline.Steps.Count)
        .First();

    private static IEnumerable<Found> Counterexamples(CheckReport report) =>
        from cell in report.Cells
        from exploration in cell.Explorations
        from verdict in exploration.Properties
        where verdict.Verdict == Verdict.Violated && verdict.Counterexample is not null
        select new Found(cell, exploration, verdict, verdict.Counterexample!);

    private static IEnumerable<TextLine> Heading(Found found)
    {
        yield return new TextLine(
        [
            new TextSpan("host ", TextStyle.Faint), new TextSpan(found.Exploration.Host, TextStyle.Plain),
            new TextSpan("  region ", TextStyle.Faint), new TextSpan(found.Exploration.Region, TextStyle.Plain),
            new TextSpan(found.Exploration.Switches.Count == 0 ? "" : "  settings ", TextStyle.Faint),
            new TextSpan(string.Join(", ", found.Exploration.Switches), TextStyle.Plain),
        ]);
    }

    private static IEnumerable<TextLine> Others(Found shown, List<Found> all, int width)
    {
        string[] others = [.. all.Select(found => found.Verdict.Property).Distinct().Where(property => property != shown.Verdict.Property)];
        if (others.Length == 0)
            yield break;

        yield return new TextLine([]);
        TextSpan[] text =
        [
            new("Also violated: ", TextStyle.Strong),
            new($"{string.Join(", ", others)}; --property NAME tells one of them", TextStyle.Plain),
        ];
        foreach (TextLine line in StyledWrap.Lines(text, width))
            yield return line;
    }

    private int TellNothingFound(CheckReport report)
    {
        Terminal terminal = _invocation.Terminal;
        List<Exploration> explored = [.. report.Cells.SelectMany(cell => cell.Explorations)];
        if (report.Interrupted)
        {
            terminal.Print($"Interrupted before anything violated was found; {explored.Count} state spaces were complete.");
            return ExitCode.Interrupted;
        }

        if (explored.Count == 0)
        {
            foreach (CellReport cell in report.Cells)
                terminal.Print($"{cell.Protocol} {cell.Direction} does not apply to {cell.Platform}: {cell.WhyNot}.");

            return ExitCode.Success;
        }

        bool inconclusive = explored.Exists(one => one.Properties.Any(verdict => verdict.Verdict == Verdict.Inconclusive));
        terminal.Print(inconclusive
            ? "Nothing violated was found, but a limit was reached before everything was seen: see 'liminal check', and raise --max-states or --max-memory."
            : "Nothing is violated.");
        terminal.Print($"Explored: {explored.Count} state spaces, {explored.Sum(one => one.States):N0} states, hosts {string.Join(", ", explored.Select(one => one.Host).Distinct())}.");
        return inconclusive ? ExitCode.NoVerdict : ExitCode.Success;
    }
}
