// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Linq;
using System.Runtime.ExceptionServices;
using System.Threading;
using Liminal.Checker.Checking;
using Liminal.Cli.CommandLine;
using Liminal.Cli.Output;
using Liminal.Platform;
using Liminal.Sweep.Conversions;
using Liminal.Sweep.Failures;
using Liminal.Sweep.Judging;
using Liminal.Trace;

namespace Liminal.Cli.Sweep;

/// <summary>One conversion to sweep.</summary>
/// <param name="Kernel">In which kernel.</param>
/// <param name="Platform">As a guest of what.</param>
/// <param name="Question">Which.</param>
/// <param name="Switches">Settings of what the sources leave open.</param>
internal sealed record SweepWork(SweepSource Kernel, ConfidentialPlatform Platform, ConversionQuestion Question, PolicySwitches Switches);

/// <summary>Sweeps conversions, those of one guest one after the other, several guests at once.</summary>
/// <remarks>A guest is one thread's alone. The result does not depend on the number of threads: sweeps are in the order of the work, and of several failures the first is told.</remarks>
internal sealed class SweepRun
{
    private readonly List<List<SweepWork>> _guests;
    private readonly Func<SweepSource, ConfidentialPlatform, SweepGuestRequest> _request;
    private readonly ProgressDisplay.Report _progress;
    private readonly CancellationToken _interrupt;
    private readonly List<ConversionSweep>[] _sweeps;
    private readonly FailureFinding?[] _findings;
    private readonly ExceptionDispatchInfo?[] _failures;
    private readonly bool _skipsWhatIsNotThere;
    private readonly List<string> _wanted;
    private readonly HashSet<string> _found = new(StringComparer.Ordinal);
    private readonly Lock _gate = new();
    private readonly int _total;
    private int _next;
    private int _done;
    private int _firstFailure = int.MaxValue;

    /// <summary>A run that has not begun.</summary>
    /// <param name="work">What is swept.</param>
    /// <param name="request">The guest for a kernel on a platform.</param>
    /// <param name="skipsWhatIsNotThere">Whether a conversion without a callback is left out where the guest has no such callback; else the run fails.</param>
    /// <param name="progress">Told of each step, by one thread at a time.</param>
    /// <param name="interrupt">Ends the run; what was found until then is returned.</param>
    public SweepRun(
        IReadOnlyList<SweepWork> work,
        Func<SweepSource, ConfidentialPlatform, SweepGuestRequest> request,
        bool skipsWhatIsNotThere,
        ProgressDisplay.Report progress,
        CancellationToken interrupt)
    {
        _guests = [.. work.GroupBy(static one => (one.Kernel, one.Platform)).Select(static group => group.ToList())];
        _request = request;
        _skipsWhatIsNotThere = skipsWhatIsNotThere;
        _progress = progress;
        _interrupt = interrupt;
        _total = work.Count;
        _wanted = [.. work.SelectMany(static one => one.Question.Without).Distinct(StringComparer.Ordinal)];
        _sweeps = [.. _guests.Select(static _ => new List<ConversionSweep>())];
        _findings = new FailureFinding?[_guests.Count];
        _failures = new ExceptionDispatchInfo?[_guests.Count];
    }

    /// <summary>What shall go wrong in a guest, told by the work in it; null for nothing.</summary>
    public Func<IReadOnlyList<SweepWork>, FailureQuestion?> FailureQuestion { get; init; } = static _ => null;

    /// <summary>What came of that, in the order of the work.</summary>
    public IEnumerable<FailureFinding> Failures => _findings.OfType<FailureFinding>();

    /// <summary>Sweeps.</summary>
    /// <param name="threads">Guests at once.</param>
    /// <returns>One entry for each piece of work that was done, in its order.</returns>
    /// <exception cref="CommandFailure">What stood in the way of the first guest that failed.</exception>
    public IReadOnlyList<ConversionSweep> Execute(int threads)
    {
        List<Thread> others = [];
        for (int i = 1; i < Math.Min(threads, _guests.Count); i++)
            others.Add(new Thread(SweepGuests) { IsBackground = true, Name = "sweep" });

        others.ForEach(static thread => thread.Start());
        SweepGuests();
        others.ForEach(static thread => thread.Join());
        _failures.FirstOrDefault(static failure => failure is not null)?.Throw();
        if (!_interrupt.IsCancellationRequested && _wanted.FirstOrDefault(name => !_found.Contains(name)) is string missing)
            throw new CommandFailure("LIM3226", $"{missing}() is installed in x86_platform.guest of none of the guests; name a function that is");

        return [.. _sweeps.SelectMany(static sweeps => sweeps)];
    }

    private void SweepGuests()
    {
        for (int guest = Interlocked.Increment(ref _next) - 1; guest < _guests.Count; guest = Interlocked.Increment(ref _next) - 1)
        {
            try
            {
                SweepOne(guest);
            }
#pragma warning disable CA1031 // whatever it is, it is thrown again by the thread that waits
            catch (Exception exception)
#pragma warning restore CA1031
            {
                _failures[guest] = ExceptionDispatchInfo.Capture(exception);
                lock (_gate)
                    _firstFailure = Math.Min(_firstFailure, guest);
            }
        }
    }

    private void SweepOne(int index)
    {
        if (IsOver(index))
            return;

        List<SweepWork> work = _guests[index];
        ConfidentialPlatform platform = work[0].Platform;
        Tell($"booting as {platform.Name}", 0);
        using SweepGuest guest = SweepGuest.Boot(_request(work[0].Kernel, platform), work[0].Kernel.Knowledge, _interrupt);
        foreach (SweepWork one in work)
        {
            if (IsOver(index))
                return;

            Tell($"{platform.Name} {one.Question.Function}()", 0);
            ConversionQuestion question = one.Question with { Without = guest.Installed(one.Question.Without) };
            lock (_gate)
                _found.UnionWith(question.Without);

            if (one.Question.Without.Count > 0 && question.Without.Count == 0)
            {
                if (!_skipsWhatIsNotThere)
                    throw NotInstalled(guest, one);

                Tell(platform.Name, 1);
                continue;
            }

            var watch = Stopwatch.StartNew();
            ConversionFinding finding = guest.Campaign.Sweep(question, null, _interrupt, out string problem)
                ?? throw new CommandFailure("LIM3211", $"{platform.Name}: the conversion cannot be made: {problem}");
            _sweeps[index].Add(FindingReport.Of(
                finding, one.Kernel.Name, platform, HostNames.Of(one.Question.Host), SweepSettings.Texts(platform, one.Switches),
                guest.ProcessorCount, watch.Elapsed.TotalSeconds));
            Tell(platform.Name, 1);
        }

        if (!IsOver(index) && FailureQuestion(work) is FailureQuestion failures)
        {
            _findings[index] = FailureCampaign.Run(
                guest.Campaign, work[0].Kernel.Name, failures, (tried, of) => Tell($"{platform.Name}: failure {tried} of {of}", 0), _interrupt);
        }
    }

    /// <summary>Whether a guest need not go on: the run was interrupted, or one before it failed.</summary>
    private bool IsOver(int guest)
    {
        lock (_gate)
            return _interrupt.IsCancellationRequested || _firstFailure < guest;
    }

    private static CommandFailure NotInstalled(SweepGuest guest, SweepWork work) => new(
        "LIM3226",
        $"{work.Kernel.Name} on {work.Platform.Name} has installed {string.Join(", ", guest.Callbacks.Select(static one => one.Name))} in x86_platform.guest, "
            + $"and not {string.Join(" or ", work.Question.Without)}; name another platform or function");

    private void Tell(string current, int more)
    {
        lock (_gate)
        {
            _done += more;
            _progress(_done, _total, current);
        }
    }
}
