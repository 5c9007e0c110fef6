// SPDX-License-Identifier: Apache-2.0

using System.Collections.Generic;
using System.Linq;
using System.Threading.Tasks;
using Microsoft.Playwright;

namespace Liminal.Trace.Tests;

/// <summary>The page of a sweep as a reader meets it.</summary>
public sealed class SweepReportHtmlTests(Browser browser)
{
    private const string Snp = "#/snp/decrypt/1";

    private static readonly ConversionSweep First = SampleSweeps.Full.Sweeps[0];

    [Fact]
    public async Task The_page_opens_from_disk_without_a_complaint_and_asks_the_network_for_nothing()
    {
        await using OpenPage open = await browser.Open(SampleSweeps.Full);

        for (int row = 0; row < 5; row++)
        {
            await open.Page.Locator("a.enter").Nth(row).ClickAsync();
            await open.Page.Locator(".conversion").WaitForAsync();
            await open.Page.Keyboard.PressAsync("End");
            await open.Page.Keyboard.PressAsync("Escape");
            await open.Page.Locator(".summary").WaitForAsync();
        }

        Assert.Empty(open.Complaints);
        Assert.Empty(open.Requests);
    }

    [Fact]
    public async Task Sweeps_that_came_to_the_same_are_one_line_with_all_their_settings()
    {
        await using OpenPage open = await browser.Open(SampleSweeps.Full);

        IReadOnlyList<string> lines = await open.Page.Locator("tr[data-group]").EvaluateAllAsync<string[]>("rows => rows.map(row => row.dataset.group)");
        string both = await open.Page.InnerTextAsync("tr[data-group='snp/decrypt/1'] .conditions");
        string other = await open.Page.InnerTextAsync("tr[data-group='snp/decrypt/2'] .conditions");

        Assert.Equal(["snp/decrypt/1", "snp/decrypt/2", "vtom/encrypt/1", "tdx/encrypt/1", "tdx/decrypt/1"], lines);
        Assert.Equal("under cooperative", Flat(both));
        Assert.Equal("under implicit-convert", Flat(other));
    }

    [Fact]
    public async Task A_line_has_the_verdicts_the_longest_window_and_the_worst_end()
    {
        await using OpenPage open = await browser.Open(SampleSweeps.Full);

        Assert.Equal(2, await open.Page.Locator("tr[data-group='snp/decrypt/1'] td.verdict a.violated").CountAsync());
        Assert.Equal(0, await open.Page.Locator("tr[data-group='vtom/encrypt/1'] td.verdict a").CountAsync());
        Assert.Equal(["39,455", "Terminated"], await Cells(open, "snp/decrypt/1"));
        Assert.Equal(["26,543", "Repaired"], await Cells(open, "vtom/encrypt/1"));
        Assert.Equal(["40", "no load was run"], await Cells(open, "tdx/encrypt/1"));
        Assert.Equal(["none", "no window"], await Cells(open, "tdx/decrypt/1"));
    }

    [Theory]
    [InlineData(StrayLoadEnd.Completed, "39,455")]
    [InlineData(StrayLoadEnd.Terminated, "1,000,000")]
    public async Task A_window_of_a_held_translation_counts_for_the_longest_as_in_the_terminal(StrayLoadEnd end, string longest)
    {
        ConversionSweep sweep = SampleSweeps.Full.Sweeps[0];
        SweepWindow window = sweep.Windows.First(static one => one.Runs.Count > 0);
        SweepWindow held = window with { Translation = TranslationOrigin.Cached, Last = window.First + 999_999, End = end };
        await using OpenPage open = await browser.Open(SampleSweeps.Full with { Sweeps = [sweep with { Windows = [.. sweep.Windows, held] }] });

        Assert.Equal([longest, "Terminated"], await Cells(open, "snp/decrypt/1"));
    }

    [Fact]
    public async Task A_window_leads_to_the_event_that_opened_it_and_to_the_one_that_closed_it()
    {
        await using OpenPage open = await browser.Open(SampleSweeps.Full, address: Snp);
        ILocator window = open.Page.Locator("li.window").First;

        await window.Locator("[data-jump='opened']").ClickAsync();
        string opened = await open.Page.InnerTextAsync(".state");
        string openedUrl = await Address(open);
        await window.Locator("[data-jump='closed']").ClickAsync();
        string closed = await open.Page.InnerTextAsync(".state");

        Assert.EndsWith(Snp + "/event/3", openedUrl);
        Assert.Contains("Rescind4K of page 0: Done", opened);
        Assert.Contains("pvalidate_pages+0xac/0x200", opened);
        Assert.Contains("set_pages_state+0x44e/0x4a0", opened);
        Assert.Contains("opens", opened);
        Assert.EndsWith(Snp + "/event/11", await Address(open));
        Assert.Contains("carries out the page state change", closed);
    }

    [Fact]
    public async Task The_bar_of_a_window_shows_its_stray_loads_with_stack_and_console()
    {
        await using OpenPage open = await browser.Open(SampleSweeps.Full, address: "#/vtom/encrypt/1/event/1");

        await open.Page.Locator("g.bar[data-window='0']").ClickAsync();
        string pane = await open.Page.InnerTextAsync(".state");

        Assert.EndsWith("#/vtom/encrypt/1/window/1", await Address(open));
        Assert.Contains("the handler repairs the load", pane);
        Assert.Contains("full_name_hash+0x10/0xa0", pane);
        Assert.Contains("and <another>", pane);
        Assert.Contains("26,543", pane);
    }

    [Fact]
    public async Task A_mark_shows_stack_and_disassembly_of_its_event()
    {
        await using OpenPage open = await browser.Open(SampleSweeps.Full, address: "#/vtom/encrypt/1");

        await open.Page.Locator("svg[data-row='host'] g.mark").First.ClickAsync();
        string pane = await open.Page.InnerTextAsync(".state");

        Assert.EndsWith("#/vtom/encrypt/1/event/4", await Address(open));
        Assert.Contains("vmmcall", pane);
        Assert.Contains("ffffc9000000b000", pane);
    }

    [Fact]
    public async Task Pages_in_the_same_windows_share_a_row_until_they_are_unfolded()
    {
        await using OpenPage open = await browser.Open(SampleSweeps.Full, address: "#/vtom/encrypt/1");

        string[] folded = await Rows(open);
        await open.Page.Locator("button.unfold").First.ClickAsync();
        string[] unfolded = await Rows(open);

        Assert.Equal(["CPU 0", "CPU 1", "host", "pages 0 to 1", "page 2"], folded);
        Assert.Equal(["CPU 0", "CPU 1", "host", "pages 0 to 1", "page 0", "page 1", "page 2"], unfolded);
        Assert.Equal(4, await open.Page.Locator("g.bar").CountAsync());
    }

    [Fact]
    public async Task Windows_that_overlap_are_drawn_below_each_other()
    {
        await using OpenPage open = await browser.Open(SampleSweeps.Full, address: "#/vtom/encrypt/1");

        float[] tops = await open.Page.Locator("svg[data-row='fold 0'] g.bar rect").EvaluateAllAsync<float[]>("bars => bars.map(bar => bar.y.baseVal.value)");

        Assert.Equal(2, tops.Distinct().Count());
    }

    [Theory]
    [InlineData("events")]
    [InlineData("instructions")]
    public async Task The_shortest_window_is_seen_at_either_scale(string scale)
    {
        await using OpenPage open = await browser.Open(SampleSweeps.Full, address: Snp);

        await open.Page.Locator($"[data-scale='{scale}']").ClickAsync();
        float width = await open.Page.Locator("g.bar[data-window='0'] rect").First.EvaluateAsync<float>("bar => bar.width.baseVal.value");

        Assert.InRange(width, 4, 200);
    }

    [Fact]
    public async Task Zooming_to_a_window_gives_it_most_of_the_width()
    {
        await using OpenPage open = await browser.Open(SampleSweeps.Full, address: Snp);
        await open.Page.Locator("[data-scale='instructions']").ClickAsync();
        float before = await BarWidth(open);

        await open.Page.Locator("li.window .zoom").First.ClickAsync();
        float zoomed = await BarWidth(open);
        await open.Page.Keyboard.PressAsync("0");

        Assert.True(zoomed > 20 * before, $"{before} to {zoomed}");
        Assert.Equal(before, await BarWidth(open));
    }

    [Fact]
    public async Task Failures_that_came_to_the_same_are_one_row_under_their_caller()
    {
        PagesLeft mixed = new(8, 15, "Private", ["direct map: shared"], PageCondition.Mixed, "oops", "page fault");
        FailureCase refused = new(
            "6.12.1", "vtom", "decrypt", "dma_direct_alloc()", ConversionFault.Refuse, 0, 3, "16 pages: Refused after 8", "-EFAULT (-14)", "failure", null,
            [mixed], PageFate.Leaked, Verdict.Violated, "page 8 is <b>mixed</b>", []);
        SweepReport report = SampleSweeps.Full with { Failures = [refused, refused with { Number = 1 }], FailuresNotTried = ["tdx: <i>no</i> caller"] };

        await using OpenPage open = await browser.Open(report);
        string row = Flat(await open.Page.InnerTextAsync(".failures tbody"));

        Assert.Equal("violated refuse call 0-1 of 3 -EFAULT (-14) leaks 8-15 mixed (Private, mapped shared): oops", row);
        Assert.Equal("page 8 is <b>mixed</b>", await open.Page.GetAttributeAsync(".failures tbody td", "title"));
        Assert.Contains("tdx: <i>no</i> caller", await open.Page.Locator(".failures details").TextContentAsync(), System.StringComparison.Ordinal);
    }

    [Fact]
    public async Task Keys_walk_through_events_and_windows()
    {
        await using OpenPage open = await browser.Open(SampleSweeps.Full, address: Snp);
        List<string> visited = [];

        foreach (string key in new[] { "Home", "ArrowRight", "End", "ArrowLeft", "w", "w", "o", "c", "Shift+W" })
        {
            await open.Page.Keyboard.PressAsync(key);
            visited.Add((await Address(open))[Snp.Length..]);
        }

        Assert.Equal(["/event/1", "/event/2", "/event/17", "/event/16", "/window/1", "/window/2", "/event/7", "/event/15", "/window/1"], visited);
    }

    [Fact]
    public async Task A_kind_of_event_can_be_switched_off_in_list_and_chart()
    {
        await using OpenPage open = await browser.Open(SampleSweeps.Full, address: Snp);

        await open.Page.Locator("[data-kind='PageState']").ClickAsync();

        Assert.Equal("13 of 17 events", await open.Page.InnerTextAsync(".events .count"));
        Assert.Equal(13, await open.Page.Locator(".event-line").CountAsync());
    }

    [Fact]
    public async Task Verdicts_come_with_their_reasons_and_counterexamples()
    {
        await using OpenPage open = await browser.Open(SampleSweeps.Full, address: Snp);

        string reason = await open.Page.InnerTextAsync("[data-property='StrayLoadsSurvive'] .reason");
        await open.Page.Locator("[data-property='StrayLoadsSurvive'] .follow").ClickAsync();
        await open.Page.Keyboard.PressAsync("End");
        string last = await open.Page.InnerTextAsync(".state");
        string url = await Address(open);
        await open.Page.Keyboard.PressAsync("Escape");

        Assert.Equal(First.Properties[0].Reason, reason);
        Assert.Contains("loads across the edge of page 0", last);
        Assert.EndsWith(Snp + "/StrayLoadsSurvive/4", url);
        Assert.Equal(1, await open.Page.Locator(".conversion").CountAsync());
    }

    [Fact]
    public async Task Cost_is_counted_and_told_by_phase()
    {
        await using OpenPage open = await browser.Open(SampleSweeps.Full, address: Snp);

        string cost = Flat(await open.Page.InnerTextAsync(".cost"));

        Assert.Contains("instructions of the converting processor 82,366", cost);
        Assert.Contains("PTE stores (1.0 a page) 4", cost);
        Assert.Contains("vm_unmap_aliases 8,183", cost);
    }

    [Fact]
    public async Task A_guest_that_did_not_go_on_and_a_sweep_that_was_cut_short_say_so()
    {
        await using OpenPage open = await browser.Open(SampleSweeps.Full, address: "#/tdx/decrypt/1");

        string heading = await open.Page.InnerTextAsync(".heading");

        Assert.Contains("returned never", heading);
        Assert.Contains("MapGPA of a page that it does not own", heading);
        Assert.Contains("not every stray load was tried", heading);
        Assert.Contains("Nothing was recorded.", await open.Page.InnerTextAsync(".state"));
    }

    [Fact]
    public async Task Conversions_of_a_boot_are_told_apart_by_their_causes_and_those_not_swept_are_listed()
    {
        SweepReport boot = SampleSweeps.Of(First, First with { Subject = First.Subject with { Cause = "set_memory_decrypted(ffff888000000000, 4) during boot, for swiotlb_init", Number = 7 } });
        await using OpenPage open = await browser.Open(boot with { NotSwept = ["6.12 snp: conversion 3, not swept: as conversion 2"] });

        IReadOnlyList<string> subjects = await open.Page.Locator("td.subject").AllInnerTextsAsync();
        await open.Page.Locator(".not-swept summary").ClickAsync();

        Assert.Equal(2, subjects.Count);
        Assert.Contains("for swiotlb_init", subjects[1]);
        Assert.StartsWith("conversion 7 of the boot", subjects[1]);
        Assert.Contains("as conversion 2", await open.Page.InnerTextAsync(".not-swept li"));
    }

    [Fact]
    public async Task An_interrupted_run_is_called_one()
    {
        await using OpenPage open = await browser.Open(SampleSweeps.Full with { Interrupted = true, Sweeps = [] });

        Assert.Contains("interrupted", await open.Page.InnerTextAsync("[role=alert]"));
        Assert.Contains("No conversion was swept.", await open.Page.InnerTextAsync(".summary"));
        Assert.Empty(open.Complaints);
    }

    [Theory]
    [InlineData("#/snp/decrypt/99")]
    [InlineData("#/snp/decrypt/1/event/9999")]
    [InlineData("#/snp/decrypt/1/window/-1")]
    [InlineData("#/snp/decrypt/1/NoSuchProperty/3")]
    [InlineData("#/%E0%A4%A/decrypt")]
    [InlineData("#//__proto__/constructor")]
    public async Task An_address_that_leads_nowhere_shows_what_there_is(string address)
    {
        await using OpenPage open = await browser.Open(SampleSweeps.Full, address: address);

        Assert.NotEqual(0, await open.Page.Locator("main .summary, main .conversion").CountAsync());
        Assert.Empty(open.Complaints);
    }

    [Theory]
    [InlineData("")]
    [InlineData(Snp)]
    [InlineData(Snp + "/window/1")]
    [InlineData(Snp + "/StrayLoadsSurvive")]
    public async Task On_a_phone_the_page_does_not_scroll_sideways(string address)
    {
        await using OpenPage open = await browser.Open(SampleSweeps.Full, width: 390, height: 844, address: address);

        Assert.Equal(390, await open.Page.EvaluateAsync<int>("document.documentElement.scrollWidth"));
    }

    [Fact]
    public async Task Dark_differs_from_light()
    {
        await using OpenPage light = await browser.Open(SampleSweeps.Full, address: Snp);
        await using OpenPage dark = await browser.Open(SampleSweeps.Full, scheme: ColorScheme.Dark, address: Snp);
        const string Bar = "getComputedStyle(document.querySelector('g.bar')).fill";

        Assert.NotEqual(await light.Page.EvaluateAsync<string>(Bar), await dark.Page.EvaluateAsync<string>(Bar));
    }

    /// <summary>What the address bar names, asked of the page itself: what the driver knows of it comes later.</summary>
    private static Task<string> Address(OpenPage open) => open.Page.EvaluateAsync<string>("location.hash");

    private static async Task<string[]> Cells(OpenPage open, string group) =>
    [
        await open.Page.InnerTextAsync($"tr[data-group='{group}'] td.number >> nth=0"),
        await open.Page.InnerTextAsync($"tr[data-group='{group}'] td.worst"),
    ];

    private static Task<string[]> Rows(OpenPage open) =>
        open.Page.Locator(".row-label").EvaluateAllAsync<string[]>("labels => labels.map(label => label.title)");

    private static Task<float> BarWidth(OpenPage open) =>
        open.Page.Locator("g.bar[data-window='0'] rect").First.EvaluateAsync<float>("bar => bar.width.baseVal.value");

    private static string Flat(string text) => string.Join(' ', text.Split([' ', '\n', '\t'], System.StringSplitOptions.RemoveEmptyEntries));
}
