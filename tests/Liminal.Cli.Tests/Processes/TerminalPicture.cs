// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;
using System.Linq;
using System.Security;
using System.Text;
using System.Text.RegularExpressions;

namespace Liminal.Cli.Tests.Processes;

/// <summary>Terminal output with its escape sequences as an SVG picture.</summary>
internal static partial class TerminalPicture
{
    private const double ColumnWidth = 8.4;
    private const int LineHeight = 19;
    private const int Margin = 16;

    /// <summary>Draws lines; only the styles that Liminal uses are known.</summary>
    public static string Draw(string output, int columns)
    {
        string[] lines = output.TrimEnd('\n').Split('\n');
        double width = (columns * ColumnWidth) + (2 * Margin);
        int height = (lines.Length * LineHeight) + (2 * Margin);
        StringBuilder svg = new();
        svg.Append($"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:0}\" height=\"{height}\" viewBox=\"0 0 {width:0} {height}\" role=\"img\">\n");
        svg.Append("<title>A verdict matrix</title>\n");
        svg.Append("<style>text{font:14px ui-monospace,'DejaVu Sans Mono',Menlo,Consolas,monospace;fill:#d4d4d4;white-space:pre}.s{font-weight:700;fill:#fff}.f{fill:#7a7f87}.g{fill:#4ec98a}.n{fill:#e5c07b}.v{fill:#f2777a;font-weight:700}</style>\n");
        svg.Append("<rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"#16181d\"/>\n");
        for (int i = 0; i < lines.Length; i++)
        {
            int column = 0;
            foreach ((string text, string style) in Runs(lines[i]))
            {
                if (text.Trim().Length > 0)
                    Add(svg, text, style, column, i);

                column += text.Length;
            }
        }

        return svg.Append("</svg>\n").ToString();
    }

    private static void Add(StringBuilder svg, string text, string style, int column, int line)
    {
        int blanks = text.Length - text.TrimStart().Length;
        string shown = text.Trim();
        double x = Margin + ((column + blanks) * ColumnWidth);
        int y = Margin + (line * LineHeight) + 14;
        string look = style.Length == 0 ? "" : $" class=\"{style}\"";
        svg.Append($"<text x=\"{x:0.#}\" y=\"{y}\" textLength=\"{shown.Length * ColumnWidth:0.#}\"{look}>{SecurityElement.Escape(shown)}</text>\n");
    }

    private static IEnumerable<(string Text, string Style)> Runs(string line)
    {
        string style = "";
        int start = 0;
        foreach (Match escape in Escape().Matches(line))
        {
            yield return (line[start..escape.Index], style);
            style = StyleOf(escape.Groups[1].Value);
            start = escape.Index + escape.Length;
        }

        yield return (line[start..], style);
    }

    private static string StyleOf(string codes) => codes.Split(';') switch
    {
        ["0" or ""] => "",
        ["1"] => "s",
        ["2"] => "f",
        var several when several.Intersect(["31", "91"]).Any() || codes.EndsWith("38;5;9", StringComparison.Ordinal) => "v",
        var several when several.Intersect(["32", "92"]).Any() || codes.EndsWith("38;5;2", StringComparison.Ordinal) => "g",
        var several when several.Intersect(["33", "93"]).Any() || codes.EndsWith("38;5;11", StringComparison.Ordinal) => "n",
        _ => throw new ArgumentException($"no picture of the style '{codes}'", nameof(codes)),
    };

    [GeneratedRegex("\u001b\\[([0-9;]*)m")]
    private static partial Regex Escape();
}
