// SPDX-License-Identifier: Apache-2.0

using System.Collections.Generic;

namespace Liminal.Trace;

/// <summary>Everything one run of <c>liminal replay</c> found out: a counterexample of the checker beside what a kernel did.</summary>
/// <param name="SchemaVersion">Version of this shape; see <see cref="CurrentSchemaVersion"/>.</param>
/// <param name="Tool">The program that made the report: <c>liminal</c>.</param>
/// <param name="Version">Version of that program.</param>
/// <param name="CommandLine">What the user asked for, as typed.</param>
/// <param name="Kernel">The kernel that the counterexample was steered onto.</param>
/// <param name="Counterexample">What was replayed.</param>
/// <param name="Steps">The steps of the counterexample, each with what the kernel did.</param>
/// <param name="Load">The stray load that the counterexample ends with, as it went in the kernel; null when none was run.</param>
/// <param name="Outcome">Where it came to.</param>
/// <param name="DepartsAt">Number of the step at which the kernel does something else; null when it does not.</param>
/// <param name="Conclusion">The outcome in one sentence.</param>
public sealed record ReplayReport(
    int SchemaVersion,
    string Tool,
    string Version,
    string CommandLine,
    KernelEntry Kernel,
    ReplayedCounterexample Counterexample,
    IReadOnlyList<ReplayStep> Steps,
    StrayLoadRun? Load,
    ReplayOutcome Outcome,
    int? DepartsAt,
    string Conclusion)
{
    /// <summary>The version that this program writes. It grows when a reader of the old shape would be misled.</summary>
    public const int CurrentSchemaVersion = 1;
}

/// <summary>The counterexample that was replayed, and where it was found.</summary>
/// <param name="Protocol">Name of the protocol that was checked.</param>
/// <param name="Direction"><c>decrypt</c> or <c>encrypt</c>.</param>
/// <param name="Platform">Name of the platform.</param>
/// <param name="Host">Name of the host policy.</param>
/// <param name="Switches">Settings of what the sources leave open, each as <c>name=value</c>.</param>
/// <param name="Region">Which mapping the caller names.</param>
/// <param name="Property">The property that it violates.</param>
/// <param name="Conclusion">Its last word.</param>
public sealed record ReplayedCounterexample(
    string Protocol, string Direction, string Platform, string Host, IReadOnlyList<string> Switches, string Region, string Property, string Conclusion);

/// <summary>One step of a counterexample beside what the kernel did.</summary>
/// <param name="Number">Number of the step in the counterexample.</param>
/// <param name="Lane">Who acts in it.</param>
/// <param name="Title">What it does, in the words of the counterexample.</param>
/// <param name="Fate">What became of it in the kernel.</param>
/// <param name="Kernel">What the kernel did, or why there is nothing to see.</param>
/// <param name="Instruction">Instructions of the conversion that the machine had retired before it; null when there is no such place.</param>
/// <param name="Cpu">Processor that did it; null likewise.</param>
/// <param name="Function">Kernel function that was executing; empty likewise.</param>
public sealed record ReplayStep(
    int Number, string Lane, string Title, ReplayFate Fate, string Kernel, long? Instruction, int? Cpu, string Function);

/// <summary>What became of a step of a counterexample in the kernel.</summary>
public enum ReplayFate
{
    /// <summary>The kernel does the same.</summary>
    Same,

    /// <summary>Nothing is to be seen of it: it changes nothing that the recording watches, or it always may happen.</summary>
    Unseen,

    /// <summary>It was brought about from outside: a stray load, a host that does not do as it is told.</summary>
    Steered,

    /// <summary>The kernel does something else.</summary>
    Departs,

    /// <summary>It was not reached.</summary>
    NotReached,
}

/// <summary>Where a replay came to.</summary>
public enum ReplayOutcome
{
    /// <summary>To the same outcome as the counterexample.</summary>
    Reached,

    /// <summary>The kernel departs from the counterexample, on the way or in the outcome.</summary>
    Departed,

    /// <summary>To neither: the load could not be begun, a limit was reached, something is not modelled.</summary>
    NoVerdict,
}
