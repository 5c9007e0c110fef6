// SPDX-License-Identifier: Apache-2.0

using System.Collections.Generic;
using System.Linq;
using Liminal.Platform;
using Liminal.Sweep.Recording;
using Liminal.Trace;

namespace Liminal.Sweep.Probing;

/// <summary>Puts spans of single mappings together to the windows of a report.</summary>
internal static class WindowFinder
{
    private static readonly bool[] Ends = [false, true];

    /// <summary>One window for each mapping area and situation: from the first page that enters it to the last that leaves it.</summary>
    public static IReadOnlyList<SweepWindow> Find(
        ConversionRecord record, IReadOnlyDictionary<ProbeKey, IReadOnlyList<StrayLoadRun>> runs, ConfidentialPlatform platform)
    {
        List<SweepWindow> windows = [];
        foreach (IGrouping<(string Region, Situation Situation), MappingSpan> group in record.Spans.GroupBy(static span => (span.Mapping.Region, span.Situation)))
        {
            foreach (List<MappingSpan> spans in Contiguous(group))
            {
                IReadOnlyList<StrayLoadRun> own =
                    [.. Ends.SelectMany(atEnd => runs.GetValueOrDefault(new ProbeKey(group.Key.Region, group.Key.Situation, atEnd), []))];
                windows.Add(Window(spans, group.Key.Situation, own, platform));
            }
        }

        return [.. windows.OrderBy(static window => window.First).ThenBy(static window => window.Last)];
    }

    /// <summary>Runs of spans without a gap between one and the next.</summary>
    private static List<List<MappingSpan>> Contiguous(IEnumerable<MappingSpan> spans)
    {
        List<List<MappingSpan>> runs = [];
        ulong end = 0;
        foreach (MappingSpan span in spans.OrderBy(static span => span.First))
        {
            if (runs.Count == 0 || span.First > end + 1)
                runs.Add([]);

            runs[^1].Add(span);
            end = span.Last > end || runs[^1].Count == 1 ? span.Last : end;
        }

        return runs;
    }

    private static SweepWindow Window(List<MappingSpan> spans, Situation situation, IReadOnlyList<StrayLoadRun> runs, ConfidentialPlatform platform)
    {
        StrayLoadEnd end = runs.Count == 0 ? StrayLoadEnd.Unknown : runs.Max(static run => run.End);
        string conclusion = runs.Count == 0
            ? "no load can begin there: wherever it was tried, the page before is not mapped, or in transition too"
            : runs.First(run => run.End == end).Detail;
        string meets = situation.HostActs ? $"{situation.Outcome} after an exit" : situation.Outcome.ToString();
        return new SweepWindow(
            spans.Min(static span => span.First),
            spans.Max(static span => span.Last),
            [.. spans.Select(static span => span.Mapping.Page).Distinct().Order()],
            [spans[0].Mapping.Region],
            situation.IsHeld ? TranslationOrigin.Cached : TranslationOrigin.Walked,
            meets,
            [platform.States[situation.State.Value].Name],
            end,
            conclusion,
            spans[0].Opened,
            spans[^1].Closed,
            runs);
    }
}
