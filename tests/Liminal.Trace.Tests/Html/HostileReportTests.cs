// SPDX-License-Identifier: Apache-2.0

using System;
using System.IO;
using System.Linq;
using System.Text;
using System.Threading.Tasks;
using CsCheck;

namespace Liminal.Trace.Tests;

/// <summary>A report may carry names from a kernel image or from somebody else's protocol: they stay text, whatever they say.</summary>
public sealed class HostileReportTests(Browser browser)
{
    private static readonly string[] Texts =
    [
        "</script><script>alert(1)</script>",
        "<!-- <script> --> ]]>",
        "\"><img src=x onerror=alert(2)>",
        "'); alert(3); ('",
        "{{style}}{{data}}{{script}}{{title}}{{policy}}",
        "line\u2028and\u2029paragraph",
        "\u202Eright to left\u202C",
        "a/b#c?d%e&f+g h",
        "\ud800 half a pair, \u0000 and \u001b",
    ];

    [Fact]
    public async Task Texts_that_look_like_code_are_shown_and_never_run()
    {
        foreach (string text in Texts)
        {
            await using OpenPage open = await browser.Open(Hostile(text));
            await open.Page.Locator("[data-cell]").First.ClickAsync();
            string detail = await open.Page.Locator(".detail .title").InnerTextAsync();
            await open.Page.Locator(".follow").First.ClickAsync();
            string conclusion = await open.Page.Locator(".conclusion").TextContentAsync() ?? "";
            string table = await open.Page.Locator(".state caption").First.TextContentAsync() ?? "";

            string expected = Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text));
            Assert.Equal(expected, conclusion);
            Assert.Equal(expected, table);
            Assert.NotEmpty(detail);
            Assert.Empty(open.Complaints);
            Assert.Empty(open.Requests);
            Assert.Equal(2, await open.Page.Locator("script").CountAsync());
        }
    }

    [Fact]
    public async Task Any_report_opens_with_any_of_its_cells_and_counterexamples_without_a_complaint()
    {
        for (ulong seed = 0; seed < 12; seed++)
        {
            CheckReport report = AnyReport.Generator.Generate(new PCG(1, seed), null, out _);
            await using OpenPage open = await browser.Open(report);
            foreach (CellReport cell in report.Cells)
            {
                string address = $"#/{Uri.EscapeDataString(cell.Protocol)}/{cell.Direction}/{Uri.EscapeDataString(cell.Platform)}";
                await open.Page.GotoAsync(open.Address + address);
                foreach (PropertyVerdict verdict in cell.Explorations.SelectMany(run => run.Properties))
                {
                    await open.Page.GotoAsync($"{open.Address}{address}/{Uri.EscapeDataString(verdict.Property)}/0");
                    await open.Page.Keyboard.PressAsync("End");
                }
            }

            Assert.Equal([], open.Complaints);
            Assert.Equal([], open.Requests);
        }
    }

    [Fact]
    public async Task Texts_of_a_sweep_that_look_like_code_are_shown_and_never_run()
    {
        foreach (string text in Texts)
        {
            await using OpenPage open = await browser.Open(AnySweep.Saying(text));
            string expected = Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text));

            await open.Page.Locator("a.enter").First.ClickAsync();
            string cause = await open.Page.Locator(".heading .sub code").TextContentAsync() ?? "";
            await open.Page.Locator(".window-head").First.ClickAsync();
            string console = await open.Page.Locator(".state .console").TextContentAsync() ?? "";
            await open.Page.Locator(".event-line").First.ClickAsync();
            string frame = await open.Page.Locator(".state .stack code").First.TextContentAsync() ?? "";
            await open.Page.Locator(".ending .follow").First.ClickAsync();
            string conclusion = await open.Page.Locator(".conclusion").TextContentAsync() ?? "";

            Assert.Equal([expected, expected, expected, expected], [cause, console, frame, conclusion]);
            Assert.Empty(open.Complaints);
            Assert.Empty(open.Requests);
            Assert.Equal(2, await open.Page.Locator("script").CountAsync());
        }
    }

    [Fact]
    public void Nothing_that_a_sweep_says_can_end_the_script_that_carries_it()
    {
        string frame = Html(AnySweep.Saying(""));
        string page = Html(AnySweep.Saying(string.Concat(Texts)));

        Assert.Equal(Count(frame, '<'), Count(page, '<'));
        Assert.All(page.Where(c => c > 0x7F), c => Assert.Contains(c, frame));
    }

    [Fact]
    public void Nothing_that_a_report_says_can_end_the_script_that_carries_it()
    {
        string frame = Html(Hostile(""));
        string page = Html(Hostile(string.Concat(Texts)));

        Assert.Equal(Count(frame, '<'), Count(page, '<'));
        Assert.All(page.Where(c => c > 0x7F), c => Assert.Contains(c, frame));
        Assert.DoesNotContain('\u2028', page);
    }

    [Fact]
    public void The_page_names_no_other_place()
    {
        foreach (string page in new[] { Html(SampleReport.Full), Html(SampleSweeps.Full) })
        {
            Assert.DoesNotContain("http", page.Replace("http-equiv", "").Replace("http://www.w3.org/2000/svg", ""));
            Assert.DoesNotContain("url(", page);
            Assert.DoesNotContain("@import", page);
        }
    }

    private static int Count(string text, char wanted) => text.Count(c => c == wanted);

    private static string Html(CheckReport report) => Written(stream => CheckReportHtml.Write(report, stream));

    private static string Html(SweepReport report) => Written(stream => SweepReportHtml.Write(report, stream));

    private static string Written(Action<Stream> write)
    {
        using var stream = new MemoryStream();
        write(stream);
        return Encoding.UTF8.GetString(stream.ToArray());
    }

    /// <summary>A report with one violated cell in which every text is the same.</summary>
    private static CheckReport Hostile(string text)
    {
        Timeline timeline = new TimelineSketch(text, new Lane(text, text, LaneKind.Page))
            .Table(text, text)
            .Row(text, text)
            .Start(text)
            .Step(text, text, text, text, StepTone.Violation, (text, text, text, text + "2"))
            .End(text);
        Exploration run = new(text, [text], false, text, 1, 1, 1, 0.5, [new PropertyVerdict(text, Verdict.Violated, text, timeline)]);
        return new CheckReport(
            1, text, text, text, [new ProtocolEntry(text, text, text)], [new PlatformEntry(text, text)], [new PropertyEntry(text, text)],
            [new HostEntry(text, text)], [new CellReport(text, "decrypt", text, true, null, [run])], true, text);
    }
}
