// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;
using System.Linq;
using System.Text.Json;

namespace Liminal.Trace;

/// <summary>Texts and lists of numbers that a page holds once, however often they occur.</summary>
/// <remarks>
/// From step to step a timeline repeats nearly all of its state, and from cell to cell a matrix repeats its reasons and
/// whole counterexamples. Everything is a list of numbers of texts and of other lists, so equal parts of any size fall together.
/// </remarks>
internal sealed class PagePool
{
    private readonly Dictionary<string, int> _textNumbers = new(StringComparer.Ordinal);
    private readonly Dictionary<string, int> _listNumbers = new(StringComparer.Ordinal);
    private readonly List<string> _texts = [];
    private readonly List<int[]> _lists = [];

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
    public int List(params int[] items)
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

    /// <summary>Writes <c>texts</c> and <c>lists</c> as two properties.</summary>
    public void Write(Utf8JsonWriter writer)
    {
        writer.WriteStartArray("texts");
        foreach (string text in _texts)
            writer.WriteStringValue(text);

        writer.WriteEndArray();
        writer.WriteStartArray("lists");
        foreach (int[] list in _lists)
        {
            writer.WriteStartArray();
            foreach (int item in list)
                writer.WriteNumberValue(item);

            writer.WriteEndArray();
        }

        writer.WriteEndArray();
    }
}
