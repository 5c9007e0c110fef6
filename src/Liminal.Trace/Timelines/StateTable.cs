// SPDX-License-Identifier: Apache-2.0

using System.Collections.Generic;

namespace Liminal.Trace;

/// <summary>A part of the state as a small table: PTEs, TLBs, page states, contents.</summary>
/// <param name="Title">Distinct within a step; the same from step to step.</param>
/// <param name="Columns">Headings of the cells; the row name has a column of its own, which is not counted here.</param>
/// <param name="Rows">The rows; their names are distinct, and each has as many cells as there are columns.</param>
public sealed record StateTable(string Title, IReadOnlyList<string> Columns, IReadOnlyList<StateRow> Rows);

/// <summary>One row of a <see cref="StateTable"/>.</summary>
/// <param name="Name">What the row is about: <c>page 0</c>, <c>direct map of page 1</c>, <c>CPU 1</c>.</param>
/// <param name="Cells">One text per column; an empty text is an empty cell.</param>
public sealed record StateRow(string Name, IReadOnlyList<string> Cells);
