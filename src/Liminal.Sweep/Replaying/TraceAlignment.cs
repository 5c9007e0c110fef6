// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;
using System.Linq;
using Liminal.Checker.Counterexamples;
using Liminal.Platform;
using Liminal.Sweep.Recording;
using Liminal.Trace;

namespace Liminal.Sweep.Replaying;

/// <summary>One step of a counterexample and what it corresponds to in a recording.</summary>
/// <param name="Index">Index of the step in the counterexample.</param>
/// <param name="Fate">Whether the kernel does the same.</param>
/// <param name="Step">What the kernel does; null when there is nothing to see.</param>
/// <param name="Note">Why there is nothing to see, or what the kernel does instead; empty when it does the same.</param>
internal readonly record struct AlignedAct(int Index, ReplayFate Fate, ObservedStep? Step, string Note);

/// <summary>Steps of a counterexample beside the recorded conversion of a kernel.</summary>
/// <remarks>
/// Compared is what happens to one page. The kernel may do more than the protocol says where that changes nothing for a load (a second flush, a purge of
/// aliases), and a batch of pages is one call. But what changes the page's entries or its state has to come in the order of the counterexample.
/// </remarks>
internal sealed class TraceAlignment
{
    private const string NeverRecorded = "a read is not recorded; it changes nothing";

    private readonly IReadOnlyList<TraceAct> _acts;
    private readonly ConversionRecord _record;
    private readonly HashSet<string> _regions;
    private readonly bool _hasSharedView;
    private readonly Dictionary<int, int> _cursors = [];
    private readonly List<AlignedAct> _aligned = [];
    private readonly int _page;
    private ulong _boundary;
    private ulong _afterAll;

    private TraceAlignment(IReadOnlyList<TraceAct> acts, int page, ConversionRecord record)
    {
        _acts = acts;
        _page = page;
        _record = record;
        _regions = [.. acts.Select(static act => ObservedWords.RegionOf(act.Mapping)).OfType<string>()];
        _hasSharedView = acts.Any(static act => act.Mapping == "shared view");
        _boundary = record.First;
        _afterAll = record.First;
    }

    /// <summary>The steps that were compared; the last one departs when <see cref="DepartsAt"/> is set.</summary>
    public IReadOnlyList<AlignedAct> Acts => _aligned;

    /// <summary>Index of the step at which the kernel does something else.</summary>
    public int? DepartsAt { get; private set; }

    /// <summary>
    /// Instructions retired at the first instruction behind the last step that was found: of all pages where nothing more has happened to the page
    /// that matters by then, else of this page.
    /// </summary>
    public ulong Boundary
    {
        get
        {
            int next = NextHard(_page, includesStrikes: true);
            ulong latest = next < _record.Steps.Count ? _record.Steps[next].Instruction : _record.Last;
            return _afterAll <= latest ? Math.Max(_boundary, _afterAll) : _boundary;
        }
    }

    /// <summary>Compares.</summary>
    /// <param name="acts">The whole counterexample.</param>
    /// <param name="from">First step to compare.</param>
    /// <param name="until">The step before which to stop.</param>
    /// <param name="page">The page that matters.</param>
    /// <param name="record">The conversion, from where the first of these steps can come.</param>
    public static TraceAlignment Of(IReadOnlyList<TraceAct> acts, int from, int until, int page, ConversionRecord record)
    {
        TraceAlignment alignment = new(acts, page, record);
        for (int index = from; index < until && alignment.DepartsAt is null; index++)
            alignment.Take(index);

        return alignment;
    }

    private void Take(int index)
    {
        TraceAct act = _acts[index];
        switch (act.Kind)
        {
            case TraceActKind.Start:
                Add(index, ReplayFate.Same, null, "");
                break;
            case TraceActKind.ZeroEntry when act.Mapping != "shared view":
                Soft(index, ObservedStepKind.RemoveAliases, "no such alias is there");
                break;
            case TraceActKind.FlushCache:
                Soft(index, ObservedStepKind.CacheFlush, "no cache flush here; a load on this machine does not depend on it");
                break;
            case TraceActKind.RequestFlush:
                Soft(index, ObservedStepKind.FlushRequest, "the request itself is not seen");
                break;
            case TraceActKind.AwaitFlush:
                Add(index, ReplayFate.Unseen, null, "waiting changes nothing");
                break;
            case TraceActKind.Flush:
                Flush(index);
                break;
            case TraceActKind.Fill:
                Add(index, ReplayFate.Unseen, null, "a CPU may do so at any time; the recording counts on it");
                break;
            case TraceActKind.Read:
                Add(index, ReplayFate.Unseen, null, NeverRecorded);
                break;
            case TraceActKind.UserWrites or TraceActKind.UserReads:
                Add(index, ReplayFate.Steered, null, "the page is used once");
                break;
            case TraceActKind.ReturnSuccess or TraceActKind.ReturnFailure or TraceActKind.Terminate:
                End(index);
                break;
            default:
                Hard(index);
                break;
        }
    }

    /// <summary>A step that changes a page's entry or state: the next such step of the kernel has to be the same.</summary>
    private void Hard(int index)
    {
        TraceAct act = _acts[index];
        int at = NextHard(act.Page, IsStrike(act));
        ObservedStep? found = at < _record.Steps.Count ? _record.Steps[at] : null;
        if (found is ObservedStep step && IsSame(act, step))
        {
            _cursors[act.Page] = at + 1;
            Found(index, IsStrike(act) ? ReplayFate.Steered : ReplayFate.Same, step);
            return;
        }

        if (act.Page != _page)
            Add(index, ReplayFate.Unseen, null, "not in this order; what happens to another page does not matter here");
        else if (found is ObservedStep other)
            Depart(index, other, $"the kernel {ObservedWords.Of(other)}");
        else
            Depart(index, null, HowItEnded());
    }

    /// <summary>A step that a kernel can do without, and nobody notices.</summary>
    private void Soft(int index, ObservedStepKind kind, string otherwise)
    {
        int page = _acts[index].Page;
        foreach (ObservedStep step in Segment(page < 0 ? _page : page))
        {
            if (step.Kind == kind)
            {
                Found(index, ReplayFate.Same, step);
                return;
            }
        }

        Add(index, ReplayFate.Unseen, null, otherwise);
    }

    private void Flush(int index)
    {
        int cpu = _acts[index].Actor;
        foreach (ObservedStep step in Segment(_page))
        {
            if (step.Kind == ObservedStepKind.TlbFlush && step.Cpu == cpu)
            {
                Found(index, ReplayFate.Same, step);
                return;
            }
        }

        if (IsPurge(index))
        {
            Add(index, ReplayFate.Unseen, null, "no alias was there to be flushed");
            return;
        }

        int next = NextHard(_page, includesStrikes: false);
        ObservedStep? instead = next < _record.Steps.Count ? _record.Steps[next] : null;
        Depart(index, instead, instead is ObservedStep other ? $"CPU {cpu} flushes nothing before the kernel {ObservedWords.Of(other)}" : $"CPU {cpu} flushes nothing; {HowItEnded()}");
    }

    /// <summary>Whether a flush belongs to the purge of aliases: the last thing done to an entry was to zero a stale one.</summary>
    private bool IsPurge(int index)
    {
        for (int before = index - 1; before >= 0; before--)
        {
            if (_acts[before].Kind == TraceActKind.RequestFlush)
                return before > 0 && _acts[before - 1].Kind == TraceActKind.ZeroEntry;
        }

        return false;
    }

    private void End(int index)
    {
        TraceAct act = _acts[index];
        int next = NextHard(_page, includesStrikes: false);
        bool hasFailed = _record.Result is not { HasReturned: true, Error: 0 };
        bool isSame = act.Kind switch
        {
            TraceActKind.ReturnSuccess => !hasFailed,
            TraceActKind.ReturnFailure => hasFailed && _record.Result.HasReturned,
            _ => _record.End is not null,
        };
        if (next < _record.Steps.Count)
        {
            Depart(index, _record.Steps[next], $"the kernel {ObservedWords.Of(_record.Steps[next])}");
        }
        else if (!isSame)
        {
            Depart(index, null, HowItEnded());
        }
        else
        {
            _boundary = _record.Last;
            Add(index, ReplayFate.Same, null, HowItEnded());
        }
    }

    private string HowItEnded() => _record.End is { } end ? $"the guest ends: {end}"
        : !_record.Result.HasReturned ? $"the conversion does not return: {_record.Result.Detail}"
        : _record.Result.Error == 0 ? "the kernel returns success"
        : $"the kernel returns the error {_record.Result.Error}";

    private void Found(int index, ReplayFate fate, in ObservedStep step)
    {
        if (step.Page == _page || step.Page == -1)
            _boundary = Math.Max(_boundary, step.Instruction + 1);

        _afterAll = Math.Max(_afterAll, step.Instruction + 1);
        Add(index, fate, step, "");
    }

    private void Add(int index, ReplayFate fate, ObservedStep? step, string note) => _aligned.Add(new AlignedAct(index, fate, step, note));

    private void Depart(int index, ObservedStep? step, string note)
    {
        DepartsAt = index;
        Add(index, ReplayFate.Departs, step, note);
    }

    /// <summary>What concerns a page, from its last step that was found up to the next that changes it.</summary>
    private IEnumerable<ObservedStep> Segment(int page)
    {
        int end = NextHard(page, includesStrikes: false);
        return _record.Steps.Take(end).Skip(_cursors.GetValueOrDefault(page)).Where(step => step.Page == page || step.Page == -1);
    }

    /// <summary>Index of the next step that changes an entry or the state of a page.</summary>
    private int NextHard(int page, bool includesStrikes)
    {
        int index = _cursors.GetValueOrDefault(page);
        while (index < _record.Steps.Count && !IsHard(_record.Steps[index], page, includesStrikes))
            index++;

        return index;
    }

    private bool IsHard(in ObservedStep step, int page, bool includesStrikes) => step.Kind switch
    {
        ObservedStepKind.HostCall when step.Page == -2 => true,
        _ when step.Page != page => false,
        ObservedStepKind.ClearPresent or ObservedStepKind.SetPresent or ObservedStepKind.SetAttribute => _regions.Count == 0 || _regions.Contains(step.Region),
        ObservedStepKind.Map or ObservedStepKind.Unmap => _hasSharedView,
        ObservedStepKind.GuestOperation => true,
        ObservedStepKind.HostCall => includesStrikes || step.Status is not (OperationStatus.Retry or OperationStatus.Refused) || !_acts.Any(IsStrike),
        _ => false,
    };

    private static bool IsStrike(TraceAct act) => TracePlan.IsStrike(act);

    private static bool IsSame(TraceAct act, in ObservedStep step) => (act.Kind, step.Kind) switch
    {
        (TraceActKind.ClearPresent, ObservedStepKind.ClearPresent) or (TraceActKind.SetPresent, ObservedStepKind.SetPresent)
            or (TraceActKind.SetAttribute, ObservedStepKind.SetAttribute) or (TraceActKind.CreateEntry, ObservedStepKind.Map)
            or (TraceActKind.ZeroEntry, ObservedStepKind.Unmap) => ObservedWords.RegionOf(act.Mapping) == step.Region,
        (TraceActKind.CallHost, ObservedStepKind.HostCall) => step.Page != -2 && act.Call == step.Call,
        (TraceActKind.HostRetries or TraceActKind.HostRefuses or TraceActKind.HostLies, ObservedStepKind.HostCall) => step.Page != -2,
        (TraceActKind.Operate, ObservedStepKind.GuestOperation) => act.Operation == At4K(step.Operation),
        _ => false,
    };

    private static GuestOperation At4K(GuestOperation operation) => operation switch
    {
        GuestOperation.Accept2M => GuestOperation.Accept4K,
        GuestOperation.Validate2M => GuestOperation.Validate4K,
        GuestOperation.Rescind2M => GuestOperation.Rescind4K,
        _ => operation,
    };
}
