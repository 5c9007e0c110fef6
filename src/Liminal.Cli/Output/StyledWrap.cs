// SPDX-License-Identifier: Apache-2.0

using System.Collections.Generic;
using System.Linq;
using Liminal.Trace;

namespace Liminal.Cli.Output;

/// <summary>Breaks styled text into lines.</summary>
internal static class StyledWrap
{
    /// <summary>A place inside a word where a line may end: a zero-width space. It is never printed.</summary>
    public const char Break = '\u200B';

    /// <summary>A piece that is never broken, unless it alone is wider than a line.</summary>
    private readonly record struct Atom(string Text, TextStyle Style, bool FollowsBlank);

    /// <summary>Lines of at most a number of columns; at least one line.</summary>
    public static IReadOnlyList<TextLine> Lines(IEnumerable<TextSpan> spans, int width)
    {
        List<TextLine> lines = [];
        List<TextSpan> line = [];
        int used = 0;
        foreach (Atom atom in Atoms(spans).SelectMany(atom => Split(atom, width)))
        {
            int needed = PrintableText.Width(atom.Text);
            int gap = atom.FollowsBlank && used > 0 ? 1 : 0;
            if (used > 0 && used + gap + needed > width)
            {
                lines.Add(new TextLine(line));
                (line, used, gap) = ([], 0, 0);
            }

            if (gap > 0)
                line.Add(new TextSpan(" ", TextStyle.Plain));

            line.Add(new TextSpan(atom.Text, atom.Style));
            used += gap + needed;
        }

        lines.Add(new TextLine(line));
        return lines;
    }

    /// <summary>A blank at the end of a span counts for the piece that follows in the next one.</summary>
    private static IEnumerable<Atom> Atoms(IEnumerable<TextSpan> spans)
    {
        bool blank = false;
        foreach (TextSpan span in spans)
        {
            int start = 0;
            for (int i = 0; i <= span.Text.Length; i++)
            {
                if (i < span.Text.Length && span.Text[i] is not (' ' or Break))
                    continue;

                if (i > start)
                {
                    yield return new Atom(span.Text[start..i], span.Style, blank);
                    blank = false;
                }

                blank |= i < span.Text.Length && span.Text[i] == ' ';
                start = i + 1;
            }
        }
    }

    private static IEnumerable<Atom> Split(Atom atom, int width)
    {
        string rest = atom.Text;
        bool blank = atom.FollowsBlank;
        while (PrintableText.Width(rest) > width)
        {
            yield return new Atom(rest[..width], atom.Style, blank);
            (rest, blank) = (rest[width..], false);
        }

        yield return new Atom(rest, atom.Style, blank);
    }
}
