// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;
using System.Linq;
using System.Text;

namespace Liminal.Platform.Reference;

/// <summary>A Markdown table in which rows with the same cells are one row, and columns with the same cells one column.</summary>
internal sealed class MarkdownTable(string corner, IReadOnlyList<string> columns)
{
    private readonly List<(string Name, string[] Cells)> _rows = [];

    public void Add(string name, params string[] cells) => _rows.Add((name, cells));

    /// <summary>The table as it is.</summary>
    public void Write(StringBuilder text) => Write(text, columns, [.. _rows]);

    /// <summary>The table with equal rows, and then equal columns, written once under all their names.</summary>
    public void WriteMerged(StringBuilder text)
    {
        IGrouping<string, int>[] merged =
            [.. Enumerable.Range(0, columns.Count).GroupBy(column => string.Join('\0', _rows.Select(row => row.Cells[column])))];
        string[] names = [.. merged.Select(group => string.Join(", ", group.Select(column => columns[column])))];
        IEnumerable<(string Name, string[] Cells)> rows = _rows
            .Select(row => (row.Name, Cells: merged.Select(group => row.Cells[group.First()]).ToArray()))
            .GroupBy(row => string.Join('\0', row.Cells))
            .Select(group => (string.Join(", ", group.Select(row => row.Name)), group.First().Cells));
        Write(text, names, [.. rows]);
    }

    private void Write(StringBuilder text, IReadOnlyList<string> names, IReadOnlyList<(string Name, string[] Cells)> rows)
    {
        Line(text, [corner, .. names]);
        Line(text, Enumerable.Repeat("---", names.Count + 1));
        foreach ((string name, string[] cells) in rows)
            Line(text, [name, .. cells]);

        text.Append('\n');
    }

    private static void Line(StringBuilder text, IEnumerable<string> cells) =>
        text.Append("| ").AppendJoin(" | ", cells.Select(cell => cell.Replace("|", "\\|", StringComparison.Ordinal))).Append(" |\n");
}
