// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;
using System.Linq;

namespace Liminal.Trace;

/// <summary>What one cell of the matrix says in a word.</summary>
public enum CellVerdict
{
    /// <summary>Every property that says anything here holds, under every host and setting that was explored.</summary>
    Holds,

    /// <summary>Something is violated under some hosts or settings, and nothing under others.</summary>
    Depends,

    /// <summary>Something is violated under every host and setting that was explored.</summary>
    Violated,

    /// <summary>Nothing is violated so far, and some exploration did not come to its end.</summary>
    Inconclusive,

    /// <summary>The protocol makes no sense on the platform, or the property says nothing about it.</summary>
    NotApplicable,

    /// <summary>Nothing was explored: failures were not asked for, or the run was interrupted.</summary>
    NotExplored,
}

/// <summary>The verdicts of one cell on one path, over all hosts and settings.</summary>
/// <param name="Word">All verdicts in one word.</param>
/// <param name="ViolatedProperties">How many properties are violated under at least one host and setting.</param>
public readonly record struct CellSummary(CellVerdict Word, int ViolatedProperties)
{
    /// <summary>Sums a cell up.</summary>
    /// <param name="cell">The cell.</param>
    /// <param name="failures">Which explorations count: those with failures inside the guest, or those without.</param>
    /// <param name="property">Name of the only property that counts; null counts all.</param>
    public static CellSummary Of(CellReport cell, bool failures, string? property = null)
    {
        if (!cell.Applicable)
            return new CellSummary(CellVerdict.NotApplicable, 0);

        List<PropertyVerdict[]> runs = [.. cell.Explorations
            .Where(exploration => exploration.Failures == failures)
            .Select(exploration => exploration.Properties.Where(verdict => property is null || verdict.Property == property).ToArray())
            .Where(verdicts => verdicts.Length > 0)];
        if (runs.Count == 0)
            return new CellSummary(CellVerdict.NotExplored, 0);

        int violatedProperties = runs.SelectMany(verdicts => verdicts)
            .Where(verdict => verdict.Verdict == Verdict.Violated)
            .Select(verdict => verdict.Property)
            .Distinct(StringComparer.Ordinal)
            .Count();
        int violatedRuns = runs.Count(verdicts => Any(verdicts, Verdict.Violated));
        CellVerdict word =
            violatedRuns == runs.Count ? CellVerdict.Violated
            : violatedRuns > 0 ? CellVerdict.Depends
            : runs.Exists(verdicts => Any(verdicts, Verdict.Inconclusive)) ? CellVerdict.Inconclusive
            : runs.Exists(verdicts => Any(verdicts, Verdict.Holds)) ? CellVerdict.Holds
            : CellVerdict.NotApplicable;
        return new CellSummary(word, violatedProperties);
    }

    private static bool Any(PropertyVerdict[] verdicts, Verdict wanted) => Array.Exists(verdicts, verdict => verdict.Verdict == wanted);
}
