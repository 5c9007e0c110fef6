// SPDX-License-Identifier: Apache-2.0

using Liminal.Checker.Model;

namespace Liminal.Checker.Reduction;

/// <summary>A symmetry reduction: CPUs that run no converter are interchangeable, so of the states that differ only in their order one is kept.</summary>
internal sealed class Symmetry
{
    private readonly int _first;
    private readonly int _cpus;
    private readonly int _mappings;
    private readonly int _converters;

    private Symmetry(TransitionSystem system)
    {
        _first = system.Programs.Count;
        _cpus = system.Scenario.Cpus;
        _mappings = system.Layout.Count;
        _converters = system.Programs.Count;
    }

    /// <summary>The reduction for a model, or null when there is nothing to exchange.</summary>
    public static Symmetry? Of(TransitionSystem system) =>
        system.Scenario.Cpus - system.Programs.Count >= 2 ? new Symmetry(system) : null;

    /// <summary>Puts the interchangeable CPUs into ascending order of what they hold.</summary>
    public void Canonicalize(ref ModelState state)
    {
        for (int i = _first + 1; i < _cpus; i++)
        {
            for (int cpu = i; cpu > _first && Key(in state, cpu) < Key(in state, cpu - 1); cpu--)
                Exchange(ref state, cpu);
        }
    }

    /// <summary>All that the model holds of one CPU: two TLB bits per mapping, one pending flush per converter.</summary>
    private uint Key(in ModelState state, int cpu)
    {
        uint key = 0;
        for (int i = 0; i < _mappings; i++)
            key |= (((uint)state.Tlb[i] >> (cpu * 2)) & 3) << (i * 2);

        for (int i = 0; i < _converters; i++)
            key |= (((uint)state.Converters[i].FlushPending >> cpu) & 1) << (24 + i);

        return key;
    }

    /// <summary>Exchanges a CPU with the one before it.</summary>
    private void Exchange(ref ModelState state, int cpu)
    {
        int low = (cpu - 1) * 2;
        for (int i = 0; i < _mappings; i++)
        {
            int pairs = (state.Tlb[i] >> low) & 15;
            int exchanged = (pairs >> 2) | ((pairs & 3) << 2);
            state.Tlb[i] = (byte)((state.Tlb[i] & ~(15 << low)) | (exchanged << low));
        }

        for (int i = 0; i < _converters; i++)
        {
            int bits = (state.Converters[i].FlushPending >> (cpu - 1)) & 3;
            int exchanged = (bits >> 1) | ((bits & 1) << 1);
            state.Converters[i].FlushPending =
                (byte)((state.Converters[i].FlushPending & ~(3 << (cpu - 1))) | (exchanged << (cpu - 1)));
        }
    }
}
