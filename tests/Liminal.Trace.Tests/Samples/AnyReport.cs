// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections;
using System.Linq;
using System.Reflection;
using CsCheck;

namespace Liminal.Trace.Tests;

/// <summary>Reports with anything in them that the types allow.</summary>
internal static class AnyReport
{
    private static readonly string[] Hostile =
        ["", " ", "</script>", "<!--", "]]>", "\u2028\u2029", "\"'`\\", "\u202Eabc", "\u0000\u001b\u007f", "😀é", "&amp;", "null"];

    private static readonly Gen<string> Text = Gen.Frequency(
        (3, Gen.String[Gen.Char[' ', '~'], 0, 12]),
        (1, Gen.Int[0, Hostile.Length - 1].Select(i => Hostile[i])));

    private static readonly Gen<string?> Maybe = Gen.Frequency((1, Gen.Const((string?)null)), (2, Text.Select(text => (string?)text)));

    private static readonly Gen<StateTable> Table =
        Gen.Select(Text, Text.Array[0, 3], Gen.Select(Text, Text.Array[0, 3]).Array[0, 3])
            .Select((title, columns, rows) => new StateTable(title, columns, [.. rows.Select(row => new StateRow(row.Item1, row.Item2))]));

    private static readonly Gen<TimelineStep> Step =
        Gen.Select(Gen.Int[0, 99], Text, Text, Text, Maybe, Gen.Enum<StepTone>(), Table.Array[0, 2])
            .Select((number, lane, title, detail, source, tone, state) => new TimelineStep(number, lane, title, detail, source, tone, state));

    private static readonly Gen<Lane> Lane =
        Gen.Select(Text, Text, Gen.Enum<LaneKind>()).Select((id, title, kind) => new Lane(id, title, kind));

    private static readonly Gen<Timeline> Timeline =
        Gen.Select(Text, Text, Lane.Array[0, 3], Step.Array[0, 3])
            .Select((title, conclusion, lanes, steps) => new Timeline(title, conclusion, lanes, steps));

    private static readonly Gen<PropertyVerdict> Verdict =
        Gen.Select(Text, Gen.Enum<Verdict>(), Maybe, Gen.Frequency((1, Gen.Const((Timeline?)null)), (1, Timeline.Select(t => (Timeline?)t))))
            .Select((property, verdict, reason, counterexample) => new PropertyVerdict(property, verdict, reason, counterexample));

    private static readonly Gen<Exploration> Exploration =
        Gen.Select(
            Gen.Select(Text, Text.Array[0, 2], Gen.Bool, Text),
            Gen.Select(Gen.Long[0, long.MaxValue], Gen.Long[0, long.MaxValue], Gen.Int[0, int.MaxValue], Gen.Double[0, 1e6]),
            Verdict.Array[0, 2])
            .Select((what, counts, verdicts) => new Exploration(
                what.Item1, what.Item2, what.Item3, what.Item4, counts.Item1, counts.Item2, counts.Item3, counts.Item4, verdicts));

    private static readonly Gen<CellReport> Cell =
        Gen.Select(Text, Gen.Bool.Select(encrypt => encrypt ? "encrypt" : "decrypt"), Text, Gen.Bool, Maybe, Exploration.Array[0, 2])
            .Select((protocol, direction, platform, applicable, whyNot, explorations) =>
                new CellReport(protocol, direction, platform, applicable, whyNot, explorations));

    public static Gen<CheckReport> Generator { get; } =
        Gen.Select(
            Gen.Select(Text, Text, Text, Gen.Bool, Maybe),
            Gen.Select(Text, Text, Text).Select((a, b, c) => new ProtocolEntry(a, b, c)).Array[0, 2],
            Gen.Select(Text, Text).Array[0, 2],
            Cell.Array[0, 3])
            .Select((head, protocols, names, cells) => new CheckReport(
                CheckReport.CurrentSchemaVersion, head.Item1, head.Item2, head.Item3, protocols,
                [.. names.Select(name => new PlatformEntry(name.Item1, name.Item2))],
                [.. names.Select(name => new PropertyEntry(name.Item2, name.Item1))],
                [.. names.Select(name => new HostEntry(name.Item1, name.Item2))],
                cells, head.Item4, head.Item5));

    /// <summary>Every value in a record and what it holds, found by reflection: nothing that JSON code has a hand in.</summary>
    public static string Print(object? value) => value switch
    {
        null => "null",
        string text => "'" + Convert.ToHexString(System.Text.Encoding.BigEndianUnicode.GetBytes(text)) + "'",
        double number => number.ToString("R"),
        ValueType number => number.ToString()!,
        IEnumerable list => "[" + string.Join(", ", list.Cast<object?>().Select(Print)) + "]",
        _ => value.GetType().Name + "{" + string.Join(", ", value.GetType().GetProperties(BindingFlags.Public | BindingFlags.Instance)
            .Select(property => property.Name + "=" + Print(property.GetValue(value)))) + "}",
    };
}
