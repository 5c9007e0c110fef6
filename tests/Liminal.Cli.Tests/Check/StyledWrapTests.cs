// SPDX-License-Identifier: Apache-2.0

using System.Linq;
using CsCheck;
using Liminal.Cli.Output;
using Liminal.Trace;

namespace Liminal.Cli.Tests.Check;

public sealed class StyledWrapTests
{
    private static readonly Gen<TextSpan[]> Spans =
        Gen.Select(Gen.String[Gen.Int[0, 3].Select(i => "ab \u200B"[i]), 0, 12], Gen.Enum<TextStyle>())
            .Select((text, style) => new TextSpan(text, style)).Array[0, 6];

    [Theory]
    [InlineData("one two three", 7, "one two|three")]
    [InlineData("one two ", 7, "one two")]
    [InlineData("one two three", 3, "one|two|thr|ee")]
    [InlineData("Stray\u200BLoads\u200BSurvive", 10, "StrayLoads|Survive")]
    [InlineData("", 5, "")]
    public void Lines_break_at_blanks_and_where_it_is_allowed(string text, int width, string lines)
    {
        Assert.Equal(lines, string.Join('|', StyledWrap.Lines([new TextSpan(text, TextStyle.Plain)], width)));
    }

    [Fact]
    public void Nothing_is_lost_or_put_in_another_order_and_no_line_is_too_wide()
    {
        Gen.Select(Spans, Gen.Int[1, 10]).Sample((spans, width) =>
        {
            var lines = StyledWrap.Lines(spans, width);

            Assert.All(lines, line => Assert.InRange(line.Spans.Sum(span => span.Text.Length), 0, width));
            Assert.Equal(Letters(string.Concat(spans.Select(span => span.Text))), Letters(string.Concat(lines.SelectMany(line => line.Spans).Select(span => span.Text))));
        });
    }

    [Fact]
    public void A_word_of_two_styles_stays_one_word()
    {
        TextSpan[] spans = [new("done", TextStyle.Good), new(", and more", TextStyle.Plain)];

        Assert.Equal("done, and more", StyledWrap.Lines(spans, 20).Single().ToString());
    }

    private static string Letters(string text) => new([.. text.Where(char.IsAsciiLetter)]);
}
