// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;
using System.Linq;
using Liminal.Linux.Calls;
using Liminal.Linux.Guest;
using Liminal.Machine;
using Liminal.Memory;
using Liminal.Sweep.Applying;
using Liminal.Trace;
using Liminal.X86;

namespace Liminal.Sweep.Recording;

/// <summary>Runs one call of a conversion function to its end and records it.</summary>
/// <remarks>
/// The phases of the cost are the functions that the conversion function itself calls; each is left again where its return address says. The function
/// is <c>__set_memory_enc_pgtable()</c>, or the caller's own where a kernel has another way (6.1 under Hyper-V isolation).
/// Source: Linux v6.12, arch/x86/mm/pat/set_memory.c.
/// </remarks>
internal sealed class RecordedCall
{
    private const string Other = "other";
    private static readonly string[] Parents = ["__set_memory_enc_pgtable", "__set_memory_enc_dec"];
    private static readonly string[] Ends = ["panic", "oops_enter"];

    /// <summary>Functions that a conversion is made of; which of them a kernel has, and calls, is seen.</summary>
    private static readonly string[] Phases =
    [
        "vm_unmap_aliases", "cpa_flush", "__change_page_attr_set_clr", "change_page_attr_set_clr", "set_memory_np", "set_memory_p",
        "tdx_enc_status_change_prepare", "tdx_enc_status_change_finish", "amd_enc_status_change_prepare", "amd_enc_status_change_finish",
        "hv_vtom_clear_present", "hv_vtom_set_host_visibility", "hv_set_mem_host_visibility",
        "set_memory_4k", "flush_tlb_all", "flush_tlb_kernel_range", "clflush_cache_range",
    ];

    /// <summary>Functions in which the converting processor asks the others to flush, or, for <c>__cpa_flush_tlb</c>, has just asked them and does its own part.</summary>
    private static readonly string[] FlushRequests = ["flush_tlb_all", "flush_tlb_kernel_range", "__cpa_flush_tlb"];

    private readonly GuestKernel _kernel;
    private readonly VirtualMachine _machine;
    private readonly ConversionRecorder _recorder;
    private readonly Dictionary<ulong, string> _phaseEntries = [];
    private readonly Dictionary<ulong, string> _flushEntries = [];
    private readonly HashSet<ulong> _ends = [];
    private readonly List<(string Name, ulong Instructions)> _phases = [];
    private string _phase = Other;
    private ulong _phaseReturn;
    private ulong _phaseStart;

    /// <summary>Prepares to record.</summary>
    /// <param name="kernel">The kernel.</param>
    /// <param name="frames">The pages.</param>
    /// <param name="applied">What makes the conversion in the kernel's place; null for the kernel itself.</param>
    public RecordedCall(GuestKernel kernel, IReadOnlyList<FrameNumber> frames, ProtocolExecutor? applied = null)
    {
        _kernel = kernel;
        _machine = kernel.Machine;
        _recorder = new ConversionRecorder(kernel, frames);
        if (applied is not null)
            applied.Observer = _recorder;

        Add(_phaseEntries, Phases);
        Add(_flushEntries, FlushRequests);
        foreach (string name in Ends)
        {
            if (kernel.FindSymbol(name) is ulong address)
                _ends.Add(address);
        }
    }

    /// <summary>Runs the call that a context has begun, and records it.</summary>
    /// <param name="context">Where the call was begun; the machine has not run since.</param>
    /// <param name="target">What the pages are to become.</param>
    /// <param name="limit">Instructions after which it is given up.</param>
    public ConversionRecord Run(KernelContext context, PteAttribute target, ulong limit)
    {
        Processor processor = context.Processor;
        ulong first = _machine.InstructionsRetired;
        ulong[] before = [.. Retired()];
        List<ulong> added = [.. _phaseEntries.Keys.Concat(_flushEntries.Keys).Concat(_ends).Append(context.ReturnAddress).Distinct().Where(_machine.Breakpoints.Add)];
        _recorder.Start();
        _phaseStart = processor.InstructionsRetired;
        _recorder.Mark(processor, SweepEventKind.Boundary, null, "enters the conversion", "");
        MachineEnd? end = Drive(context, processor, first + limit, added);
        _recorder.Mark(processor, SweepEventKind.Boundary, null, end is null ? "returns" : "does not return", end?.ToString() ?? "");
        LeavePhase(processor, Other);
        _recorder.Stop();
        foreach (ulong address in added)
            _machine.Breakpoints.Remove(address);

        ulong last = _machine.InstructionsRetired;
        ulong own = processor.InstructionsRetired - before[processor.Index];
        ulong all = Sum(Retired()) - Sum(before);
        bool hasDied = end is { Kind: MachineEndKind.Breakpoint } && _ends.Contains(end.Rip);
        KernelCallResult result = hasDied ? new KernelCallResult(KernelCallStatus.Oops, 0, last - first, end!.Detail)
            : end is null or { CanGoOn: true } ? context.Finish()
            : new KernelCallResult(KernelCallStatus.MachineEnded, 0, last - first, end.ToString());
        return new ConversionRecord
        {
            Frames = _recorder.Frames,
            Target = target,
            First = first,
            Last = last,
            Result = result,
            End = hasDied || end is { CanGoOn: false } ? end : null,
            Events = _recorder.Events,
            EventsLeftOut = _recorder.EventsLeftOut,
            Spans = _recorder.Spans,
            PrivateViewsOfShared = _recorder.PrivateViewsOfShared,
            Mappings = _recorder.Mappings,
            FinalStates = [.. _recorder.States],
            Steps = _recorder.Steps,
            Cost = _recorder.Cost.Sum(own, all - own, SumPhases()),
            Probes = _recorder.Probes,
        };
    }

    /// <summary>Runs until the call returns; the machine's end when it does not.</summary>
    private MachineEnd? Drive(KernelContext context, Processor converter, ulong limit, List<ulong> added)
    {
        while (true)
        {
            MachineEnd end = _machine.Run(limit);
            if (end.Kind != MachineEndKind.Breakpoint)
                return end;

            Processor processor = _machine.Processors[end.Processor];
            if (context.HasReturned(processor))
                return null;
            if (_ends.Contains(end.Rip))
                return end with { Detail = WhyItDied(end.Rip) };

            if (_flushEntries.TryGetValue(end.Rip, out string? flush) && processor == converter)
            {
                _recorder.Cost.FlushRequests++;
                _recorder.Mark(processor, SweepEventKind.FlushRequest, ObservedStepKind.FlushRequest, "asks every processor to flush", flush);
            }

            if (processor == converter)
                FollowPhases(processor, end.Rip, context.ReturnAddress, added);
        }
    }

    /// <summary>What the kernel is about to report: its end, and the exception that led to it.</summary>
    private string WhyItDied(ulong rip)
    {
        string what = _kernel.Resolve(rip)?.Symbol.Name == "panic" ? "the kernel panics" : "the kernel reports an oops";
        SweepEvent? last = _recorder.Events.LastOrDefault(static one => one.Kind == SweepEventKind.Exception);
        return last is null ? what : $"{what}: CPU {last.Cpu} {last.Title}, {last.Detail}";
    }

    /// <summary>A function that the conversion function jumps to at its end returns where that one would: it is a phase too.</summary>
    private void FollowPhases(Processor processor, ulong rip, ulong conversionReturn, List<ulong> added)
    {
        if (rip == _phaseReturn)
        {
            LeavePhase(processor, Other);
            return;
        }

        if (_phase != Other || !_phaseEntries.TryGetValue(rip, out string? name))
            return;

        if (!_kernel.Memory.TryRead(processor.Gpr(4), out ulong caller)
            || (caller != conversionReturn && Array.IndexOf(Parents, _kernel.Resolve(caller)?.Symbol.Name) < 0))
        {
            return;
        }

        LeavePhase(processor, name);
        _phaseReturn = caller;
        if (_machine.Breakpoints.Add(caller))
            added.Add(caller);

        bool removes = name == "vm_unmap_aliases";
        _recorder.Mark(processor, SweepEventKind.Boundary, removes ? ObservedStepKind.RemoveAliases : null, $"calls {name}()", $"from {_kernel.Describe(caller)}");
    }

    private void LeavePhase(Processor processor, string next)
    {
        ulong now = processor.InstructionsRetired;
        if (now > _phaseStart)
            _phases.Add((_phase, now - _phaseStart));

        _phase = next;
        _recorder.Phase = next == Other ? "" : next;
        _phaseStart = now;
        _phaseReturn = 0;
    }

    private List<PhaseCost> SumPhases()
    {
        List<PhaseCost> sums = [];
        foreach ((string name, ulong instructions) in _phases)
        {
            int index = sums.FindIndex(one => one.Name == name);
            if (index < 0)
                sums.Add(new PhaseCost(name, instructions));
            else
                sums[index] = sums[index] with { Instructions = sums[index].Instructions + instructions };
        }

        return sums;
    }

    private void Add(Dictionary<ulong, string> addresses, string[] names)
    {
        foreach (string name in names)
        {
            if (_kernel.FindSymbol(name) is ulong address)
                addresses[address] = name;
        }
    }

    private ulong[] Retired()
    {
        ulong[] retired = new ulong[_machine.Processors.Length];
        for (int index = 0; index < retired.Length; index++)
            retired[index] = _machine.Processors[index].InstructionsRetired;

        return retired;
    }

    private static ulong Sum(ulong[] values)
    {
        ulong sum = 0;
        foreach (ulong value in values)
            sum += value;

        return sum;
    }
}
