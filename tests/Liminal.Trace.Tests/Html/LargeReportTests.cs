// SPDX-License-Identifier: Apache-2.0

using System.IO;
using System.Linq;
using System.Threading.Tasks;

namespace Liminal.Trace.Tests;

/// <summary>A report larger than all built-in protocols on all platforms make: 408 cells, 4 080 runs, 612 different counterexamples.</summary>
public sealed class LargeReportTests(Browser browser)
{
    private const int Protocols = 34;
    private const int MostBytes = 5 << 20;
    private static readonly string[] Platforms = ["tdx", "snp", "tdp", "vtom", "sev", "none"];

    [Fact]
    public void The_page_stays_small()
    {
        using var stream = new MemoryStream();

        CheckReportHtml.Write(Large(), stream);

        Assert.InRange(stream.Length, 1, MostBytes);
    }

    [Fact]
    public async Task The_page_shows_every_cell_and_the_last_counterexample()
    {
        await using OpenPage open = await browser.Open(Large());

        int cells = await open.Page.Locator("[data-cell]").CountAsync();
        await open.Page.GotoAsync(open.Address + "#/protocol-33/encrypt/none/P1/3/30");
        string conclusion = await open.Page.InnerTextAsync(".conclusion");

        Assert.Equal(Protocols * 2 * Platforms.Length, cells);
        Assert.Equal("counterexample 611", conclusion);
        Assert.Empty(open.Complaints);
    }

    [Fact]
    public void The_page_of_a_sweep_with_4096_events_on_500_pages_stays_small()
    {
        using var stream = new MemoryStream();

        SweepReportHtml.Write(AnySweep.Large(4096, 500), stream);

        Assert.InRange(stream.Length, 1, MostBytes);
    }

    [Fact]
    public async Task The_page_of_a_sweep_draws_what_is_in_sight_of_4096_events_on_500_pages()
    {
        await using OpenPage open = await browser.Open(AnySweep.Large(4096, 500), address: "#/snp/decrypt/1");

        await open.Page.Keyboard.PressAsync("End");
        string last = await open.Page.InnerTextAsync(".state");
        int lines = await open.Page.Locator(".event-line").CountAsync();
        await open.Page.Locator("button.unfold").First.ClickAsync();
        int rows = await open.Page.Locator("svg.chart-row").CountAsync();
        int marks = await open.Page.Locator("g.mark").CountAsync();

        Assert.Contains("does number 4095", last);
        Assert.InRange(lines, 10, 60);
        Assert.InRange(rows, 5, 60);
        Assert.InRange(marks, 20, 4000);
        Assert.Empty(open.Complaints);
    }

    [Fact]
    public async Task A_counterexample_of_4096_steps_is_told_to_its_end()
    {
        await using OpenPage open = await browser.Open(AnySweep.Large(4096, 500), address: "#/snp/decrypt/1/StrayLoadsSurvive");

        await open.Page.Keyboard.PressAsync("End");

        Assert.Contains("does number 4095", await open.Page.InnerTextAsync(".state"));
        Assert.Empty(open.Complaints);
    }

    private static CheckReport Large()
    {
        int made = 0;
        int cell = 0;
        CellReport[] cells = [.. Enumerable.Range(0, Protocols).SelectMany(protocol => new[] { "decrypt", "encrypt" }.SelectMany(direction => Platforms.Select(platform =>
        {
            Timeline first = Counterexample(made++);
            Timeline second = ++cell % 2 == 0 ? Counterexample(made++) : first;
            return new CellReport($"protocol-{protocol}", direction, platform, true, null, [.. Enumerable.Range(0, 10).Select(run => new Exploration(
                $"host-{run % 5}", [$"switch={run / 5}"], run > 5, "2 pages", 1000 + run, 4000 + run, 40, 0.25,
                [.. Enumerable.Range(0, 11).Select(property => property switch
                {
                    0 => new PropertyVerdict("P0", Verdict.Violated, first.Conclusion, first),
                    1 => new PropertyVerdict("P1", Verdict.Violated, second.Conclusion, second),
                    _ => new PropertyVerdict($"P{property}", Verdict.Holds, null, null),
                })]))]);
        })))];
        Assert.Equal(612, made);
        return SampleReport.Full with
        {
            Protocols = [.. Enumerable.Range(0, Protocols).Select(i => new ProtocolEntry($"protocol-{i}", $"protocol number {i}", "nowhere"))],
            Platforms = [.. Platforms.Select(name => new PlatformEntry(name, name))],
            Properties = [.. Enumerable.Range(0, 11).Select(i => new PropertyEntry($"P{i}", $"Property {i} holds."))],
            Hosts = [.. Enumerable.Range(0, 5).Select(i => new HostEntry($"host-{i}", $"host {i}"))],
            Cells = cells,
        };
    }

    /// <summary>Thirty steps, each of which changes a page and an entry to something that no other counterexample has.</summary>
    private static Timeline Counterexample(int number)
    {
        var sketch = new TimelineSketch($"timeline {number}", new Lane("converter", "Converter", LaneKind.Converter), new Lane("page0", "page 0", LaneKind.Page))
            .Table("Pages", "state", "private contents", "shared contents")
            .Row("page 0", "Private", "secret", "undefined")
            .Row("page 1", "Private", "secret", "undefined")
            .Table("Page-table entries", "entry", "present", "attribute")
            .Row("direct map of page 0", "0", "P", "private")
            .Row("direct map of page 1", "0", "P", "private")
            .Start("start");
        for (int step = 1; step <= 30; step++)
        {
            sketch.Step("converter", $"does step {step}", "changes a page and an entry", "Linux v6.12", StepTone.Normal,
                ("Pages", "page 0", "state", $"State {step % 5}"),
                ("Page-table entries", "direct map of page 1", "entry", $"{(number * 64) + step:x16}"));
        }

        return sketch.End($"counterexample {number}");
    }
}
