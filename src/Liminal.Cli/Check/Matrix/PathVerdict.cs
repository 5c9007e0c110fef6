// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;
using System.Linq;
using Liminal.Checker.Properties;
using Liminal.Trace;

namespace Liminal.Cli.Check.Matrix;

/// <summary>Properties that are violated under the same circumstances.</summary>
/// <param name="Condition">Hosts, regions and settings in a few words; empty: under all that were explored.</param>
/// <param name="Properties">Their numbers: places in <see cref="PropertyInfo.All"/>, counted from 1.</param>
internal sealed record ViolatedGroup(string Condition, IReadOnlyList<int> Properties);

/// <summary>What one cell says about one path: the success path, or with failures inside the guest.</summary>
/// <param name="Word">All verdicts in one word.</param>
/// <param name="Groups">What is violated: first what is violated everywhere, then by the first property of each group.</param>
internal sealed record PathVerdict(CellVerdict Word, IReadOnlyList<ViolatedGroup> Groups)
{
    /// <summary>Sums up one path of a cell.</summary>
    /// <param name="cell">The cell.</param>
    /// <param name="failures">Which path.</param>
    /// <param name="isWhole">Whether everything that was planned for the path has been explored.</param>
    public static PathVerdict Of(CellReport cell, bool failures, bool isWhole)
    {
        List<Exploration> explored = [.. cell.Explorations.Where(one => one.Failures == failures)];
        List<ViolatedGroup> groups =
        [
            .. PropertyInfo.All
                .Select((info, index) => (Number: index + 1, Where: Condition.Of(explored, one => Violates(one, info.Name))))
                .Where(property => property.Where is not null)
                .GroupBy(property => property.Where!, property => property.Number, StringComparer.Ordinal)
                .Select(group => new ViolatedGroup(group.Key, [.. group]))
                .OrderBy(group => group.Condition.Length > 0)
                .ThenBy(group => group.Properties[0]),
        ];
        CellVerdict word = CellSummary.Of(cell, failures).Word;
        return new PathVerdict(word == CellVerdict.Holds && !isWhole ? CellVerdict.Inconclusive : word, groups);
    }

    /// <summary>Whether another path says the same.</summary>
    public bool SaysTheSameAs(PathVerdict other) =>
        Word == other.Word
        && Groups.Count == other.Groups.Count
        && Groups.Zip(other.Groups).All(pair => pair.First.Condition == pair.Second.Condition && pair.First.Properties.SequenceEqual(pair.Second.Properties));

    private static bool Violates(Exploration exploration, string property) =>
        exploration.Properties.Any(verdict => verdict.Property == property && verdict.Verdict == Verdict.Violated);
}

/// <summary>One cell of the printed matrix.</summary>
/// <param name="Cell">What it is about.</param>
/// <param name="Success">The success path.</param>
/// <param name="Failures">With failures inside the guest; null when that was not asked for, makes no difference, or nothing can fail.</param>
internal sealed record MatrixCell(CellReport Cell, PathVerdict Success, PathVerdict? Failures)
{
    /// <summary>The paths that are shown.</summary>
    public IEnumerable<PathVerdict> Shown => Failures is null ? [Success] : [Success, Failures];

    /// <summary>Sums up a cell.</summary>
    /// <param name="cell">The cell.</param>
    /// <param name="failures">Whether failures were asked for.</param>
    /// <param name="isWhole">Whether everything that was planned has been explored.</param>
    public static MatrixCell Of(CellReport cell, bool failures, bool isWhole)
    {
        var success = PathVerdict.Of(cell, failures: false, isWhole);
        bool canFail = !isWhole || cell.Explorations.Any(one => one.Failures);
        PathVerdict? failing = failures && canFail && cell.Applicable ? PathVerdict.Of(cell, failures: true, isWhole) : null;
        return new MatrixCell(cell, success, failing is null || failing.SaysTheSameAs(success) ? null : failing);
    }
}
