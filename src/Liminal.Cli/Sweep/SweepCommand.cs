// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;
using System.CommandLine;
using System.Linq;
using Liminal.Checker.Checking;
using Liminal.Checker.Properties;
using Liminal.Checker.Vocabulary;
using Liminal.Cli.Applying;
using Liminal.Cli.Boot;
using Liminal.Cli.CommandLine;
using Liminal.Cli.Output;
using Liminal.Linux.Diagnostics;
using Liminal.Linux.Image;
using Liminal.Machine.Boards;
using Liminal.Machine.Confidential;
using Liminal.Memory;
using Liminal.Platform;
using Liminal.Sweep.Conversions;
using Liminal.Sweep.Failures;
using Liminal.Trace;

namespace Liminal.Cli.Sweep;

/// <summary><c>liminal sweep</c>: a stray load at every instruction of a real conversion.</summary>
internal sealed class SweepCommand
{
    private const string All = "all";
    private const long DefaultPages = 16;
    private const long MostPages = 1023;
    private const long MostSites = 1000;
    private const int MostThreads = 256;

    private static readonly (string Name, PteAttribute? Target)[] Directions =
        [("decrypt", PteAttribute.Shared), ("encrypt", PteAttribute.Private), ("both", null)];

    private static readonly (string Name, SweepRegion Region)[] Regions =
        [("direct-map", SweepRegion.DirectMap), ("vmalloc", SweepRegion.Vmalloc), ("image", SweepRegion.Image)];

    private readonly Argument<string[]> _images = new("IMAGE")
    {
        Description = "A bzImage (vmlinuz) or a vmlinux, for x86-64; several are compared.",
        Arity = ArgumentArity.OneOrMore,
    };

    private readonly Option<string[]> _platforms = OptionValue.List("--platform", "PLATFORM", "tdx, snp, tdp, vtom, sev, or all: those that the kernel has code for. all if not given.");
    private readonly Option<string?> _direction = OptionValue.Single("--direction", "DIRECTION", "decrypt (private to shared), encrypt, or both; both if not given.");
    private readonly Option<string?> _pages = OptionValue.Single("--pages", "N", "Pages to convert in one call, 1 to 1023; 512 are one 2 MiB page. 16 if not given.");
    private readonly Option<string?> _region = OptionValue.Single("--region", "REGION", "Where they come from: direct-map, vmalloc or image; direct-map if not given.");
    private readonly Option<string[]> _hosts = OptionValue.List("--host", "HOST", "How the host behaves during the conversion; if not given, cooperative, and implicit-convert where documented.");
    private readonly Option<string?> _hostCall = OptionValue.Single("--host-call", "N", "The one host call of the conversion, counted from 0, at which a host that retries, refuses or lies strikes; every call if not given.");
    private readonly Option<string[]> _without = OptionValue.List("--without", "FUNCTION", "A callback of x86_platform.guest, such as hv_vtom_clear_present: the kernel's plain one takes its place during the conversion.");
    private readonly Option<bool> _compare = OptionValue.Flag("--compare", "With --without: sweep each conversion as shipped too, and leave out guests that have no such callback.");
    private readonly Option<bool> _failures = OptionValue.Flag("--failures", "Let each host call and each allocation of conversions fail in turn too, and tell what is left of the pages and what callers do with them.");
    private readonly Option<string?> _during = OptionValue.Single("--during", "TIME", "boot: sweep the conversions that the kernel makes by itself while it boots, in place of called ones.");
    private readonly Option<string[]> _only = OptionValue.List("--only", "N", "With --during boot: the conversions of these numbers, as in the report of boot --json, counted from 1; all if not given.");
    private readonly Option<string?> _apply = ApplyOption.Create("Let a protocol make the conversions in the kernel's place: a built-in one, or FILE.cs[:NAME].");
    private readonly Option<string?> _sites = OptionValue.Single("--sites", "N", "How many of the kernel's own load_unaligned_zeropad() sites are tried in each situation, or all; 1 if not given.");
    private readonly Option<string?> _cpus = OptionValue.Single("--cpus", "N", "Number of processors, 1 to 64; 2 if not given.");
    private readonly Option<string?> _memory = OptionValue.Single("--memory", "SIZE", "RAM, such as 512M or 2G; 512M if not given.");
    private readonly ReportOutputs<SweepReport> _outputs = SweepOutputs.Create();
    private readonly Option<bool> _events = OptionValue.Flag("--events", "Print each event of each conversion too.");
    private readonly Option<string?> _threads = OptionValue.Single("--threads", "N", "Guests at once. The results do not depend on it. Default: one per processor.");
    private readonly Option<bool> _fresh = OptionValue.Flag("--fresh", "Boot and sweep from the beginning: take nothing from the cache, and save nothing to it.");
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
            ("liminal sweep vmlinuz --platform tdx --apply rfc-2023", "the seven steps of the thread in place of the kernel's own"),
            ("liminal sweep vmlinuz --platform vtom --region vmalloc --json sweep.json", "pages of vmalloc(), with a report for programs"),
            ("liminal sweep vmlinuz-6.1 vmlinuz-6.12 --platform snp,vtom", "two kernels, and what their conversions cost"),
            ("liminal sweep vmlinuz --platform tdx --during boot", "what the kernel itself converts when it boots: bounce buffer, DMA pools"),
            ("liminal sweep vmlinuz --platform vtom --without hv_vtom_clear_present --compare", "what clearing PRESENT is good for, and what it costs"),
            ("liminal sweep vmlinuz --html sweep.html --junit sweep.xml", "a page to look at what was found, and the verdicts for a build server"),
            ("liminal sweep vmlinuz --platform vtom --failures", "and what is left of the pages when a conversion fails"))
        {
            sweep._images, sweep._platforms, sweep._direction, sweep._pages, sweep._region, sweep._hosts, sweep._hostCall, sweep._failures,
            sweep._without, sweep._compare, sweep._apply, sweep._sites, sweep._during, sweep._only, sweep._cpus, sweep._memory, sweep._events, sweep._threads, sweep._fresh,
        };
        sweep._outputs.AddTo(command);
        command.SetAction(sweep.Run);
        return command;
    }

    private int Run(ParseResult parsed)
    {
        _outputs.Expect(parsed);
        IReadOnlyList<int>? duringBoot = ConversionsOfBoot(parsed);
        IReadOnlyList<IReadOnlyList<string>> variants = Variants(parsed);
        IReadOnlyList<SweepSource> sources = SweepSource.Open(parsed.GetValue(_images)!);
        List<SweepWork> work = Plan(parsed, sources, variants);
        SweepReport report = ProgressDisplay.Run(_invocation.Terminal, "sweeping", progress => Execute(parsed, sources, work, duringBoot, progress));
        _outputs.Write(parsed, report, _invocation.Terminal);
        if (!_outputs.IsPrinted(parsed))
            _invocation.Terminal.Print(SweepText.Render(report, parsed.GetValue(_events), _invocation.Terminal.Width));

        return ExitCodeOf(report);
    }

    private List<SweepWork> Plan(ParseResult parsed, IReadOnlyList<SweepSource> sources, IReadOnlyList<IReadOnlyList<string>> variants)
    {
        Protocol? applied = ApplyOption.Read(parsed, _apply, _invocation.Terminal);
        if (applied is not null && variants[^1].Count > 0)
            throw new CommandFailure("LIM3015", "--apply and --without: an applied protocol calls no callback of the kernel; give one of the two");

        if (applied is not null && parsed.GetValue(_failures))
            throw new CommandFailure("LIM3015", "--apply and --failures: what fails is the kernel's own conversion; give one of the two");

        SweepSource.ExpectFunctions(sources, variants[^1], _without.Name);
        IEnumerable<(string Name, ConfidentialPlatform? Value)> names =
            Platforms.All.Where(static one => one != Platforms.None).Select(static one => (one.Name, (ConfidentialPlatform?)one)).Append((All, null));
        IReadOnlyList<ConfidentialPlatform?> named = OptionValue.NamedOf(parsed, _platforms, "platform", names) ?? [null];
        List<(SweepSource Kernel, ConfidentialPlatform Platform)> guests =
            [.. from source in sources from platform in named.SelectMany(one => one is null ? RunsOn(source.Platforms, applied) : [one]).Distinct() select (source, platform)];
        if (guests.Count == 0)
            throw new CommandFailure("LIM3210", "the kernel has no code for any confidential platform; 'liminal kernel info' tells what it has");

        DiagnosticBag diagnostics = [];
        if (!guests.All(guest => BootSession.HasCodeFor(guest.Platform, guest.Kernel.Image, guest.Kernel.Path, diagnostics)))
            throw SweepGuest.Failure(diagnostics);

        PteAttribute? target = OptionValue.NamedOf(parsed, _direction, "direction", null, Directions.Select(static one => (one.Name, one.Target)));
        PteAttribute[] targets = target is PteAttribute one ? [one] : [PteAttribute.Shared, PteAttribute.Private];
        SweepRegion region = OptionValue.NamedOf(parsed, _region, "region", SweepRegion.DirectMap, Regions.Select(static one => (one.Name, one.Region)));
        int pages = (int)OptionValue.NumberOf(parsed, _pages, DefaultPages, 1, MostPages);
        IReadOnlyList<HostPolicy>? hosts = OptionValue.NamedOf(
            parsed, _hosts, "host", HostNames.All.Where(static host => host.Policy != HostPolicy.Malicious).Select(static host => (host.Name, host.Policy)));
        foreach ((SweepSource kernel, ConfidentialPlatform platform) in applied is null ? [] : guests)
            ApplyOption.Expect(applied!, platform, kernel.Knowledge, targets);

        int sites = parsed.GetValue(_sites) == All ? (int)MostSites : (int)OptionValue.NumberOf(parsed, _sites, 1, 1, MostSites);
        HostPlan? plan = parsed.GetValue(_hostCall) is null ? null : HostPlan.Only((ulong)OptionValue.NumberOf(parsed, _hostCall, 0, 0, long.MaxValue));
        return
        [
            .. from guest in guests
               from without in variants
               from direction in targets
               from host in hosts ?? SweepSettings.HostsOf(guest.Platform)
               from switches in SweepSettings.CombinationsOf(guest.Platform)
               let question = new ConversionQuestion(direction, region, pages) { Host = host, Switches = switches, Plan = plan, Without = without, Applied = applied, Sites = sites }
               select new SweepWork(guest.Kernel, guest.Platform, question, switches),
        ];
    }

    /// <summary>All platforms on which a protocol runs; every one of them when it runs on none, so that the reason is told.</summary>
    private static List<ConfidentialPlatform> RunsOn(IEnumerable<ConfidentialPlatform> carried, Protocol? applied)
    {
        List<ConfidentialPlatform> all = [.. carried];
        List<ConfidentialPlatform> suitable = [.. all.Where(one => applied is null || applied.Platforms.Contains(one.Name))];
        return suitable.Count == 0 ? all : suitable;
    }

    /// <summary>The callbacks that are to be gone, for each kind of sweep: none for the kernel as shipped.</summary>
    private IReadOnlyList<IReadOnlyList<string>> Variants(ParseResult parsed)
    {
        bool compares = parsed.GetValue(_compare);
        IReadOnlyList<string> without = OptionValue.ItemsOf(parsed, _without) ?? [];
        if (!compares)
            return [without];

        return without.Count > 0 ? [[], without] : throw new CommandFailure("LIM3012", "--compare: there is nothing to compare; name a function with --without");
    }

    private SweepReport Execute(
        ParseResult parsed, IReadOnlyList<SweepSource> sources, List<SweepWork> work, IReadOnlyList<int>? duringBoot, ProgressDisplay.Report progress)
    {
        int threads = (int)OptionValue.NumberOf(parsed, _threads, Math.Min(Environment.ProcessorCount, MostThreads), 1, MostThreads);
        var run = new SweepRun(work, (source, platform) => Guest(parsed, source.File, platform), parsed.GetValue(_compare), progress, _invocation.Interrupt)
        {
            FailureQuestion = group => Failures(parsed, group),
            Cache = source => parsed.GetValue(_fresh) ? null : SweepCache.For(source.Describe().Sha256),
        };
        SweepDuringBoot? boot = duringBoot is null
            ? null
            : new SweepDuringBoot(work, (source, platform) => Guest(parsed, source.File, platform), duringBoot, progress, _invocation.Interrupt);
        boot?.Execute();
        IReadOnlyList<ConversionSweep> sweeps = boot?.Sweeps ?? run.Execute(threads);
        if (run.Known > 0)
            _invocation.Terminal.Note($"{run.Known} of {sweeps.Count} conversions were swept before; --fresh sweeps them again");

        return new SweepReport(
            SweepReport.CurrentSchemaVersion, "liminal", ProgramVersion.Text, TypedCommand.Of(parsed),
            [.. sources.Select(static source => source.Describe())],
            [.. work.Select(static one => one.Platform).Distinct().Select(static one => new PlatformEntry(one.Name, one.Title))],
            [.. PropertyInfo.All.Select(static one => new PropertyEntry(one.Name, one.Sentence))],
            [.. work.Select(static one => one.Question.Host).Distinct().Select(static one => new HostEntry(HostNames.Of(one), HostNames.All[(int)one].Title))],
            sweeps, boot is null ? CostComparison.Of(sweeps) : [], _invocation.Interrupt.IsCancellationRequested)
        {
            NotSwept = boot?.NotSwept ?? [],
            Failures = [.. run.Failures.SelectMany(static finding => finding.Cases)],
            FailuresNotTried = [.. run.Failures.SelectMany(static finding => finding.NotTried)],
        };
    }

    /// <summary>Which conversions of the boot are swept, by number; empty for all, null when conversions are to be called.</summary>
    private IReadOnlyList<int>? ConversionsOfBoot(ParseResult parsed)
    {
        bool isBoot = OptionValue.NamedOf(parsed, _during, "time", false, [("boot", true)]);
        IReadOnlyList<int> only = [.. (OptionValue.ItemsOf(parsed, _only) ?? []).Select(NumberOfConversion)];
        if (!isBoot && only.Count > 0)
            throw new CommandFailure("LIM3015", "--only names conversions of a boot; add --during boot");

        if (isBoot && (parsed.GetValue(_pages) ?? parsed.GetValue(_region)) is not null)
            throw new CommandFailure("LIM3015", "--during boot sweeps the pages that the kernel itself converts; leave --pages and --region out");

        if (isBoot && parsed.GetValue(_failures))
            throw new CommandFailure("LIM3015", "--failures lets called conversions fail; leave --during boot out");

        return isBoot ? only : null;
    }

    private static int NumberOfConversion(string text) =>
        int.TryParse(text, System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture, out int number) && number > 0
            ? number
            : throw new CommandFailure("LIM3014", $"--only: '{text}' is no number of a conversion; give numbers from 1");

    /// <summary>What shall go wrong in a guest; null when nothing shall.</summary>
    private FailureQuestion? Failures(ParseResult parsed, IReadOnlyList<SweepWork> work) => !parsed.GetValue(_failures) ? null : new FailureQuestion(
        [.. work.Select(static one => one.Question.Target).Distinct()], work[0].Question.Pages,
        SweepSettings.FaultsOf(OptionValue.ItemsOf(parsed, _hosts) is null ? null : [.. work.Select(static one => one.Question.Host)]));

    private SweepGuestRequest Guest(ParseResult parsed, KernelFile kernel, ConfidentialPlatform platform) => new(kernel, platform)
    {
        ProcessorCount = (int)OptionValue.NumberOf(parsed, _cpus, 2, 1, Board.MostProcessors),
        MemorySize = (ulong)OptionValue.BytesOf(parsed, _memory, 512L << 20, 64L << 20, 64L << 30) & ~0x1f_fffful,
        IsFresh = parsed.GetValue(_fresh),
    };

    private static int ExitCodeOf(SweepReport report)
    {
        if (report.Interrupted)
            return ExitCode.Interrupted;

        List<Verdict> verdicts =
            [.. report.Sweeps.SelectMany(static sweep => sweep.Properties).Select(static one => one.Verdict), .. report.Failures.Select(static one => one.Verdict)];
        return verdicts.Contains(Verdict.Violated) ? ExitCode.Violated
            : verdicts.Contains(Verdict.Inconclusive) ? ExitCode.NoVerdict
            : ExitCode.Success;
    }
}
