// SPDX-License-Identifier: Apache-2.0

using System.Collections.Generic;

namespace Liminal.Trace;

/// <summary>One thing that a conversion did.</summary>
/// <param name="Instruction">Instructions that the machine had retired before it.</param>
/// <param name="Cpu">Processor that did it.</param>
/// <param name="Kind">What it was.</param>
/// <param name="Lane">Lane it is drawn in: the <see cref="Lane.Id"/>.</param>
/// <param name="Title">A few words: <c>clears PRESENT of page 3 through the direct map</c>.</param>
/// <param name="Detail">Values before and after, arguments, result.</param>
/// <param name="Pages">Indices of the pages it concerns, from 0; empty when it concerns none or all.</param>
/// <param name="Symbol">Function and offset of the instruction.</param>
/// <param name="Disassembly">The instruction.</param>
/// <param name="Stack">Functions that were active, innermost first; the last ends with <c>?</c> when the unwinder was not sure.</param>
/// <param name="Tone">How much attention it deserves.</param>
public sealed record SweepEvent(
    ulong Instruction,
    int Cpu,
    SweepEventKind Kind,
    string Lane,
    string Title,
    string Detail,
    IReadOnlyList<int> Pages,
    string Symbol,
    string Disassembly,
    IReadOnlyList<string> Stack,
    StepTone Tone);

/// <summary>The sorts of <see cref="SweepEvent"/>.</summary>
public enum SweepEventKind
{
    /// <summary>The conversion was entered or returned.</summary>
    Boundary,

    /// <summary>A store to a leaf entry of a page table that maps one of the pages.</summary>
    PteStore,

    /// <summary>A request that other processors flush (an interprocessor interrupt).</summary>
    FlushRequest,

    /// <summary>A processor dropped translations.</summary>
    TlbFlush,

    /// <summary>A processor wrote cache lines of one of the pages back, or its whole cache.</summary>
    CacheFlush,

    /// <summary>PVALIDATE, TDG.MEM.PAGE.ACCEPT, RMPADJUST.</summary>
    GuestOperation,

    /// <summary>A call to the host, with its result.</summary>
    HostCall,

    /// <summary>The host side now holds another state for a page.</summary>
    PageState,

    /// <summary>An exception in the guest.</summary>
    Exception,
}
