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
    private int _known;
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

    /// <summary>Where what was swept to its end is kept, for each kernel; null for nowhere.</summary>
    public Func<SweepSource, SweepCache?> Cache { get; init; } = static _ => null;

    /// <summary>Conversions that need not be swept, because they had been before.</summary>
    public int Known => _known;

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
        SweepGuestRequest request = _request(work[0].Kernel, platform);
        SweepCache? cache = Cache(work[0].Kernel);
        SweepGuest? guest = null;
        try
        {
            foreach (SweepWork one in work)
            {
                if (IsOver(index))
                    return;

                string? question = one.Question.ToKey();
                SweepCache? kept = question is null ? null : cache;
                string key = $"{request.Key} {question}";
                if (kept?.Find(key) is { Sweeps: [ConversionSweep known] })
                {
                    TakeKnown(index, one, known);
                    continue;
                }

                guest ??= Boot(request, work[0].Kernel);
                if (!IsOver(index) && Sweep(guest, one) is ConversionSweep sweep)
                {
                    _sweeps[index].Add(sweep);
                    if (sweep.Incomplete is null || !_interrupt.IsCancellationRequested)
                        kept?.Save(key, SweepPart.Of(one.Kernel, sweep));
                }

                Tell(platform.Name, 1);
            }

            if (!IsOver(index) && FailureQuestion(work) is FailureQuestion failures)
                _findings[index] = Fail(ref guest, request, work[0], failures, cache);
        }
        finally
        {
            guest?.Dispose();
        }
    }

    private SweepGuest Boot(SweepGuestRequest request, SweepSource kernel)
    {
        Tell($"booting as {request.Platform.Name}", 0);
        return SweepGuest.Boot(request, kernel.Knowledge, _interrupt);
    }

    /// <summary>Takes what was found before. The kernel may have another name in this report.</summary>
    private void TakeKnown(int index, SweepWork one, ConversionSweep known)
    {
        _sweeps[index].Add(known with { Kernel = one.Kernel.Name });
        lock (_gate)
        {
            _found.UnionWith(known.Subject.Without);
            _known++;
        }

        Tell(one.Platform.Name, 1);
    }

    /// <summary>Sweeps one conversion; null when it is left out, because a callback is not there that it should do without.</summary>
    private ConversionSweep? Sweep(SweepGuest guest, SweepWork one)
    {
        string what = $"{one.Platform.Name} {one.Question.Function}()";
        Tell(what, 0);
        ConversionQuestion question = one.Question with { Without = guest.Installed(one.Question.Without) };
        lock (_gate)
            _found.UnionWith(question.Without);

        if (one.Question.Without.Count > 0 && question.Without.Count == 0)
            return _skipsWhatIsNotThere ? null : throw NotInstalled(guest, one);

        var watch = Stopwatch.StartNew();
        ConversionFinding finding = guest.Campaign.Sweep(question, (tried, of) => Tell($"{what}: stray load {tried} of {of}", 0), _interrupt, out string problem)
            ?? throw new CommandFailure("LIM3211", $"{one.Platform.Name}: the conversion cannot be made: {problem}");
        return FindingReport.Of(
            finding, one.Kernel.Name, one.Platform, HostNames.Of(one.Question.Host), SweepSettings.Texts(one.Platform, one.Switches),
            guest.ProcessorCount, watch.Elapsed.TotalSeconds);
    }

    private FailureFinding? Fail(ref SweepGuest? guest, SweepGuestRequest request, SweepWork work, FailureQuestion question, SweepCache? cache)
    {
        string key = $"{request.Key} {question.ToKey()}";
        if (cache?.Find(key) is SweepReport known)
            return new FailureFinding([.. known.Failures.Select(one => one with { Kernel = work.Kernel.Name })], known.FailuresNotTried, IsComplete: true);

        guest ??= Boot(request, work.Kernel);
        if (_interrupt.IsCancellationRequested)
            return null;

        FailureFinding finding = FailureCampaign.Run(
            guest.Campaign, work.Kernel.Name, question, (tried, of) => Tell($"{work.Platform.Name}: failure {tried} of {of}", 0), _interrupt);
        if (finding.IsComplete)
            cache?.Save(key, SweepPart.Of(work.Kernel, finding));

        return finding;
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
