// SPDX-License-Identifier: Apache-2.0

using System.Linq;

namespace Liminal.Trace;

/// <summary>One sweep in a line.</summary>
/// <param name="LongestWindow">Instruction boundaries in its longest window; 0 when there is none.</param>
/// <param name="Worst">The worst end of a load that was run; null when none was.</param>
public sealed record SweepSummary(ulong LongestWindow, StrayLoadEnd? Worst)
{
    /// <summary>Sums a sweep up.</summary>
    public static SweepSummary Of(ConversionSweep sweep) => new(
        sweep.Windows.Select(static window => window.Length).DefaultIfEmpty().Max(),
        sweep.Windows.Where(static window => window.Runs.Count > 0).Select(static window => (StrayLoadEnd?)window.End).DefaultIfEmpty().Max());
}
