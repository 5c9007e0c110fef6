// SPDX-License-Identifier: Apache-2.0

using System.Linq;

namespace Liminal.Trace;

/// <summary>One sweep in a line.</summary>
/// <param name="LongestWindow">Instruction boundaries in the longest window in which a load does not get its data; 0 when there is none.</param>
/// <param name="Worst">The worst end of a load that was run; null when none was.</param>
public sealed record SweepSummary(ulong LongestWindow, StrayLoadEnd? Worst)
{
    /// <summary>Sums a sweep up.</summary>
    public static SweepSummary Of(ConversionSweep sweep) => new(
        sweep.Windows.Where(IsCounted).Select(static window => window.Length).DefaultIfEmpty().Max(),
        sweep.Windows.Where(static window => IsCounted(window) && window.Runs.Count > 0).Select(static window => (StrayLoadEnd?)window.End).DefaultIfEmpty().Max());

    /// <summary>A load by a translation that is held gets its data: only when it does not, its window counts.</summary>
    private static bool IsCounted(SweepWindow window) =>
        window.Translation == TranslationOrigin.Walked || (window.Runs.Count > 0 && window.End != StrayLoadEnd.Completed);
}
