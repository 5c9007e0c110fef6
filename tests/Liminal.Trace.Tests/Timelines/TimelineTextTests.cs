// SPDX-License-Identifier: Apache-2.0

using System.Linq;
using System.Text;
using Liminal.Testing;

namespace Liminal.Trace.Tests;

public sealed class TimelineTextTests
{
    [Theory]
    [InlineData(80)]
    [InlineData(120)]
    public void A_timeline_is_told_in_the_accepted_words_and_fits_the_terminal(int width)
    {
        string text = Text(SampleTimelines.PvalidateFaults, width, markChanges: true);

        Assert.All(text.Split('\n'), line => Assert.True(line.Length <= width, $"wider than {width}: {line}"));
        Snapshot.Match($"timeline-snp-{width}", text);
    }

    [Fact]
    public void With_colours_the_changed_cells_have_a_style_instead_of_a_mark()
    {
        var styled = new StringBuilder();
        foreach (TextLine line in TimelineText.Render(SampleTimelines.ImplicitConversion, 100, markChanges: false))
        {
            foreach (TextSpan span in line.Spans)
                styled.Append(span.Style == TextStyle.Plain ? span.Text : $"[{span.Style}]{span.Text}[/]");

            styled.Append('\n');
        }

        Assert.DoesNotContain("*", styled.ToString());
        Snapshot.Match("timeline-tdx-styled", styled.ToString());
    }

    [Fact]
    public void A_table_is_shown_at_both_ends_and_where_it_changes()
    {
        Timeline timeline = SampleTimelines.PvalidateFaults;

        string text = Text(timeline, 120, markChanges: true);

        foreach (string title in timeline.Steps[0].State.Select(table => table.Title))
        {
            int changing = Enumerable.Range(1, timeline.Steps.Count - 2)
                .Count(i => StateChanges.Of(timeline, i).AnyIn(timeline.Steps[i].State.Single(table => table.Title == title)));
            Assert.Equal(changing + 2, text.Split(title).Length - 1);
        }
    }

    [Fact]
    public void Nothing_in_a_name_reaches_the_terminal_as_an_escape_sequence()
    {
        Timeline hostile = new TimelineSketch("\u001b[2J\u202Etitle\n", new Lane("a", "a\u0007\u009b31m", LaneKind.Cpu))
            .Table("T\u001b]0;x\u0007", "c\u0000")
            .Row("r\r\n", "1\u001b[31m")
            .Start("d\u2066\u001b")
            .Step("a", "s\u001bc", "", "\u0085", StepTone.Violation)
            .End("\u001b[0m");

        string text = Text(hostile, 80, markChanges: true);

        Assert.DoesNotContain(text, c => char.IsControl(c) && c != '\n');
        Assert.DoesNotContain(text, c => c is '\u202E' or '\u2066');
    }

    [Fact]
    public void Long_cells_and_words_are_wrapped_and_never_cut()
    {
        string word = new('x', 150);
        Timeline timeline = new TimelineSketch("t", new Lane("a", "a", LaneKind.Cpu))
            .Table("Table", "one", "two")
            .Row("row", "many words in one cell " + word, "y")
            .Start(word)
            .End("end");

        string text = Text(timeline, 60, markChanges: false);

        Assert.All(text.Split('\n'), line => Assert.True(line.Length <= 60, line));
        Assert.Equal(300, text.Count(c => c == 'x'));
    }

    private static string Text(Timeline timeline, int width, bool markChanges) =>
        string.Join('\n', TimelineText.Render(timeline, width, markChanges));
}
