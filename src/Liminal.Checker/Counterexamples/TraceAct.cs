// SPDX-License-Identifier: Apache-2.0

using Liminal.Platform;

namespace Liminal.Checker.Counterexamples;

/// <summary>What happens in one step of a counterexample.</summary>
public enum TraceActKind : byte
{
    /// <summary>Nothing yet: the state before the conversion.</summary>
    Start,

    /// <summary>The converter zeroes a PTE.</summary>
    ZeroEntry,

    /// <summary>The converter creates a PTE.</summary>
    CreateEntry,

    /// <summary>The converter clears PRESENT in a PTE.</summary>
    ClearPresent,

    /// <summary>The converter sets PRESENT in a PTE.</summary>
    SetPresent,

    /// <summary>The converter changes the attribute in a PTE.</summary>
    SetAttribute,

    /// <summary>The converter asks every CPU to flush.</summary>
    RequestFlush,

    /// <summary>The converter has heard from every CPU.</summary>
    AwaitFlush,

    /// <summary>The converter flushes the data cache of a page.</summary>
    FlushCache,

    /// <summary>The converter calls the host for a page.</summary>
    CallHost,

    /// <summary>The converter executes an instruction on a page.</summary>
    Operate,

    /// <summary>The converter reads a page.</summary>
    Read,

    /// <summary>The conversion returns success.</summary>
    ReturnSuccess,

    /// <summary>The conversion returns an error.</summary>
    ReturnFailure,

    /// <summary>The converter ends the guest.</summary>
    Terminate,

    /// <summary>A step of the converter fails inside the guest.</summary>
    FailInGuest,

    /// <summary>The host answers RETRY.</summary>
    HostRetries,

    /// <summary>The host refuses a call.</summary>
    HostRefuses,

    /// <summary>The host reports success and does nothing.</summary>
    HostLies,

    /// <summary>The host acts by itself.</summary>
    HostActs,

    /// <summary>A CPU flushes its TLB.</summary>
    Flush,

    /// <summary>A CPU caches a translation speculatively.</summary>
    Fill,

    /// <summary>A CPU makes a stray load.</summary>
    StrayLoad,

    /// <summary>A dirty cache line is written back.</summary>
    WriteBack,

    /// <summary>The new user of a page writes it.</summary>
    UserWrites,

    /// <summary>The new user of a page reads it back.</summary>
    UserReads,
}

/// <summary>One step of a counterexample, for programs.</summary>
/// <param name="Kind">What happens.</param>
/// <param name="Actor">Number of the CPU or converter that acts; 0 for everybody else.</param>
/// <param name="Page">Index of the page it concerns; -1 for none or all.</param>
/// <param name="Mapping">Through which mapping: <c>direct map</c>, <c>vmalloc map</c>, <c>stale vmap</c>; empty for none.</param>
/// <param name="Call">For <see cref="TraceActKind.CallHost"/>.</param>
/// <param name="Operation">For <see cref="TraceActKind.Operate"/>, at 4 KiB.</param>
public readonly record struct TraceAct(
    TraceActKind Kind, int Actor = 0, int Page = -1, string Mapping = "", HostCall Call = default, GuestOperation Operation = default);
