// SPDX-License-Identifier: Apache-2.0
using System;
using System.Collections.Generic;
using Liminal.Memory.Ram;
using Liminal.X86.Execution;

namespace Liminal.X86;

/// <summary>What a watchpoint waits for.</summary>
[Flags]
public enum WatchKind : byte
{
    /// <summary>A store, of whatever value.</summary>
    Write = 1,

    /// <summary>A load.</summary>
    Read = 2,

    /// <summary>Either.</summary>
    Access = Write | Read,
}

/// <summary>Bytes that are watched.</summary>
/// <param name="Address">Linear address of the first.</param>
/// <param name="Length">How many, at least 1.</param>
/// <param name="Kind">Which accesses.</param>
public readonly record struct Watchpoint(ulong Address, int Length, WatchKind Kind)
{
    internal bool Covers(ulong address, int size, WatchKind kind) =>
        (Kind & kind) != 0 && address - Address + (ulong)size - 1 < (ulong)(Length + size - 1);
}

/// <summary>Bytes whose loads or stores stop the processors of one machine, behind the instruction. No part of the machine's state.</summary>
/// <remarks>
/// Linear addresses: an access through another mapping of the same page is not seen, as with debug registers. Only accesses to the watched
/// pages leave the fast path. Instruction fetches and page walks are no loads. Change the set between runs.
/// </remarks>
/// <param name="code">Translated code of the machine; its processors keep host pointers.</param>
public sealed class WatchpointSet(CodeCache code)
{
    private readonly List<Watchpoint> _watchpoints = [];

    /// <summary>Number of watchpoints.</summary>
    public int Count => _watchpoints.Count;

    /// <summary>Adds a watchpoint.</summary>
    /// <returns>False when it was there already.</returns>
    public bool Add(Watchpoint watchpoint)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(watchpoint.Length, 1, nameof(watchpoint));
        if (_watchpoints.Contains(watchpoint))
            return false;
        _watchpoints.Add(watchpoint);
        code.ForgetHostPointers();
        return true;
    }

    /// <summary>Removes a watchpoint; its pages come back to the fast path as they are used.</summary>
    /// <returns>False when it was not there.</returns>
    public bool Remove(Watchpoint watchpoint) => _watchpoints.Remove(watchpoint);

    /// <summary>Removes every watchpoint.</summary>
    public void Clear() => _watchpoints.Clear();

    /// <summary>True when accesses to a page must not take the fast path.</summary>
    internal bool CoversPage(ulong address)
    {
        ulong page = address & ~(ulong)(GuestRam.PageSize - 1);
        foreach (Watchpoint watchpoint in _watchpoints)
        {
            if (watchpoint.Covers(page, GuestRam.PageSize, WatchKind.Access))
                return true;
        }

        return false;
    }

    /// <summary>The first watchpoint that an access hits.</summary>
    internal Watchpoint? Find(ulong address, int size, WatchKind kind)
    {
        foreach (Watchpoint watchpoint in _watchpoints)
        {
            if (watchpoint.Covers(address, size, kind))
                return watchpoint;
        }

        return null;
    }
}
