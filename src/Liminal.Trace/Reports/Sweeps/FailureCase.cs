// SPDX-License-Identifier: Apache-2.0

using System.Collections.Generic;

namespace Liminal.Trace;

/// <summary>One conversion that something went wrong in, called by somebody, and what is left of its pages.</summary>
/// <param name="Kernel">Name of the kernel, as in <see cref="SweepReport.Kernels"/>.</param>
/// <param name="Platform">Name of the platform, as in <see cref="SweepReport.Platforms"/>.</param>
/// <param name="Direction"><c>decrypt</c> or <c>encrypt</c>.</param>
/// <param name="Caller">Who called the conversion: <c>dma_direct_alloc()</c>, or <c>set_memory_decrypted() alone</c>.</param>
/// <param name="Fault">What went wrong.</param>
/// <param name="Number">At which host call, or which allocation, of the conversion, counted from 0.</param>
/// <param name="Of">How many of them the conversion makes when nothing goes wrong.</param>
/// <param name="Met">What the guest asked for there, and what it was told.</param>
/// <param name="Result">What the conversion returned: <c>0</c>, <c>-EFAULT (-14)</c>; null when it never returned.</param>
/// <param name="CallerResult">What the caller returned: <c>success</c>, <c>failure</c>, <c>nothing</c>; null when it never returned.</param>
/// <param name="Ended">How the guest fared: null when it went on, otherwise in one line why it did not.</param>
/// <param name="Pages">What is left of the pages, in order: neighbours in the same condition are one entry.</param>
/// <param name="Fate">What the caller does with them.</param>
/// <param name="Verdict">Of the property <c>FailureLeavesNothingUsable</c>.</param>
/// <param name="Reason">Why, in one sentence; null when it holds.</param>
/// <param name="Console">The first lines that the guest wrote to its console meanwhile.</param>
public sealed record FailureCase(
    string Kernel,
    string Platform,
    string Direction,
    string Caller,
    ConversionFault Fault,
    int Number,
    int Of,
    string Met,
    string? Result,
    string? CallerResult,
    string? Ended,
    IReadOnlyList<PagesLeft> Pages,
    PageFate Fate,
    Verdict Verdict,
    string? Reason,
    IReadOnlyList<string> Console);

/// <summary>What can go wrong in a conversion.</summary>
public enum ConversionFault
{
    /// <summary>The host refuses a call in the middle of its pages, after having done those before.</summary>
    Refuse,

    /// <summary>The host stops a call in the middle of its pages and asks to be called again, once.</summary>
    Retry,

    /// <summary>The host asks to be called again without having done anything, every time from there on.</summary>
    Stall,

    /// <summary>The host reports a call as done and leaves its middle page as it is.</summary>
    Lie,

    /// <summary>The kernel's allocator has no memory when the conversion asks for some.</summary>
    NoMemory,
}

/// <summary>Neighbouring pages that are left in the same condition.</summary>
/// <param name="First">Index of the first page in the range.</param>
/// <param name="Last">Index of the last.</param>
/// <param name="State">Their state on the host side, in the platform's words.</param>
/// <param name="Mappings">Each mapping and what its leaf says: <c>direct map: shared</c>, <c>direct map: not present (shared)</c>.</param>
/// <param name="Condition">The two together.</param>
/// <param name="UsedAgain">What a new owner meets who clears the first of them: <c>works</c>, <c>oops</c>, <c>ends the guest</c>; null when the guest is gone already.</param>
/// <param name="UsedAgainDetail">That in detail; empty when it works.</param>
public sealed record PagesLeft(
    int First, int Last, string State, IReadOnlyList<string> Mappings, PageCondition Condition, string? UsedAgain, string UsedAgainDetail);

/// <summary>Whether a page can be used, told from its state on the host side and the leaves that map it.</summary>
public enum PageCondition
{
    /// <summary>Private on the host side and in every leaf.</summary>
    Private,

    /// <summary>Shared on the host side and in every leaf.</summary>
    Shared,

    /// <summary>A present leaf says otherwise than the host side.</summary>
    Mixed,

    /// <summary>A leaf is not present.</summary>
    NotPresent,
}

/// <summary>What a caller does with the pages.</summary>
public enum PageFate
{
    /// <summary>The conversion was called alone; nobody decides.</summary>
    Undecided,

    /// <summary>The caller reports success and goes on to use them.</summary>
    Kept,

    /// <summary>The caller reports failure, or has nothing to report, and nobody has a reference to them any more, nor has the allocator.</summary>
    Leaked,

    /// <summary>The allocator has them back and may give them to anybody.</summary>
    Freed,

    /// <summary>The call never returns, and nothing more happens.</summary>
    Hangs,

    /// <summary>The guest is gone, or the kernel reports an oops: in the conversion, or when the caller went on with the pages.</summary>
    GuestGone,
}
