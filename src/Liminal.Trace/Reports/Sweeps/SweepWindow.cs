// SPDX-License-Identifier: Apache-2.0

using System.Collections.Generic;

namespace Liminal.Trace;

/// <summary>A span of instructions in which a stray load through the same mappings meets the same thing.</summary>
/// <param name="First">Instructions that the machine had retired at its first instruction boundary.</param>
/// <param name="Last">The same at its last.</param>
/// <param name="Pages">Indices of the pages concerned, from 0.</param>
/// <param name="Mappings">Through which mappings: <c>direct map</c>, <c>vmalloc</c>, <c>image</c>, <c>vmap</c>, <c>user</c>.</param>
/// <param name="Translation">Whether the translation is walked or was cached before.</param>
/// <param name="Meets">What the rulebook says the load meets: the name of an access outcome such as <c>PageFault</c>.</param>
/// <param name="PageStates">The states of the pages on the host side, in the platform's words.</param>
/// <param name="End">How the load ends: the worst end of the runs.</param>
/// <param name="Conclusion">That in one sentence.</param>
/// <param name="Opened">The event that opened it: index into <see cref="ConversionSweep.Events"/>; -1 when it was open from the start.</param>
/// <param name="Closed">The event that closed it; -1 when it is still open at the end.</param>
/// <param name="Runs">The stray loads that were run in it, one per distinct situation.</param>
public sealed record SweepWindow(
    ulong First,
    ulong Last,
    IReadOnlyList<int> Pages,
    IReadOnlyList<string> Mappings,
    TranslationOrigin Translation,
    string Meets,
    IReadOnlyList<string> PageStates,
    StrayLoadEnd End,
    string Conclusion,
    int Opened,
    int Closed,
    IReadOnlyList<StrayLoadRun> Runs)
{
    /// <summary>Instruction boundaries in the window.</summary>
    public ulong Length => Last - First + 1;

    /// <summary>What the load meets, and by which translation where that is not a walk's.</summary>
    public string MeetsInWords() => Translation == TranslationOrigin.Cached ? $"{Meets} by a translation still held" : Meets;
}

/// <summary>Where the translation that a stray load uses comes from.</summary>
public enum TranslationOrigin
{
    /// <summary>From the page tables as they stand.</summary>
    Walked,

    /// <summary>From a TLB that may still hold what the page tables once said.</summary>
    Cached,
}

/// <summary>How a stray load ends.</summary>
public enum StrayLoadEnd
{
    /// <summary>It gets the bytes that stand there.</summary>
    Completed,

    /// <summary>The kernel's handler repairs it: the word of the first page, zero behind.</summary>
    Repaired,

    /// <summary>It goes on with a value that it should not have.</summary>
    RepairedWrongly,

    /// <summary>It completes, and the access changed the page on the host side or was seen there.</summary>
    HostVisible,

    /// <summary>The kernel reports an oops and goes on without the task.</summary>
    Oops,

    /// <summary>The kernel panics.</summary>
    Panic,

    /// <summary>The guest is gone.</summary>
    Terminated,

    /// <summary>The same exception at the same instruction for ever.</summary>
    Livelock,

    /// <summary>The run met something that is not modelled, or its limit; see the detail.</summary>
    Unknown,
}

/// <summary>One stray load, run in a fork of the machine with the kernel's own code until its end is clear.</summary>
/// <param name="Instruction">Instructions that the machine had retired when it was forked.</param>
/// <param name="Cpu">Processor that loads.</param>
/// <param name="Page">Index of the page that the second half of the load lies in.</param>
/// <param name="Mapping">Mapping it goes through.</param>
/// <param name="Site">The load's own instruction: function and offset.</param>
/// <param name="End">How it ended.</param>
/// <param name="Detail">Exception, handler, value, who terminated the guest.</param>
/// <param name="Length">Instructions until the end was clear.</param>
/// <param name="Stack">Functions that were active at the end, innermost first.</param>
/// <param name="Console">The last lines that the guest wrote to its console after the load.</param>
public sealed record StrayLoadRun(
    ulong Instruction,
    int Cpu,
    int Page,
    string Mapping,
    string Site,
    StrayLoadEnd End,
    string Detail,
    ulong Length,
    IReadOnlyList<string> Stack,
    IReadOnlyList<string> Console);
