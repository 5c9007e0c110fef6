// SPDX-License-Identifier: Apache-2.0

using System;
using System.Linq;
using System.Text.Json;

namespace Liminal.Trace.Tests;

/// <summary>Reads a JSON report as docs/reference/json-schema.md describes it, and shares no code with what writes it.</summary>
internal sealed class JsonReportReader
{
    private readonly StateTable[] _tables;
    private readonly Timeline[] _timelines;

    private JsonReportReader(JsonElement root)
    {
        _tables = Each(root, "tables", table => new StateTable(
            Text(table, "title"), Texts(table, "columns"), Each(table, "rows", row => new StateRow(Text(row, "name"), Texts(row, "cells")))));
        _timelines = Each(root, "counterexamples", timeline => new Timeline(
            Text(timeline, "title"),
            Text(timeline, "conclusion"),
            Each(timeline, "lanes", lane => new Lane(Text(lane, "id"), Text(lane, "title"), Word<LaneKind>(lane, "kind"))),
            Each(timeline, "steps", step => new TimelineStep(
                step.GetProperty("number").GetInt32(), Text(step, "lane"), Text(step, "title"), Text(step, "detail"), Maybe(step, "source"),
                Word<StepTone>(step, "tone"), Each(step, "state", number => _tables[number.GetInt32()])))));
    }

    public static CheckReport Read(byte[] json)
    {
        using var document = JsonDocument.Parse(json);
        return new JsonReportReader(document.RootElement).Report(document.RootElement);
    }

    private CheckReport Report(JsonElement root) => new(
        root.GetProperty("schemaVersion").GetInt32(),
        Text(root, "tool"),
        Text(root, "version"),
        Text(root, "commandLine"),
        Each(root, "protocols", entry => new ProtocolEntry(Text(entry, "name"), Text(entry, "title"), Text(entry, "source"))),
        Each(root, "platforms", entry => new PlatformEntry(Text(entry, "name"), Text(entry, "title"))),
        Each(root, "properties", entry => new PropertyEntry(Text(entry, "name"), Text(entry, "sentence"))),
        Each(root, "hosts", entry => new HostEntry(Text(entry, "name"), Text(entry, "title"))),
        Each(root, "cells", cell => new CellReport(
            Text(cell, "protocol"), Text(cell, "direction"), Text(cell, "platform"), cell.GetProperty("applicable").GetBoolean(),
            Maybe(cell, "whyNot"), Each(cell, "explorations", Run))),
        root.GetProperty("interrupted").GetBoolean(),
        Maybe(root, "recordedComparison"));

    private Exploration Run(JsonElement run) => new(
        Text(run, "host"),
        Texts(run, "switches"),
        run.GetProperty("failures").GetBoolean(),
        Text(run, "region"),
        run.GetProperty("states").GetInt64(),
        run.GetProperty("transitions").GetInt64(),
        run.GetProperty("diameter").GetInt32(),
        run.GetProperty("seconds").GetDouble(),
        Each(run, "properties", verdict => new PropertyVerdict(
            Text(verdict, "property"),
            Word<Verdict>(verdict, "verdict"),
            Maybe(verdict, "reason"),
            verdict.GetProperty("counterexample") is { ValueKind: JsonValueKind.Number } number ? _timelines[number.GetInt32()] : null)));

    private static T[] Each<T>(JsonElement element, string name, Func<JsonElement, T> read) =>
        [.. element.GetProperty(name).EnumerateArray().Select(read)];

    private static string[] Texts(JsonElement element, string name) => Each(element, name, text => text.GetString()!);

    private static string Text(JsonElement element, string name) => element.GetProperty(name).GetString()!;

    private static string? Maybe(JsonElement element, string name) => element.GetProperty(name).GetString();

    private static T Word<T>(JsonElement element, string name)
        where T : struct, Enum => Enum.Parse<T>(Text(element, name));
}
