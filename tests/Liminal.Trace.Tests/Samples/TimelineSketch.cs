// SPDX-License-Identifier: Apache-2.0

using System.Collections.Generic;
using System.Linq;

namespace Liminal.Trace.Tests;

/// <summary>Writes a timeline down by hand: tables with a current state, and steps that change cells of it.</summary>
internal sealed class TimelineSketch(string title, params Lane[] lanes)
{
    private readonly List<(string Title, string[] Columns, List<(string Name, string[] Cells)> Rows)> _tables = [];
    private readonly List<TimelineStep> _steps = [];

    public TimelineSketch Table(string title, params string[] columns)
    {
        _tables.Add((title, columns, []));
        return this;
    }

    public TimelineSketch Row(string name, params string[] cells)
    {
        _tables[^1].Rows.Add((name, cells));
        return this;
    }

    public TimelineSketch Start(string detail) => Step("", "initial state", detail, null);

    public TimelineSketch Step(
        string lane,
        string title,
        string detail,
        string? source,
        StepTone tone = StepTone.Normal,
        params (string Table, string Row, string Column, string Text)[] changes)
    {
        foreach ((string table, string row, string column, string text) in changes)
        {
            (string _, string[] columns, List<(string Name, string[] Cells)> rows) = _tables.Single(t => t.Title == table);
            rows.Single(r => r.Name == row).Cells[System.Array.IndexOf(columns, column)] = text;
        }

        _steps.Add(new TimelineStep(_steps.Count, lane, title, detail, source, tone, [.. _tables.Select(Copy)]));
        return this;
    }

    public Timeline End(string conclusion) => new(title, conclusion, lanes, _steps);

    private static StateTable Copy((string Title, string[] Columns, List<(string Name, string[] Cells)> Rows) table) =>
        new(table.Title, table.Columns, [.. table.Rows.Select(row => new StateRow(row.Name, [.. row.Cells]))]);
}
