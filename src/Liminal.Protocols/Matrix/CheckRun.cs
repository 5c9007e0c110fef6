// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using Liminal.Checker.Checking;
using Liminal.Checker.Exploration;
using Liminal.Checker.Properties;
using Liminal.Checker.Scenarios;
using Liminal.Checker.Vocabulary;
using Liminal.Platform;
using Liminal.Trace;

namespace Liminal.Protocols;

/// <summary>Runs a request: every scenario of every cell, on several threads, into one report.</summary>
public sealed class CheckRun
{
    private readonly CheckRequest _request;
    private readonly Action<CheckProgress>? _progress;
    private readonly CancellationToken _cancellation;
    private readonly IReadOnlyList<PlannedCell> _cells;
    private readonly Exploration?[][] _results;
    private readonly (int Cell, int Index)[] _work;
    private readonly Lock _reporting = new();
    private readonly CheckOptions _options;
    private int _next = -1;
    private int _done;

    private CheckRun(CheckRequest request, Action<CheckProgress>? progress, CancellationToken cancellation)
    {
        _request = request;
        _progress = progress;
        _cancellation = cancellation;
        _cells = CheckPlan.Of(request);
        _results = [.. _cells.Select(cell => new Exploration?[cell.Scenarios.Count])];
        _work = [.. _cells.SelectMany((cell, number) => cell.Scenarios.Select((_, index) => (number, index)))];

        // Threads that no scenario of its own keeps busy work inside the scenarios.
        ExplorationOptions exploration = request.Options.Exploration;
        int threads = Math.Max(exploration.Threads, request.Threads / Math.Max(1, _work.Length));
        _options = request.Options with { Exploration = exploration with { Threads = threads } };
    }

    /// <summary>Explores everything that the request asks for.</summary>
    /// <param name="request">A request without <see cref="CheckRequest.Complaint"/>.</param>
    /// <param name="commandLine">What the user asked for, as typed; for the report.</param>
    /// <param name="version">Version of the program; for the report.</param>
    /// <param name="progress">Called after each scenario, by one thread at a time; null: nobody watches.</param>
    /// <param name="cancellation">Ends the run early.</param>
    /// <returns>
    /// The report: the same whatever the number of threads, other than seconds. After a cancellation it holds the scenarios that
    /// were complete, and says that it was interrupted.
    /// </returns>
    /// <exception cref="ArgumentException">The request has a complaint.</exception>
    public static CheckReport Execute(
        CheckRequest request, string commandLine, string version, Action<CheckProgress>? progress, CancellationToken cancellation)
    {
        if (request.Complaint() is string complaint)
            throw new ArgumentException(complaint, nameof(request));

        CheckRun run = new(request, progress, cancellation);
        run.ExploreAll();
        CheckReport report = run.Report(commandLine, version);
        return report with { RecordedComparison = RecordedVerdicts.Compare(request, report)?.Summary };
    }

    private void ExploreAll()
    {
        Exception?[] failures = new Exception?[Math.Min(_request.Threads, Math.Max(1, _work.Length))];
        Thread[] threads = new Thread[failures.Length - 1];
        for (int i = 0; i < threads.Length; i++)
        {
            int number = i + 1;
            threads[i] = new Thread(() => Work(ref failures[number])) { IsBackground = true };
            threads[i].Start();
        }

        Work(ref failures[0]);
        foreach (Thread thread in threads)
            thread.Join();

        if (failures.FirstOrDefault(failure => failure is not null) is Exception failed)
            throw new InvalidOperationException($"a scenario could not be explored: {failed.Message}", failed);
    }

    private void Work(ref Exception? failure)
    {
        try
        {
            while (!_cancellation.IsCancellationRequested)
            {
                int turn = Interlocked.Increment(ref _next);
                if (turn >= _work.Length)
                    return;

                Explore(_work[turn].Cell, _work[turn].Index);
            }
        }
        catch (Exception problem)
        {
            // Handed to the thread that started the run; the others end with the work that is left.
            failure = problem;
        }
    }

    private void Explore(int cell, int index)
    {
        Scenario scenario = _cells[cell].Scenarios[index];
        Exploration result = ScenarioCheck.Run(scenario, _options, _cancellation);
        if (_cancellation.IsCancellationRequested)
            return;

        _results[cell][index] = result with { Properties = [.. result.Properties.Where(IsWanted)] };
        lock (_reporting)
            _progress?.Invoke(new CheckProgress(++_done, _work.Length, TitleOf(scenario)));
    }

    private bool IsWanted(PropertyVerdict verdict) =>
        _request.Properties is not { } wanted || wanted.Any(property => property.ToString() == verdict.Property);

    private static string TitleOf(Scenario scenario) =>
        $"{scenario.Protocol.Name}, {NameOf(scenario.Direction)}, {scenario.Platform.Name}, {HostNames.Of(scenario.Host)}";

    private static string NameOf(Direction direction) => direction == Direction.Decrypt ? "decrypt" : "encrypt";

    private CheckReport Report(string commandLine, string version)
    {
        List<CellReport> cells = [.. _cells.Select((cell, number) => new CellReport(
            cell.Protocol.Name,
            NameOf(cell.Direction),
            cell.Platform.Name,
            cell.WhyNot is null,
            cell.WhyNot,
            [.. _results[number].OfType<Exploration>()]))];
        return new CheckReport(
            CheckReport.CurrentSchemaVersion,
            "liminal",
            version,
            commandLine,
            [.. _request.Protocols.Select(protocol => new ProtocolEntry(protocol.Name, protocol.Title, protocol.Source))],
            [.. _request.Platforms.Select(platform => new PlatformEntry(platform.Name, platform.Title))],
            [.. PropertyInfo.All
                .Where(info => _request.Properties is not { } wanted || wanted.Contains(info.Property))
                .Select(info => new PropertyEntry(info.Name, info.Sentence))],
            [.. Hosts().Select(host => new HostEntry(HostNames.Of(host), HostNames.All[(int)host].Title))],
            cells,
            Interrupted: _cancellation.IsCancellationRequested && _done < _work.Length,
            RecordedComparison: null);
    }

    /// <summary>The hosts that any cell explores, in the order of the enumeration.</summary>
    private IEnumerable<HostPolicy> Hosts() =>
        _cells.SelectMany(cell => cell.Scenarios).Select(scenario => scenario.Host).Distinct().Order();
}
