// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;
using System.CommandLine;
using System.Diagnostics;
using System.Linq;
using Liminal.Cli.Check.Matrix;
using Liminal.Cli.CommandLine;
using Liminal.Cli.Output;
using Liminal.Protocols;
using Liminal.Trace;

namespace Liminal.Cli.Check;

/// <summary><c>liminal check</c>: the verdict matrix.</summary>
internal sealed class CheckCommand
{
    private readonly Argument<string[]> _targets = new("TARGET")
    {
        Description = "A built-in protocol ('liminal list protocols'; patterns such as 'linux-6.12-*'), a C# file with protocols (FILE.cs), or a kernel image. Default: every built-in protocol, with and without failures.",
        Arity = ArgumentArity.ZeroOrMore,
    };

    private readonly ReportOutputs<CheckReport> _outputs = new(
        new(OptionValue.Single("--json", "FILE", "Write everything to a file as JSON; - prints it in place of the matrix."), CheckReportJson.Write),
        new(OptionValue.Single("--html", "FILE", "Write everything to one HTML page that needs no network."), CheckReportHtml.Write, MayBePrinted: false),
        new(OptionValue.Single("--junit", "FILE", "Write the verdicts as JUnit XML, for build servers; - prints it."), CheckReportJUnit.Write));

    private readonly ScenarioOptions _scenario = new();
    private readonly Invocation _invocation;

    private CheckCommand(Invocation invocation) => _invocation = invocation;

    /// <summary>Builds the command.</summary>
    public static Command Create(Invocation invocation)
    {
        CheckCommand check = new(invocation);
        ExplainedCommand command = new(
            "check",
            "Explores every interleaving of conversion protocols with stray loads and hosts, and prints the verdicts.",
            ("liminal check", "every built-in protocol on every platform; exit code 0 when each verdict is the recorded one"),
            ("liminal check rfc-2023 --platform snp --failures", "one protocol on one platform; exit code 1 when a property is violated"),
            ("liminal check 'linux-6.12-*' --host implicit-convert", "the conversions of Linux 6.12 under one host"),
            ("liminal check my-protocol.cs --html report.html", "a protocol of your own, and a page to step through what was found"),
            ("liminal check my-protocol.cs --junit report.xml", "the same for a build server"))
        {
            check._targets,
        };
        check._scenario.AddTo(command);
        check._outputs.AddTo(command);
        command.SetAction(check.Run);
        return command;
    }

    private int Run(ParseResult parsed)
    {
        string[] named = parsed.GetValue(_targets) ?? [];
        _outputs.Expect(parsed);
        TargetSet targets = named.Length == 0 ? TargetSet.BuiltIns(_invocation.Terminal) : TargetSet.Of(named, _invocation.Terminal, _scenario.Kernels(parsed, _invocation.Interrupt));
        FailureMode failures = named.Length == 0 || _scenario.Failures(parsed) ? FailureMode.Both : FailureMode.SuccessPath;
        CheckRequest request = _scenario.Read(parsed, targets.Protocols, failures);

        Stopwatch watch = Stopwatch.StartNew();
        CheckReport report = ProgressDisplay.Run(_invocation.Terminal, "exploring", progress => CheckRun.Execute(
            request, TypedCommand.Of(parsed), ProgramVersion.Text, step => progress(step.Done, step.Total, step.Current), _invocation.Interrupt));

        _outputs.Write(parsed, report, _invocation.Terminal);
        if (!_outputs.IsPrinted(parsed))
            Print(report, request, targets, watch.Elapsed);

        return ExitCodeOf(report, named.Length == 0 ? RecordedVerdicts.Compare(request, report) : null);
    }

    private void Print(CheckReport report, CheckRequest request, TargetSet targets, TimeSpan elapsed)
    {
        Terminal terminal = _invocation.Terminal;
        bool failures = request.Failures != FailureMode.SuccessPath;
        foreach (string finding in targets.Findings)
            terminal.Print(PrintableText.Of(finding));

        terminal.Print(MatrixText.Render(report, failures, request.PlannedExplorations(), terminal.Width));
        terminal.Print(MatrixNotes.Render(report, request, targets, elapsed, terminal.Width));
    }

    /// <summary>What the shell is told.</summary>
    /// <param name="report">What was found out.</param>
    /// <param name="comparison">Set when the question was whether everything is as recorded, and null when it was whether everything holds.</param>
    private static int ExitCodeOf(CheckReport report, RecordedComparison? comparison)
    {
        if (report.Interrupted)
            return ExitCode.Interrupted;

        List<Exploration> explored = [.. report.Cells.SelectMany(cell => cell.Explorations)];
        List<Verdict> verdicts = [.. explored.SelectMany(one => one.Properties).Select(one => one.Verdict)];
        bool isViolated = comparison is not null && comparison.Compared == explored.Count ? !comparison.IsAsRecorded : verdicts.Contains(Verdict.Violated);
        return verdicts.Contains(Verdict.Inconclusive) && !(isViolated && comparison is null) ? ExitCode.NoVerdict
            : isViolated ? ExitCode.Violated
            : ExitCode.Success;
    }
}
