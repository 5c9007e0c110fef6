// SPDX-License-Identifier: Apache-2.0

using System.Collections.Generic;
using System.Linq;
using Liminal.Trace;

namespace Liminal.Cli.Tests.Sweep;

/// <summary>Reports of sweeps that no kernel made, for what prints them.</summary>
internal static class SweptConversion
{
    public static SweepReport Report(params IReadOnlyList<ConversionSweep> sweeps) => new(
        SweepReport.CurrentSchemaVersion, "liminal", "0.1.0", "liminal sweep vmlinuz", [new KernelEntry("6.12.0-test", "vmlinuz", "6.12.0-test", "00")],
        [new PlatformEntry("snp", "SEV-SNP")], [new PropertyEntry("StrayLoadsSurvive", "No stray load ends the guest.")],
        [new HostEntry("cooperative", "does what it is asked")], sweeps, [], Interrupted: false);

    public static ConversionSweep Of(string host = "cooperative", params IReadOnlyList<SweepWindow> windows) => new(
        "6.12.0-test", "snp", "decrypt", host, ["suppress-ve=off"],
        new SweepSubject("set_memory_decrypted(ffff888000100000, 16)", "direct-map", 16, 0x100, 2, null, []),
        "0", null, 1_000_000, 1_012_345, [new Lane("cpu 0", "CPU 0", LaneKind.Converter)],
        [new SweepEvent(1_000_500, 0, SweepEventKind.PteStore, "cpu 0", "makes the leaf shared of page 0", "1 -> 2", [0], "__change_page_attr+0x10", "mov", [], StepTone.Normal)],
        windows, [Verdict("StrayLoadsSurvive", windows.Any(static window => window.End == StrayLoadEnd.Terminated))],
        new ConversionCost(12_345, 0, 32, 1, 4, 0, 16, 1, []), 500_000, windows.Count, windows.Count * 2, 1.25, null);

    public static SweepWindow Window(StrayLoadEnd end, string conclusion = "the load ends so") => new(
        1_000_500, 1_001_499, [.. Enumerable.Range(0, 16)], ["direct map"], TranslationOrigin.Walked, "VmmCommunicationException", ["AssignedUnvalidated"],
        end, conclusion, 0, -1, [new StrayLoadRun(1_000_500, 1, 0, "direct map", "full_name_hash+0x10", end, conclusion, 100, [], [])]);

    public static FailureCase Failure(ConversionFault fault, int number, params IReadOnlyList<PagesLeft> pages) => new(
        "6.12.0-test", "vtom", "decrypt", "dma_direct_alloc()", fault, number, 3, "MakeShared of 16 pages: Refused after 8", "-EFAULT (-14)", "failure", null,
        pages, PageFate.Leaked, Trace.Verdict.Holds, null, []);

    private static PropertyVerdict Verdict(string property, bool isViolated) => isViolated
        ? new PropertyVerdict(property, Trace.Verdict.Violated, "a stray load ends the guest", null)
        : new PropertyVerdict(property, Trace.Verdict.Holds, null, null);
}
