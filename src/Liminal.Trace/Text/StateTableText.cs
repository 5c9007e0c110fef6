// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;
using System.Linq;

namespace Liminal.Trace;

/// <summary>State tables as text: side by side as long as there is room, then below each other.</summary>
internal static class StateTableText
{
    private const string ColumnGap = "  ";
    private const string TableGap = "   ";
    private const int NarrowestColumn = 8;
    private const string Changed = "*";
    private const string Unchanged = " ";

    /// <summary>A table as a block of lines that all have its width.</summary>
    private sealed record Block(int Width, IReadOnlyList<IReadOnlyList<TextSpan>> Lines);

    /// <summary>A cell: the mark in front of its first line, its text, and how it looks.</summary>
    private readonly record struct Cell(string Mark, string Text, TextStyle Style)
    {
        public int Width => Mark.Length + PrintableText.Width(Text);

        public IEnumerable<TextSpan> Line(int index, IReadOnlyList<string> wrapped, string gap, int width)
        {
            string mark = index == 0 ? Mark : new string(' ', Mark.Length);
            string text = mark + (index < wrapped.Count ? wrapped[index] : "");
            yield return new TextSpan(gap, TextStyle.Plain);
            yield return new TextSpan(text, Style);
            yield return new TextSpan(new string(' ', width - PrintableText.Width(text)), TextStyle.Plain);
        }
    }

    /// <summary>Lays the tables out in their order.</summary>
    /// <param name="tables">The tables.</param>
    /// <param name="changes">What stands out.</param>
    /// <param name="width">Columns of the terminal that may be used.</param>
    /// <param name="markChanges">Whether a changed cell has a * before it, for readers without colour.</param>
    public static IEnumerable<TextLine> Render(IReadOnlyList<StateTable> tables, StateChanges changes, int width, bool markChanges)
    {
        List<Block> beside = [];
        foreach (StateTable table in tables)
        {
            Block block = Draw(table, changes, width, markChanges);
            if (beside.Count > 0 && beside.Sum(b => b.Width + TableGap.Length) + block.Width > width)
            {
                foreach (TextLine line in Join(beside))
                    yield return line;

                beside.Clear();
            }

            beside.Add(block);
        }

        foreach (TextLine line in Join(beside))
            yield return line;
    }

    private static IEnumerable<TextLine> Join(List<Block> blocks)
    {
        int height = blocks.Count == 0 ? 0 : blocks.Max(block => block.Lines.Count);
        for (int i = 0; i < height; i++)
        {
            List<TextSpan> spans = [];
            foreach (Block block in blocks)
            {
                if (spans.Count > 0)
                    spans.Add(new TextSpan(TableGap, TextStyle.Plain));

                if (i < block.Lines.Count)
                    spans.AddRange(block.Lines[i]);
                else
                    spans.Add(new TextSpan(new string(' ', block.Width), TextStyle.Plain));
            }

            yield return new TextLine(spans);
        }
    }

    private static Block Draw(StateTable table, StateChanges changes, int width, bool markChanges)
    {
        List<Cell[]> grid = [Heading(table, markChanges)];
        foreach (StateRow row in table.Rows)
            grid.Add(Cells(table, row, changes, markChanges));

        int[] widths = Fit(grid, width);
        List<IReadOnlyList<TextSpan>> lines = [];
        foreach (Cell[] row in grid)
        {
            IReadOnlyList<string>[] wrapped = [.. row.Select((cell, i) => PrintableText.Wrap(cell.Text, widths[i] - cell.Mark.Length))];
            int height = wrapped.Max(cell => cell.Count);
            for (int line = 0; line < height; line++)
                lines.Add([.. row.SelectMany((cell, i) => cell.Line(line, wrapped[i], i == 0 ? "" : ColumnGap, widths[i]))]);
        }

        return new Block(widths.Sum() + (ColumnGap.Length * (widths.Length - 1)), lines);
    }

    private static Cell[] Heading(StateTable table, bool markChanges) =>
    [
        new Cell("", PrintableText.Of(table.Title), TextStyle.Strong),
        .. table.Columns.Select(column => new Cell(markChanges ? Unchanged : "", PrintableText.Of(column), TextStyle.Faint)),
    ];

    private static Cell[] Cells(StateTable table, StateRow row, StateChanges changes, bool markChanges)
    {
        var cells = new Cell[table.Columns.Count + 1];
        cells[0] = new Cell("", PrintableText.Of(row.Name), TextStyle.Plain);
        for (int i = 0; i < table.Columns.Count; i++)
        {
            bool exists = i < row.Cells.Count;
            bool changed = exists && changes.Contains(table, row, i);
            string mark = markChanges ? (changed ? Changed : Unchanged) : "";
            cells[i + 1] = new Cell(mark, exists ? PrintableText.Of(row.Cells[i]) : "", changed ? TextStyle.Changed : TextStyle.Plain);
        }

        return cells;
    }

    /// <summary>The natural width of each column, the widest ones narrowed until the table fits.</summary>
    private static int[] Fit(List<Cell[]> grid, int width)
    {
        int[] widths = [.. Enumerable.Range(0, grid[0].Length).Select(i => grid.Max(row => row[i].Width))];
        int room = width - (ColumnGap.Length * (widths.Length - 1));
        while (widths.Sum() > room && widths.Max() > NarrowestColumn)
            widths[Array.IndexOf(widths, widths.Max())]--;

        return widths;
    }
}
