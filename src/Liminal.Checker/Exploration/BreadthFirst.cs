// SPDX-License-Identifier: Apache-2.0

using System;
using System.Threading;
using Liminal.Checker.Model;
using Liminal.Checker.Reduction;

namespace Liminal.Checker.Exploration;

/// <summary>What a search has seen.</summary>
/// <param name="States">Distinct states.</param>
/// <param name="Transitions">Actions explored.</param>
/// <param name="Diameter">Depth of the deepest state; the initial one has depth 0.</param>
/// <param name="Limit">Why it ended early, if it did.</param>
/// <param name="Findings">The first violation of each property, by its number; null where there is none.</param>
internal sealed record SearchResult(long States, long Transitions, int Diameter, ExplorationLimit Limit, Finding?[] Findings);

/// <summary>Breadth-first search, level by level, by any number of threads.</summary>
/// <remarks>The counts do not depend on the number of threads: a level is expanded whole before the next, and every action of it is counted.</remarks>
internal sealed class BreadthFirst
{
    private const int ChunkStates = 256;
    private readonly TransitionSystem _system;
    private readonly ExplorationOptions _options;
    private readonly CancellationToken _cancellation;
    private readonly Symmetry? _symmetry;
    private readonly StateStore _store;
    private readonly Worker[] _workers;
    private long _next;
    private long _end;

    private BreadthFirst(TransitionSystem system, ExplorationOptions options, StateStore store, CancellationToken cancellation)
    {
        _system = system;
        _options = options;
        _cancellation = cancellation;
        _store = store;
        _symmetry = options.Symmetry ? Symmetry.Of(system) : null;
        _workers = new Worker[Math.Max(1, options.Threads)];
        for (int i = 0; i < _workers.Length; i++)
            _workers[i] = new Worker();
    }

    /// <summary>Explores everything that can be reached, within the limits.</summary>
    public static SearchResult Run(TransitionSystem system, ExplorationOptions options, CancellationToken cancellation)
    {
        using StateStore store = new();
        return new BreadthFirst(system, options, store, cancellation).Run();
    }

    private SearchResult Run()
    {
        ModelState initial = _system.Initial();
        _symmetry?.Canonicalize(ref initial);
        StateStore.Reservation reservation = StateStore.Reservation.None;
        _store.Add(in initial, ref reservation);
        long levelStart = 0;
        int depth = 0;
        ExplorationLimit limit;
        while (true)
        {
            long levelEnd = _store.Positions;
            long before = _store.Count;
            limit = ExploreLevel(levelStart, levelEnd, depth);
            _options.OnLevel?.Invoke(_store.Count, depth);
            if (limit != ExplorationLimit.None || _store.Count == before)
                break;

            levelStart = levelEnd;
            depth++;
        }

        long transitions = 0;
        FindingSet findings = new();
        foreach (Worker worker in _workers)
        {
            transitions += worker.Transitions;
            findings.Merge(worker.Findings);
        }

        return new SearchResult(_store.Count, transitions, depth, limit, findings.ToArray());
    }

    /// <summary>Expands one level in slices small enough that the index never fills up while workers add to it.</summary>
    private ExplorationLimit ExploreLevel(long start, long end, int depth)
    {
        while (start < end)
        {
            if (_cancellation.IsCancellationRequested)
                return ExplorationLimit.Cancelled;

            if (_store.Count >= _options.MaxStates)
                return ExplorationLimit.States;

            if (_store.Bytes >= _options.MaxBytes)
                return ExplorationLimit.Memory;

            long slice = Math.Min(end - start, Math.Max(ChunkStates, _store.Positions / 64));
            _store.Grow((slice * _system.MaxSuccessors) + _workers.Length);
            _next = start;
            _end = start + slice;
            RunWorkers(depth);
            start += slice;
        }

        return ExplorationLimit.None;
    }

    private void RunWorkers(int depth)
    {
        int helpers = _end - _next < ChunkStates * 2 ? 0 : _workers.Length - 1;
        using CountdownEvent done = new(helpers + 1);
        for (int i = 1; i <= helpers; i++)
        {
            Worker worker = _workers[i];
            ThreadPool.UnsafeQueueUserWorkItem(
                _ =>
                {
                    Expand(worker, depth);
                    done.Signal();
                },
                null);
        }

        Expand(_workers[0], depth);
        done.Signal();
        done.Wait(CancellationToken.None);
    }

    private void Expand(Worker worker, int depth)
    {
        SuccessorBuffer buffer = worker.Buffer;

        // Locals, because two workers may stand on one cache line.
        StateStore.Reservation reservation = StateStore.Reservation.None;
        long transitions = 0;
        while (true)
        {
            long from = Interlocked.Add(ref _next, ChunkStates) - ChunkStates;
            if (from >= _end)
                break;

            long to = Math.Min(from + ChunkStates, _end);
            for (long position = from; position < to; position++)
            {
                if (_store.IsHole(position))
                    continue;

                ref readonly ModelState state = ref _store.At(position);
                _system.Expand(in state, buffer);
                transitions += buffer.Transitions;
                if (buffer.Violated != 0)
                    worker.Findings.Note(in state, depth, buffer);

                for (int i = 0; i < buffer.Count; i++)
                {
                    ref ModelState successor = ref buffer.State(i);
                    _symmetry?.Canonicalize(ref successor);
                    _store.Add(in successor, ref reservation);
                }
            }
        }

        _store.Release(ref reservation);
        worker.Transitions += transitions;
    }

    /// <summary>What one thread needs for itself.</summary>
    private sealed class Worker
    {
        public readonly SuccessorBuffer Buffer = new();
        public readonly FindingSet Findings = new();
        public long Transitions;
    }
}
