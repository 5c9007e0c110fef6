// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;
using System.CommandLine;
using System.IO;
using System.Linq;
using Liminal.Checker.Checking;
using Liminal.Checker.Properties;
using Liminal.Cli.CommandLine;
using Liminal.Cli.Output;
using Liminal.Cli.Sweep;
using Liminal.Linux;
using Liminal.Linux.Diagnostics;
using Liminal.Linux.Image;
using Liminal.Platform;
using Liminal.Sweep.Replaying;
using Liminal.Trace;

namespace Liminal.Cli.Replay;

/// <summary><c>liminal replay</c>: a counterexample of the checker, steered onto a kernel.</summary>
internal sealed class ReplayCommand
{
    private const string StandardOutput = "-";
    private const int FewestProcessors = 2;

    private readonly Argument<string> _trace = new("TRACE") { Description = "A report of 'liminal check --json'." };
    private readonly Argument<string> _image = new("IMAGE") { Description = "A bzImage (vmlinuz) or a vmlinux, for x86-64." };
    private readonly Option<string[]> _protocols = OptionValue.List("--protocol", "PROTOCOL", "Counterexamples of these protocols only.");
    private readonly Option<string[]> _platforms = OptionValue.List("--platform", "PLATFORM", "Those on these platforms only.");
    private readonly Option<string[]> _directions = OptionValue.List("--direction", "DIRECTION", "Those of decrypt (private to shared) or encrypt only.");
    private readonly Option<string[]> _hosts = OptionValue.List("--host", "HOST", "Those under these hosts only.");
    private readonly Option<string[]> _regions = OptionValue.List("--region", "REGION", "Those in which the caller names these mappings only: direct-map, vmalloc or image.");
    private readonly Option<string[]> _properties = OptionValue.List("--property", "PROPERTY", "Those that violate these properties only.");
    private readonly Option<string[]> _switches = OptionValue.List("--switch", "NAME=on|off", "Those with these settings of what the sources leave open only.");
    private readonly Option<string?> _json = OptionValue.Single("--json", "FILE", "Write everything to a file as JSON; - prints it in place of the text.");
    private readonly Option<bool> _fresh = OptionValue.Flag("--fresh", "Boot from the beginning: neither resume from the cache nor save to it.");
    private readonly Invocation _invocation;

    private ReplayCommand(Invocation invocation) => _invocation = invocation;

    /// <summary>Builds the command.</summary>
    public static Command Create(Invocation invocation)
    {
        ReplayCommand replay = new(invocation);
        ExplainedCommand command = new(
            "replay",
            "Steers a counterexample of the checker onto a conversion in a kernel: the same stray load at the same step, the same host.",
            ("liminal check linux-6.12-snp --json found.json; liminal replay found.json vmlinuz", "the shortest counterexample that can be replayed; exit code 0 when the kernel comes to the same outcome"),
            ("liminal replay found.json vmlinuz --platform tdx --direction encrypt --property StrayLoadsSurvive", "one of several in a report"),
            ("liminal replay found.json vmlinuz --json replay.json", "with a report for programs"))
        {
            replay._trace, replay._image, replay._protocols, replay._platforms, replay._directions, replay._hosts, replay._regions, replay._properties, replay._switches,
            replay._json, replay._fresh,
        };
        command.SetAction(replay.Run);
        return command;
    }

    private int Run(ParseResult parsed)
    {
        string? json = parsed.GetValue(_json);
        if (json is not null and not StandardOutput)
            ReportFile.Expect(json);

        string file = parsed.GetValue(_trace)!;
        ReplayChoice choice = ReplayChoice.From(ReadReport(file), file, FilterOf(parsed));
        string path = parsed.GetValue(_image)!;
        DiagnosticBag diagnostics = [];
        KernelFile kernel = KernelFile.Open(path, diagnostics) ?? throw SweepGuest.Failure(diagnostics);
        KernelImage image = kernel.Read(diagnostics) ?? throw SweepGuest.Failure(diagnostics);
        KernelKnowledge knowledge = KernelKnowledge.Of(image, path, diagnostics) ?? throw SweepGuest.Failure(diagnostics);
        ReplayFinding? finding = ProgressDisplay.Run(
            _invocation.Terminal, "replaying", progress => Replay(choice, kernel, knowledge, parsed.GetValue(_fresh), progress));
        if (finding is null)
            return ExitCode.Interrupted;

        ReplayReport report = ReportOf(choice, finding, kernel, image, TypedCommand.Of(parsed));
        Write(report, json);
        if (json != StandardOutput)
            _invocation.Terminal.Print(ReplayText.Render(report, choice.Verdict.Counterexample!, image.RecognisedProtocols.Select(static code => code.Name), choice.Others, _invocation.Terminal.Width));

        return report.Outcome switch
        {
            ReplayOutcome.Reached => ExitCode.Success,
            ReplayOutcome.Departed => ExitCode.Violated,
            _ => ExitCode.NoVerdict,
        };
    }

    private ReplayFinding? Replay(ReplayChoice choice, KernelFile kernel, KernelKnowledge knowledge, bool isFresh, ProgressDisplay.Report progress)
    {
        const int Pieces = 2;
        progress(0, Pieces, $"booting as {choice.Platform.Name}");
        SweepGuestRequest request = new(kernel, choice.Platform) { ProcessorCount = Math.Max(choice.Plan.Processors, FewestProcessors), IsFresh = isFresh };
        using SweepGuest guest = SweepGuest.Boot(request, knowledge, _invocation.Interrupt);
        if (_invocation.Interrupt.IsCancellationRequested)
            return null;

        progress(1, Pieces, choice.Question.Function + "()");
        return guest.Campaign.Replay(choice.Question, choice.Plan, out string problem)
            ?? throw new CommandFailure("LIM3211", $"{choice.Platform.Name}: the conversion cannot be made: {problem}");
    }

    private static CheckReport ReadReport(string file)
    {
        try
        {
            using FileStream stream = File.OpenRead(file);
            return CheckReportJson.Read(stream, out string problem)
                ?? throw new CommandFailure("LIM3230", $"{file} {problem}; write one with 'liminal check --json FILE'");
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            throw new CommandFailure("LIM3230", $"{file} cannot be read: {failure.Message.TrimEnd('.')}; name a report of 'liminal check --json FILE'");
        }
    }

    private ReplayFilter FilterOf(ParseResult parsed) => new()
    {
        Protocols = OptionValue.ItemsOf(parsed, _protocols),
        Platforms = OptionValue.NamedOf(parsed, _platforms, "platform", Platforms.All.Select(static one => (one.Name, one.Name))),
        Directions = OptionValue.NamedOf(parsed, _directions, "direction", [("decrypt", "decrypt"), ("encrypt", "encrypt")]),
        Hosts = OptionValue.NamedOf(parsed, _hosts, "host", HostNames.All.Select(static one => (one.Name, one.Name))),
        Regions = OptionValue.NamedOf(parsed, _regions, "region", [("direct-map", "direct-map"), ("vmalloc", "vmalloc"), ("image", "image")]),
        Properties = OptionValue.NamedOf(parsed, _properties, "property", PropertyInfo.All.Select(static one => (one.Name, one.Name))),
        Settings = [.. (OptionValue.ItemsOf(parsed, _switches) ?? []).Select(SettingOf)],
    };

    private static string SettingOf(string item)
    {
        string[] parts = item.Split('=');
        IEnumerable<string> known = Platforms.All.SelectMany(static one => one.Switches).Select(static one => one.Name).Distinct();
        if (!known.Contains(parts[0]))
            throw new CommandFailure("LIM3013", $"--switch: there is no switch '{parts[0]}'; {Suggestion.Clause(parts[0], known)}there are {string.Join(", ", known)}");

        return (parts.Length == 2 ? parts[1] : "") switch
        {
            "on" or "yes" => parts[0] + "=yes",
            "off" or "no" => parts[0] + "=no",
            _ => throw new CommandFailure("LIM3012", $"--switch: '{item}' names no setting; write {parts[0]}=on or {parts[0]}=off"),
        };
    }

    private static ReplayReport ReportOf(ReplayChoice choice, ReplayFinding finding, KernelFile kernel, KernelImage image, string commandLine)
    {
        return new ReplayReport(
            ReplayReport.CurrentSchemaVersion, "liminal", ProgramVersion.Text, commandLine,
            new KernelEntry(image.Version.Release, Path.GetFileName(kernel.Path), image.Version.Release, Convert.ToHexStringLower(kernel.Sha256)),
            new ReplayedCounterexample(
                choice.Cell.Protocol, choice.Cell.Direction, choice.Cell.Platform, choice.Exploration.Host, choice.Exploration.Switches,
                choice.Exploration.Region, choice.Verdict.Property, choice.Verdict.Counterexample!.Conclusion),
            finding.Steps, finding.Load, finding.Outcome, finding.DepartsAt, finding.Conclusion);
    }

    private void Write(ReplayReport report, string? json)
    {
        if (json == StandardOutput)
        {
            using Stream output = _invocation.Terminal.OpenOut();
            ReplayReportJson.Write(report, output);
        }
        else if (json is not null)
        {
            ReportFile.Save(json, stream => ReplayReportJson.Write(report, stream));
        }
    }
}
