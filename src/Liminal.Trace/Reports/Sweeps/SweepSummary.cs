// SPDX-License-Identifier: Apache-2.0

using System.Linq;

namespace Liminal.Trace;

/// <summary>One sweep in a line.</summary>
/// <param name="LongestWindow">Instruction boundaries in the longest window in which a load does not get its data; 0 when there is none.</param>
/// <param name="Worst">The worst end of a load that was run in such a window; null when none was.</param>
/// <param name="IsOpen">Whether one of them is still open when the conversion has returned.</param>
public sealed record SweepSummary(ulong LongestWindow, StrayLoadEnd? Worst, bool IsOpen)
{
    /// <summary>Sums a sweep up.</summary>
    public static SweepSummary Of(ConversionSweep sweep)
    {
        SweepWindow[] counted = [.. sweep.Windows.Where(IsCounted)];
        return new(
            counted.Select(static window => window.Length).DefaultIfEmpty().Max(),
            counted.Where(static window => window.Runs.Count > 0).Select(static window => (StrayLoadEnd?)window.End).DefaultIfEmpty().Max(),
            sweep.Ended is null && counted.Any(static window => window.Closed < 0));
    }

    /// <summary>A load by a translation that is held gets its data: only when it does not, its window counts.</summary>
    private static bool IsCounted(SweepWindow window) =>
        window.Translation == TranslationOrigin.Walked || (window.Runs.Count > 0 && window.End != StrayLoadEnd.Completed);
}
