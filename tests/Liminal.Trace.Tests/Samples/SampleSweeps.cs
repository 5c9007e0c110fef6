// SPDX-License-Identifier: Apache-2.0

using System.Collections.Generic;
using System.Linq;

namespace Liminal.Trace.Tests;

/// <summary>A sweep report in small: the same sorts of windows, ends, verdicts and events that a real one has.</summary>
internal static class SampleSweeps
{
    private const ulong Entry = 443_348_257;

    private static readonly PropertyEntry[] Properties =
    [
        new("StrayLoadsSurvive", "No stray load ends in the termination of the guest."),
        new("StrayLoadsTakePageFaultsOnly", "Every stray load completes or takes a #PF that the exception table repairs."),
        new("TranslationSucceeds", "Every address translation of the conversion finds the frame."),
        new("NoPlaintextReachesTheHost", "The host sees no contents of a private page."),
    ];

    private static readonly string[] Stack =
        ["pvalidate_pages+0xac/0x200", "set_pages_state+0x44e/0x4a0", "amd_enc_status_change_prepare+0x37/0x50", "? fixed_percpu_data+0x7c/0x1000 ?"];

    /// <summary>A host that refuses at two of three calls with the same result, and one that lies.</summary>
    public static IReadOnlyList<FailureCase> Failures
    {
        get
        {
            FailureCase refused = new(
                "6.12.1", "vtom", "decrypt", "dma_direct_alloc()", ConversionFault.Refuse, 0, 3, "16 pages: Refused after 8", "-EFAULT (-14)", "failure", null,
                [new PagesLeft(8, 15, "Private", ["direct map: shared"], PageCondition.Mixed, "oops", "page fault")], PageFate.Freed, Verdict.Violated, "page 8 stays mixed", []);
            return
            [
                refused, refused with { Number = 1 },
                refused with { Fault = ConversionFault.Lie, Result = "0", Verdict = Verdict.NotApplicable, Reason = "the conversion does not fail" },
            ];
        }
    }

    /// <summary>Three sweeps that came to the same or not, one that holds, one without a verdict, one whose guest did not go on.</summary>
    public static SweepReport Full { get; } = Of(
        Snp("cooperative", "off"), Snp("cooperative", "on"), Snp("implicit-convert", "off"), Vtom(), Tdx(), Ended());

    /// <summary>A report of these sweeps.</summary>
    public static SweepReport Of(params ConversionSweep[] sweeps) => new(
        SweepReport.CurrentSchemaVersion,
        "liminal",
        "0.1.0",
        "liminal sweep vmlinuz --platform snp,vtom,tdx",
        [new KernelEntry("6.12.1-cloud-amd64", "vmlinuz-6.12.1-cloud-amd64", "6.12.1-cloud-amd64", "8b1a9953c4611296a827abf8c47804d7e6c49c6b")],
        [new PlatformEntry("snp", "AMD SEV-SNP"), new PlatformEntry("vtom", "AMD SEV-SNP in vTOM mode under a paravisor"), new PlatformEntry("tdx", "Intel TDX")],
        Properties,
        [new HostEntry("cooperative", "does what it is asked"), new HostEntry("implicit-convert", "cooperative, and converts a page on an unexpected access")],
        sweeps,
        CostComparison.Of(sweeps),
        Interrupted: false);

    /// <summary>Pages that the host has already, while the leaf is still private: the guest is gone.</summary>
    private static ConversionSweep Snp(string host, string change)
    {
        SweepEvent[] events =
        [
            Boundary(0, "enters the conversion", "set_memory_decrypted+0x0/0x70"),
            Event(13_607, 0, SweepEventKind.Exception, "cpu 0", "takes exception 29 at native_write_msr+0x8/0x30", "error code 7c", [], "asm_exc_vmm_communication+0x0/0x60", "endbr64", StepTone.Notable),
            .. Enumerable.Range(0, 4).Select(page => Event(34_947 + (43 * page), 0, SweepEventKind.GuestOperation, "cpu 0", $"Rescind4K of page {page}: Done", "pvalidate-rescind", [page], Stack[0], "pvalidate")),
            .. Enumerable.Range(0, 4).Select(page => Event(35_856, 0, SweepEventKind.PageState, $"page {page}", "is Hypervisor now", "was Assigned", [page], "sev_es_ghcb_hv_call+0x7d/0x100", "vmgexit")),
            Event(35_856, 0, SweepEventKind.HostCall, "host", "carries out the page state change of pages 0 to 3", "Done", [0, 1, 2, 3], "sev_es_ghcb_hv_call+0x7d/0x100", "vmgexit"),
            .. Enumerable.Range(0, 4).Select(page => Event(75_200 + (37 * page), 0, SweepEventKind.PteStore, "cpu 0", $"makes the leaf shared of page {page} in the direct map", "80080000052f0163 -> 80000000052f0163", [page], "native_set_pte+0x4/0x10", "mov [rdi],rsi")),
            Event(87_003, 1, SweepEventKind.TlbFlush, "cpu 1", "drops its translation of pages 0 to 3", "Invlpg ffff8880052e1000", [0, 1, 2, 3], "native_flush_tlb_one_user+0x25/0xb0", "invlpg [rdi]"),
            Boundary(93_643, "returns", "__do_sys_ni_syscall+0x4/0x10"),
        ];
        const string Gone = "exception 29 (error code 404) at full_name_hash+0x10/0xa0; the guest was terminated: the guest asked for its termination, 0:0: general request";
        bool converts = host == "implicit-convert";
        SweepWindow[] windows =
        [
            Window(34_948, 35_856, 4, "VmmCommunicationException", "Assigned", StrayLoadEnd.Terminated, Gone, 2, 10, Run(34_948, 0, StrayLoadEnd.Terminated, Gone), Run(35_856, 3, StrayLoadEnd.Terminated, Gone)),
            Window(35_857, 75_311, 4, converts ? "VmmCommunicationException after an exit" : "GuestTerminated after an exit", "Hypervisor", StrayLoadEnd.Terminated, converts ? Gone : "no exception; the guest was terminated: the hypervisor: Read of page 0x52e1 through a private mapping", 6, 14,
                Run(35_857, 0, StrayLoadEnd.Terminated, converts ? Gone : "no exception; the guest was terminated: the hypervisor: Read of page 0x52e1 through a private mapping")),
        ];
        string reason = $"a stray load through the direct map ends the guest: {Gone}";
        return Sweep(
            "snp", "decrypt", host, [$"rmp-change-invalidates-tlb={change}"], 4, events, windows,
            [
                new PropertyVerdict("StrayLoadsSurvive", Verdict.Violated, reason, Counterexample(reason, events, 2)),
                new PropertyVerdict("StrayLoadsTakePageFaultsOnly", Verdict.Violated, "a stray load through the direct map meets VmmCommunicationException", Counterexample("a stray load through the direct map meets VmmCommunicationException", events, 2)),
                new PropertyVerdict("TranslationSucceeds", Verdict.Holds, null, null),
                NotJudged,
            ],
            93_643);
    }

    /// <summary>Not present in two windows that overlap, of which each has half of the pages.</summary>
    private static ConversionSweep Vtom()
    {
        SweepEvent[] events =
        [
            Boundary(0, "enters the conversion", "set_memory_encrypted+0x0/0x70"),
            Event(90_721, 0, SweepEventKind.PteStore, "cpu 0", "clears PRESENT of page 0 in the direct map", "8000000005281163 -> 80007ffffad7e062", [0], "native_set_pte+0x4/0x10", "mov [rdi],rsi"),
            Event(110_799, 0, SweepEventKind.PteStore, "cpu 0", "clears PRESENT of page 1 in the direct map", "8000000005282163 -> 80007ffffad7d062", [1], "native_set_pte+0x4/0x10", "mov [rdi],rsi"),
            Event(117_264, 0, SweepEventKind.HostCall, "host", "carries out the visibility call of pages 0 to 1", "Done", [0, 1], "ffffc9000000b000", "vmmcall"),
            Event(134_635, 0, SweepEventKind.PteStore, "cpu 0", "sets PRESENT of page 1 in the direct map", "8000fffffad73062 -> 800080000528c063", [1], "native_set_pte+0x4/0x10", "mov [rdi],rsi"),
            Boundary(140_469, "returns", "__do_sys_ni_syscall+0x4/0x10"),
        ];
        const string Fixed = "exception 14 (error code 0) at full_name_hash+0x10/0xa0; the handler repairs the load";
        return Sweep(
            "vtom", "encrypt", "cooperative", ["paravisor-injects-mc=off"], 3, events,
            [
                Window(90_722, 117_264, [0, 1], "PageFault", "Private", StrayLoadEnd.Repaired, Fixed, 1, 3, Run(90_722, 0, StrayLoadEnd.Repaired, Fixed, lines: ["[    3.141593] a line of the console", "[    3.141600] and <another>"])),
                Window(110_800, 134_635, [0, 1], "PageFault", "HostVisible", StrayLoadEnd.Repaired, Fixed, 2, 4, Run(110_800, 0, StrayLoadEnd.Repaired, Fixed)),
            ],
            [.. Properties.SkipLast(1).Select(static property => new PropertyVerdict(property.Name, Verdict.Holds, null, null)), NotJudged],
            140_469);
    }

    /// <summary>A window in which no load can begin.</summary>
    private static ConversionSweep Tdx()
    {
        SweepEvent[] events =
        [
            Boundary(0, "enters the conversion", "set_memory_encrypted+0x0/0x70"),
            Event(2_000, 0, SweepEventKind.HostCall, "host", "maps page 0 as private", "Done", [0], "__tdx_hypercall+0x6c/0x90", "tdcall"),
            Event(2_040, 0, SweepEventKind.GuestOperation, "cpu 0", "Accept4K of page 0: Done", "tdg.mem.page.accept", [0], "tdx_accept_memory+0x44/0x80", "tdcall"),
        ];
        const string Untried = "no load can begin there: the page before is in transition too";
        PropertyVerdict open = new("StrayLoadsSurvive", Verdict.Inconclusive, $"no load was run through the direct map where it meets HostExit: {Untried}", null);
        return Sweep(
            "tdx", "encrypt", "cooperative", [], 1, events,
            [Window(2_001, 2_040, 1, "HostExit", "Pending", StrayLoadEnd.Unknown, Untried, 1, -1)],
            [open, open with { Property = "StrayLoadsTakePageFaultsOnly" }, new PropertyVerdict("TranslationSucceeds", Verdict.Holds, null, null), NotJudged],
            3_000);
    }

    /// <summary>A conversion that the guest does not survive, with nothing recorded of it.</summary>
    private static ConversionSweep Ended() => Sweep("tdx", "decrypt", "cooperative", [], 1, [], [], [NotJudged], 512) with
    {
        Result = null,
        Ended = "the guest was terminated: MapGPA of a page that it does not own",
        Incomplete = "not every stray load was tried",
    };

    private static PropertyVerdict NotJudged => new("NoPlaintextReachesTheHost", Verdict.NotApplicable, "a sweep watches no contents: use check", null);

    private static ConversionSweep Sweep(
        string platform, string direction, string host, string[] switches, int pages, SweepEvent[] events, SweepWindow[] windows, PropertyVerdict[] verdicts, ulong length) =>
        new(
            "6.12.1-cloud-amd64", platform, direction, host, switches,
            new SweepSubject($"set_memory_{direction}ed(ffff8880052e1000, {pages})", "direct-map", pages, 0x52e1, 2, null, []),
            "0", null, Entry, Entry + length, Lanes(pages), events, windows, verdicts,
            new ConversionCost(length - 11_277, 11_277, 4, 1, 8, 64, 4, 1, [new PhaseCost("vm_unmap_aliases", 8_183), new PhaseCost("other", length > 20_000 ? length - 19_460 : 100)]),
            1_498_288, windows.Length, windows.Sum(static window => window.Runs.Count), 4.25, null);

    private static Lane[] Lanes(int pages) =>
    [
        new Lane("cpu 0", "CPU 0", LaneKind.Converter), new Lane("cpu 1", "CPU 1", LaneKind.Cpu), new Lane("host", "host", LaneKind.Host),
        .. Enumerable.Range(0, System.Math.Min(pages, 8)).Select(static page => new Lane($"page {page}", $"page {page}", LaneKind.Page)),
    ];

    private static SweepEvent Boundary(int at, string title, string symbol) => Event(at, 0, SweepEventKind.Boundary, "cpu 0", title, "", [], symbol, "endbr64");

    private static SweepEvent Event(
        int at, int cpu, SweepEventKind kind, string lane, string title, string detail, int[] pages, string symbol, string disassembly, StepTone tone = StepTone.Normal) =>
        new(Entry + (ulong)at, cpu, kind, lane, title, detail, pages, symbol, disassembly, [symbol, .. Stack.Skip(1)], tone);

    private static SweepWindow Window(
        int first, int last, int pages, string meets, string state, StrayLoadEnd end, string conclusion, int opened, int closed, params StrayLoadRun[] runs) =>
        Window(first, last, [.. Enumerable.Range(0, pages)], meets, state, end, conclusion, opened, closed, runs);

    private static SweepWindow Window(
        int first, int last, int[] pages, string meets, string state, StrayLoadEnd end, string conclusion, int opened, int closed, params StrayLoadRun[] runs) =>
        new(Entry + (ulong)first, Entry + (ulong)last, pages, ["direct map"], TranslationOrigin.Walked, meets, [state], end, conclusion, opened, closed, runs);

    private static StrayLoadRun Run(int at, int page, StrayLoadEnd end, string detail, params string[] lines) =>
        new(Entry + (ulong)at, 1, page, "direct map", "full_name_hash+0x10/0xa0", end, detail, 147_022,
            end == StrayLoadEnd.Repaired ? [] : ["sev_es_terminate+0x1b/0x30", "kernel_exc_vmm_communication+0x96/0xa0", "full_name_hash+0x10/0xa0"], lines);

    /// <summary>The events until one of them, and the load that met what it left behind.</summary>
    private static Timeline Counterexample(string conclusion, SweepEvent[] events, int last)
    {
        List<TimelineStep> steps = [new TimelineStep(0, "", "before the conversion", "", null, StepTone.Normal, [])];
        for (int i = 0; i <= last; i++)
            steps.Add(new TimelineStep(i + 1, events[i].Lane, events[i].Title, events[i].Detail, events[i].Symbol, i == last ? StepTone.Notable : events[i].Tone, []));

        steps.Add(new TimelineStep(last + 2, "cpu 1", "loads across the edge of page 0 at full_name_hash+0x10/0xa0", "exception 29 (error code 404)", null, StepTone.Violation, []));
        return new Timeline("decrypt: StrayLoadsSurvive", conclusion, Lanes(4), steps);
    }
}
