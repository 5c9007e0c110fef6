// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;
using Liminal.Checker.Scenarios;
using Liminal.Checker.Vocabulary;
using Liminal.Memory;
using Liminal.Platform;

namespace Liminal.Checker.Model;

/// <summary>A protocol as the atomic operations of one converter.</summary>
/// <param name="Ops">The operations; operation 0 is the first.</param>
/// <param name="Steps">The steps they came from, notifications replaced by the platform's own.</param>
internal sealed record CompiledProgram(IReadOnlyList<MicroOp> Ops, IReadOnlyList<Step> Steps);

/// <summary>Turns the steps of a protocol into atomic operations, page by page and mapping by mapping.</summary>
/// <remarks>
/// Atomicity is the hardware's: one PTE store; one flush on one CPU; one PVALIDATE or ACCEPT of one page; one page of a host call.
/// Source of the order: Linux v6.12, arch/x86/mm/pat/set_memory.c, __change_page_attr_set_clr() (a primary entry, its aliases, then the next page).
/// </remarks>
internal sealed class ProgramCompiler
{
    private readonly Scenario _scenario;
    private readonly IReadOnlyList<Mapping> _mappings;
    private readonly PteAttribute _target;
    private readonly int _firstPage;
    private readonly int _lastPage;
    private readonly List<MicroOp> _ops = [];
    private readonly List<Step> _steps = [];
    private readonly List<(IReadOnlyList<Step> Cleanup, bool Terminates, List<int> Users)> _failures = [];

    private ProgramCompiler(Scenario scenario, IReadOnlyList<Mapping> mappings, int firstPage, int lastPage)
    {
        _scenario = scenario;
        _mappings = mappings;
        _firstPage = firstPage;
        _lastPage = lastPage;
        _target = scenario.Direction == Direction.Decrypt ? PteAttribute.Shared : PteAttribute.Private;
    }

    /// <summary>Compiles the protocol of a scenario for pages <paramref name="firstPage"/> to <paramref name="lastPage"/>.</summary>
    public static CompiledProgram Compile(Scenario scenario, IReadOnlyList<Mapping> mappings, int firstPage, int lastPage)
    {
        ProgramCompiler compiler = new(scenario, mappings, firstPage, lastPage);
        compiler.AddAll(scenario.Protocol.StepsOf(scenario.Direction), firstPage, lastPage);
        compiler._ops.Add(new MicroOp(MicroOpKind.ReturnSuccess) { Step = -1 });
        compiler.AddFailures();
        return new CompiledProgram(compiler._ops, compiler._steps);
    }

    private void AddAll(IReadOnlyList<Step> steps, int first, int last)
    {
        foreach (Step step in steps)
        {
            if (step.Kind == StepKind.NotifyHypervisor)
                AddAll(Notification.On(step, _scenario.Platform.Name, _scenario.Direction), first, last);
            else if (step.Kind == StepKind.PerBatch)
                AddBatches(step, first, last);
            else
                AddStep(step, first, last);
        }
    }

    private void AddBatches(Step step, int first, int last)
    {
        for (int from = first; from <= last; from += step.BatchPages)
            AddAll(step.Inner, from, Math.Min(last, from + step.BatchPages - 1));
    }

    private void AddStep(Step step, int first, int last)
    {
        _steps.Add(step);
        int before = _ops.Count;
        if (!AddEntrySteps(step, first, last) && !AddHostSteps(step, first, last))
            throw new ArgumentOutOfRangeException(nameof(step), step.Kind, "not an atomic step");

        MarkFailures(step, before);
    }

    /// <summary>Steps on page tables, TLBs and caches.</summary>
    private bool AddEntrySteps(Step step, int first, int last)
    {
        switch (step.Kind)
        {
            case StepKind.RemoveAliases:
                RemoveMappings(MappingKind.StaleVmap, first, last);
                return true;
            case StepKind.UnmapSharedView:
                RemoveMappings(MappingKind.SharedView, first, last);
                return true;
            case StepKind.MapSharedView:
                ForEachMapping(first, last, m => m.Kind == MappingKind.SharedView, MicroOpKind.CreateEntry, PteAttribute.Shared);
                return true;
            case StepKind.ClearPresent:
                ForEachMapping(first, last, IsChangedByCpa, MicroOpKind.ClearPresent, _target);
                return true;
            case StepKind.SetPresent:
                ForEachMapping(first, last, IsChangedByCpa, MicroOpKind.SetPresent, _target);
                return true;
            case StepKind.SetAttribute:
                ForEachMapping(first, last, IsChangedByCpa, MicroOpKind.SetAttribute, _target);
                return true;
            case StepKind.FlushTlb:
                Flush(MappingsOf(first, last, m => step.Scope == FlushScope.All || m.IsPrimary));
                return true;
            case StepKind.FlushCache:
                if (step.When == When.Always || _scenario.NeedsCacheFlush)
                    ForEachPage(first, last, page => new MicroOp(MicroOpKind.FlushCache) { Page = page, Through = Primary(page) });

                return true;
            default:
                return false;
        }
    }

    /// <summary>Steps that the platform or the host answers.</summary>
    private bool AddHostSteps(Step step, int first, int last)
    {
        switch (step.Kind)
        {
            case StepKind.MapGpa:
                CallPerPage(step, first, last, HostCall.MapGpaShared, HostCall.MapGpaPrivate);
                return true;
            case StepKind.PageStateChange:
                CallPerPage(step, first, last, HostCall.PageStateChangeShared, HostCall.PageStateChangePrivate);
                return true;
            case StepKind.Visibility:
                CallPerPage(step, first, last, HostCall.VisibilityShared, HostCall.VisibilityPrivate);
                return true;
            case StepKind.StatusCall:
                CallPerPage(step, first, last, HostCall.StatusShared, HostCall.StatusPrivate);
                return true;
            case StepKind.Accept:
                OperatePerPage(step, first, last, GuestOperation.Accept4K);
                return true;
            case StepKind.Release:
                OperatePerPage(step, first, last, GuestOperation.Release);
                return true;
            case StepKind.Validate:
                OperatePerPage(step, first, last, GuestOperation.Validate4K);
                return true;
            case StepKind.Rescind:
                OperatePerPage(step, first, last, GuestOperation.Rescind4K);
                return true;
            case StepKind.ReadBack:
                ForEachPage(first, last, page => new MicroOp(MicroOpKind.Read) { Page = page, Through = ThroughMapping(step.Through, page) });
                return true;
            default:
                return false;
        }
    }

    private void RemoveMappings(MappingKind kind, int first, int last)
    {
        int covered = MappingsOf(first, last, m => m.Kind == kind);
        ForEachMapping(first, last, m => m.Kind == kind, MicroOpKind.ClearEntry, _target);
        if (covered != 0)
            Flush(covered);
    }

    private void Flush(int mappings)
    {
        _ops.Add(new MicroOp(MicroOpKind.RequestFlush) { Mappings = mappings, Step = _steps.Count - 1 });
        _ops.Add(new MicroOp(MicroOpKind.AwaitFlush) { Mappings = mappings, Step = _steps.Count - 1 });
    }

    private void CallPerPage(Step step, int first, int last, HostCall toShared, HostCall toPrivate) =>
        ForEachPage(first, last, page => new MicroOp(MicroOpKind.CallHost)
        {
            Page = page,
            Through = Primary(page),
            Call = _target == PteAttribute.Shared ? toShared : toPrivate,
            Translation = _scenario.Translation ?? step.Translation,
            OnRetry = step.OnRetry,
            IgnoresResult = step.Kind == StepKind.StatusCall,
        });

    private void OperatePerPage(Step step, int first, int last, GuestOperation operation) =>
        ForEachPage(first, last, page => new MicroOp(MicroOpKind.Operate)
        {
            Page = page,
            Through = TakesVirtualAddress(operation) ? ThroughMapping(step.Through, page) : MicroOp.NoMapping,
            Operation = operation,
        });

    private static bool TakesVirtualAddress(GuestOperation operation) =>
        operation is GuestOperation.Validate4K or GuestOperation.Rescind4K;

    private int ThroughMapping(Through through, int page) => through switch
    {
        Through.TemporaryMapping or Through.FrameNumbers => MicroOp.NoMapping,
        Through.DirectMap => Find(page, MappingKind.DirectMap) is int found and >= 0 ? found : Primary(page),
        _ => Primary(page),
    };

    private void ForEachPage(int first, int last, Func<int, MicroOp> operation)
    {
        for (int page = first; page <= last; page++)
            _ops.Add(operation(page) with { Step = _steps.Count - 1 });
    }

    private void ForEachMapping(int first, int last, Func<Mapping, bool> selects, MicroOpKind kind, PteAttribute attribute)
    {
        for (int i = 0; i < _mappings.Count; i++)
        {
            if (_mappings[i].Page >= first && _mappings[i].Page <= last && selects(_mappings[i]))
                _ops.Add(new MicroOp(kind) { Page = _mappings[i].Page, Mapping = i, Attribute = attribute, Step = _steps.Count - 1 });
        }
    }

    private int MappingsOf(int first, int last, Func<Mapping, bool> selects)
    {
        int mask = 0;
        for (int i = 0; i < _mappings.Count; i++)
        {
            if (_mappings[i].Page >= first && _mappings[i].Page <= last && selects(_mappings[i]))
                mask |= 1 << i;
        }

        return mask;
    }

    private int Primary(int page) => Find(page, Mapping.PrimaryKind(_scenario.Region));

    private int Find(int page, MappingKind kind)
    {
        for (int i = 0; i < _mappings.Count; i++)
        {
            if (_mappings[i].Page == page && _mappings[i].Kind == kind)
                return i;
        }

        return MicroOp.NoMapping;
    }

    private static bool IsChangedByCpa(Mapping mapping) => mapping.IsPrimary || mapping.IsKnownAlias;

    /// <summary>Remembers where the operations of a step go when they fail, and which may fail inside the guest.</summary>
    private void MarkFailures(Step step, int firstOp)
    {
        List<int> users = [];
        for (int i = firstOp; i < _ops.Count; i++)
        {
            users.Add(i);
            if (_scenario.Failures && step.MayFail is not null)
                _ops[i] = _ops[i] with { MayFail = true };
        }

        _failures.Add((step.OnFailure, step.TerminatesOnFailure, users));
    }

    /// <summary>Places the steps taken after a failure behind the program, one block for each step that has some.</summary>
    private void AddFailures()
    {
        for (int i = 0; i < _failures.Count; i++)
        {
            (IReadOnlyList<Step> cleanup, bool terminates, List<int> users) = _failures[i];
            ushort target = checked((ushort)_ops.Count);
            AddAll(cleanup, _firstPage, _lastPage);
            _ops.Add(new MicroOp(terminates ? MicroOpKind.Terminate : MicroOpKind.ReturnFailure) { Step = -1 });
            foreach (int user in users)
                _ops[user] = _ops[user] with { OnFailure = target };
        }
    }
}
