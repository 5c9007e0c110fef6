// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;
using System.CommandLine;
using System.Linq;
using System.Threading;
using Liminal.Checker.Checking;
using Liminal.Checker.Exploration;
using Liminal.Checker.Properties;
using Liminal.Checker.Scenarios;
using Liminal.Checker.Vocabulary;
using Liminal.Cli.CommandLine;
using Liminal.Platform;
using Liminal.Protocols;

namespace Liminal.Cli.Check;

/// <summary>The options that say under which circumstances protocols are explored; check and explain share them.</summary>
internal sealed class ScenarioOptions
{
    private const int MostThreads = 256;
    private const long LeastMemory = 16L << 20;
    private const long MostMemory = 1L << 44;
    private const long MostStates = 1_000_000_000_000;

    /// <summary>Bytes of native memory that all explorations together may take when the user says nothing, as a part of what there is.</summary>
    private const double ShareOfMemory = 0.7;

    private static readonly (string Name, Region Region)[] Regions =
        [("direct-map", Region.DirectMap), ("vmalloc", Region.Vmalloc), ("image", Region.KernelImage)];

    private readonly Option<string[]> _platforms = OptionValue.List("--platform", "PLATFORM", "Platforms, of 'liminal list platforms'. Default: all.");
    private readonly Option<string[]> _hosts = OptionValue.List("--host", "HOST", "Host policies, of 'liminal list hosts'. Default: those that the platform's documentation allows.");
    private readonly Option<string[]> _properties = OptionValue.List("--property", "PROPERTY", "Properties to report, of 'liminal list properties'. Default: all.");
    private readonly Option<string[]> _directions = OptionValue.List("--direction", "DIRECTION", "decrypt (private to shared) or encrypt (shared to private). Default: both.");
    private readonly Option<string?> _pages = OptionValue.Single("--pages", "N", $"Pages in the range, 1 to {Scenario.MaxPages}. Default: 2.");
    private readonly Option<string?> _cpus = OptionValue.Single("--cpus", "N", $"CPUs, 1 to {Scenario.MaxCpus}. Default: 2.");
    private readonly Option<string[]> _regions = OptionValue.List("--region", "REGION", "Which mapping the caller names: direct-map, vmalloc or image. Default: those of the protocol.");
    private readonly Option<string?> _translation = OptionValue.Single("--translation", "FUNCTION", "How the notify step finds the frame, in place of the protocol's own way: virt_to_phys, vmalloc_to_page, slow_virt_to_phys, lookup_address or raw_pte_bits.");
    private readonly Option<string?> _caller = OptionValue.Single("--caller", "CALLER", "What the caller does with the pages of a failed conversion: frees, leaks or ignores. Default: frees.");
    private readonly Option<string?> _second = OptionValue.Single("--second-converter", "PAGES", "A second conversion at the same time, of neighbouring or of the same pages. Default: none.");
    private readonly Option<bool> _liveAlias = OptionValue.Flag("--live-alias", "A live vmap alias of each page exists that no step knows of.");
    private readonly Option<string[]> _switches = OptionValue.List("--switch", "NAME=on|off|both", "Settle what the sources leave open; an unknown NAME lists the switches.");
    private readonly Option<bool> _failures = OptionValue.Flag("--failures", "Explore failures inside the guest too: a page-table split without memory, a failing callback.");
    private readonly Option<bool> _recognised = OptionValue.Flag("--recognised", "For a kernel image: the built-in protocols that its symbols tell of, also where the cache has a booted guest to observe.");
    private readonly Option<string?> _threads = OptionValue.Single("--threads", "N", "Threads. The results do not depend on it. Default: one per processor.");
    private readonly Option<string?> _maxStates = OptionValue.Single("--max-states", "N", "Distinct states after which an exploration is inconclusive (k, M, G allowed). Default: 200M.");
    private readonly Option<string?> _maxMemory = OptionValue.Single("--max-memory", "BYTES", "Memory of an exploration after which it is inconclusive (K, M, G allowed). Default: a share of what there is.");
    private readonly Option<bool> _noSymmetry = OptionValue.Flag("--no-symmetry", "Do not treat CPUs without a converter as interchangeable. More states, same verdicts.");
    private readonly Option<bool> _noLateFills = OptionValue.Flag("--no-late-fills", "Explore a speculative TLB fill everywhere, not only where it can matter. More states, same verdicts.");

    /// <summary>Adds every option to a command.</summary>
    public void AddTo(Command command)
    {
        Option[] all =
        [
            _platforms, _hosts, _properties, _directions, _failures, _pages, _cpus, _regions, _translation, _caller, _second, _liveAlias,
            _switches, _recognised, _threads, _maxStates, _maxMemory, _noSymmetry, _noLateFills,
        ];
        foreach (Option option in all)
            command.Add(option);
    }

    /// <summary>How the protocols of kernel images are found.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="interrupt">Ends the observing early.</param>
    public KernelTargetRequest Kernels(ParseResult parsed, CancellationToken interrupt)
    {
        bool isOtherRegion = OptionValue.NamedOf(parsed, _regions, "region", Regions)?.Any(static region => region != Region.DirectMap) ?? false;
        string? why = parsed.GetValue(_recognised) ? "--recognised asks for these"
            : isOtherRegion ? "conversions are observed on the direct map only"
            : null;
        return new KernelTargetRequest(PlatformsOf(parsed), why, Failures(parsed), interrupt);
    }

    /// <summary>Whether failures inside the guest were asked for.</summary>
    public bool Failures(ParseResult parsed) => parsed.GetValue(_failures);

    /// <summary>Turns the options into a request.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="protocols">The rows.</param>
    /// <param name="failures">Which failures inside the guest are explored.</param>
    /// <exception cref="CommandFailure">LIM3012 to LIM3015.</exception>
    public CheckRequest Read(ParseResult parsed, IReadOnlyList<Protocol> protocols, FailureMode failures)
    {
        IReadOnlyList<ConfidentialPlatform> platforms = PlatformsOf(parsed);
        int threads = (int)OptionValue.NumberOf(parsed, _threads, Math.Min(Environment.ProcessorCount, MostThreads), 1, MostThreads);
        CheckRequest request = new()
        {
            Protocols = protocols,
            Platforms = platforms,
            Directions = OptionValue.NamedOf(parsed, _directions, "direction",
                [("decrypt", Direction.Decrypt), ("encrypt", Direction.Encrypt)])?.Order().ToList() ?? [Direction.Decrypt, Direction.Encrypt],
            Hosts = OptionValue.NamedOf(parsed, _hosts, "host", HostNames.All.Select(host => (host.Name, host.Policy))),
            Properties = OptionValue.NamedOf(parsed, _properties, "property", PropertyInfo.All.Select(info => (info.Name, info.Property))),
            Switches = SwitchesOf(parsed, platforms),
            Regions = OptionValue.NamedOf(parsed, _regions, "region", Regions),
            Translation = OptionValue.NamedOf(parsed, _translation, "translation", null, (IEnumerable<(string, Translation?)>)
            [
                ("virt_to_phys", Translation.VirtToPhys), ("vmalloc_to_page", Translation.VmallocToPage),
                ("slow_virt_to_phys", Translation.SlowVirtToPhys), ("lookup_address", Translation.LookupAddress),
                ("raw_pte_bits", Translation.RawPteBits),
            ]),
            Pages = (int)OptionValue.NumberOf(parsed, _pages, 2, 1, Scenario.MaxPages),
            Cpus = (int)OptionValue.NumberOf(parsed, _cpus, 2, 1, Scenario.MaxCpus),
            Caller = OptionValue.NamedOf(parsed, _caller, "caller", CallerOnFailure.Frees,
                [("frees", CallerOnFailure.Frees), ("leaks", CallerOnFailure.Leaks), ("ignores", CallerOnFailure.Ignores)]),
            Second = OptionValue.NamedOf(parsed, _second, "second converter", SecondConverter.None,
                [("none", SecondConverter.None), ("neighbouring", SecondConverter.NeighbouringPages), ("same", SecondConverter.SamePages)]),
            LiveAlias = parsed.GetValue(_liveAlias),
            Failures = failures,
            Threads = threads,
            Options = new CheckOptions { Exploration = ExplorationOf(parsed, threads) },
        };
        return request.Complaint() is string complaint
            ? throw new CommandFailure("LIM3015", $"{complaint}; change the options")
            : request;
    }

    /// <summary>Whether any option makes the model another one than the recorded verdicts speak of.</summary>
    public bool ChangeTheModel(ParseResult parsed) =>
        ((Option[])[_pages, _cpus, _regions, _translation, _caller, _second, _liveAlias, _hosts, _switches])
            .Any(option => parsed.GetResult(option) is { Implicit: false });

    private IReadOnlyList<ConfidentialPlatform> PlatformsOf(ParseResult parsed) =>
        OptionValue.NamedOf(parsed, _platforms, "platform", Platforms.All.Select(platform => (platform.Name, platform))) is { } wanted
            ? [.. Platforms.All.Where(wanted.Contains)]
            : Platforms.All;

    private ExplorationOptions ExplorationOf(ParseResult parsed, int threads)
    {
        long memory = (long)(GC.GetGCMemoryInfo().TotalAvailableMemoryBytes * ShareOfMemory) / threads;
        return new ExplorationOptions
        {
            MaxStates = OptionValue.NumberOf(parsed, _maxStates, 200_000_000, 1, MostStates),
            MaxBytes = OptionValue.BytesOf(parsed, _maxMemory, Math.Max(memory, LeastMemory), LeastMemory, MostMemory),
            Symmetry = !parsed.GetValue(_noSymmetry),
            LateFills = !parsed.GetValue(_noLateFills),
        };
    }

    private Dictionary<PolicySwitches, SwitchSettings> SwitchesOf(ParseResult parsed, IReadOnlyList<ConfidentialPlatform> platforms)
    {
        Dictionary<PolicySwitches, SwitchSettings> settings = [];
        List<(string Name, PolicySwitches Switch)> known =
            [.. platforms.SelectMany(platform => platform.Switches).Select(info => (info.Name, info.Switch)).Distinct()];
        foreach (string item in OptionValue.ItemsOf(parsed, _switches) ?? [])
        {
            string[] parts = item.Split('=');
            PolicySwitches named = known.FirstOrDefault(one => one.Name == parts[0]).Switch;
            if (named == PolicySwitches.None)
            {
                throw new CommandFailure("LIM3013",
                    $"--switch: there is no switch '{parts[0]}' on the platforms chosen; {Suggestion.Clause(parts[0], known.Select(one => one.Name))}there are {string.Join(", ", known.Select(one => one.Name))}");
            }

            SwitchSettings setting = parts.Length != 2 ? default : parts[1] switch
            {
                "on" or "yes" => SwitchSettings.Set,
                "off" or "no" => SwitchSettings.Clear,
                "both" => SwitchSettings.Both,
                _ => default,
            };
            if (setting == default)
                throw new CommandFailure("LIM3012", $"--switch: '{item}' sets nothing; write {parts[0]}=on, {parts[0]}=off or {parts[0]}=both");

            if (!settings.TryAdd(named, setting))
                throw new CommandFailure("LIM3012", $"--switch: {parts[0]} is set twice; set it once");
        }

        return settings;
    }
}
