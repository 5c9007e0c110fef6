// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;
using System.Linq;

namespace Liminal.Trace;

/// <summary>A timeline for the terminal: who acts, what it changes, and the state as small tables.</summary>
/// <remarks>The first and the last step show every table; a step between them shows those that it changes.</remarks>
public static class TimelineText
{
    private const int NarrowestPage = 40;
    private const int Indent = 6;

    /// <summary>Renders a timeline.</summary>
    /// <param name="timeline">What is told.</param>
    /// <param name="width">Columns of the terminal; fewer than 40 count as 40. Long text is wrapped, never cut.</param>
    /// <param name="markChanges">Whether a changed cell has a * before it: for terminals without colour. The style says it in any case.</param>
    /// <returns>The lines, with no character in them that could move a cursor.</returns>
    public static IReadOnlyList<TextLine> Render(Timeline timeline, int width, bool markChanges)
    {
        int page = Math.Max(width, NarrowestPage);
        Dictionary<string, string> actors = timeline.Lanes.ToDictionary(lane => lane.Id, lane => PrintableText.Of(lane.Title), StringComparer.Ordinal);
        List<TextLine> lines = [.. Paragraph(timeline.Title, TextStyle.Strong, 0, page)];
        for (int i = 0; i < timeline.Steps.Count; i++)
        {
            TimelineStep step = timeline.Steps[i];
            var changes = StateChanges.Of(timeline, i);

            lines.Add(new TextLine([]));
            lines.AddRange(Heading(step, actors, page));
            lines.AddRange(Paragraph(step.Detail, TextStyle.Plain, Indent, page));
            if (!string.IsNullOrEmpty(step.Source))
                lines.AddRange(Paragraph("source: " + step.Source, TextStyle.Faint, Indent, page));

            bool whole = i == 0 || i == timeline.Steps.Count - 1;
            StateTable[] shown = [.. step.State.Where(table => whole || changes.AnyIn(table))];
            lines.AddRange(StateTableText.Render(shown, changes, page - Indent, markChanges).Select(Indented));
        }

        lines.Add(new TextLine([]));
        lines.AddRange(Paragraph(timeline.Conclusion, TextStyle.Violation, 0, page));
        return lines;
    }

    private static IEnumerable<TextLine> Heading(TimelineStep step, Dictionary<string, string> actors, int page)
    {
        (string mark, TextStyle style) = step.Tone switch
        {
            StepTone.Notable => ("!", TextStyle.Notable),
            StepTone.Violation => ("✘", TextStyle.Violation),
            _ => (" ", TextStyle.Plain),
        };
        string actor = actors.GetValueOrDefault(step.Lane, PrintableText.Of(step.Lane));
        string who = actor.Length == 0 ? "" : actor + " ";
        IReadOnlyList<string> text = PrintableText.Wrap(who + PrintableText.Of(step.Title), page - Indent);

        bool whoIsWhole = text[0].StartsWith(who, StringComparison.Ordinal);
        yield return new TextLine(
        [
            new TextSpan($"{step.Number,3} ", TextStyle.Faint),
            new TextSpan(mark + " ", style),
            new TextSpan(whoIsWhole ? who : "", TextStyle.Strong),
            new TextSpan(whoIsWhole ? text[0][who.Length..] : text[0], style),
        ]);
        foreach (string line in text.Skip(1))
            yield return Indented(new TextLine([new TextSpan(line, style)]));
    }

    private static IEnumerable<TextLine> Paragraph(string text, TextStyle style, int indent, int page)
    {
        if (text.Length == 0)
            yield break;

        string margin = new(' ', indent);
        foreach (string line in PrintableText.Wrap(PrintableText.Of(text), page - indent))
            yield return new TextLine([new TextSpan(margin, TextStyle.Plain), new TextSpan(line, style)]);
    }

    private static TextLine Indented(TextLine line) =>
        new([new TextSpan(new string(' ', Indent), TextStyle.Plain), .. line.Spans]);
}
