// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;
using System.Linq;
using System.Text.Json;

namespace Liminal.Trace;

/// <summary>Gives equal parts of a report the same number: texts, and lists of numbers, which may stand for texts and for other lists.</summary>
/// <remarks>
/// From step to step a timeline repeats nearly all of its state, and from run to run a matrix repeats its reasons and whole
/// counterexamples: written out in full, the report of all built-in protocols takes 390 MB, with equal parts held once 15 MB.
/// </remarks>
internal sealed class ReportPool
{
    private readonly Dictionary<string, int> _textNumbers = new(StringComparer.Ordinal);
    private readonly Dictionary<string, int> _listNumbers = new(StringComparer.Ordinal);
    private readonly List<string> _texts = [];
    private readonly List<long[]> _lists = [];

    /// <summary>The number of a text; -1 stands for null.</summary>
    public int Text(string? text)
    {
        if (text is null)
            return -1;

        if (!_textNumbers.TryGetValue(text, out int number))
        {
            number = _texts.Count;
            _texts.Add(text);
            _textNumbers.Add(text, number);
        }

        return number;
    }

    /// <summary>The number of a list of texts.</summary>
    public int Texts(IEnumerable<string> texts) => List([.. texts.Select(Text)]);

    /// <summary>The number of a list; what its numbers mean is the business of whoever reads it.</summary>
    public int List(params long[] items)
    {
        string key = string.Join(',', items);
        if (!_listNumbers.TryGetValue(key, out int number))
        {
            number = _lists.Count;
            _lists.Add(items);
            _listNumbers.Add(key, number);
        }

        return number;
    }

    /// <summary>The number of a timeline: [title, conclusion, lanes, steps].</summary>
    public int Timeline(Timeline timeline) => List(
        Text(timeline.Title),
        Text(timeline.Conclusion),
        List([.. timeline.Lanes.Select(lane => List(Text(lane.Id), Text(lane.Title), (int)lane.Kind))]),
        List([.. timeline.Steps.Select(Step)]));

    /// <summary>The number of a table: [title, columns, row...]; a row is [name, cell...].</summary>
    public int Table(StateTable table) =>
        List([Text(table.Title), Texts(table.Columns), .. table.Rows.Select(row => Texts([row.Name, .. row.Cells]))]);

    /// <summary>[number, lane, title, detail, source, tone, tables].</summary>
    private int Step(TimelineStep step) => List(
        step.Number,
        Text(step.Lane),
        Text(step.Title),
        Text(step.Detail),
        Text(step.Source),
        (int)step.Tone,
        List([.. step.State.Select(Table)]));

    /// <summary>Writes <c>texts</c> and <c>lists</c> as two properties.</summary>
    public void Write(Utf8JsonWriter writer)
    {
        writer.WriteStartArray("texts");
        foreach (string text in _texts)
            writer.WriteStringValue(text);

        writer.WriteEndArray();
        writer.WriteStartArray("lists");
        foreach (long[] list in _lists)
        {
            writer.WriteStartArray();
            foreach (long item in list)
                writer.WriteNumberValue(item);

            writer.WriteEndArray();
        }

        writer.WriteEndArray();
    }
}
