// SPDX-License-Identifier: Apache-2.0

using System.Collections.Generic;
using System.Linq;

namespace Liminal.Trace;

/// <summary>One sweep in a line.</summary>
/// <param name="LongestWindow">Instruction boundaries in its longest window; 0 when there is none.</param>
/// <param name="Worst">The worst end of a load that was run; null when none was.</param>
/// <param name="Violated">Names of the properties that are violated, in the order of the report.</param>
/// <param name="Inconclusive">Names of the properties without a verdict.</param>
public sealed record SweepSummary(ulong LongestWindow, StrayLoadEnd? Worst, IReadOnlyList<string> Violated, IReadOnlyList<string> Inconclusive)
{
    /// <summary>Sums a sweep up.</summary>
    public static SweepSummary Of(ConversionSweep sweep) => new(
        sweep.Windows.Select(static window => window.Length).DefaultIfEmpty().Max(),
        sweep.Windows.Where(static window => window.Runs.Count > 0).Select(static window => (StrayLoadEnd?)window.End).DefaultIfEmpty().Max(),
        Names(sweep, Verdict.Violated),
        Names(sweep, Verdict.Inconclusive));

    /// <summary>The verdicts in one word, as in the cell of a matrix.</summary>
    public Verdict Word => Violated.Count > 0 ? Verdict.Violated : Inconclusive.Count > 0 ? Verdict.Inconclusive : Verdict.Holds;

    private static List<string> Names(ConversionSweep sweep, Verdict wanted) =>
        [.. sweep.Properties.Where(one => one.Verdict == wanted).Select(static one => one.Property)];
}
