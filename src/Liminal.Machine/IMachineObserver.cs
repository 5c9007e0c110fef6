// SPDX-License-Identifier: Apache-2.0
using Liminal.Platform;
using Liminal.X86;

namespace Liminal.Machine;

/// <summary>What a guest asked of its host.</summary>
/// <param name="Call">What.</param>
/// <param name="FirstFrame">First page of the range; of a list of pages, the first in it.</param>
/// <param name="Pages">Pages asked for.</param>
/// <param name="Done">Pages that the host says it has done.</param>
/// <param name="Status">What the guest is told.</param>
/// <param name="HasStruck">The host did not do what it should have: it stopped, refused or lied.</param>
public readonly record struct HostCallEvent(
    HostCall Call, ulong FirstFrame, ulong Pages, ulong Done, OperationStatus Status, bool HasStruck);

/// <summary>A guest instruction on a page.</summary>
/// <param name="Operation">Which.</param>
/// <param name="Frame">The page, or the first one.</param>
/// <param name="Status">What the guest is told.</param>
/// <param name="Rule">The rule that decided.</param>
public readonly record struct GuestOperationEvent(GuestOperation Operation, ulong Frame, OperationStatus Status, string Rule);

/// <summary>A page changed its state.</summary>
/// <param name="Frame">The page.</param>
/// <param name="Before">Its state before.</param>
/// <param name="Change">What became of it.</param>
public readonly record struct PageChangeEvent(ulong Frame, PageState Before, PageChange Change);

/// <summary>An access that did not simply complete.</summary>
/// <param name="Access">The access.</param>
/// <param name="State">The page's state when it was made; meaningless outside RAM.</param>
/// <param name="Outcome">How it ended, once the host had its say.</param>
/// <param name="Rule">The rule that decided last.</param>
public readonly record struct AccessEvent(ConfidentialAccess Access, PageState State, AccessOutcome Outcome, string Rule);

/// <summary>Sees what happens between a confidential guest and its host. Costs nothing while none is set.</summary>
/// <remarks>Called at the instruction, before it retires; the observer reads the processor and changes nothing.</remarks>
public interface IMachineObserver
{
    /// <summary>The guest asked its host to change pages.</summary>
    void OnHostCall(Processor processor, in HostCallEvent hostCall);

    /// <summary>The guest executed an instruction on a page.</summary>
    void OnGuestOperation(Processor processor, in GuestOperationEvent operation);

    /// <summary>A page changed.</summary>
    void OnPageChange(Processor? processor, in PageChangeEvent change);

    /// <summary>An access met something other than <see cref="AccessOutcome.Ok"/>.</summary>
    void OnAccess(Processor processor, in AccessEvent access);

    /// <summary>The guest used an interface that answers with its documented error, or anything else worth a line.</summary>
    void OnNote(Processor processor, string what);
}
