// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;
using System.Linq;
using Liminal.Checker.Properties;
using Liminal.Cli.Output;
using Liminal.Trace;

namespace Liminal.Cli.Check.Matrix;

/// <summary>A verdict in words, or in signs and numbers where there is no room for words.</summary>
internal static class CellText
{
    /// <summary>The signs of the matrix, each with its style and its line of the legend.</summary>
    public static IReadOnlyList<(CellVerdict Word, string Sign, TextStyle Style, string Meaning)> Signs { get; } =
    [
        (CellVerdict.Holds, "✔", TextStyle.Good, "every property holds, under every host and setting that was explored"),
        (CellVerdict.Violated, "✘", TextStyle.Violation, "these properties are violated under every host and setting that was explored"),
        (CellVerdict.Depends, "◐", TextStyle.Notable, "these properties are violated under the hosts and settings named, and hold under the others"),
        (CellVerdict.Inconclusive, "?", TextStyle.Notable, "no verdict: not everything was explored; nothing violated so far"),
        (CellVerdict.NotExplored, "…", TextStyle.Faint, "not explored: the run ended before"),
        (CellVerdict.NotApplicable, "·", TextStyle.Faint, "not applicable"),
    ];

    /// <summary>The first violated property by name, the others by number; zero-width spaces mark where a name may be broken.</summary>
    public static IEnumerable<TextSpan> Words(PathVerdict path)
    {
        if (path.Groups.Count == 0)
        {
            yield return Plain(path.Word, path.Word switch
            {
                CellVerdict.Holds => " holds",
                CellVerdict.Inconclusive => " inconclusive",
                CellVerdict.NotExplored => " not explored",
                _ => "",
            });
        }

        for (int i = 0; i < path.Groups.Count; i++)
        {
            ViolatedGroup group = path.Groups[i];
            IEnumerable<string> names = group.Properties.Select((number, place) =>
                i == 0 && place == 0 ? Breakable(PropertyInfo.All[number - 1].Name) : $"{number}");
            string end = i < path.Groups.Count - 1 ? "; " : "";
            bool isEverywhere = group.Condition.Length == 0;
            yield return Plain(WordOf(group), $" {string.Join(", ", names)}{(isEverywhere ? end : "")}");
            if (!isEverywhere)
                yield return new TextSpan($" with {group.Condition.Replace("/", "/" + StyledWrap.Break).Replace("-", "-" + StyledWrap.Break)}{end}", TextStyle.Plain);
        }
    }

    /// <summary>Signs, numbers of properties, and letters for conditions: <c>✘2,4 ◐1a</c>.</summary>
    /// <param name="path">The verdict.</param>
    /// <param name="letterOf">The letter of a condition.</param>
    public static IEnumerable<TextSpan> Signed(PathVerdict path, Func<string, string> letterOf)
    {
        if (path.Groups.Count == 0)
            yield return Plain(path.Word, "");

        foreach (ViolatedGroup group in path.Groups)
        {
            string letter = group.Condition.Length == 0 ? "" : letterOf(group.Condition);
            yield return Plain(WordOf(group), $"{string.Join("," + StyledWrap.Break, group.Properties)}{letter} ");
        }
    }

    private static CellVerdict WordOf(ViolatedGroup group) => group.Condition.Length == 0 ? CellVerdict.Violated : CellVerdict.Depends;

    private static TextSpan Plain(CellVerdict word, string text)
    {
        (_, string sign, TextStyle style, _) = Signs.First(candidate => candidate.Word == word);
        return new TextSpan(sign + text, style);
    }

    private static string Breakable(string name) =>
        string.Concat(name.Select((letter, index) => index > 0 && char.IsAsciiLetterUpper(letter) ? $"{StyledWrap.Break}{letter}" : $"{letter}"));
}
