// SPDX-License-Identifier: Apache-2.0
using System;
using System.Collections.Generic;
using Liminal.Memory.Ram;
using Liminal.X86.Execution;

namespace Liminal.X86;

/// <summary>Linear addresses at which the processors of one machine stop, before the instruction there. No part of the machine's state.</summary>
/// <remarks>
/// Translated code is shared by every linear address and every fork that leads to the same bytes. So a translation only marks the offset in
/// the page, on all pages, and the mark asks this set. Code elsewhere runs at full speed; removing an address leaves marks that ask in vain.
/// Change the set between runs: what is added during one may be missed until the present block ends.
/// </remarks>
/// <param name="code">Translated code of the machine.</param>
public sealed class BreakpointSet(CodeCache code)
{
    private readonly HashSet<ulong> _addresses = [];
    private readonly HashSet<ulong> _tracepoints = [];

    /// <summary>Number of addresses.</summary>
    public int Count => _addresses.Count;

    /// <summary>True when no processor has to ask at any address.</summary>
    internal bool IsEmpty => _addresses.Count + _tracepoints.Count == 0;

    /// <summary>True when processors stop at an address.</summary>
    public bool Contains(ulong linearAddress) => _addresses.Contains(linearAddress);

    /// <summary>Adds the linear address of the first byte of an instruction.</summary>
    /// <returns>False when it was there already.</returns>
    public bool Add(ulong linearAddress)
    {
        if (!_addresses.Add(linearAddress))
            return false;
        code.AddBreakpoint((int)(linearAddress % GuestRam.PageSize));
        return true;
    }

    /// <summary>Removes an address.</summary>
    /// <returns>False when it was not there.</returns>
    public bool Remove(ulong linearAddress)
    {
        if (!_addresses.Remove(linearAddress))
            return false;
        code.RemoveBreakpoint((int)(linearAddress % GuestRam.PageSize));
        return true;
    }

    /// <summary>Adds an address at which processors tell their observer, and go on.</summary>
    /// <remarks>May be called by an observer; the block that executes then may still pass the address without a word.</remarks>
    /// <returns>False when it was there already.</returns>
    public bool AddTracepoint(ulong linearAddress)
    {
        if (!_tracepoints.Add(linearAddress))
            return false;
        code.AddBreakpoint((int)(linearAddress % GuestRam.PageSize));
        return true;
    }

    /// <summary>Removes an address of <see cref="AddTracepoint"/>.</summary>
    /// <returns>False when it was not there.</returns>
    public bool RemoveTracepoint(ulong linearAddress)
    {
        if (!_tracepoints.Remove(linearAddress))
            return false;
        code.RemoveBreakpoint((int)(linearAddress % GuestRam.PageSize));
        return true;
    }

    /// <summary>True when processors tell their observer at an address.</summary>
    public bool HasTracepoint(ulong linearAddress) => _tracepoints.Contains(linearAddress);

    /// <summary>Removes every address, those of tracepoints too.</summary>
    public void Clear()
    {
        foreach (HashSet<ulong> addresses in (ReadOnlySpan<HashSet<ulong>>)[_addresses, _tracepoints])
        {
            foreach (ulong address in addresses)
                code.RemoveBreakpoint((int)(address % GuestRam.PageSize));
            addresses.Clear();
        }
    }
}
