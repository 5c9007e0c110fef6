// SPDX-License-Identifier: Apache-2.0
using System;
using System.Numerics;
using System.Runtime.InteropServices;
using Liminal.Chipset;

namespace Liminal.Machine.Scheduling;

/// <summary>Decides which processor runs next and for how many instructions. One runs at a time; the seed is the whole freedom.</summary>
/// <remarks>
/// Seed 0 is round robin with equal turns. Any other seed draws the next processor and the length of its turn, so that a race which needs
/// an unusual order can be looked for and found again. A processor alone uses up no turn: what it does between two wake-ups may then be cut
/// into any number of runs without a change to what follows.
/// </remarks>
public sealed class Scheduler : Stateful
{
    // Configuration

    /// <summary>Instructions in a turn of the round robin, and the mean of drawn turns.</summary>
    public const ulong Turn = 10_000;

    private State _state;

    /// <summary>A schedule that begins with processor 0.</summary>
    /// <param name="seed">0 for round robin.</param>
    public Scheduler(ulong seed) => _state = new State { Seed = seed, Random = new SplitMix(seed), TurnLeft = Turn };

    internal struct State
    {
        public ulong Seed;
        public SplitMix Random;
        public ulong TurnLeft;
        public int Current;
        public bool IsAlone;
    }

    /// <inheritdoc/>
    public override Span<byte> StateBytes => MemoryMarshal.AsBytes(MemoryMarshal.CreateSpan(ref _state, 1));

    /// <summary>Picks the processor to run.</summary>
    /// <param name="runnable">Bit n is set when processor n has something to do; not zero.</param>
    /// <param name="budget">Most instructions it may run before asking again.</param>
    /// <param name="allowed">Bit n is clear when processor n must not be picked although it could be, as a debugger may ask.</param>
    /// <returns>Its index.</returns>
    public int Next(ulong runnable, out ulong budget, ulong allowed = ulong.MaxValue)
    {
        ArgumentOutOfRangeException.ThrowIfZero(runnable);
        ulong candidates = runnable & allowed;
        ArgumentOutOfRangeException.ThrowIfZero(candidates, nameof(allowed));

        // Alone, a processor needs no turns: whatever wakes another one ends its run.
        _state.IsAlone = BitOperations.IsPow2(runnable);
        if ((candidates & (1ul << _state.Current)) == 0 || (_state.TurnLeft == 0 && !_state.IsAlone))
        {
            ChangeTurn(candidates);
        }

        budget = _state.IsAlone ? ulong.MaxValue : _state.TurnLeft;
        return _state.Current;
    }

    /// <summary>Takes instructions off the present turn.</summary>
    public void Charge(ulong instructions) => _state.TurnLeft -= _state.IsAlone ? 0 : Math.Min(instructions, _state.TurnLeft);

    private void ChangeTurn(ulong runnable)
    {
        if (_state.Seed == 0)
        {
            ulong above = runnable & ~((2ul << _state.Current) - 1);
            _state.Current = BitOperations.TrailingZeroCount(above != 0 ? above : runnable);
            _state.TurnLeft = Turn;
            return;
        }

        int nth = (int)(_state.Random.Next() % (ulong)BitOperations.PopCount(runnable));
        for (; nth > 0; nth--)
        {
            runnable &= runnable - 1;
        }

        _state.Current = BitOperations.TrailingZeroCount(runnable);
        _state.TurnLeft = 1 + (_state.Random.Next() % (2 * Turn));
    }
}

/// <summary>A small generator of random numbers: unmanaged, seeded, the same everywhere.</summary>
/// <remarks>Source: Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014, figure 1 (SplitMix64).</remarks>
public struct SplitMix(ulong seed)
{
    private ulong _state = seed;

    /// <summary>The next 64 bits.</summary>
    public ulong Next()
    {
        _state += 0x9E37_79B9_7F4A_7C15;
        ulong mixed = _state;
        mixed = (mixed ^ (mixed >> 30)) * 0xBF58_476D_1CE4_E5B9;
        mixed = (mixed ^ (mixed >> 27)) * 0x94D0_49BB_1331_11EB;
        return mixed ^ (mixed >> 31);
    }
}
