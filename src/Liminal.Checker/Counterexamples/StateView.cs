// SPDX-License-Identifier: Apache-2.0

using System.Collections.Generic;
using System.Globalization;
using Liminal.Checker.Model;
using Liminal.Checker.Scenarios;
using Liminal.Checker.Vocabulary;
using Liminal.Memory;
using Liminal.Platform;
using Liminal.Trace;

namespace Liminal.Checker.Counterexamples;

/// <summary>A model state as the tables a reader looks at: pages, page-table entries, TLBs, converters.</summary>
internal sealed class StateView
{
    /// <summary>Frames that the pages of a model have in traces; any would do.</summary>
    private const ulong FirstFrame = 0x12340;

    private readonly TransitionSystem _system;
    private readonly Scenario _scenario;
    private readonly Dictionary<byte, string> _stateNames = [];

    public StateView(TransitionSystem system)
    {
        _system = system;
        _scenario = system.Scenario;
        foreach (PageStateInfo info in _scenario.Platform.States)
            _stateNames[info.State.Value] = info.Name;
    }

    /// <summary>The tables of one state.</summary>
    public IReadOnlyList<StateTable> Of(in ModelState state) => [Pages(in state), Entries(in state), Tlbs(in state), Converters(in state)];

    /// <summary>The platform's word for a page state.</summary>
    public string StateName(byte state) => _stateNames[state];

    /// <summary>A mapping in words, such as "direct map of page 0".</summary>
    public string MappingName(int mapping) => $"{KindName(_system.Layout[mapping].Kind)} of page {_system.Layout[mapping].Page}";

    private StateTable Pages(in ModelState state)
    {
        List<StateRow> rows = [];
        for (int page = 0; page < _scenario.Pages; page++)
        {
            PageCell cell = state.Pages[page];
            rows.Add(new StateRow(
                $"page {page}",
                [
                    StateName(cell.State),
                    TagName(TransitionSystem.Tag(in cell, PteAttribute.Private)),
                    TagName(TransitionSystem.Tag(in cell, PteAttribute.Shared)),
                    LinesName(cell.DirtyLines),
                ]));
        }

        return new StateTable("Pages", ["state", "private contents", "shared contents", "dirty lines"], rows);
    }

    private StateTable Entries(in ModelState state)
    {
        List<StateRow> rows = [];
        for (int i = 0; i < _system.Layout.Count; i++)
        {
            byte code = state.Ptes[i];
            FrameNumber frame = new(FirstFrame + (ulong)_system.Layout[i].Page);
            PageTableEntry entry = PteCode.ToEntry(code, _scenario.Platform.Format, frame);
            bool exists = (code & PteCode.Exists) != 0;
            rows.Add(new StateRow(
                MappingName(i),
                [
                    entry.Raw.ToString("x16", CultureInfo.InvariantCulture),
                    PteCode.IsPresent(code) ? "P" : exists ? "not present" : "empty",
                    exists ? AttributeName(PteCode.Attribute(code)) : "",
                    exists ? _scenario.Platform.Format.RawFrame(entry).Value.ToString("x", CultureInfo.InvariantCulture) : "",
                ]));
        }

        return new StateTable("Page-table entries", ["entry", "present", "attribute", "PFN bits"], rows);
    }

    private StateTable Tlbs(in ModelState state)
    {
        List<string> columns = [];
        for (int cpu = 0; cpu < _scenario.Cpus; cpu++)
            columns.Add($"CPU {cpu}");

        List<StateRow> rows = [];
        for (int i = 0; i < _system.Layout.Count; i++)
        {
            List<string> cells = [];
            for (int cpu = 0; cpu < _scenario.Cpus; cpu++)
                cells.Add(CachedName((state.Tlb[i] >> (cpu * 2)) & 3));

            rows.Add(new StateRow(MappingName(i), cells));
        }

        return new StateTable("TLBs", columns, rows);
    }

    private StateTable Converters(in ModelState state)
    {
        List<StateRow> rows = [];
        for (int i = 0; i < _system.Programs.Count; i++)
        {
            ConverterCell cell = state.Converters[i];
            MicroOp op = _system.Programs[i].Ops[cell.Pc];
            string next = cell.Status switch
            {
                ConverterStatus.Succeeded => "returned success",
                ConverterStatus.Failed => "returned an error",
                _ => StepNames.Of(op, _system.Programs[i].Steps),
            };
            string pending = "";
            for (int cpu = 0; cpu < _scenario.Cpus; cpu++)
                pending += (cell.FlushPending & (1 << cpu)) != 0 ? $"{(pending.Length > 0 ? ", " : "")}CPU {cpu}" : "";

            rows.Add(new StateRow(_system.Programs.Count > 1 ? $"converter {i}" : "converter", [next, pending]));
        }

        return new StateTable("Converters", ["next", "flush awaited from"], rows);
    }

    /// <summary>The name of a kind of mapping.</summary>
    public static string KindName(MappingKind kind) => kind switch
    {
        MappingKind.DirectMap => "direct map",
        MappingKind.KernelImage => "image map",
        MappingKind.Vmalloc => "vmalloc map",
        MappingKind.StaleVmap => "stale vmap",
        MappingKind.LiveVmap => "live vmap",
        _ => "shared view",
    };

    /// <summary>An attribute in words.</summary>
    public static string AttributeName(PteAttribute attribute) => attribute == PteAttribute.Shared ? "shared" : "private";

    private static string TagName(ContentTag tag) => tag switch
    {
        ContentTag.Zero => "zeroes",
        ContentTag.Secret => "guest secret",
        ContentTag.Public => "data for the host",
        ContentTag.HostData => "host data",
        _ => "undefined",
    };

    private static string LinesName(int lines) => lines switch { 0 => "", 1 => "private", 2 => "shared", _ => "private, shared" };

    private static string CachedName(int pair) => pair switch { 0 => "", 1 => "private", 2 => "shared", _ => "private, shared" };
}
