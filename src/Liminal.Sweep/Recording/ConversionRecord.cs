// SPDX-License-Identifier: Apache-2.0

using System.Collections.Generic;
using Liminal.Linux.Calls;
using Liminal.Machine;
using Liminal.Memory;
using Liminal.Platform;
using Liminal.Trace;

namespace Liminal.Sweep.Recording;

/// <summary>Everything that was seen of one conversion.</summary>
public sealed record ConversionRecord
{
    /// <summary>The pages, in the order of the range.</summary>
    public required IReadOnlyList<FrameNumber> Frames { get; init; }

    /// <summary>Which way it goes.</summary>
    public required PteAttribute Target { get; init; }

    /// <summary>Instructions that the machine had retired at the entry.</summary>
    public required ulong First { get; init; }

    /// <summary>Instructions that the machine had retired when it returned or ended.</summary>
    public required ulong Last { get; init; }

    /// <summary>How the call ended.</summary>
    public required KernelCallResult Result { get; init; }

    /// <summary>How the machine ended; null when it can go on.</summary>
    public required MachineEnd? End { get; init; }

    /// <summary>What happened, in order.</summary>
    public required IReadOnlyList<SweepEvent> Events { get; init; }

    /// <summary>Events that were counted and not listed, because there were too many.</summary>
    public required long EventsLeftOut { get; init; }

    /// <summary>
    /// Spans in which a load through a mapping meets the same thing, other than its data by a walk, in order of their beginning: what a walk meets, and
    /// what a processor reads by a translation that it may still hold and that a walk no longer finds.
    /// </summary>
    public required IReadOnlyList<MappingSpan> Spans { get; init; }

    /// <summary>The mappings of the pages, as they stood at the end.</summary>
    public required IReadOnlyList<TrackedMapping> Mappings { get; init; }

    /// <summary>Spans in which a private translation of a shared page can be used.</summary>
    public required IReadOnlyList<MappingSpan> PrivateViewsOfShared { get; init; }

    /// <summary>The states of the pages at the end.</summary>
    public required IReadOnlyList<PageState> FinalStates { get; init; }

    /// <summary>Steps as an unordered reader sees them: what happened to the pages, for judging and lifting.</summary>
    public required IReadOnlyList<ObservedStep> Steps { get; init; }

    /// <summary>What it cost.</summary>
    public required ConversionCost Cost { get; init; }

    /// <summary>Distinct instruction boundaries times mappings for which the rulebook was asked.</summary>
    public required long Probes { get; init; }
}

/// <summary>A span of instructions in which loads through one mapping meet one thing.</summary>
/// <param name="Mapping">The mapping.</param>
/// <param name="Situation">What they meet and why.</param>
/// <param name="First">Instructions retired at its first boundary.</param>
/// <param name="Last">At its last.</param>
/// <param name="Opened">Index of the event that opened it; -1 for none.</param>
/// <param name="Closed">Index of the event that closed it; -1 for none.</param>
/// <param name="Cpu">The processor that may hold the translation; -1 for a walk, which is the same on each.</param>
/// <param name="IsGlobal">Whether that translation survives a change of address space.</param>
public sealed record MappingSpan(
    TrackedMapping Mapping, Situation Situation, ulong First, ulong Last, int Opened, int Closed, int Cpu = -1, bool IsGlobal = false)
{
    /// <summary>Whether an instruction boundary lies in it.</summary>
    public bool Covers(ulong boundary) => First <= boundary && boundary <= Last;
}

/// <summary>What decides how a load through a mapping ends.</summary>
/// <param name="IsPresent">Whether the leaf is present.</param>
/// <param name="Attribute">What it says about the page.</param>
/// <param name="State">What the host side holds for the page.</param>
/// <param name="Outcome">What the rulebook says the load meets, once the host has had its say.</param>
/// <param name="HostActs">Whether the host is asked on the way.</param>
/// <param name="Rule">Names of the rules passed, in order; empty for a leaf that is not present, and for a translation that is held.</param>
/// <param name="IsHeld">Whether the translation is one that a TLB still holds; <paramref name="Attribute"/> is then what the leaf once said.</param>
public readonly record struct Situation(
    bool IsPresent, PteAttribute Attribute, PageState State, AccessOutcome Outcome, bool HostActs, string Rule, bool IsHeld = false);

/// <summary>The kinds of <see cref="ObservedStep"/>.</summary>
public enum ObservedStepKind
{
    /// <summary>A leaf became not present.</summary>
    ClearPresent,

    /// <summary>A leaf became present again.</summary>
    SetPresent,

    /// <summary>The attribute of a leaf changed.</summary>
    SetAttribute,

    /// <summary>A mapping went away.</summary>
    Unmap,

    /// <summary>A mapping came.</summary>
    Map,

    /// <summary>A large leaf was split, or another bit of a leaf changed.</summary>
    OtherStore,

    /// <summary>A processor dropped a translation of the page.</summary>
    TlbFlush,

    /// <summary>A processor flushed lines of the page, or all.</summary>
    CacheFlush,

    /// <summary>An applied protocol was to flush lines of the page, through a leaf that is not present: nothing was flushed.</summary>
    CacheFlushSkipped,

    /// <summary>An applied protocol was to name the page to the host, and its way of translating found no frame.</summary>
    TranslationFailed,

    /// <summary>A guest instruction on the page.</summary>
    GuestOperation,

    /// <summary>A host call that named the page.</summary>
    HostCall,

    /// <summary>The function that purges lazily freed aliases was entered.</summary>
    RemoveAliases,

    /// <summary>The kernel asked for a flush of every processor.</summary>
    FlushRequest,

    /// <summary>A second, shared view of a page came, by a call of its own (Linux 6.1 on Hyper-V).</summary>
    MapSharedView,

    /// <summary>That view went away.</summary>
    UnmapSharedView,
}

/// <summary>Something that happened, for one page.</summary>
/// <param name="Kind">What.</param>
/// <param name="Instruction">Instructions retired before it.</param>
/// <param name="Cpu">Who did it.</param>
/// <param name="Page">Index of the page; -1 when it concerns all.</param>
/// <param name="Region">The mapping's area, for stores; else empty.</param>
/// <param name="Operation">For <see cref="ObservedStepKind.GuestOperation"/>.</param>
/// <param name="Call">For <see cref="ObservedStepKind.HostCall"/>.</param>
/// <param name="Status">What the guest was told; of a call that stopped half-way, for this page.</param>
/// <param name="Function">Kernel function that was executing.</param>
public readonly record struct ObservedStep(
    ObservedStepKind Kind,
    ulong Instruction,
    int Cpu,
    int Page,
    string Region,
    GuestOperation Operation,
    HostCall Call,
    OperationStatus Status,
    string Function);
