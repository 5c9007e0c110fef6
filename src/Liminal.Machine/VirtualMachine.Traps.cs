// SPDX-License-Identifier: Apache-2.0
using System;
using System.Collections.Generic;
using Liminal.X86;

namespace Liminal.Machine;

/// <content>Places in the guest's code where something outside it acts in its stead, and the guest goes on from where that left it.</content>
/// <remarks>
/// Whoever runs the machine does not see a trap: a run goes through any number of them. A trap at an instruction acts before a run with an instruction
/// limit goes on to it, and not at the end of a run that stops there; so what acts at a moment is the same however runs are cut. Traps are
/// no part of the state: a fork begins without any, and whoever acts in the original has to be there in the fork too.
/// </remarks>
public sealed partial class VirtualMachine
{
    private readonly BreakpointSet _trapAddresses;
    private readonly Dictionary<ulong, Action<Processor>> _traps = [];
    private readonly List<(Processor Processor, ulong Address)> _dueTraps = [];
    private Processor? _trapped;

    /// <summary>Acts each time a processor arrives at an instruction, before it executes it.</summary>
    /// <param name="linearAddress">Of the instruction's first byte.</param>
    /// <param name="act">
    /// Gets the processor. It may change registers, memory, and pages through <see cref="Confidential"/>; the processor goes on at RIP. An arrival is told once;
    /// there is another as soon as the processor has retired an instruction or taken an interrupt.
    /// </param>
    /// <exception cref="ArgumentException">There is one already.</exception>
    public void AddTrap(ulong linearAddress, Action<Processor> act)
    {
        _traps.Add(linearAddress, act);
        _trapAddresses.Add(linearAddress);
    }

    /// <summary>Acts there no more.</summary>
    public void RemoveTrap(ulong linearAddress)
    {
        if (_traps.Remove(linearAddress))
        {
            _trapAddresses.Remove(linearAddress);
        }
    }

    private void ClearTraps()
    {
        _traps.Clear();
        _trapAddresses.Clear();
        _dueTraps.Clear();
    }

    /// <summary>The running processor stopped at an address: keeps it in mind when a trap is there.</summary>
    private void NoteTrap()
    {
        ulong address = _running!.LinearRip;
        if (_traps.ContainsKey(address))
        {
            _dueTraps.Add((_running, address));
        }
    }

    /// <summary>Acts where a processor has arrived; true when something did.</summary>
    private bool TakeTrap(ProcessorChoice choice)
    {
        for (int index = 0; index < _dueTraps.Count; index++)
        {
            (Processor processor, ulong address) = _dueTraps[index];
            if (((choice.Allowed >> processor.Index) & 1) == 0)
            {
                continue;
            }

            _dueTraps.RemoveAt(index);
            if (processor.LinearRip == address && _traps.TryGetValue(address, out Action<Processor>? act))
            {
                _trapped = processor;
                act(processor);
                _trapped = null;
            }

            return true;
        }

        return false;
    }
}
