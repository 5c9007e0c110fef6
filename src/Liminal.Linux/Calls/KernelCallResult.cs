// SPDX-License-Identifier: Apache-2.0

namespace Liminal.Linux.Calls;

/// <summary>How a call of a kernel function ended.</summary>
public enum KernelCallStatus : byte
{
    /// <summary>The function returned.</summary>
    Returned,

    /// <summary>The kernel has no function of that name, or several.</summary>
    NoFunction,

    /// <summary>The chosen CPU came to no place where a function may be called, within the limit of instructions.</summary>
    NoSafePoint,

    /// <summary>The function did not return within the limit of instructions; the call is still on.</summary>
    TimedOut,

    /// <summary>Something else stopped the machine, such as a breakpoint of somebody else's; the call is still on.</summary>
    Interrupted,

    /// <summary>The kernel began to print an oops or to panic.</summary>
    Oops,

    /// <summary>The machine ended.</summary>
    MachineEnded,
}

/// <summary>What came of a call.</summary>
/// <param name="Status">How it ended.</param>
/// <param name="Value">RAX at the return; zero unless it returned.</param>
/// <param name="Instructions">Instructions that all processors retired from the function's first to its return, or to the end.</param>
/// <param name="Detail">For people: why, and where; empty when the function returned.</param>
public readonly record struct KernelCallResult(KernelCallStatus Status, ulong Value, ulong Instructions, string Detail)
{
    /// <summary>Whether the function returned.</summary>
    public bool HasReturned => Status == KernelCallStatus.Returned;

    /// <summary>RAX as an int: 0, or a negative errno.</summary>
    public int Error => (int)Value;
}
