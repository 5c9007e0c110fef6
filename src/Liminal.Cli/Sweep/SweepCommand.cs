// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;
using System.CommandLine;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Security.Cryptography;
using Liminal.Checker.Checking;
using Liminal.Checker.Properties;
using Liminal.Cli.CommandLine;
using Liminal.Cli.Output;
using Liminal.Linux;
using Liminal.Linux.Diagnostics;
using Liminal.Linux.Image;
using Liminal.Machine.Boards;
using Liminal.Machine.Confidential;
using Liminal.Memory;
using Liminal.Platform;
using Liminal.Sweep.Conversions;
using Liminal.Sweep.Judging;
using Liminal.Trace;

namespace Liminal.Cli.Sweep;

/// <summary><c>liminal sweep</c>: a stray load at every instruction of a real conversion.</summary>
internal sealed class SweepCommand
{
    private const string StandardOutput = "-";
    private const string All = "all";
    private const long DefaultPages = 16;
    private const long MostPages = 1023;

    private static readonly (string Name, PteAttribute? Target)[] Directions =
        [("decrypt", PteAttribute.Shared), ("encrypt", PteAttribute.Private), ("both", null)];

    private static readonly (string Name, SweepRegion Region)[] Regions =
        [("direct-map", SweepRegion.DirectMap), ("vmalloc", SweepRegion.Vmalloc), ("image", SweepRegion.Image)];

    private readonly Argument<string> _image = new("IMAGE") { Description = "A bzImage (vmlinuz) or a vmlinux, for x86-64." };
    private readonly Option<string[]> _platforms = OptionValue.List("--platform", "PLATFORM", "tdx, snp, tdp, vtom, sev, or all: those that the kernel has code for. all if not given.");
    private readonly Option<string?> _direction = OptionValue.Single("--direction", "DIRECTION", "decrypt (private to shared), encrypt, or both; both if not given.");
    private readonly Option<string?> _pages = OptionValue.Single("--pages", "N", "Pages to convert in one call, 1 to 1023; 512 are one 2 MiB page. 16 if not given.");
    private readonly Option<string?> _region = OptionValue.Single("--region", "REGION", "Where they come from: direct-map, vmalloc or image; direct-map if not given.");
    private readonly Option<string[]> _hosts = OptionValue.List("--host", "HOST", "How the host behaves during the conversion; if not given, cooperative, and implicit-convert where documented.");
    private readonly Option<string?> _hostCall = OptionValue.Single("--host-call", "N", "The one call, counted from 0 since power-on, at which a host that retries, refuses or lies strikes; every call if not given.");
    private readonly Option<string?> _cpus = OptionValue.Single("--cpus", "N", "Number of processors, 1 to 64; 2 if not given.");
    private readonly Option<string?> _memory = OptionValue.Single("--memory", "SIZE", "RAM, such as 512M or 2G; 512M if not given.");
    private readonly Option<string?> _json = OptionValue.Single("--json", "FILE", "Write everything to a file as JSON; - prints it in place of the text.");
    private readonly Option<bool> _events = OptionValue.Flag("--events", "Print each event of each conversion too.");
    private readonly Option<bool> _fresh = OptionValue.Flag("--fresh", "Boot from the beginning: neither resume from the cache nor save to it.");
    private readonly Invocation _invocation;

    private SweepCommand(Invocation invocation) => _invocation = invocation;

    /// <summary>Builds the command.</summary>
    public static Command Create(Invocation invocation)
    {
        SweepCommand sweep = new(invocation);
        ExplainedCommand command = new(
            "sweep",
            "Boots a kernel as a confidential guest, converts pages in it, and tries a stray load at every instruction of the conversion.",
            ("liminal sweep vmlinuz", "16 pages, both directions, on every platform that the kernel has code for"),
            ("liminal sweep vmlinuz --platform snp --direction decrypt --events", "one conversion, with everything that it does"),
            ("liminal sweep vmlinuz --platform tdx --host implicit-convert --pages 512", "one 2 MiB page, under a host that converts on an unexpected access"),
            ("liminal sweep vmlinuz --platform vtom --region vmalloc --json sweep.json", "pages of vmalloc(), with a report for programs"))
        {
            sweep._image, sweep._platforms, sweep._direction, sweep._pages, sweep._region, sweep._hosts, sweep._hostCall,
            sweep._cpus, sweep._memory, sweep._json, sweep._events, sweep._fresh,
        };
        command.SetAction(sweep.Run);
        return command;
    }

    private int Run(ParseResult parsed)
    {
        string? json = parsed.GetValue(_json);
        if (json is not null and not StandardOutput)
            ReportFile.Expect(json);

        DiagnosticBag diagnostics = [];
        string path = parsed.GetValue(_image)!;
        KernelImage image = KernelImage.Open(path, diagnostics) ?? throw SweepGuest.Failure(diagnostics);
        KernelKnowledge knowledge = KernelKnowledge.Of(image, path, diagnostics) ?? throw SweepGuest.Failure(diagnostics);
        List<Work> work = Plan(parsed, image);
        SweepReport report = ProgressDisplay.Run(
            _invocation.Terminal, "sweeping", progress => Execute(parsed, path, image, knowledge, work, progress));
        Write(report, json);
        if (json != StandardOutput)
            _invocation.Terminal.Print(SweepText.Render(report, parsed.GetValue(_events), _invocation.Terminal.Width));

        return ExitCodeOf(report);
    }

    /// <summary>One conversion to sweep.</summary>
    private sealed record Work(ConfidentialPlatform Platform, ConversionQuestion Question, PolicySwitches Switches);

    private List<Work> Plan(ParseResult parsed, KernelImage image)
    {
        List<ConfidentialPlatform> carried =
            [.. Platforms.All.Where(one => image.Platforms.Any(code => code.Name == one.Name && code.IsMatch))];
        IEnumerable<(string Name, ConfidentialPlatform? Value)> names =
            Platforms.All.Where(static one => one != Platforms.None).Select(static one => (one.Name, (ConfidentialPlatform?)one)).Append((All, null));
        List<ConfidentialPlatform> platforms =
            [.. (OptionValue.NamedOf(parsed, _platforms, "platform", names) ?? [null]).SelectMany(one => one is null ? carried : [one]).Distinct()];
        if (platforms.Count == 0)
            throw new CommandFailure("LIM3210", "the kernel has no code for any confidential platform; 'liminal kernel info' tells what it has");

        PteAttribute? target = OptionValue.NamedOf(parsed, _direction, "direction", null, Directions.Select(static one => (one.Name, one.Target)));
        PteAttribute[] targets = target is PteAttribute one ? [one] : [PteAttribute.Shared, PteAttribute.Private];
        SweepRegion region = OptionValue.NamedOf(parsed, _region, "region", SweepRegion.DirectMap, Regions.Select(static one => (one.Name, one.Region)));
        int pages = (int)OptionValue.NumberOf(parsed, _pages, DefaultPages, 1, MostPages);
        IReadOnlyList<HostPolicy>? hosts = OptionValue.NamedOf(
            parsed, _hosts, "host", HostNames.All.Where(static host => host.Policy != HostPolicy.Malicious).Select(static host => (host.Name, host.Policy)));
        HostPlan? plan = parsed.GetValue(_hostCall) is null ? null : HostPlan.Only((ulong)OptionValue.NumberOf(parsed, _hostCall, 0, 0, long.MaxValue));
        return
        [
            .. from platform in platforms
               from direction in targets
               from host in hosts ?? SweepSettings.HostsOf(platform)
               from switches in SweepSettings.CombinationsOf(platform)
               select new Work(platform, new ConversionQuestion(direction, region, pages) { Host = host, Switches = switches, Plan = plan }, switches),
        ];
    }

    private SweepReport Execute(
        ParseResult parsed, string path, KernelImage image, KernelKnowledge knowledge, List<Work> work, ProgressDisplay.Report progress)
    {
        List<ConversionSweep> sweeps = [];
        int done = 0;
        foreach (IGrouping<ConfidentialPlatform, Work> group in work.GroupBy(static one => one.Platform))
        {
            if (_invocation.Interrupt.IsCancellationRequested)
                break;

            progress(done, work.Count, $"booting as {group.Key.Name}");
            using SweepGuest guest = SweepGuest.Boot(Guest(parsed, path, group.Key), knowledge, _invocation.Interrupt);
            if (_invocation.Interrupt.IsCancellationRequested)
                break;

            foreach (Work one in group)
            {
                progress(done, work.Count, $"{group.Key.Name} {one.Question.Function}()");
                var watch = Stopwatch.StartNew();
                ConversionFinding? finding = guest.Campaign.Sweep(one.Question, null, _invocation.Interrupt, out string problem);
                if (finding is null)
                    throw new CommandFailure("LIM3211", $"{group.Key.Name}: the conversion cannot be made: {problem}");

                sweeps.Add(FindingReport.Of(
                    finding, group.Key, HostNames.Of(one.Question.Host), SweepSettings.Texts(group.Key, one.Switches),
                    guest.ProcessorCount, watch.Elapsed.TotalSeconds));
                progress(++done, work.Count, group.Key.Name);
                if (_invocation.Interrupt.IsCancellationRequested)
                    break;
            }
        }

        return new SweepReport(
            SweepReport.CurrentSchemaVersion, "liminal", ProgramVersion.Text, TypedCommand.Of(parsed), Describe(path, image),
            [.. work.Select(static one => one.Platform).Distinct().Select(static one => new PlatformEntry(one.Name, one.Title))],
            [.. PropertyInfo.All.Select(static one => new PropertyEntry(one.Name, one.Sentence))],
            [.. work.Select(static one => one.Question.Host).Distinct().Select(static one => new HostEntry(HostNames.Of(one), HostNames.All[(int)one].Title))],
            sweeps, _invocation.Interrupt.IsCancellationRequested);
    }

    private SweepGuestRequest Guest(ParseResult parsed, string path, ConfidentialPlatform platform) => new(path, platform)
    {
        ProcessorCount = (int)OptionValue.NumberOf(parsed, _cpus, 2, 1, Board.MostProcessors),
        MemorySize = (ulong)OptionValue.BytesOf(parsed, _memory, 512L << 20, 64L << 20, 64L << 30) & ~0x1f_fffful,
        IsFresh = parsed.GetValue(_fresh),
    };

    private void Write(SweepReport report, string? json)
    {
        if (json == StandardOutput)
        {
            using Stream output = _invocation.Terminal.OpenOut();
            SweepReportJson.Write(report, output);
        }
        else if (json is not null)
        {
            ReportFile.Save(json, stream => SweepReportJson.Write(report, stream));
        }
    }

    private static KernelEntry Describe(string path, KernelImage image)
    {
        using FileStream file = File.OpenRead(path);
        return new KernelEntry(Path.GetFileName(path), image.Version.Release, Convert.ToHexStringLower(SHA256.HashData(file)));
    }

    private static int ExitCodeOf(SweepReport report)
    {
        if (report.Interrupted)
            return ExitCode.Interrupted;

        List<Verdict> verdicts = [.. report.Sweeps.SelectMany(static sweep => sweep.Properties).Select(static one => one.Verdict)];
        return verdicts.Contains(Verdict.Violated) ? ExitCode.Violated
            : verdicts.Contains(Verdict.Inconclusive) ? ExitCode.NoVerdict
            : ExitCode.Success;
    }
}
