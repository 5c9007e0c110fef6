// SPDX-License-Identifier: Apache-2.0

using System.Linq;

namespace Liminal.Trace.Tests;

/// <summary>Sweep reports with something special in every place that has a text, or with very much in them.</summary>
internal static class AnySweep
{
    /// <summary>A violated sweep in which every text is the same.</summary>
    public static SweepReport Saying(string text)
    {
        Timeline timeline = new TimelineSketch(text, new Lane(text, text, LaneKind.Page))
            .Start(text)
            .Step(text, text, text, text, StepTone.Violation)
            .End(text);
        SweepEvent happened = new(10, 0, SweepEventKind.PteStore, text, text, text, [0], text, text, [text], StepTone.Notable);
        StrayLoadRun run = new(12, 1, 0, text, text, StrayLoadEnd.Terminated, text, 5, [text], [text]);
        SweepWindow window = new(11, 14, [0], [text], TranslationOrigin.Cached, text, [text], StrayLoadEnd.Terminated, text, 0, -1, [run]);
        ConversionSweep sweep = new(
            text, text, text, text, [text], new SweepSubject(text, text, 1, 7, 2, text, [text]), text, text, 10, 20, [new Lane(text, text, LaneKind.Converter)],
            [happened], [window], [new PropertyVerdict(text, Verdict.Violated, text, timeline), new PropertyVerdict(text, Verdict.Inconclusive, text, null)],
            new ConversionCost(1, 1, 1, 1, 1, 1, 1, 1, [new PhaseCost(text, 1)]), 1, 1, 1, .5, text);
        return SampleSweeps.Full with
        {
            Tool = text,
            Version = text,
            CommandLine = text,
            Kernels = [new KernelEntry(text, text, text, text)],
            Sweeps = [sweep],
            Costs = CostComparison.Of([sweep]),
            NotSwept = [text],
            Interrupted = true,
            Platforms = [new PlatformEntry(text, text)],
            Properties = [new PropertyEntry(text, text)],
            Hosts = [new HostEntry(text, text)],
        };
    }

    /// <summary>So many events on so many pages; every second event concerns all pages, and a window opens at every hundredth.</summary>
    public static SweepReport Large(int events, int pages)
    {
        int[] all = [.. Enumerable.Range(0, pages)];
        SweepEvent[] made =
        [
            .. Enumerable.Range(0, events).Select(i => new SweepEvent(
                1000 + (ulong)(i * 97), i % 2, i % 2 == 0 ? SweepEventKind.PteStore : SweepEventKind.TlbFlush, $"cpu {i % 2}", $"does number {i}", $"{i:x16}",
                i % 2 == 0 ? [i % pages] : all, $"function_{i % 7}+0x{i:x}/0xfff", "mov [rdi],rsi", [.. Enumerable.Range(0, 12).Select(frame => $"frame_{frame}+0x{i % 30:x}/0x90")], StepTone.Normal)),
        ];
        SweepWindow[] windows =
        [
            .. Enumerable.Range(0, events / 100).Select(i => new SweepWindow(
                1000 + (ulong)(i * 9700), 1000 + (ulong)(i * 9700) + 20_000, [.. all.Where(page => page % 5 == i % 5)], ["direct map"], TranslationOrigin.Walked, "PageFault", ["Private"],
                StrayLoadEnd.Repaired, "the handler repairs the load", i * 100, -1, [])),
        ];
        Timeline told = new("t", "the last word", [new Lane("cpu 0", "CPU 0", LaneKind.Converter), new Lane("cpu 1", "CPU 1", LaneKind.Cpu)],
            [.. made.Select((one, i) => new TimelineStep(i, one.Lane, one.Title, one.Detail, one.Symbol, StepTone.Normal, []))]);
        ConversionSweep sweep = SampleSweeps.Full.Sweeps[0];
        return SampleSweeps.Of(sweep with
        {
            Subject = sweep.Subject with { Pages = pages },
            FirstInstruction = 1000,
            LastInstruction = 1000 + (ulong)(events * 97),
            Events = made,
            Windows = windows,
            Properties = [new PropertyVerdict("StrayLoadsSurvive", Verdict.Violated, "the last word", told)],
        });
    }
}
