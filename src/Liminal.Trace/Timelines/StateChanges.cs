// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;
using System.Linq;

namespace Liminal.Trace;

/// <summary>Which cells of the state tables a step has changed.</summary>
public sealed class StateChanges
{
    private readonly Dictionary<(string Table, string Row, string Column), string>? _before;

    private StateChanges(Dictionary<(string Table, string Row, string Column), string>? before) => _before = before;

    /// <summary>The changes of one step of a timeline.</summary>
    /// <param name="timeline">The timeline.</param>
    /// <param name="step">Index into its steps; the initial state, 0, has no changes.</param>
    public static StateChanges Of(Timeline timeline, int step)
    {
        if (step == 0)
            return new StateChanges(null);

        Dictionary<(string Table, string Row, string Column), string> before = [];
        foreach (StateTable table in timeline.Steps[step - 1].State)
        {
            foreach (StateRow row in table.Rows)
            {
                for (int i = 0; i < Math.Min(table.Columns.Count, row.Cells.Count); i++)
                    before[(table.Title, row.Name, table.Columns[i])] = row.Cells[i];
            }
        }

        return new StateChanges(before);
    }

    /// <summary>Whether a cell differs from the cell of the same table title, row name and column in the step before, or is new.</summary>
    public bool Contains(StateTable table, StateRow row, int column) =>
        _before is not null
        && column < table.Columns.Count
        && (!_before.TryGetValue((table.Title, row.Name, table.Columns[column]), out string? text) || text != row.Cells[column]);

    /// <summary>Whether any cell of a table has changed.</summary>
    public bool AnyIn(StateTable table) =>
        table.Rows.Any(row => Enumerable.Range(0, row.Cells.Count).Any(column => Contains(table, row, column)));
}
