// SPDX-License-Identifier: Apache-2.0

using System.Collections.Generic;
using System.Linq;
using System.Threading.Tasks;
using Microsoft.Playwright;

namespace Liminal.Trace.Tests;

/// <summary>The page of a report as a reader meets it.</summary>
public sealed class CheckReportHtmlTests(Browser browser)
{
    private const string Counterexample = "#/rfc-2023/decrypt/snp/TranslationSucceeds/0";

    [Fact]
    public async Task The_page_opens_from_disk_without_a_complaint_and_asks_the_network_for_nothing()
    {
        await using OpenPage open = await browser.Open(SampleReport.Full);

        await open.Page.Locator("[data-cell='rfc-2023/decrypt/snp']").ClickAsync();
        await open.Page.Locator(".follow").First.ClickAsync();
        await open.Page.Locator(".steps li").First.WaitForAsync();

        Assert.Empty(open.Complaints);
        Assert.Empty(open.Requests);
    }

    [Fact]
    public async Task Every_cell_shows_the_verdicts_of_the_report()
    {
        await using OpenPage open = await browser.Open(SampleReport.Full);

        foreach (CellReport cell in SampleReport.Full.Cells)
        {
            string? words = await Cell(open, cell).GetAttributeAsync("data-words");

            string failures = cell.Explorations.Any(run => run.Failures) ? $"; with failures {Words(cell, failures: true)}" : "";
            Assert.Equal(Words(cell, failures: false) + failures, words);
        }
    }

    [Fact]
    public async Task The_property_filter_changes_the_verdict_of_a_cell()
    {
        await using OpenPage open = await browser.Open(SampleReport.Full);
        ILocator cell = open.Page.Locator("[data-cell='rfc-2023/decrypt/snp']");

        await open.Page.SelectOptionAsync("#filter-property", "StrayLoadsTakePageFaultsOnly");

        Assert.Equal("holds; with failures holds", await cell.GetAttributeAsync("data-words"));
    }

    [Fact]
    public async Task The_host_filter_leaves_the_runs_of_that_host()
    {
        await using OpenPage open = await browser.Open(SampleReport.Full);
        ILocator cell = open.Page.Locator("[data-cell='linux-6.12-tdx/encrypt/tdx']");
        Assert.StartsWith("depends", await cell.GetAttributeAsync("data-words"));

        await open.Page.SelectOptionAsync("#filter-host", "implicit-convert");

        Assert.Equal("violated: 1 property; with failures violated: 1 property", await cell.GetAttributeAsync("data-words"));
    }

    [Fact]
    public async Task The_platform_filter_takes_its_column_away()
    {
        await using OpenPage open = await browser.Open(SampleReport.Full);

        await open.Page.Locator("[data-platform='snp']").ClickAsync();

        Assert.Equal(0, await open.Page.Locator("[data-cell$='/snp']").CountAsync());
        Assert.NotEqual(0, await open.Page.Locator("[data-cell$='/tdx']").CountAsync());
    }

    [Fact]
    public async Task The_verdict_filter_leaves_rows_with_that_verdict_only()
    {
        await using OpenPage open = await browser.Open(SampleReport.Full);

        foreach (string verdict in new[] { "holds", "depends", "violated", "notApplicable" })
            await open.Page.Locator($"[data-verdict='{verdict}']").ClickAsync();

        IReadOnlyList<string> rows = await open.Page.Locator(".grid-scroll tbody .protocol code").AllInnerTextsAsync();
        Assert.Equal(["v1-2023"], rows);
    }

    [Fact]
    public async Task The_text_filter_finds_protocols_and_says_when_there_are_none()
    {
        await using OpenPage open = await browser.Open(SampleReport.Full);

        await open.Page.FillAsync("#filter-protocol", "VTOM");
        IReadOnlyList<string> rows = await open.Page.Locator(".grid-scroll tbody .protocol code").AllInnerTextsAsync();
        await open.Page.FillAsync("#filter-protocol", "no such thing");
        string count = await open.Page.InnerTextAsync(".count");

        Assert.Equal(["linux-6.12-vtom"], rows);
        Assert.Equal("No cell matches the filters.", count);
    }

    [Fact]
    public async Task A_cell_that_is_not_applicable_says_why()
    {
        await using OpenPage open = await browser.Open(SampleReport.Full, address: "#/linux-6.12-tdx/decrypt/snp");

        Assert.Contains("linux-6.12-tdx is the code that runs on tdx guests only", await open.Page.InnerTextAsync(".detail"));
    }

    [Fact]
    public async Task The_pane_says_under_which_host_a_property_is_violated()
    {
        await using OpenPage open = await browser.Open(SampleReport.Full, address: "#/linux-6.12-tdx/encrypt/tdx");

        ILocator when = open.Page.Locator("[data-property='StrayLoadsSurvive'] .when");

        Assert.Equal("under implicit-convert", (await when.TextContentAsync())?.Trim());
    }

    [Fact]
    public async Task Arrow_keys_walk_through_the_cells()
    {
        await using OpenPage open = await browser.Open(SampleReport.Full);
        await open.Page.Locator("[data-cell='rfc-2023/decrypt/tdx']").FocusAsync();

        await open.Page.Keyboard.PressAsync("ArrowRight");
        await open.Page.Keyboard.PressAsync("ArrowDown");
        await open.Page.Keyboard.PressAsync("Enter");

        Assert.EndsWith("#/rfc-2023/encrypt/snp", open.Page.Url);
    }

    [Fact]
    public async Task A_cell_opened_with_the_keyboard_is_read_on_in_the_pane_and_left_with_escape()
    {
        await using OpenPage open = await browser.Open(SampleReport.Full);
        await open.Page.Locator("[data-cell='rfc-2023/decrypt/snp']").FocusAsync();

        await open.Page.Keyboard.PressAsync("Enter");
        await open.Page.Locator(".detail h2:focus").WaitForAsync();
        await open.Page.Keyboard.PressAsync("Escape");

        await open.Page.Locator("[data-cell='rfc-2023/decrypt/snp']:focus").WaitForAsync();
        Assert.Equal(0, await open.Page.Locator(".detail").CountAsync());
    }

    [Fact]
    public async Task Keys_step_through_a_counterexample_and_the_tables_follow()
    {
        await using OpenPage open = await browser.Open(SampleReport.Full, address: Counterexample);
        Timeline timeline = SampleTimelines.PvalidateFaults;

        for (int i = 0; i < timeline.Steps.Count; i++)
        {
            Assert.Equal(Tables(timeline.Steps[i]), await DrawnTables(open));
            Assert.Equal(Changed(timeline, i), await open.Page.Locator(".state td.changed").CountAsync());
            await open.Page.Keyboard.PressAsync("ArrowDown");
        }

        await open.Page.Keyboard.PressAsync("Home");
        Assert.Equal(Tables(timeline.Steps[0]), await DrawnTables(open));
        await open.Page.Keyboard.PressAsync("End");
        Assert.Equal(Tables(timeline.Steps[^1]), await DrawnTables(open));
    }

    [Fact]
    public async Task Hovering_shows_a_step_without_choosing_it()
    {
        await using OpenPage open = await browser.Open(SampleReport.Full, address: Counterexample);

        await open.Page.Locator("#step-3").HoverAsync();
        string hovered = await open.Page.InnerTextAsync(".state .place");
        await open.Page.Locator(".conclusion").HoverAsync();
        string left = await open.Page.InnerTextAsync(".state .place");

        Assert.Equal("step 3 of 9", hovered);
        Assert.Equal("step 0 of 9", left);
    }

    [Fact]
    public async Task The_address_leads_to_a_step_and_follows_the_reader()
    {
        await using OpenPage open = await browser.Open(SampleReport.Full, address: Counterexample + "/4");

        string place = await open.Page.InnerTextAsync(".state .place");
        await open.Page.Keyboard.PressAsync("ArrowDown");

        Assert.Equal("step 4 of 9", place);
        Assert.EndsWith(Counterexample + "/5", open.Page.Url);
    }

    [Theory]
    [InlineData("#/no/such/cell")]
    [InlineData("#/rfc-2023/decrypt/snp/TranslationSucceeds/99/5")]
    [InlineData("#/rfc-2023/decrypt/snp/TranslationSucceeds/0/-7")]
    [InlineData("#/%E0%A4%A/decrypt/snp")]
    [InlineData("#//__proto__/constructor")]
    public async Task An_address_that_leads_nowhere_shows_what_there_is(string address)
    {
        await using OpenPage open = await browser.Open(SampleReport.Full, address: address);

        Assert.NotEqual(0, await open.Page.Locator("main .matrix, main .timeline").CountAsync());
        Assert.Empty(open.Complaints);
    }

    [Fact]
    public async Task Dark_differs_from_light_by_the_system_and_by_the_button()
    {
        await using OpenPage light = await browser.Open(SampleReport.Full);
        await using OpenPage dark = await browser.Open(SampleReport.Full, scheme: ColorScheme.Dark);

        string lightPaper = await Paper(light);
        string darkPaper = await Paper(dark);
        await light.Page.ClickAsync("#theme");

        Assert.NotEqual(lightPaper, darkPaper);
        Assert.Equal(darkPaper, await Paper(light));
    }

    [Theory]
    [InlineData("")]
    [InlineData("#/rfc-2023/decrypt/snp")]
    [InlineData(Counterexample + "/3")]
    public async Task On_a_phone_the_page_does_not_scroll_sideways(string address)
    {
        await using OpenPage open = await browser.Open(SampleReport.Full, width: 390, height: 844, address: address);

        int width = await open.Page.EvaluateAsync<int>("document.documentElement.scrollWidth");

        Assert.Equal(390, width);
    }

    [Fact]
    public async Task Printing_tells_every_step_on_light_paper()
    {
        await using OpenPage light = await browser.Open(SampleReport.Full, address: Counterexample);
        await using OpenPage open = await browser.Open(SampleReport.Full, scheme: ColorScheme.Dark, address: Counterexample);
        string lightInk = await light.Page.EvaluateAsync<string>("getComputedStyle(document.documentElement).color");

        await open.Page.EmulateMediaAsync(new PageEmulateMediaOptions { Media = Media.Print });

        Assert.Equal(lightInk, await open.Page.EvaluateAsync<string>("getComputedStyle(document.documentElement).color"));
        foreach (TimelineStep step in SampleTimelines.PvalidateFaults.Steps)
            Assert.True(await open.Page.Locator(".print-only", new PageLocatorOptions { HasTextString = step.Detail }).First.IsVisibleAsync());
    }

    [Fact]
    public async Task An_interrupted_run_is_called_one()
    {
        await using OpenPage open = await browser.Open(SampleReport.Full with { Interrupted = true });

        Assert.Contains("interrupted", await open.Page.InnerTextAsync("[role=alert]"));
    }

    private static ILocator Cell(OpenPage open, CellReport cell) =>
        open.Page.Locator($"[data-cell='{cell.Protocol}/{cell.Direction}/{cell.Platform}']");

    /// <summary>The summary in the page's words, from the summary that the terminal uses.</summary>
    private static string Words(CellReport cell, bool failures)
    {
        CellSummary summary = CellSummary.Of(cell, failures);
        string properties = summary.ViolatedProperties == 1 ? "1 property" : $"{summary.ViolatedProperties} properties";
        return summary.Word switch
        {
            CellVerdict.Holds => "holds",
            CellVerdict.Depends => $"depends on the host or a setting: {properties} violated under some",
            CellVerdict.Violated => $"violated: {properties}",
            CellVerdict.Inconclusive => "inconclusive",
            CellVerdict.NotApplicable => "not applicable",
            _ => "not explored",
        };
    }

    private static string Tables(TimelineStep step) => string.Join('\n', step.State.SelectMany(table => table.Rows
        .Select(row => string.Join(" | ", row.Cells.Prepend(row.Name)))));

    private static async Task<string> DrawnTables(OpenPage open) => await open.Page.EvaluateAsync<string>(
        """
        [...document.querySelectorAll(".state tbody tr")].map(row => [...row.children].map(cell => {
          const copy = cell.cloneNode(true);
          copy.querySelectorAll(".mark, .was").forEach(extra => extra.remove());
          return copy.textContent;
        }).join(" | ")).join("\n")
        """);

    private static int Changed(Timeline timeline, int step)
    {
        var changes = StateChanges.Of(timeline, step);
        return timeline.Steps[step].State.Sum(table => table.Rows.Sum(row =>
            Enumerable.Range(0, row.Cells.Count).Count(column => changes.Contains(table, row, column))));
    }

    private static Task<string> Paper(OpenPage open) =>
        open.Page.EvaluateAsync<string>("getComputedStyle(document.documentElement).backgroundColor");
}
