// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Text;

namespace Liminal.Trace;

/// <summary>Pages of a conversion that are in the same windows, so that they are drawn as one lane.</summary>
/// <param name="Pages">Their indices, ascending.</param>
/// <param name="Windows">Indices of the windows that they are in.</param>
/// <param name="Tracks">For each of those windows the row of the lane in which it overlaps no other, from 0.</param>
/// <param name="TrackCount">Rows that the lane needs; 0 without windows.</param>
internal sealed record PageFold(IReadOnlyList<int> Pages, IReadOnlyList<int> Windows, IReadOnlyList<int> Tracks, int TrackCount)
{
    /// <summary>The lanes of a conversion, in the order of their first pages.</summary>
    public static IReadOnlyList<PageFold> Of(ConversionSweep sweep)
    {
        Dictionary<int, List<int>> windowsOf = [];
        for (int i = 0; i < sweep.Windows.Count; i++)
        {
            foreach (int page in sweep.Windows[i].Pages.Distinct())
            {
                if (!windowsOf.TryGetValue(page, out List<int>? windows))
                    windowsOf.Add(page, windows = []);

                windows.Add(i);
            }
        }

        return
        [
            .. Enumerable.Range(0, sweep.Subject.Pages).Union(windowsOf.Keys).Order()
                .GroupBy(page => windowsOf.TryGetValue(page, out List<int>? windows) ? string.Join(',', windows) : "", StringComparer.Ordinal)
                .Select(pages => Fold(sweep, [.. pages], windowsOf.GetValueOrDefault(pages.First()) ?? [])),
        ];
    }

    /// <summary>The name of the lane: <c>page 3</c>, <c>pages 0 to 15</c>, <c>pages 0 to 3, 5</c>.</summary>
    public string Title
    {
        get
        {
            StringBuilder text = new(Pages.Count == 1 ? "page " : "pages ");
            for (int i = 0; i < Pages.Count;)
            {
                int next = i + 1;
                while (next < Pages.Count && Pages[next] == Pages[next - 1] + 1)
                    next++;

                text.Append(i == 0 ? "" : ", ").Append(CultureInfo.InvariantCulture, $"{Pages[i]}");
                if (next - i > 1)
                    text.Append(CultureInfo.InvariantCulture, $" to {Pages[next - 1]}");

                i = next;
            }

            return text.ToString();
        }
    }

    /// <summary>Puts each window into the first row that is free at its beginning; <paramref name="windows"/> come in order of their beginning.</summary>
    private static PageFold Fold(ConversionSweep sweep, int[] pages, List<int> windows)
    {
        List<ulong> ends = [];
        List<int> tracks = [];
        foreach (int index in windows)
        {
            SweepWindow window = sweep.Windows[index];
            int track = ends.FindIndex(end => end < window.First);
            if (track < 0)
            {
                track = ends.Count;
                ends.Add(0);
            }

            ends[track] = window.Last;
            tracks.Add(track);
        }

        return new PageFold(pages, windows, tracks, ends.Count);
    }
}
