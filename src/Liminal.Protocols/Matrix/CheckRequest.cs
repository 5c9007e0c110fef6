// SPDX-License-Identifier: Apache-2.0

using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using Liminal.Checker.Checking;
using Liminal.Checker.Properties;
using Liminal.Checker.Scenarios;
using Liminal.Checker.Vocabulary;
using Liminal.Platform;

namespace Liminal.Protocols;

/// <summary>Which failures inside the guest a run explores.</summary>
public enum FailureMode : byte
{
    /// <summary>None: every step does its work. The host may still refuse, where its policy says so.</summary>
    SuccessPath,

    /// <summary>Every step that may fail does so on some path.</summary>
    WithFailures,

    /// <summary>Both, as explorations of their own; the success path alone where no step of the protocol may fail.</summary>
    Both,
}

/// <summary>What a run of the checker is asked: which cells of the matrix, under which hosts and settings, at which size.</summary>
public sealed record CheckRequest
{
    /// <summary>The rows of the matrix.</summary>
    public required IReadOnlyList<Protocol> Protocols { get; init; }

    /// <summary>The columns of the matrix.</summary>
    public IReadOnlyList<ConfidentialPlatform> Platforms { get; init; } = Liminal.Platform.Platforms.All;

    /// <summary>The directions of each row.</summary>
    public IReadOnlyList<Direction> Directions { get; init; } = [Direction.Decrypt, Direction.Encrypt];

    /// <summary>The hosts; null: those that each platform's documentation allows.</summary>
    public IReadOnlyList<HostPolicy>? Hosts { get; init; }

    /// <summary>The properties that are reported; null: all. What is explored is the same.</summary>
    public IReadOnlyList<Property>? Properties { get; init; }

    /// <summary>Settings of switches; a switch that is not named is explored as its platform says (<see cref="PolicySwitchInfo.Explored"/>).</summary>
    public IReadOnlyDictionary<PolicySwitches, SwitchSettings> Switches { get; init; } =
        ImmutableDictionary<PolicySwitches, SwitchSettings>.Empty;

    /// <summary>The regions; null: those of each protocol.</summary>
    public IReadOnlyList<Region>? Regions { get; init; }

    /// <summary>Replaces the translation of every step that names pages to the host; null: as the protocol says.</summary>
    public Translation? Translation { get; init; }

    /// <summary>Pages in the range, 1 to <see cref="Scenario.MaxPages"/>.</summary>
    public int Pages { get; init; } = 2;

    /// <summary>CPUs, 1 to <see cref="Scenario.MaxCpus"/>.</summary>
    public int Cpus { get; init; } = 2;

    /// <summary>What the caller does with the pages of a failed conversion.</summary>
    public CallerOnFailure Caller { get; init; } = CallerOnFailure.Frees;

    /// <summary>Whether and where a second converter runs.</summary>
    public SecondConverter Second { get; init; } = SecondConverter.None;

    /// <summary>A live vmap alias of each page exists that no step knows of.</summary>
    public bool LiveAlias { get; init; }

    /// <summary>Which failures inside the guest are explored.</summary>
    public FailureMode Failures { get; init; } = FailureMode.SuccessPath;

    /// <summary>How each scenario is explored, and whether its counterexamples are told.</summary>
    public CheckOptions Options { get; init; } = new();

    /// <summary>Threads, at least 1: for scenarios at the same time, and inside them when these are few. The report does not depend on it.</summary>
    public int Threads { get; init; } = 1;

    /// <summary>Whether the sizes and actors are those of the default matrix, for which verdicts are recorded.</summary>
    public bool HasRecordedSizes =>
        this is { Pages: 2, Cpus: 2, Caller: CallerOnFailure.Frees, Second: SecondConverter.None, LiveAlias: false, Translation: null };

    /// <summary>How many explorations each cell of the report has when nothing interrupts the run, in the order of the cells.</summary>
    public IReadOnlyList<int> PlannedExplorations() => [.. CheckPlan.Of(this).Select(cell => cell.Scenarios.Count)];

    /// <summary>Says what is wrong with the request, or null: a size that no model holds, or nothing to do.</summary>
    public string? Complaint()
    {
        if (Protocols.Count == 0 || Platforms.Count == 0 || Directions.Count == 0)
            return "there is nothing to check: name at least one protocol, platform and direction";

        if (Threads < 1)
            return $"at least 1 thread is needed, not {Threads}";

        foreach (PlannedCell cell in CheckPlan.Of(this))
        {
            foreach (Scenario scenario in cell.Scenarios)
            {
                if (scenario.Complaint() is string complaint)
                    return complaint;
            }
        }

        return null;
    }
}

/// <summary>How far a run is.</summary>
/// <param name="Done">Scenarios that are complete.</param>
/// <param name="Total">Scenarios in all.</param>
/// <param name="Current">The scenario completed last, in a few words.</param>
public readonly record struct CheckProgress(int Done, int Total, string Current);
