// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading.Tasks;
using Microsoft.Playwright;

namespace Liminal.Trace.Tests;

/// <summary>The page of a boot as a reader meets it.</summary>
public sealed class BootReportHtmlTests(Browser browser)
{
    private const long Buffer = 16384;

    private static readonly BootConversion First = new(
        200_000_000, 207_000_000, 0, "set_memory_decrypted", true, "shared", "ffff888019e1b000", Buffer, [new FrameRun(0x19e1b, Buffer)], "0",
        ["mem_encrypt_init+0x19/0xe0", "start_kernel+0x1/0x2"],
        [new BootHostCall("MapGpaShared", 0x19e1b, Buffer, Buffer, "Done", false, 1)], [],
        [new PageStateRun(0x19e1b, Buffer, "Mapped", "Free+Shared", "shared", 206_000_000, 206_000_000)]);

    private static readonly BootConversion Second = new(
        400_000_000, null, 1, "<img src=x onerror=alert(1)>", false, "private", null, 8, [new FrameRun(0x19e1b, 8)], null,
        ["</script><script>alert(2)</script>+0x1/0x2"], [new BootHostCall("MapGpaPrivate", 0x19e1b, 8, 4, "Refused", true, 1)],
        [new BootGuestOperation("Accept4K", "Done", 4)], [new PageStateRun(0x19e1b, 4, "Free+Shared", "Pending", "between", 400_000_100, 400_000_200)]);

    private static readonly BootPageReport Report = new(
        "liminal", "1", "liminal boot vmlinuz --platform tdx --html boot.html", "Linux version 6.12", "TDX guest", "refuse", 2, 512ul << 20, "the guest powered off",
        new ConversionCensus(
            null, 500_000_000, "platform", [new FrameRun(0, 131072)], [First, Second],
            [new SharedPages(0x10, 2, "HostVisible", "shared", -1), new SharedPages(0x19e1b, 4, "Pending", "between", 1), new SharedPages(0x19e1f, Buffer - 4, "Free+Shared", "shared", 0)]));

    [Fact]
    public async Task The_page_opens_from_disk_without_a_complaint_and_asks_the_network_for_nothing()
    {
        await using OpenPage open = await Open();

        await open.Page.Locator("[data-conversion='2'] button").ClickAsync();
        await open.Page.Locator(".detail .stack li").First.WaitForAsync();

        Assert.Empty(open.Complaints);
        Assert.Empty(open.Requests);
        Assert.Contains("</script>", await open.Page.InnerTextAsync(".detail .stack"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Every_conversion_and_every_run_of_shared_pages_is_a_row()
    {
        await using OpenPage open = await Open();

        IReadOnlyList<string> conversions = await open.Page.Locator("tr[data-conversion]").AllInnerTextsAsync();
        IReadOnlyList<string> shared = await open.Page.Locator(".boot-table").Nth(1).Locator("tbody tr").AllInnerTextsAsync();

        Assert.Equal(2, conversions.Count);
        Assert.Contains("mem_encrypt_init", conversions[0], StringComparison.Ordinal);
        Assert.Contains("16,384", conversions[0], StringComparison.Ordinal);
        Assert.Contains("no known conversion", conversions[1], StringComparison.Ordinal);
        Assert.Contains("has not returned", conversions[1], StringComparison.Ordinal);
        Assert.Equal(3, shared.Count);
        Assert.Contains("from the start", shared[0], StringComparison.Ordinal);
        Assert.Contains("conversion 2", shared[1], StringComparison.Ordinal);
        Assert.Contains("conversion 1", shared[2], StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_map_draws_each_side_where_and_when_its_pages_were_on_it()
    {
        await using OpenPage open = await Open();

        double[] box = await open.Page.EvaluateAsync<double[]>(
            """
            (() => {
              const ground = document.querySelector(".map-ground").getBBox();
              const buffer = [...document.querySelectorAll("polygon.side.shared")].map(p => p.getBBox()).sort((a, b) => b.height - a.height)[0];
              return [(buffer.x - ground.x) / ground.width, (ground.y + ground.height - buffer.y - buffer.height) / ground.height, buffer.height / ground.height];
            })()
            """);

        // From 206 M of 500 M instructions on; its frames but the eight that conversion 2 names, of 131072.
        Assert.Equal(206.0 / 500, box[0], 3);
        Assert.Equal(0x19e1f / 131072.0, box[1], 3);
        Assert.Equal((Buffer - 4) / 131072.0, box[2], 3);
        Assert.Equal(1, await open.Page.Locator(".side.between").CountAsync());
    }

    [Fact]
    public async Task A_chosen_conversion_is_shown_closely_and_escape_leads_back()
    {
        await using OpenPage open = await Open(address: "#/conversion/1");

        string caption = await open.Page.InnerTextAsync(".map-caption");
        string detail = await open.Page.InnerTextAsync(".detail");
        await open.Page.Keyboard.PressAsync("Escape");
        await open.Page.Locator(".legend").WaitForAsync();

        Assert.Contains("conversion 1: 7,840,000 instructions", caption, StringComparison.Ordinal);
        Assert.Contains("MapGpaShared for 16,384 pages from 0x19e1b: Done", detail, StringComparison.Ordinal);
        Assert.Contains("start_kernel+0x1/0x2", detail, StringComparison.Ordinal);
        Assert.Contains("the whole boot", await open.Page.InnerTextAsync(".map-caption"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("#/conversion/0")]
    [InlineData("#/conversion/99")]
    [InlineData("#/conversion/x")]
    public async Task An_address_that_leads_nowhere_shows_the_whole_boot(string address)
    {
        await using OpenPage open = await Open(address: address);

        Assert.Equal(1, await open.Page.Locator(".legend").CountAsync());
        Assert.Empty(open.Complaints);
    }

    [Fact]
    public async Task Where_the_platform_holds_nothing_the_guest_s_own_conversions_are_drawn()
    {
        BootConversion converted = First with { HostCalls = [], Changes = [] };
        await using OpenPage open = await browser.Open(
            Report with { Census = Report.Census with { HeldBy = "guest", Conversions = [converted], Shared = [new SharedPages(0x19e1b, Buffer, "converted", "shared", 0)] } });

        Assert.Equal(1, await open.Page.Locator(".side.shared").CountAsync());
        Assert.Contains("holds nothing for a page", await open.Page.InnerTextAsync(".legend"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_census_that_is_not_complete_says_so()
    {
        await using OpenPage open = await browser.Open(Report with { Census = Report.Census with { Problem = "conversions before it are not known" } });

        Assert.Equal("conversions before it are not known", await open.Page.InnerTextAsync("[role=alert]"));
    }

    [Theory]
    [InlineData("")]
    [InlineData("#/conversion/1")]
    public async Task On_a_phone_the_page_does_not_scroll_sideways(string address)
    {
        await using OpenPage open = await Open(width: 390, address: address);

        Assert.Equal(390, await open.Page.EvaluateAsync<int>("document.documentElement.scrollWidth"));
    }

    [Fact]
    public async Task Dark_differs_from_light()
    {
        await using OpenPage light = await Open();
        await using OpenPage dark = await Open(scheme: ColorScheme.Dark);

        string[] colours = await Task.WhenAll(new[] { light, dark }.Select(static open =>
            open.Page.EvaluateAsync<string>("getComputedStyle(document.querySelector('.side.shared')).fill + getComputedStyle(document.documentElement).backgroundColor")));

        Assert.NotEqual(colours[0], colours[1]);
    }

    private Task<OpenPage> Open(int width = 1280, ColorScheme scheme = ColorScheme.Light, string address = "") =>
        browser.Open(Report, width, 800, scheme, address);
}
