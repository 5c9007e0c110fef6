// SPDX-License-Identifier: Apache-2.0
using System;
using System.Collections.Generic;
using System.Text;

namespace Liminal.Machine.Console;

/// <summary>What a guest wrote to its console, and a watch for texts in it.</summary>
/// <remarks>Bytes are taken as Latin-1, so every byte is one character and nothing is lost. Only the end of a long text is kept.</remarks>
public sealed class ConsoleLog
{
    /// <summary>Characters kept at least; twice as many at most.</summary>
    public const int Kept = 1 << 21;

    private readonly StringBuilder _text = new();
    private readonly List<(string Text, Action Found)> _watches = [];

    /// <summary>The text so far, or the end of it.</summary>
    public string Text => _text.ToString();

    /// <summary>Calls back each time a text has just been written, at the instruction that wrote its last byte.</summary>
    /// <param name="text">Not empty.</param>
    /// <param name="found">What to do.</param>
    public void Watch(string text, Action found)
    {
        ArgumentException.ThrowIfNullOrEmpty(text);
        _watches.Add((text, found));
    }

    /// <summary>Takes one byte.</summary>
    public void Write(byte value)
    {
        if (_text.Length >= 2 * Kept)
        {
            _text.Remove(0, Kept);
        }

        _text.Append((char)value);
        foreach ((string text, Action found) in _watches)
        {
            if (text[^1] == (char)value && EndsWith(text))
            {
                found();
            }
        }
    }

    /// <summary>The last lines, without carriage returns and control characters.</summary>
    /// <param name="count">Most lines to return.</param>
    public IReadOnlyList<string> LastLines(int count)
    {
        string[] lines = Text.TrimEnd().Split('\n');
        List<string> last = [];
        for (int index = Math.Max(0, lines.Length - count); index < lines.Length; index++)
        {
            var line = new StringBuilder(lines[index].Length);
            foreach (char character in lines[index])
            {
                if (character is '\t' or (>= ' ' and < '\x7f'))
                {
                    line.Append(character);
                }
            }

            last.Add(line.ToString());
        }

        return last;
    }

    private bool EndsWith(string text)
    {
        int start = _text.Length - text.Length;
        if (start < 0)
        {
            return false;
        }

        for (int index = 0; index < text.Length; index++)
        {
            if (_text[start + index] != text[index])
            {
                return false;
            }
        }

        return true;
    }
}
