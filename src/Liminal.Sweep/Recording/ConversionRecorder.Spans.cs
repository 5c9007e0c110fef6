// SPDX-License-Identifier: Apache-2.0

using System.Collections.Generic;
using System.Linq;
using Iced.Intel;
using Liminal.Linux.Unwinding;
using Liminal.Memory;
using Liminal.Platform;
using Liminal.Trace;
using Liminal.X86;
using Liminal.X86.Observation;
using Liminal.X86.State;

namespace Liminal.Sweep.Recording;

/// <content>Spans, events and steps.</content>
internal sealed partial class ConversionRecorder
{
    private const int LongestInstruction = 15;
    private const int LongestStack = 24;
    private static readonly PteAttribute[] Attributes = [PteAttribute.Private, PteAttribute.Shared];

    private ulong Now => _machine.InstructionsRetired;

    /// <summary>Asks the rulebook again about a mapping whose leaf, page state or cached translations changed.</summary>
    private void Refresh(TrackedMapping mapping, int opened)
    {
        while (_open.Count <= mapping.Index)
        {
            _open.Add(null);
            _openPrivateViews.Add(null);
        }

        Fill(mapping);

        // A mapping that is gone meets nothing: no load can begin there.
        Situation? now = mapping.Entry.IsZero ? null : _book.Of(mapping, _states[mapping.Page]);
        if (now is { Outcome: AccessOutcome.Ok, HostActs: false })
            now = null;

        if (_open[mapping.Index]?.Situation != now)
        {
            Close(_open, mapping.Index, _spans, mapping, opened);
            if (now is Situation situation)
                _open[mapping.Index] = new OpenSpan(situation, FirstAfter(opened), opened);
        }

        RefreshHeld(mapping, opened);
        RefreshPrivateView(mapping, opened);
    }

    /// <summary>Opens and closes the spans in which processors may hold what a walk no longer finds, or no longer gets past the platform.</summary>
    private void RefreshHeld(TrackedMapping mapping, int opened)
    {
        PteAttributes walked = _book.MayCache(mapping, _states[mapping.Page]) ? mapping.Allowed : PteAttributes.None;
        int processors = _machine.Processors.Length;
        while (_openHeld.Count < (mapping.Index + 1) * processors * Attributes.Length)
            _openHeld.Add(null);

        for (int processor = 0; processor < processors; processor++)
        {
            PteAttributes held = mapping.Cached(processor) & ~walked;
            foreach (PteAttribute attribute in Attributes)
            {
                int index = (((mapping.Index * processors) + processor) * Attributes.Length) + (int)attribute;
                PteAttributes one = attribute == PteAttribute.Shared ? PteAttributes.Shared : PteAttributes.Private;
                Situation? now = (held & one) == PteAttributes.None ? null : SituationBook.OfHeld(attribute, _states[mapping.Page]);
                if (_openHeld[index]?.Situation == now)
                    continue;

                Close(_openHeld, index, _spans, mapping, opened, processor);
                if (now is Situation situation)
                    _openHeld[index] = new OpenSpan(situation, FirstAfter(opened), opened, mapping.IsHeldGlobal(attribute));
            }
        }
    }

    /// <summary>Lets the processors that have started look a mapping up.</summary>
    private void Fill(TrackedMapping mapping)
    {
        if (_book.MayCache(mapping, _states[mapping.Page]))
            mapping.Fill(_started);
    }

    /// <summary>A processor that has started since the last event could have looked everything up that stood then.</summary>
    private void NoteStarted()
    {
        ulong started = 0;
        foreach (Processor processor in _machine.Processors)
            started |= processor.State.Activity == Activity.WaitForStartup ? 0 : 1ul << processor.Index;

        if (started == _started)
            return;

        _started = started;
        foreach (TrackedMapping mapping in _tables.Mappings)
            Fill(mapping);
    }

    private void RefreshPrivateView(TrackedMapping mapping, int opened)
    {
        PageState state = _states[mapping.Page];
        bool isWalkable = mapping.Entry.IsPresent && mapping.Attribute == PteAttribute.Private;
        bool isCached = (mapping.CachedAnywhere & PteAttributes.Private) != PteAttributes.None;
        bool isView = _book.StatesMatter && _book.Side(state) == PageSide.Shared && (isWalkable || isCached);
        if (isView == (_openPrivateViews[mapping.Index] is not null))
            return;

        if (isView)
            _openPrivateViews[mapping.Index] = new OpenSpan(_book.Of(mapping, state), FirstAfter(opened), opened);
        else
            Close(_openPrivateViews, mapping.Index, _privateViews, mapping, opened);
    }

    /// <summary>The first boundary at which an event shows: the one behind its instruction.</summary>
    private ulong FirstAfter(int opened) => opened < 0 ? Now : Now + 1;

    private void Close(List<OpenSpan?> open, int index, List<MappingSpan> spans, TrackedMapping mapping, int closed, int cpu = -1)
    {
        if (open[index] is not OpenSpan span)
            return;

        open[index] = null;
        if (Now >= span.First)
            spans.Add(new MappingSpan(mapping, span.Situation, span.First, Now, span.Opened, closed, cpu, span.IsGlobal));
    }

    /// <summary>Counts the boundaries since the last event, at each of which every mapping could have been used.</summary>
    private void CountProbes()
    {
        ulong now = Now;
        Probes += (long)(now - _probedUpTo) * _tables.Mappings.Count;
        _probedUpTo = now;
    }

    private (ObservedStepKind Kind, string What) Describe(TrackedMapping mapping, PageTableEntry before, in WatchedStore store)
    {
        PageTableEntry after = mapping.Entry;
        if (after.IsZero)
            return (ObservedStepKind.Unmap, "unmaps");
        if (before.IsZero)
            return (ObservedStepKind.Map, "maps");
        if (mapping.EntryAddress != (store.PhysicalAddress & ~7ul))
            return (ObservedStepKind.OtherStore, "splits the large leaf of");

        bool attribute = _format.Attribute(before) != _format.Attribute(after);
        return (before.IsPresent, after.IsPresent) switch
        {
            (true, false) => (ObservedStepKind.ClearPresent, attribute ? "clears PRESENT and changes the attribute of" : "clears PRESENT of"),
            (false, true) => (ObservedStepKind.SetPresent, attribute ? "sets PRESENT and changes the attribute of" : "sets PRESENT of"),
            _ when attribute => (ObservedStepKind.SetAttribute,
                mapping.Attribute == PteAttribute.Shared ? "makes the leaf shared of" : "makes the leaf private of"),
            _ => (ObservedStepKind.OtherStore, "rewrites the leaf of"),
        };
    }

    private int[] PagesAt(ulong address) =>
        [.. _tables.Mappings.Where(mapping => Covers(mapping, address)).Select(static mapping => mapping.Page).Distinct().Order()];

    /// <summary>INVLPG drops the whole large page, whichever of its addresses is named.</summary>
    private static bool Covers(TrackedMapping mapping, ulong address) =>
        ((mapping.Address.Value ^ address) & ~(mapping.Size.SizeInBytes() - 1)) == 0;

    private static string PagesText(int[] pages) => pages.Length switch
    {
        0 => "no page",
        1 => $"page {pages[0]}",
        int count when pages[^1] - pages[0] == count - 1 => $"pages {pages[0]} to {pages[^1]}",
        int count => $"{count} pages",
    };

    private int Add(Processor? processor, SweepEventKind kind, string lane, string title, string detail, IReadOnlyList<int> pages)
    {
        if (_events.Count >= MostEvents)
        {
            EventsLeftOut++;
            return MostEvents - 1;
        }

        Processor one = processor ?? _machine.Processors[0];
        string own = lane.Length > 0 ? lane : $"cpu {one.Index}";
        _events.Add(new SweepEvent(
            Now, processor?.Index ?? -1, kind, own, title, detail, pages, ActionOf(one) ?? _kernel.Describe(one.Rip), ActionOf(one) is null ? Disassemble(one) : "",
            StackOf(one), kind == SweepEventKind.Exception ? StepTone.Notable : StepTone.Normal));
        return _events.Count - 1;
    }

    /// <summary>Adds to the last event when it is the same thing done to the page before; a loop over pages is one event.</summary>
    private bool TryContinue(Processor processor, SweepEventKind kind, string verb, int page)
    {
        if (_events.Count == 0 || _events[^1] is not { Pages.Count: > 0 } last || last.Kind != kind || last.Cpu != processor.Index
            || !last.Title.StartsWith(verb, System.StringComparison.Ordinal) || (last.Pages[^1] != page && last.Pages[^1] + 1 != page))
        {
            return false;
        }

        if (last.Pages[^1] != page)
        {
            int[] pages = [.. last.Pages, page];
            _events[^1] = last with { Pages = pages, Title = $"{verb} {PagesText(pages)}" };
        }

        return true;
    }

    private void AddStep(ObservedStepKind kind, Processor processor, int page, string region) =>
        AddStep(new ObservedStep(kind, Now, processor.Index, page, region, default, default, OperationStatus.Done, Function(processor)));

    private void AddStep(ObservedStep step) => _steps.Add(step);

    private string Function(Processor processor) =>
        ActionOf(processor) is string action ? action : Phase.Length > 0 ? Phase : _kernel.Resolve(processor.Rip)?.Symbol.Name ?? "";

    private List<string> StackOf(Processor processor)
    {
        if (processor.Cpl != 0)
            return [];

        KernelStack stack = _kernel.StackOf(processor);
        List<string> frames = [.. stack.Frames.Take(LongestStack).Select(static frame => frame.ToString())];
        if (!stack.IsReliable && frames.Count > 0)
            frames[^1] += " ?";

        return frames;
    }

    private string Disassemble(Processor processor)
    {
        byte[] code = new byte[LongestInstruction];
        if (!_kernel.Memory.TryRead(processor.Rip, code))
            return "";

        Decoder decoder = Decoder.Create(64, new ByteArrayCodeReader(code), processor.Rip);
        Instruction instruction = decoder.Decode();
        return instruction.IsInvalid ? "" : instruction.ToString();
    }
}
