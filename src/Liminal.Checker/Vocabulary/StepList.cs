// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;

namespace Liminal.Checker.Vocabulary;

/// <summary>The vocabulary a protocol is written in; each call adds one step, so that a protocol reads as a list.</summary>
public sealed class StepList
{
    private readonly List<Step> _steps = [];

    /// <summary>The steps so far.</summary>
    public IReadOnlyList<Step> Steps => _steps;

    /// <summary>Removes lazily freed vmap aliases and flushes them.</summary>
    public StepList RemoveAliases() => Add(new Step(StepKind.RemoveAliases));

    /// <summary>Clears PRESENT in the PTEs of all pages and their known aliases.</summary>
    /// <param name="mayFail">Why the guest itself may fail here (for example a page-table split without memory).</param>
    /// <param name="onFailure">Steps before the error is returned.</param>
    public StepList ClearPresent(string? mayFail = null, Action<StepList>? onFailure = null) =>
        Add(new Step(StepKind.ClearPresent) { MayFail = mayFail, OnFailure = ListOf(onFailure) });

    /// <summary>Sets PRESENT again in the PTEs of all pages and their known aliases.</summary>
    public StepList SetPresent(string? mayFail = null, Action<StepList>? onFailure = null) =>
        Add(new Step(StepKind.SetPresent) { MayFail = mayFail, OnFailure = ListOf(onFailure) });

    /// <summary>Gives the PTEs of all pages and their known aliases the attribute that the conversion asks for.</summary>
    public StepList SetAttribute(string? mayFail = null, Action<StepList>? onFailure = null) =>
        Add(new Step(StepKind.SetAttribute) { MayFail = mayFail, OnFailure = ListOf(onFailure) });

    /// <summary>Flushes the TLB of every CPU and waits for all of them.</summary>
    public StepList FlushTlb(FlushScope scope = FlushScope.All) => Add(new Step(StepKind.FlushTlb) { Scope = scope });

    /// <summary>Flushes the data cache page by page through the caller's address.</summary>
    public StepList FlushCache(When when = When.Needed) => Add(new Step(StepKind.FlushCache) { When = when });

    /// <summary>Tells the hypervisor in the way of the platform at hand (<see cref="Notification"/>).</summary>
    /// <param name="translation">How addresses become frames.</param>
    /// <param name="through">Through which address SNP validates.</param>
    /// <param name="onRetry">The reaction to RETRY.</param>
    /// <param name="mayFail">Why the guest itself may fail here.</param>
    /// <param name="onFailure">Steps before the error is returned.</param>
    public StepList NotifyHypervisor(
        Translation translation = Translation.SlowVirtToPhys,
        Through through = Through.CallersMapping,
        OnRetry onRetry = OnRetry.CallAgain,
        string? mayFail = null,
        Action<StepList>? onFailure = null) =>
        Add(new Step(StepKind.NotifyHypervisor)
        {
            Translation = translation,
            Through = through,
            OnRetry = onRetry,
            MayFail = mayFail,
            OnFailure = ListOf(onFailure),
        });

    /// <summary>TDX: asks the VMM to map the range private or shared.</summary>
    public StepList MapGpa(
        Translation translation = Translation.VirtToPhys,
        OnRetry onRetry = OnRetry.CallAgain,
        string? mayFail = null,
        Action<StepList>? onFailure = null) =>
        Add(new Step(StepKind.MapGpa)
        {
            Translation = translation,
            OnRetry = onRetry,
            MayFail = mayFail,
            OnFailure = ListOf(onFailure),
        });

    /// <summary>TDX: accepts each page.</summary>
    public StepList Accept(string? mayFail = null, Action<StepList>? onFailure = null) =>
        Add(new Step(StepKind.Accept) { MayFail = mayFail, OnFailure = ListOf(onFailure) });

    /// <summary>TDX Connect: releases each private page before it becomes shared.</summary>
    public StepList Release(Action<StepList>? onFailure = null) =>
        Add(new Step(StepKind.Release) { OnFailure = ListOf(onFailure) });

    /// <summary>SNP: PVALIDATE(1) on each page; a failure or CF = 1 terminates the guest, as in Linux, unless told otherwise.</summary>
    public StepList Validate(Through through = Through.CallersMapping, bool terminatesOnFailure = true) =>
        Add(new Step(StepKind.Validate) { Through = through, TerminatesOnFailure = terminatesOnFailure });

    /// <summary>SNP: PVALIDATE(0) on each page; a failure or CF = 1 terminates the guest, as in Linux, unless told otherwise.</summary>
    public StepList Rescind(Through through = Through.CallersMapping, bool terminatesOnFailure = true) =>
        Add(new Step(StepKind.Rescind) { Through = through, TerminatesOnFailure = terminatesOnFailure });

    /// <summary>SNP: page-state change through the GHCB; an error terminates the guest, as in Linux, unless told otherwise.</summary>
    public StepList PageStateChange(Translation translation = Translation.VirtToPhys, bool terminatesOnFailure = true) =>
        Add(new Step(StepKind.PageStateChange)
        {
            Translation = translation,
            OnRetry = OnRetry.CallAgainForever,
            TerminatesOnFailure = terminatesOnFailure,
        });

    /// <summary>Hyper-V with a paravisor: the visibility hypercall.</summary>
    public StepList Visibility(Translation translation, string? mayFail = null, Action<StepList>? onFailure = null) =>
        Add(new Step(StepKind.Visibility)
        {
            Translation = translation,
            OnRetry = OnRetry.CallAgainForever,
            MayFail = mayFail,
            OnFailure = ListOf(onFailure),
        });

    /// <summary>SEV: tells KVM about the new attribute, for migration; the result is ignored.</summary>
    /// <remarks>Source: Linux v6.12, mm/mem_encrypt_amd.c, enc_dec_hypercall(): lookup_address() and pte_pfn().</remarks>
    public StepList StatusCall() => Add(new Step(StepKind.StatusCall) { Translation = Translation.LookupAddress });

    /// <summary>Reads first and last byte of each page (cache eviction after validation).</summary>
    public StepList ReadBack(Through through = Through.CallersMapping) => Add(new Step(StepKind.ReadBack) { Through = through });

    /// <summary>Linux 6.1 on Hyper-V: maps the shared view; the direct map is left alone.</summary>
    public StepList MapSharedView() => Add(new Step(StepKind.MapSharedView));

    /// <summary>Linux 6.1 on Hyper-V: removes the shared view and flushes it.</summary>
    public StepList UnmapSharedView() => Add(new Step(StepKind.UnmapSharedView));

    /// <summary>The inner steps batch by batch.</summary>
    /// <param name="pages">Pages per batch as explored; the kernel's own batch size is larger than any model.</param>
    /// <param name="inner">The steps of one batch.</param>
    public StepList PerBatch(int pages, Action<StepList> inner) =>
        Add(new Step(StepKind.PerBatch) { BatchPages = pages, Inner = ListOf(inner) });

    /// <summary>Names the kernel function or message from which the step added last is taken.</summary>
    public StepList From(string source)
    {
        _steps[^1] = _steps[^1] with { Source = source };
        return this;
    }

    /// <summary>Adds a step.</summary>
    public StepList Add(Step step)
    {
        _steps.Add(step);
        return this;
    }

    internal static IReadOnlyList<Step> ListOf(Action<StepList>? write)
    {
        if (write is null)
        {
            return [];
        }

        StepList list = new();
        write(list);
        return list.Steps;
    }
}
