// SPDX-License-Identifier: Apache-2.0

using System.Collections.Generic;
using System.Linq;
using Liminal.Linux.Guest;
using Liminal.Machine;
using Liminal.Memory;
using Liminal.Platform;
using Liminal.Trace;
using Liminal.X86;
using Liminal.X86.Observation;

namespace Liminal.Sweep.Recording;

/// <summary>Watches a machine during one conversion and keeps, at every moment, what a load through each mapping of the pages would meet.</summary>
/// <remarks>
/// Between two events nothing that a load depends on changes: leaves, page states and the translations that may be cached change in events only, and
/// every event is seen. So a span between events stands for each instruction boundary in it. Any processor may look up a
/// present leaf at any time and keep the translation until it drops it, or until the platform says that a page change dropped it.
/// </remarks>
internal sealed partial class ConversionRecorder : IProcessorObserver, IMachineObserver
{
    private const int MostEvents = 4096;

    private readonly GuestKernel _kernel;
    private readonly VirtualMachine _machine;
    private readonly KernelTables _tables;
    private readonly SituationBook _book;
    private readonly Dictionary<ulong, int> _pageOfFrame = [];
    private readonly PageState[] _states;
    private readonly List<SweepEvent> _events = [];
    private readonly List<ObservedStep> _steps = [];
    private readonly List<OpenSpan?> _open = [];
    private readonly List<OpenSpan?> _openPrivateViews = [];
    private readonly List<OpenSpan?> _openHeld = [];
    private readonly List<TrackedMapping> _dropped = [];
    private readonly List<MappingSpan> _spans = [];
    private readonly List<MappingSpan> _privateViews = [];
    private readonly List<(TrackedMapping Mapping, PageTableEntry Before)> _changed = [];
    private readonly List<ulong> _newTables = [];
    private readonly PteFormat _format;
    private CostCounter _cost;
    private ulong _probedUpTo;
    private ulong _started;

    public ConversionRecorder(GuestKernel kernel, IReadOnlyList<FrameNumber> frames)
    {
        _kernel = kernel;
        _machine = kernel.Machine;
        _format = _machine.Configuration.Confidential!.Platform.Format;
        Frames = frames;
        for (int page = 0; page < frames.Count; page++)
            _pageOfFrame[frames[page].Value] = page;

        _book = new SituationBook(_machine.Confidential!);
        _tables = new KernelTables(kernel, frames);
        _states = [.. frames.Select(frame => _machine.PageStates![frame.Value])];
    }

    private sealed record OpenSpan(Situation Situation, ulong First, int Opened, bool IsGlobal = false);

    /// <summary>The pages.</summary>
    public IReadOnlyList<FrameNumber> Frames { get; }

    /// <summary>What happened so far.</summary>
    public IReadOnlyList<SweepEvent> Events => _events;

    /// <summary>Events that were counted only.</summary>
    public long EventsLeftOut { get; private set; }

    /// <summary>Instruction boundaries times mappings so far.</summary>
    public long Probes { get; private set; }

    public IReadOnlyList<MappingSpan> Spans => _spans;

    public IReadOnlyList<MappingSpan> PrivateViewsOfShared => _privateViews;

    public IReadOnlyList<TrackedMapping> Mappings => _tables.Mappings;

    public IReadOnlyList<PageState> States => _states;

    public IReadOnlyList<ObservedStep> Steps => _steps;

    public ref CostCounter Cost => ref _cost;

    /// <summary>The part of the conversion that is executing; empty between them.</summary>
    public string Phase { get; set; } = "";

    /// <summary>Begins to watch.</summary>
    public void Start()
    {
        _probedUpTo = _machine.InstructionsRetired;
        foreach (ulong frame in _tables.TableFrames)
            _machine.WatchPage(frame);

        NoteStarted();
        foreach (TrackedMapping mapping in _tables.Mappings)
            Refresh(mapping, opened: -1);

        _machine.ProcessorObserver = this;
        _machine.Observer = this;
    }

    /// <summary>Ends watching; open spans end here.</summary>
    public void Stop()
    {
        _machine.ProcessorObserver = null;
        _machine.Observer = null;
        _machine.UnwatchAllPages();
        CountProbes();
        foreach (TrackedMapping mapping in _tables.Mappings.Take(_open.Count))
        {
            Close(_open, mapping.Index, _spans, mapping, closed: -1);
            Close(_openPrivateViews, mapping.Index, _privateViews, mapping, closed: -1);
            int processors = _machine.Processors.Length;
            for (int index = 0; index < processors * Attributes.Length; index++)
                Close(_openHeld, (mapping.Index * processors * Attributes.Length) + index, _spans, mapping, closed: -1, index / Attributes.Length);
        }

        _spans.Sort(static (a, b) => (a.First, a.Mapping.Index, a.Cpu, a.Situation.Attribute).CompareTo((b.First, b.Mapping.Index, b.Cpu, b.Situation.Attribute)));
        _privateViews.Sort(static (a, b) => (a.First, a.Mapping.Index).CompareTo((b.First, b.Mapping.Index)));
    }

    public void OnWatchedStore(Processor processor, in WatchedStore store)
    {
        if (store.IsShared)
            return;

        NoteStarted();
        _changed.Clear();
        _newTables.Clear();
        _tables.Take(store, _changed, _newTables);
        foreach (ulong frame in _newTables)
            _machine.WatchPage(frame);

        if (store.ByPageWalk || _changed.Count == 0)
            return;

        CountProbes();
        _cost.PteStores++;
        (TrackedMapping one, PageTableEntry before) = _changed[0];
        (ObservedStepKind kind, string what) = Describe(one, before, store);
        int[] pages = [.. _changed.Select(static change => change.Mapping.Page).Distinct().Order()];
        string words = $"{what} {PagesText(pages)} in the {one.Region}";
        int number = Add(processor, SweepEventKind.PteStore, "", words, $"{one.Address}: {before.Raw:x16} -> {store.Value:x16}", pages);
        foreach ((TrackedMapping mapping, PageTableEntry old) in _changed)
        {
            AddStep(Describe(mapping, old, store).Kind, processor, mapping.Page, mapping.Region);
            Refresh(mapping, number);
        }
    }

    public void OnInvalidation(Processor processor, in TlbInvalidation invalidation)
    {
        if (invalidation.Cause == InvalidationCause.Machine)
            return;

        CountProbes();
        NoteStarted();
        _dropped.Clear();
        foreach (TrackedMapping mapping in _tables.Mappings)
        {
            if ((invalidation.Page is ulong page && !Covers(mapping, page)) || !mapping.Drop(processor.Index, invalidation.KeepsGlobal))
                continue;

            _dropped.Add(mapping);
            Fill(mapping);
        }

        if (_dropped.Count == 0 || (invalidation.Cause == InvalidationCause.Cr3 && invalidation.KeepsGlobal))
        {
            foreach (TrackedMapping mapping in _dropped)
                RefreshHeld(mapping, _events.Count - 1);

            return;
        }

        _cost.TlbFlushes++;
        int[] pages = invalidation.Page is ulong address ? PagesAt(address) : [];
        const string DropsPage = "drops its translation of";
        int number = _events.Count - 1;
        if (pages.Length != 1 || !TryContinue(processor, SweepEventKind.TlbFlush, DropsPage, pages[0]))
        {
            string what = invalidation.Page is ulong flushed ? $"{DropsPage} {PagesText(pages)}" : "drops all its translations";
            number = Add(processor, SweepEventKind.TlbFlush, "", what, invalidation.Page is ulong at ? $"{invalidation.Cause} {at:x16}" : invalidation.Cause.ToString(), pages);
        }

        AddStep(ObservedStepKind.TlbFlush, processor, pages.Length == 1 ? pages[0] : -1, "");
        foreach (TrackedMapping mapping in _dropped)
        {
            RefreshHeld(mapping, number);
            RefreshPrivateView(mapping, number);
        }
    }

    public void OnCacheFlush(Processor processor, in CacheFlush flush)
    {
        int page = -1;
        if (flush.Kind == CacheFlushKind.Line && !_pageOfFrame.TryGetValue(flush.PhysicalAddress >> Page.Shift, out page))
            return;

        _cost.CacheFlushes++;
        bool isSamePage = _steps.Count > 0 && _steps[^1] is { Kind: ObservedStepKind.CacheFlush } last && last.Page == page && last.Cpu == processor.Index;
        if (!isSamePage)
            AddStep(ObservedStepKind.CacheFlush, processor, page, "");

        const string FlushesLines = "flushes the cache lines of";
        if (page < 0)
            Add(processor, SweepEventKind.CacheFlush, "", "flushes its whole cache", flush.Kind.ToString(), []);
        else if (!TryContinue(processor, SweepEventKind.CacheFlush, FlushesLines, page))
            Add(processor, SweepEventKind.CacheFlush, "", $"{FlushesLines} page {page}", $"from {flush.LinearAddress:x16}", [page]);
    }

    public void OnDelivery(Processor processor, in EventDelivery delivery)
    {
        if (delivery.Kind is EventKind.External or EventKind.Software || delivery.FromUser)
            return;

        Add(processor, SweepEventKind.Exception, "", $"takes exception {delivery.Vector} at {_kernel.Describe(delivery.Rip)}",
            delivery.ErrorCode is uint code ? $"error code {code:x}, address {delivery.Address:x16}" : $"address {delivery.Address:x16}", []);
    }

    public void OnHostCall(Processor processor, in HostCallEvent hostCall)
    {
        _cost.HostCalls++;
        List<int> pages = [];
        for (ulong i = 0; i < hostCall.Pages; i++)
        {
            if (!_pageOfFrame.TryGetValue(hostCall.FirstFrame + i, out int page))
                continue;

            pages.Add(page);
            OperationStatus status = i < hostCall.Done ? OperationStatus.Done : hostCall.Status;
            AddStep(new ObservedStep(ObservedStepKind.HostCall, Now, processor.Index, page, "", default, hostCall.Call, status, Function(processor)));
        }

        string result = hostCall.Done == hostCall.Pages ? $"{hostCall.Status}" : $"{hostCall.Status} after {hostCall.Done}";
        Add(processor, SweepEventKind.HostCall, "host", $"{hostCall.Call} of {hostCall.Pages} pages from {hostCall.FirstFrame:x}: {result}",
            hostCall.HasStruck ? "the host did not do what it should have" : "", pages);
        if (pages.Count == 0)
            AddStep(new ObservedStep(ObservedStepKind.HostCall, Now, processor.Index, -2, "", default, hostCall.Call, hostCall.Status, Function(processor)));
    }

    public void OnGuestOperation(Processor processor, in GuestOperationEvent operation)
    {
        _cost.GuestOperations++;
        int page = _pageOfFrame.GetValueOrDefault(operation.Frame, -1);
        Add(processor, SweepEventKind.GuestOperation, "", $"{operation.Operation} of {(page < 0 ? $"frame {operation.Frame:x}" : $"page {page}")}: {operation.Status}",
            operation.Rule, page < 0 ? [] : [page]);
        if (page >= 0)
            AddStep(new ObservedStep(ObservedStepKind.GuestOperation, Now, processor.Index, page, "", operation.Operation, default, operation.Status, Function(processor)));
    }

    public void OnPageChange(Processor? processor, in PageChangeEvent change)
    {
        if (!_pageOfFrame.TryGetValue(change.Frame, out int page))
            return;

        CountProbes();
        NoteStarted();
        _states[page] = change.Change.State;
        int number = Add(processor, SweepEventKind.PageState, $"page {page}", $"is {_book.Name(change.Change.State)} now",
            $"was {_book.Name(change.Before)}", [page]);
        foreach (TrackedMapping mapping in _tables.MappingsOf(page))
        {
            mapping.DropEverywhere(change.Change.DroppedTranslations);
            Refresh(mapping, number);
        }
    }

    public void OnAccess(Processor processor, in AccessEvent access)
    {
        if (_pageOfFrame.TryGetValue(access.Access.GuestPhysicalAddress >> Page.Shift, out int page))
        {
            Add(processor, SweepEventKind.Exception, "", $"{access.Access.Kind} of page {page} meets {access.Outcome}", access.Rule, [page]);
        }
    }

    public void OnNote(Processor processor, string what)
    {
    }

    /// <summary>The conversion came to a place that the campaign watches for.</summary>
    public void Mark(Processor processor, SweepEventKind kind, ObservedStepKind? step, string title, string detail)
    {
        Add(processor, kind, "", title, detail, []);
        if (step is ObservedStepKind known)
            AddStep(known, processor, -1, "");
    }
}
