// SPDX-License-Identifier: Apache-2.0
using System;
using System.Collections.Generic;
using Liminal.X86;

namespace Liminal.Machine;

/// <content>Forks: independent machines in the same state.</content>
/// <remarks>
/// A fork that is disposed of stays with its original as a spare, and the next fork is that object again: what it costs is to copy the state
/// of processors and devices, the pages that the fork writes, and what it did to its own tables.
/// </remarks>
public sealed partial class VirtualMachine
{
    private const int MostSpareForks = 16;

    private readonly Stack<VirtualMachine> _spareForks = new();
    private VirtualMachine? _original;
    private bool _isSpare;
    private bool _isDisposed;

    /// <summary>An independent machine in the same state; RAM pages are shared until one of the two writes them.</summary>
    /// <param name="transmit">Takes what the fork writes to its console; null throws it away.</param>
    /// <remarks>
    /// Dispose of the fork before this machine, never twice, and do not touch it afterwards: the object serves again. Do not run this machine on
    /// another thread than its forks. Both may run on, in any order; a fork may be forked. Breakpoints, traps, watchpoints, hooks, observers, watched pages,
    /// console input and the idle callback are not part of the state: a fork begins without any.
    /// </remarks>
    /// <exception cref="InvalidOperationException">A run is on.</exception>
    public VirtualMachine Fork(Action<byte>? transmit = null)
    {
        ObjectDisposedException.ThrowIf(_isDisposed || _isSpare, this);
        if (_running is not null)
        {
            throw new InvalidOperationException("A machine is forked between two runs.");
        }

        VirtualMachine fork = TakeSpare() ?? new VirtualMachine(_configuration, Discard, Memories.Fork(this), _code, ownsCode: false) { _original = this };
        fork._transmit = transmit ?? Discard;
        fork._end = _end;
        for (int index = 0; index < _parts.Length; index++)
        {
            _parts[index].StateBytes.CopyTo(fork._parts[index].StateBytes);
        }

        if (fork.Confidential is { } guest)
        {
            guest.Host = Confidential!.Host;
            guest.Plan = Confidential.Plan;
            if (guest.Switches != Confidential.Switches)
            {
                guest.SetSwitches(Confidential.Switches);
            }
        }

        for (int index = 0; index < _processors.Length; index++)
        {
            // The pages are shared from now on: this machine must not write through pointers it kept from before.
            _processors[index].ForgetWritePointers();
            fork._processors[index].TakeOver(_processors[index]);
        }

        return fork;
    }

    /// <summary>Gives everything back; a fork stays with its original as a spare.</summary>
    public void Dispose()
    {
        if (_isDisposed || _isSpare)
        {
            return;
        }

        if (Ram.HasForks)
        {
            throw new InvalidOperationException("A fork of this machine is still alive.");
        }

        Breakpoints.Clear();
        Watchpoints.Clear();
        ClearTraps();
        if (_original is { _isDisposed: false } original && original._spareForks.Count < MostSpareForks)
        {
            BecomeSpare(original);
        }
        else
        {
            Free();
        }
    }

    private VirtualMachine? TakeSpare()
    {
        if (!_spareForks.TryPop(out VirtualMachine? fork))
        {
            return null;
        }

        fork._isSpare = false;
        fork.Ram.Attach();
        fork.SharedRam?.Attach();
        fork.PageStates?.Store.Attach();
        return fork;
    }

    private static void Discard(byte value)
    {
    }

    private void BecomeSpare(VirtualMachine original)
    {
        foreach (Processor processor in _processors)
        {
            processor.ForgetOwnPages();
        }

        Ram.Detach();
        SharedRam?.Detach();
        PageStates?.Store.Detach();
        _isSpare = true;
        _isInterrupted = false;
        Input = null;
        Idle = null;
        Observer = null;
        _processorObserver = null;
        _watchedPages = null;
        _transmit = Discard;
        original._spareForks.Push(this);
    }

    private void Free()
    {
        _isDisposed = true;
        foreach (VirtualMachine spare in _spareForks)
        {
            spare.Free();
        }

        foreach (Processor processor in _processors)
        {
            processor.Dispose();
        }

        Ram.Dispose();
        SharedRam?.Dispose();
        PageStates?.Dispose();
        if (_ownsCode)
        {
            _code.Dispose();
        }
    }
}
