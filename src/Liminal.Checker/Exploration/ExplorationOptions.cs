// SPDX-License-Identifier: Apache-2.0

using System;

namespace Liminal.Checker.Exploration;

/// <summary>How to explore. Nothing here changes a verdict, other than to inconclusive when a limit is reached.</summary>
public sealed record ExplorationOptions
{
    /// <summary>Worker threads, at least 1.</summary>
    public int Threads { get; init; } = 1;

    /// <summary>Distinct states at which to stop.</summary>
    public long MaxStates { get; init; } = 200_000_000;

    /// <summary>Bytes of native memory at which to stop.</summary>
    public long MaxBytes { get; init; } = 16L << 30;

    /// <summary>Treat CPUs that run no converter as interchangeable.</summary>
    public bool Symmetry { get; init; } = true;

    /// <summary>Explore a speculative fill only where it can matter.</summary>
    public bool LateFills { get; init; } = true;

    /// <summary>Called after each level with distinct states and depth; null: nobody watches.</summary>
    public Action<long, int>? OnLevel { get; init; }
}

/// <summary>Why an exploration ended before it had seen everything.</summary>
public enum ExplorationLimit
{
    /// <summary>It did not: every reachable state was seen.</summary>
    None,

    /// <summary><see cref="ExplorationOptions.MaxStates"/>.</summary>
    States,

    /// <summary><see cref="ExplorationOptions.MaxBytes"/>.</summary>
    Memory,

    /// <summary>The user.</summary>
    Cancelled,
}
