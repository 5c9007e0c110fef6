// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;
using System.Linq;
using Liminal.Checker.Properties;
using Liminal.Cli.Output;
using Liminal.Trace;

namespace Liminal.Cli.Check.Matrix;

/// <summary>The verdict matrix for a terminal: a row per protocol and direction, a column per platform.</summary>
/// <remarks>
/// A table that fits a page names the first violated property of a cell and says where; a larger one has signs, numbers and
/// letters that the legend explains. On a terminal too narrow for either there is no table: each cell has lines of its own.
/// </remarks>
internal sealed class MatrixText
{
    private const int Gap = 2;
    private const int WidestColumn = 28;
    private const int NarrowestWords = 15;
    private const int LongestWords = 48;
    private const int NarrowestSigns = 7;
    private const int NarrowestPage = 20;
    private const string FailuresLabel = "  on failures";

    private readonly CheckReport _report;
    private readonly List<MatrixCell> _cells;
    private readonly List<string> _conditions;
    private readonly int _page;
    private readonly int _label;
    private readonly int _column;
    private bool _inWords;

    private MatrixText(CheckReport report, List<MatrixCell> cells, int width)
    {
        _report = report;
        _cells = cells;
        _conditions = [.. cells.SelectMany(cell => cell.Shown).SelectMany(path => path.Groups).Select(group => group.Condition).Where(where => where.Length > 0).Distinct(StringComparer.Ordinal)];
        _page = Math.Max(width, NarrowestPage);
        _label = FailuresLabel.Length;
        int columns = Math.Max(1, report.Platforms.Count);
        int room = ((_page - _label) / columns) - Gap;
        _column = room < NarrowestSigns ? 0 : Math.Min(room, WidestColumn);
    }

    /// <summary>Draws a matrix and explains its signs.</summary>
    /// <param name="report">What was found out.</param>
    /// <param name="failures">Whether failures inside the guest were asked for.</param>
    /// <param name="planned">How many explorations were planned for each cell.</param>
    /// <param name="width">Columns of the terminal.</param>
    public static IEnumerable<TextLine> Render(CheckReport report, bool failures, IReadOnlyList<int> planned, int width)
    {
        List<MatrixCell> cells = [.. report.Cells.Select((cell, index) => MatrixCell.Of(cell, failures, cell.Explorations.Count == planned[index]))];
        return new MatrixText(report, cells, width).Render();
    }

    private IEnumerable<TextLine> Render()
    {
        _inWords = _column is 0 or >= NarrowestWords;
        List<TextLine> table = [.. _column > 0 ? Table() : CellList()];
        if (_column > 0 && _inWords && table.Count > LongestWords)
        {
            _inWords = false;
            table = [.. Table()];
        }

        return [.. table, new TextLine([]), .. Legend()];
    }

    private IEnumerable<TextLine> Table()
    {
        yield return Row("", TextStyle.Plain, _report.Platforms.Select(platform => (IReadOnlyList<TextSpan>)[new TextSpan(platform.Name, TextStyle.Strong)]));
        foreach (IGrouping<string, MatrixCell> protocol in _cells.GroupBy(cell => cell.Cell.Protocol, StringComparer.Ordinal))
        {
            int rule = _label + (_report.Platforms.Count * (_column + Gap)) - PrintableText.Width(protocol.Key) - 1;
            yield return new TextLine([new TextSpan(protocol.Key + " ", TextStyle.Strong), new TextSpan(new string('─', Math.Max(0, rule)), TextStyle.Faint)]);

            foreach (IGrouping<string, MatrixCell> direction in protocol.GroupBy(cell => cell.Cell.Direction, StringComparer.Ordinal))
            {
                foreach (TextLine line in Rows(direction.Key, TextStyle.Plain, direction.Select(cell => cell.Success)))
                    yield return line;

                if (direction.Any(cell => cell.Failures is not null))
                {
                    foreach (TextLine line in Rows(FailuresLabel, TextStyle.Faint, direction.Select(cell => cell.Failures)))
                        yield return line;
                }
            }
        }
    }

    /// <summary>The lines of one row; a cell without a verdict stays empty.</summary>
    private IEnumerable<TextLine> Rows(string label, TextStyle style, IEnumerable<PathVerdict?> paths)
    {
        List<IReadOnlyList<TextLine>> drawn = [.. paths.Select(path => path is null ? [] : StyledWrap.Lines(Draw(path), _column))];
        int height = drawn.Max(lines => lines.Count);
        for (int i = 0; i < height; i++)
            yield return Row(i == 0 ? label : "", style, drawn.Select(lines => i < lines.Count ? lines[i].Spans : []));
    }

    private TextLine Row(string label, TextStyle style, IEnumerable<IReadOnlyList<TextSpan>> cells) => new(
    [
        .. Padded([new TextSpan(label, style)], _label),
        .. cells.SelectMany(cell => Padded(cell, _column).Prepend(new TextSpan(new string(' ', Gap), TextStyle.Plain))),
    ]);

    private IEnumerable<TextSpan> Draw(PathVerdict path) => _inWords ? CellText.Words(path) : CellText.Signed(path, LetterOf);

    /// <summary>Cell by cell, for terminals on which no table fits; cells that are not applicable are left to the legend.</summary>
    private IEnumerable<TextLine> CellList()
    {
        int label = _report.Platforms.Select(platform => platform.Name.Length).Append(0).Max() + (2 * Gap);
        int room = Math.Max(_page - label, NarrowestSigns);
        foreach (IGrouping<(string Protocol, string Direction), MatrixCell> row in _cells.GroupBy(cell => (cell.Cell.Protocol, cell.Cell.Direction)))
        {
            TextSpan[] heading = [new(row.Key.Protocol, TextStyle.Strong), new(" " + row.Key.Direction, TextStyle.Plain)];
            foreach (TextLine line in StyledWrap.Lines(heading, _page))
                yield return line;

            foreach (MatrixCell cell in row.Where(cell => cell.Cell.Applicable))
            {
                string name = new string(' ', Gap) + cell.Cell.Platform;
                IEnumerable<TextSpan> failing = cell.Failures is null ? [] : CellText.Words(cell.Failures).Prepend(new TextSpan("on failures: ", TextStyle.Faint));
                foreach (TextLine line in StyledWrap.Lines(CellText.Words(cell.Success), room).Concat(cell.Failures is null ? [] : StyledWrap.Lines(failing, room)))
                {
                    yield return new TextLine([.. Padded([new TextSpan(name, TextStyle.Plain)], label), .. line.Spans]);
                    name = "";
                }
            }
        }
    }

    /// <summary>The signs, numbers and letters that occur, and what they mean.</summary>
    private IEnumerable<TextLine> Legend()
    {
        HashSet<CellVerdict> words = [.. _cells.SelectMany(cell => cell.Shown).SelectMany(WordsOf)];
        IEnumerable<(string Mark, TextStyle Style, string Text)> signs = CellText.Signs
            .Where(sign => words.Contains(sign.Word))
            .Select(sign => (sign.Sign, sign.Style, sign.Meaning));

        HashSet<int> numbers = [.. _cells.SelectMany(cell => cell.Shown).SelectMany(path => path.Groups).SelectMany(group => group.Properties)];
        IEnumerable<(string Mark, TextStyle Style, string Text)> properties = numbers
            .Order()
            .Select(number => ($"{number}", TextStyle.Strong, $"{PropertyInfo.All[number - 1].Name}: {PropertyInfo.All[number - 1].Sentence}"));

        IEnumerable<(string Mark, TextStyle Style, string Text)> letters = _inWords ? [] : _conditions.Select(where => (LetterOf(where), TextStyle.Notable, $"with {where}"));

        IEnumerable<(string Mark, TextStyle Style, string Text)> failures = _cells.Exists(cell => cell.Failures is not null)
            ? [("", TextStyle.Plain, "on failures: with failures inside the guest too (a page-table split without memory, a failing callback), where that changes the verdict")]
            : [];

        foreach ((string mark, TextStyle style, string text) in signs.Concat(letters).Concat(properties).Concat(failures))
        {
            const int Indent = 3;
            string shown = mark;
            foreach (TextLine line in StyledWrap.Lines([new TextSpan(text, TextStyle.Plain)], _page - Indent))
            {
                yield return new TextLine([.. Padded([new TextSpan(shown, style)], Indent), .. line.Spans]);
                shown = "";
            }
        }
    }

    private static IEnumerable<CellVerdict> WordsOf(PathVerdict path) => path.Groups.Count == 0
        ? [path.Word]
        : path.Groups.Select(group => group.Condition.Length == 0 ? CellVerdict.Violated : CellVerdict.Depends);

    /// <summary>a to z, then aa, ab and so on.</summary>
    private string LetterOf(string condition)
    {
        int index = _conditions.IndexOf(condition);
        string last = ((char)('a' + (index % 26))).ToString();
        return index < 26 ? last : (char)('a' + (index / 26) - 1) + last;
    }

    private static IEnumerable<TextSpan> Padded(IReadOnlyList<TextSpan> spans, int width)
    {
        int used = spans.Sum(span => PrintableText.Width(span.Text));
        return spans.Append(new TextSpan(new string(' ', Math.Max(0, width - used)), TextStyle.Plain));
    }
}
