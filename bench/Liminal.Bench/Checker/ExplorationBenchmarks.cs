// SPDX-License-Identifier: Apache-2.0

using System.Collections.Generic;
using BenchmarkDotNet.Attributes;
using Liminal.Checker.Exploration;
using Liminal.Checker.Model;

namespace Liminal.Bench.Checker;

/// <summary>The three inner loops of an exploration, each by itself, per state.</summary>
[MemoryDiagnoser]
public class ExplorationBenchmarks
{
    private const int Count = 20_000;
    private readonly SuccessorBuffer _buffer = new();
    private ModelState[] _states = [];
    private TransitionSystem _system = null!;

    [GlobalSetup]
    public void Setup()
    {
        _system = new TransitionSystem(CheckerModels.LinuxOnSnp(pages: 2, cpus: 3), lateFills: false);
        HashSet<ModelState> known = [_system.Initial()];
        List<ModelState> states = [.. known];
        for (int i = 0; i < states.Count && states.Count < Count; i++)
        {
            ModelState state = states[i];
            _system.Expand(in state, _buffer);
            for (int next = 0; next < _buffer.Count && states.Count < Count; next++)
            {
                if (known.Add(_buffer.State(next)))
                    states.Add(_buffer.State(next));
            }
        }

        _states = [.. states];
    }

    [Benchmark(OperationsPerInvoke = Count)]
    public ulong Hash()
    {
        ulong sum = 0;
        for (int i = 0; i < Count; i++)
            sum += StateHash.Of(in _states[i]);

        return sum;
    }

    [Benchmark(OperationsPerInvoke = Count)]
    public int Successors()
    {
        int sum = 0;
        for (int i = 0; i < Count; i++)
        {
            _system.Expand(in _states[i], _buffer);
            sum += _buffer.Count;
        }

        return sum;
    }

    [Benchmark(OperationsPerInvoke = Count)]
    public long VisitedSet()
    {
        using StateStore store = new();
        StateStore.Reservation reservation = StateStore.Reservation.None;
        store.Grow(Count);
        for (int i = 0; i < Count; i++)
            store.Add(in _states[i], ref reservation);

        return store.Count;
    }
}
