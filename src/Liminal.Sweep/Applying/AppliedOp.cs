// SPDX-License-Identifier: Apache-2.0

using Liminal.Checker.Vocabulary;
using Liminal.Platform;

namespace Liminal.Sweep.Applying;

/// <summary>What one action of an applied protocol does.</summary>
internal enum AppliedOpKind
{
    /// <summary>Calls a function of the kernel that returns nothing of interest.</summary>
    CallKernel,

    /// <summary>Calls a function of the kernel that returns 0 or an error, which then ends the conversion.</summary>
    CallKernelOrFail,

    /// <summary>Clears PRESENT in the leaf of an address.</summary>
    ClearPresent,

    /// <summary>Sets PRESENT in it.</summary>
    SetPresent,

    /// <summary>Gives it the attribute that the conversion asks for.</summary>
    SetAttribute,

    /// <summary>Flushes the lines of one page through an address, when it is present.</summary>
    FlushCache,

    /// <summary>A host call for a range of pages.</summary>
    CallHost,

    /// <summary>A guest instruction that names a page by its frame.</summary>
    Operate,

    /// <summary>PVALIDATE through an address: the instruction itself, executed by the processor.</summary>
    Pvalidate,

    /// <summary>Returns to the caller of the conversion.</summary>
    Return,

    /// <summary>The guest ends itself.</summary>
    Terminate,
}

/// <summary>One action: what happens between two instructions of the converting processor.</summary>
/// <param name="Kind">What.</param>
/// <param name="Step">Number of the step it belongs to, from 1; 0 before the first and after the last.</param>
internal sealed record AppliedOp(AppliedOpKind Kind, int Step)
{
    /// <summary>The step in words.</summary>
    public string Title { get; init; } = "";

    /// <summary>Linear address of the page, or first argument of a function.</summary>
    public ulong Address { get; init; }

    /// <summary>Second argument of a function.</summary>
    public ulong Argument { get; init; }

    /// <summary>Address of the function.</summary>
    public ulong Function { get; init; }

    /// <summary>Index of the first page.</summary>
    public int Page { get; init; }

    /// <summary>Number of pages of a host call.</summary>
    public int Pages { get; init; } = 1;

    public GuestOperation Operation { get; init; }

    public HostCall Call { get; init; }

    public Translation Translation { get; init; }

    public OnRetry OnRetry { get; init; }

    /// <summary>Whether the result of a host call is of no interest to the guest.</summary>
    public bool IgnoresResult { get; init; }

    /// <summary>Index of the action that follows a failure.</summary>
    public int OnFailure { get; init; }

    /// <summary>What the conversion returns.</summary>
    public int Value { get; init; }
}
