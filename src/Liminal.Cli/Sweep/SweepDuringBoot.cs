// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Linq;
using System.Threading;
using Liminal.Checker.Checking;
using Liminal.Cli.Boot;
using Liminal.Cli.CommandLine;
using Liminal.Cli.Output;
using Liminal.Linux.Diagnostics;
using Liminal.Machine;
using Liminal.Memory;
using Liminal.Platform;
using Liminal.Sweep.Boots;
using Liminal.Sweep.Conversions;
using Liminal.Sweep.Judging;
using Liminal.Trace;

namespace Liminal.Cli.Sweep;

/// <summary>Sweeps the conversions that kernels make while they boot, one guest after the other.</summary>
/// <remarks>
/// Each conversion has the number that the report and the page of <c>boot</c> give it. Of conversions that one caller makes of as many pages by one
/// function, the first is swept; the others are named, and swept when they are asked for.
/// </remarks>
internal sealed class SweepDuringBoot
{
    private readonly IReadOnlyList<SweepWork> _work;
    private readonly Func<SweepSource, ConfidentialPlatform, SweepGuestRequest> _request;
    private readonly IReadOnlyCollection<int> _only;
    private readonly ProgressDisplay.Report _progress;
    private readonly CancellationToken _interrupt;
    private readonly List<ConversionSweep> _sweeps = [];
    private readonly List<string> _notSwept = [];
    private int _planned;

    /// <summary>A run that has not begun.</summary>
    /// <param name="work">Kernel, platform, directions, hosts and switches; regions and numbers of pages are those of the boot.</param>
    /// <param name="request">The guest for a kernel on a platform.</param>
    /// <param name="only">Numbers of the conversions to sweep, from 1; empty for all.</param>
    /// <param name="progress">Told of each step.</param>
    /// <param name="interrupt">Ends the run; what was found until then is kept.</param>
    public SweepDuringBoot(
        IReadOnlyList<SweepWork> work,
        Func<SweepSource, ConfidentialPlatform, SweepGuestRequest> request,
        IReadOnlyCollection<int> only,
        ProgressDisplay.Report progress,
        CancellationToken interrupt)
    {
        _work = work;
        _request = request;
        _only = only;
        _progress = progress;
        _interrupt = interrupt;
    }

    /// <summary>One entry for each conversion, host and setting of the switches, in the order of the boot.</summary>
    public IReadOnlyList<ConversionSweep> Sweeps => _sweeps;

    /// <summary>One line for each conversion that was not swept, and why.</summary>
    public IReadOnlyList<string> NotSwept => _notSwept;

    /// <summary>Boots each guest and sweeps what it converts.</summary>
    /// <exception cref="CommandFailure">LIM3212 when a kernel does not come up, LIM3240 when it has no conversion of a number that was asked for.</exception>
    public void Execute()
    {
        foreach (IGrouping<(SweepSource Kernel, ConfidentialPlatform Platform), SweepWork> guest in _work.GroupBy(static one => (one.Kernel, one.Platform)))
        {
            if (!_interrupt.IsCancellationRequested)
                Boot(guest.Key.Kernel, guest.Key.Platform, [.. guest]);
        }
    }

    private void Boot(SweepSource source, ConfidentialPlatform platform, List<SweepWork> work)
    {
        DiagnosticBag diagnostics = [];
        SweepGuestRequest request = _request(source, platform) with { IsFresh = true };
        using BootSession session = BootSession.Prepare(request.ToBoot(), diagnostics) ?? throw SweepGuest.Failure(diagnostics);
        BootConversions conversions = session.Conversions!;
        foreach (ulong entry in conversions.Entries)
            session.Machine.Breakpoints.Add(entry);

        var guest = new Guest(source, platform, work, session, conversions);
        _progress(_sweeps.Count, _planned, $"booting as {platform.Name}");
        MachineEnd? end;
        using (_interrupt.Register(session.Machine.Interrupt))
            end = session.BringUp(stop => Arrive(guest, stop));

        if (_interrupt.IsCancellationRequested || guest.IsDone)
            return;

        if (end is not null)
            throw new CommandFailure("LIM3212", $"{source.Path} did not come up as a {platform.Name} guest: {end}; 'liminal boot {source.Path} --platform {platform.Name}' shows its console");

        if (_only.Where(number => !guest.Met.Contains(number)).Order().FirstOrDefault() is > 0 and int missing)
            throw new CommandFailure("LIM3240", $"--only {missing}: {source.Name} makes {guest.LastNumber} conversions when it boots as {platform.Name}; 'liminal boot {source.Path} --platform {platform.Name} --cpus {request.ProcessorCount} --json FILE' lists them");
    }

    /// <summary>A guest while it boots.</summary>
    private sealed record Guest(SweepSource Source, ConfidentialPlatform Platform, List<SweepWork> Work, BootSession Session, BootConversions Conversions)
    {
        public Dictionary<string, int> First { get; } = new(StringComparer.Ordinal);

        public HashSet<int> Met { get; } = [];

        public int LastNumber { get; set; }

        public bool IsDone { get; set; }
    }

    /// <summary>The machine stands at the first instruction of a conversion function; when another one is on, nothing begins.</summary>
    private void Arrive(Guest guest, MachineEnd stop)
    {
        IReadOnlyList<BootConversion> all = guest.Conversions.Conversions;
        for (int number = guest.LastNumber + 1; number <= all.Count; number++)
        {
            BootConversion one = all[number - 1];
            guest.LastNumber = number;
            bool isWanted = _only.Count == 0 || _only.Contains(number);
            if (_only.Contains(number))
                guest.Met.Add(number);

            if (!isWanted)
                continue;

            if (!one.IsKnown)
                Skip(guest, number, one, "no conversion function that is known was active");
            else if (one.Instruction == guest.Session.Machine.InstructionsRetired && one.Cpu == stop.Processor)
                Consider(guest, number, one);
        }

        if (_only.Count > 0 && _only.All(guest.Met.Contains))
        {
            guest.IsDone = true;
            guest.Session.Machine.Interrupt();
        }
    }

    private void Consider(Guest guest, int number, BootConversion conversion)
    {
        PteAttribute target = conversion.Direction == "shared" ? PteAttribute.Shared : PteAttribute.Private;
        List<SweepWork> work = [.. guest.Work.Where(one => one.Question.Target == target)];
        if (work.Count == 0)
            return;

        string likeness = $"{conversion.Function} {conversion.Pages} {conversion.Direction} {(conversion.Stack.Count > 0 ? conversion.Stack[0] : "")}";
        if (_only.Count == 0 && guest.First.TryGetValue(likeness, out int first))
        {
            Skip(guest, number, conversion, $"as conversion {first}: the same function, caller, direction and number of pages; --only {number} sweeps it");
            return;
        }

        if (BootSweep.WhyNot(guest.Session.Machine, conversion, guest.Source.Knowledge) is string reason)
        {
            Skip(guest, number, conversion, reason);
            return;
        }

        guest.First.TryAdd(likeness, number);
        _planned += work.Count;
        foreach (SweepWork one in work)
        {
            if (_interrupt.IsCancellationRequested)
                return;

            var watch = Stopwatch.StartNew();
            string what = $"{guest.Platform.Name} conversion {number}, {conversion.Function}()";
            _progress(_sweeps.Count, _planned, what);
            ConversionFinding finding = BootSweep.Sweep(
                guest.Session.Machine, conversion, number, one.Question, guest.Source.Knowledge, null, _interrupt, out string problem)
                ?? throw new CommandFailure("LIM3211", $"{guest.Platform.Name}: conversion {number} cannot be swept: {problem}");
            _sweeps.Add(FindingReport.Of(
                finding, guest.Source.Name, guest.Platform, HostNames.Of(one.Question.Host), SweepSettings.Texts(guest.Platform, one.Switches),
                guest.Session.Machine.Processors.Length, watch.Elapsed.TotalSeconds));
        }
    }

    private void Skip(Guest guest, int number, BootConversion conversion, string reason)
    {
        string range = conversion.Pages == 1 ? "1 page" : $"{conversion.Pages} pages";
        string caller = conversion.Stack.Count > 0 ? $", for {conversion.Stack[0].Split('+')[0]}" : "";
        _notSwept.Add($"{guest.Source.Name} {guest.Platform.Name}: conversion {number}, {conversion.Function} of {range}{caller}, not swept: {reason}");
    }
}
