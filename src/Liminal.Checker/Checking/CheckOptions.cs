// SPDX-License-Identifier: Apache-2.0

using Liminal.Checker.Exploration;

namespace Liminal.Checker.Checking;

/// <summary>How to check a scenario.</summary>
public sealed record CheckOptions
{
    /// <summary>How to explore it.</summary>
    public ExplorationOptions Exploration { get; init; } = new();

    /// <summary>Tell a counterexample for each violated property; otherwise only that it is violated.</summary>
    public bool Counterexamples { get; init; } = true;
}
