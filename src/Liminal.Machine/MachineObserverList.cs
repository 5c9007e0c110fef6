// SPDX-License-Identifier: Apache-2.0
using System.Collections.Generic;
using Liminal.X86;

namespace Liminal.Machine;

/// <summary>Several observers of a machine as one, told in order.</summary>
public sealed class MachineObserverList(IReadOnlyList<IMachineObserver> observers) : IMachineObserver
{
    /// <inheritdoc/>
    public void OnHostCall(Processor processor, in HostCallEvent hostCall)
    {
        foreach (IMachineObserver observer in observers)
            observer.OnHostCall(processor, hostCall);
    }

    /// <inheritdoc/>
    public void OnGuestOperation(Processor processor, in GuestOperationEvent operation)
    {
        foreach (IMachineObserver observer in observers)
            observer.OnGuestOperation(processor, operation);
    }

    /// <inheritdoc/>
    public void OnPageChange(Processor? processor, in PageChangeEvent change)
    {
        foreach (IMachineObserver observer in observers)
            observer.OnPageChange(processor, change);
    }

    /// <inheritdoc/>
    public void OnAccess(Processor processor, in AccessEvent access)
    {
        foreach (IMachineObserver observer in observers)
            observer.OnAccess(processor, access);
    }

    /// <inheritdoc/>
    public void OnNote(Processor processor, string what)
    {
        foreach (IMachineObserver observer in observers)
            observer.OnNote(processor, what);
    }
}
