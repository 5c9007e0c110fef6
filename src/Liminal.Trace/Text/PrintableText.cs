// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;
using System.Globalization;
using System.Text;

namespace Liminal.Trace;

/// <summary>Text on a terminal: nothing in it may move the cursor, and its width is known.</summary>
/// <remarks>A text element counts as one column; the double width of East Asian characters is not modelled.</remarks>
public static class PrintableText
{
    /// <summary>The text with blanks for line ends and tabs, and U+FFFD for every other control or direction character.</summary>
    /// <remarks>Names come from kernel images and from other people's protocols: an escape sequence in one must stay text.</remarks>
    public static string Of(string text)
    {
        StringBuilder? clean = null;
        for (int i = 0; i < text.Length; i++)
        {
            char replaced = text[i] switch
            {
                '\n' or '\r' or '\t' or '\u2028' or '\u2029' => ' ',
                '\u200E' or '\u200F' or '\u061C' or (>= '\u202A' and <= '\u202E') or (>= '\u2066' and <= '\u2069') => '\uFFFD',
                char c when char.IsControl(c) => '\uFFFD',
                char c => c,
            };
            if (replaced != text[i])
            {
                clean ??= new StringBuilder(text);
                clean[i] = replaced;
            }
        }

        return clean?.ToString() ?? text;
    }

    /// <summary>Columns that printable text takes.</summary>
    public static int Width(string text) => Ascii.IsValid(text) ? text.Length : new StringInfo(text).LengthInTextElements;

    /// <summary>Breaks printable text into lines at blanks, and inside a word that is wider than a line.</summary>
    /// <returns>At least one line; an empty text is one empty line.</returns>
    public static IReadOnlyList<string> Wrap(string text, int width)
    {
        List<string> lines = [];
        string line = "";
        foreach (string word in text.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            string candidate = line.Length == 0 ? word : line + " " + word;
            if (Width(candidate) <= width)
            {
                line = candidate;
                continue;
            }

            if (line.Length > 0)
                lines.Add(line);

            line = word;
            while (Width(line) > width)
            {
                string head = new StringInfo(line).SubstringByTextElements(0, width);
                lines.Add(head);
                line = line[head.Length..];
            }
        }

        if (line.Length > 0 || lines.Count == 0)
            lines.Add(line);

        return lines;
    }
}
