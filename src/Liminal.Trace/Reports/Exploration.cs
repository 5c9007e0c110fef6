// SPDX-License-Identifier: Apache-2.0

using System.Collections.Generic;

namespace Liminal.Trace;

/// <summary>One state space that was explored: a cell of the matrix under one host and one setting of the switches.</summary>
/// <param name="Host">Name of the host policy, as in <see cref="CheckReport.Hosts"/>.</param>
/// <param name="Switches">Settings of what the sources leave open, each as <c>name=value</c>, in a fixed order; may be empty.</param>
/// <param name="Failures">Whether failures inside the guest were explored too (a split without memory, a failing callback).</param>
/// <param name="Region">What is converted: number of pages, their mappings, leaf size.</param>
/// <param name="States">Distinct states seen.</param>
/// <param name="Transitions">Steps from a state to a successor that were followed, those to known states included.</param>
/// <param name="Diameter">Length, in steps, of the longest of the shortest ways from the initial state to any state.</param>
/// <param name="Seconds">Time it took. The only measured value of a report: everything else is the same on every computer.</param>
/// <param name="Properties">The verdicts, in the order of <see cref="CheckReport.Properties"/>.</param>
public sealed record Exploration(
    string Host,
    IReadOnlyList<string> Switches,
    bool Failures,
    string Region,
    long States,
    long Transitions,
    int Diameter,
    double Seconds,
    IReadOnlyList<PropertyVerdict> Properties);
