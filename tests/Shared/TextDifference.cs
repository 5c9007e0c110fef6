// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;

namespace Liminal.Testing;

/// <summary>A line diff for people: what is common at both ends is left out, the middle is shown as - and +.</summary>
internal static class TextDifference
{
    private const int Context = 2;
    private const int MostLines = 40;

    /// <summary>The lines from the first to the last difference, with two lines of context.</summary>
    public static string Between(string expected, string actual)
    {
        string[] old = expected.Split('\n');
        string[] now = actual.Split('\n');
        int most = Math.Min(old.Length, now.Length);
        int head = 0;
        while (head < most && old[head] == now[head])
            head++;

        int tail = 0;
        while (tail < most - head && old[^(tail + 1)] == now[^(tail + 1)])
            tail++;

        int from = Math.Max(0, head - Context);
        var lines = new List<string> { $"@@ line {head + 1}" };
        Add(lines, "  ", old[from..head]);
        Add(lines, "- ", old[head..^tail]);
        Add(lines, "+ ", now[head..^tail]);
        Add(lines, "  ", now[^tail..Math.Min(now.Length, now.Length - tail + Context)]);
        return string.Join('\n', lines);
    }

    private static void Add(List<string> lines, string mark, string[] part)
    {
        for (int i = 0; i < Math.Min(part.Length, MostLines); i++)
            lines.Add(mark + part[i]);

        if (part.Length > MostLines)
            lines.Add($"{mark}... {part.Length - MostLines} more lines");
    }
}
