// SPDX-License-Identifier: Apache-2.0

using System.Collections.Generic;
using System.Linq;
using System.Text;
using Liminal.Checker.Counterexamples;
using Liminal.Linux.Calls;
using Liminal.Machine;
using Liminal.Machine.Confidential;
using Liminal.Sweep.Conversions;
using Liminal.Sweep.Probing;
using Liminal.Sweep.Recording;
using Liminal.Trace;
using Liminal.X86;

namespace Liminal.Sweep.Replaying;

/// <summary>Steers a counterexample onto a conversion in a kernel.</summary>
/// <remarks>
/// The conversion is recorded and compared with the counterexample up to its first stray load. It is made again up to the instruction that this gives, the
/// load is made there on another processor, and what is left of the conversion is recorded anew, since the load may have changed it; and so on. All of
/// it begins in forks of one machine, so that what was recorded happens again instruction by instruction.
/// </remarks>
internal sealed class TraceReplay
{
    private readonly VirtualMachine _prepared;
    private readonly KernelContext _ready;
    private readonly ConversionQuestion _question;
    private readonly ConversionRange _range;
    private readonly TracePlan _plan;
    private readonly List<(ulong Instruction, int Index, ulong Address)> _placed = [];
    private readonly List<ReplayStep> _steps = [];
    private ulong _entered;
    private int _from;
    private bool _isStrikePlanned;

    /// <summary>A replay.</summary>
    /// <param name="prepared">Machine in which the pages are ready, and the host behaves as the counterexample says.</param>
    /// <param name="ready">Where the conversion is called.</param>
    /// <param name="question">The conversion.</param>
    /// <param name="range">Its pages.</param>
    /// <param name="plan">The counterexample.</param>
    public TraceReplay(VirtualMachine prepared, KernelContext ready, ConversionQuestion question, ConversionRange range, TracePlan plan)
    {
        _prepared = prepared;
        _ready = ready;
        _question = question;
        _range = range;
        _plan = plan;
    }

    private IReadOnlyList<TraceAct> Acts => _plan.Acts;

    /// <summary>Replays the counterexample.</summary>
    public ReplayFinding Run()
    {
        // No call is struck before it is known which one.
        _prepared.Confidential!.Plan = HostPlan.Only(ulong.MaxValue);
        while (true)
        {
            if (RunToNextLoad() is ReplayFinding finding)
                return finding;
        }
    }

    /// <summary>Compares up to the next stray load and makes it; null when the counterexample goes on after it.</summary>
    private ReplayFinding? RunToNextLoad()
    {
        int until = NextLoad(_from);
        var console = new StringBuilder();
        using VirtualMachine machine = _prepared.Fork(value => console.Append((char)value));
        KernelContext context = Begin(machine);
        foreach ((ulong instruction, int index, ulong address) in _placed)
        {
            if (WhyNotReplaced(machine, context, instruction, index, address) is string lost)
                return End(ReplayOutcome.NoVerdict, null, null, lost);
        }

        using VirtualMachine recorded = machine.Fork();
        KernelContext inRecorded = context.On(new KernelCalls(_ready.Kernel.On(recorded)));
        ulong callsBefore = recorded.Confidential!.CallsSoFar;
        ConversionRecord record = new RecordedCall(inRecorded.Kernel, _range.Frames).Run(inRecorded, _question.Target, _question.Limit);
        var aligned = TraceAlignment.Of(Acts, _from, until, _plan.Page, record);
        if (!_isStrikePlanned && PlanStrike(aligned, record, callsBefore))
        {
            // With the host's act in it the conversion is another one: from the beginning.
            (_from, _isStrikePlanned) = (0, true);
            _placed.Clear();
            _steps.Clear();
            return null;
        }

        _steps.AddRange(aligned.Acts.Select(StepOf));
        if (aligned.DepartsAt is int departed)
            return End(ReplayOutcome.Departed, departed, null, $"departs at step {departed}: {aligned.Acts[^1].Note} where the trace has \"{Told(departed)}\"");

        return until == Acts.Count
            ? JudgeEnd(record, aligned, inRecorded)
            : MakeLoad(machine, context, record, until, aligned.Boundary, console);
    }

    /// <summary>Makes a stray load and compares how it goes; null when the counterexample goes on after it.</summary>
    private ReplayFinding? MakeLoad(VirtualMachine machine, KernelContext context, ConversionRecord record, int index, ulong boundary, StringBuilder console)
    {
        if (Advance(machine, boundary) is string stopped)
            return End(ReplayOutcome.NoVerdict, null, null, stopped);
        if (AddressOf(record, Acts[index].Page, ObservedWords.RegionOf(Acts[index].Mapping)!) is not ulong mapped)
            return End(ReplayOutcome.Departed, index, null, $"departs at step {index}: the kernel has no {Acts[index].Mapping} of page {Acts[index].Page}");
        if (Load(machine, context, mapped, index, console) is not StrayLoadRun run)
            return End(ReplayOutcome.NoVerdict, null, null, $"step {index}: no load can begin there, because the page before is in transition too");

        _steps.Add(StepOf(index, run));
        (bool isSame, string words) = LoadComparison.Of(TraceReader.EndOf(_plan.Timeline.Steps[index])!, SituationAt(record, index, boundary), run);
        if (run.End == StrayLoadEnd.Unknown)
            return End(ReplayOutcome.NoVerdict, null, run, $"step {index}: {run.Detail}");
        if (!isSame)
            return End(ReplayOutcome.Departed, index, run, $"departs at step {index}: {words}");
        if (index == Acts.Count - 1)
            return End(ReplayOutcome.Reached, null, run, $"reaches the same outcome: {words}");

        _placed.Add((boundary, index, mapped));
        _from = index + 1;
        return null;
    }

    private int NextLoad(int from)
    {
        for (int index = from; index < Acts.Count; index++)
        {
            if (Acts[index].Kind == TraceActKind.StrayLoad)
                return index;
        }

        return Acts.Count;
    }

    private KernelContext Begin(VirtualMachine machine)
    {
        KernelContext context = _ready.On(new KernelCalls(_ready.Kernel.On(machine)));
        context.Begin(_question.Function, _range.Address, (ulong)_range.Frames.Count);
        _entered = machine.InstructionsRetired;
        return context;
    }

    /// <summary>Makes a load again that was made before; null, or why that is not possible.</summary>
    private string? WhyNotReplaced(VirtualMachine machine, KernelContext context, ulong instruction, int index, ulong address) =>
        Advance(machine, instruction)
            ?? (Load(machine, context, address, index, new StringBuilder()) is null ? $"step {index}: the load did not come about again" : null);

    private static string? Advance(VirtualMachine machine, ulong instruction)
    {
        if (machine.InstructionsRetired >= instruction)
            return null;

        MachineEnd end = machine.Run(instruction);
        return end.Kind == MachineEndKind.InstructionLimit ? null : $"the conversion did not come to its instruction {instruction} again: {end}";
    }

    /// <summary>Makes a stray load where the machine stands; the conversion can go on afterwards.</summary>
    private StrayLoadRun? Load(VirtualMachine machine, KernelContext context, ulong address, int index, StringBuilder console)
    {
        TraceAct act = Acts[index];
        IReadOnlyList<LoadSite> sites = LoadSite.Of(context.Kernel);
        if (sites.Count == 0)
            return null;

        foreach (int cpu in Candidates(machine, context.Processor, act.Actor))
        {
            StrayLoadRun? run = StrayLoad.Run(
                context.Kernel, context, _range.Frames, console, sites[0], cpu, act.Page, address, ObservedWords.RegionOf(act.Mapping)!, _question.LoadLimit, held: [], isAlone: true);
            if (run is not null)
                return run;
        }

        return null;
    }

    /// <summary>Where a page is mapped; the address that the caller names is known without a recording.</summary>
    private ulong? AddressOf(ConversionRecord? record, int page, string region)
    {
        bool isOwn = region == (_question.Region switch { SweepRegion.DirectMap => "direct map", SweepRegion.Vmalloc => "vmalloc", _ => "image" });
        return isOwn
            ? _range.Address + ((ulong)page << Memory.Page.Shift)
            : record?.Mappings.FirstOrDefault(mapping => mapping.Page == page && mapping.Region == region && !mapping.Entry.IsZero)?.Address.Value;
    }

    /// <summary>The processor of the trace when it is in the kernel, else another one, else the converting one, as an interrupt there would load.</summary>
    private static IEnumerable<int> Candidates(VirtualMachine machine, Processor converter, int wanted)
    {
        for (int step = 0; step < machine.Processors.Length; step++)
        {
            int index = (wanted + step) % machine.Processors.Length;
            if (index != converter.Index && machine.Processors[index].Cpl == 0)
                yield return index;
        }

        yield return converter.Index;
    }

    /// <summary>Finds out at which call, and at which page of it, the host strikes.</summary>
    /// <returns>Whether it is known now.</returns>
    private bool PlanStrike(TraceAlignment aligned, ConversionRecord record, ulong callsBefore)
    {
        foreach (AlignedAct one in aligned.Acts)
        {
            if (!TracePlan.IsStrike(Acts[one.Index]) || one.Step is not ObservedStep call || one.Fate == ReplayFate.Departs)
                continue;

            ulong number = callsBefore + (ulong)record.Steps
                .Where(step => step.Kind == ObservedStepKind.HostCall && step.Instruction < call.Instruction)
                .Select(static step => step.Instruction).Distinct().Count();
            ulong inCall = (ulong)record.Steps.Count(
                step => step.Kind == ObservedStepKind.HostCall && step.Instruction == call.Instruction && step.Page >= 0 && step.Page < call.Page);
            _prepared.Confidential!.Plan = HostPlan.Only(number, inCall);
            return true;
        }

        return false;
    }

    private static Situation? SituationOf(ConversionRecord record, int page, string region, ulong boundary) => record.Spans
        .FirstOrDefault(span => span.Mapping.Page == page && span.Mapping.Region == region && !span.Situation.IsHeld && span.Covers(boundary))?.Situation;

    private Situation? SituationAt(ConversionRecord record, int index, ulong boundary) =>
        SituationOf(record, Acts[index].Page, ObservedWords.RegionOf(Acts[index].Mapping)!, boundary);

    private ReplayFinding JudgeEnd(ConversionRecord record, TraceAlignment aligned, KernelContext context)
    {
        int last = Acts.Count - 1;
        if (Acts[last].Kind is TraceActKind.UserWrites or TraceActKind.UserReads)
            return JudgeUse(last, context);

        (bool isSeen, string words) = StateComparison.Of(_plan, _question, _range, record, aligned.Boundary, _prepared.Confidential!.Platform);
        return isSeen
            ? End(ReplayOutcome.Reached, null, null, $"reaches the same outcome: {words}")
            : End(ReplayOutcome.Departed, last, null, $"departs at step {last}, in the outcome: {words}");
    }

    /// <summary>Uses the page as its new user would; the trace says that this goes wrong.</summary>
    private ReplayFinding JudgeUse(int last, KernelContext context)
    {
        ulong address = _range.Address + ((ulong)Acts[last].Page << Memory.Page.Shift);
        const ulong Size = 8;
        KernelCallResult use = context.Call("memcpy", address, address, Size);
        return use.HasReturned
            ? End(ReplayOutcome.Departed, last, null, $"departs at step {last}, in the outcome: the page is used without harm")
            : End(ReplayOutcome.Reached, null, null, $"reaches the same outcome: when the page is used: {use.Status}, {use.Detail}");
    }

    private string Told(int index)
    {
        TimelineStep step = _plan.Timeline.Steps[index];
        string actor = _plan.Timeline.Lanes.FirstOrDefault(lane => lane.Id == step.Lane)?.Title ?? step.Lane;
        return $"{actor} {step.Title}".Trim();
    }

    private ReplayStep StepOf(AlignedAct one) => new(
        one.Index,
        _plan.Timeline.Steps[one.Index].Lane,
        _plan.Timeline.Steps[one.Index].Title,
        one.Fate,
        one.Note.Length > 0 || one.Step is null ? one.Note : $"the kernel {ObservedWords.Of(one.Step.Value)}",
        one.Step is ObservedStep step ? (long)(step.Instruction - _entered) : null,
        one.Step?.Cpu,
        one.Step?.Function ?? "");

    private ReplayStep StepOf(int index, StrayLoadRun run) => new(
        index, _plan.Timeline.Steps[index].Lane, _plan.Timeline.Steps[index].Title, ReplayFate.Steered, run.Detail,
        (long)(run.Instruction - _entered), run.Cpu, run.Site);

    private ReplayFinding End(ReplayOutcome outcome, int? departsAt, StrayLoadRun? load, string conclusion)
    {
        for (int index = _steps.Count == 0 ? 0 : _steps[^1].Number + 1; index < Acts.Count; index++)
        {
            TimelineStep step = _plan.Timeline.Steps[index];
            _steps.Add(new ReplayStep(index, step.Lane, step.Title, ReplayFate.NotReached, "", null, null, ""));
        }

        return new ReplayFinding(_steps, load, outcome, departsAt, conclusion);
    }
}

/// <summary>What a replay found.</summary>
/// <param name="Steps">The steps of the counterexample, each with what the kernel did.</param>
/// <param name="Load">The last stray load, as it went in the kernel.</param>
/// <param name="Outcome">Where it came to.</param>
/// <param name="DepartsAt">Number of the step at which the kernel does something else.</param>
/// <param name="Conclusion">The outcome, as a clause.</param>
public sealed record ReplayFinding(IReadOnlyList<ReplayStep> Steps, StrayLoadRun? Load, ReplayOutcome Outcome, int? DepartsAt, string Conclusion);
