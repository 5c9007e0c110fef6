// SPDX-License-Identifier: Apache-2.0

using System.Collections.Generic;

namespace Liminal.Trace;

/// <summary>One conversion that a kernel made while it booted, or changes on the host side that no known conversion function made.</summary>
/// <param name="Instruction">Instructions that the machine had retired at its entry; for changes of no known function, at the first.</param>
/// <param name="Returned">The same when it returned; for changes of no known function, after the last. Null when it has not returned.</param>
/// <param name="Cpu">Processor that entered it.</param>
/// <param name="Function">The outermost conversion function, such as <c>set_memory_decrypted</c>, or the function that executed the change.</param>
/// <param name="IsKnown">Whether that is a conversion function that Liminal knows; otherwise range and result are those of the changes.</param>
/// <param name="Direction"><c>shared</c> or <c>private</c>: what the pages were to become; <c>other</c> when the changes go neither way.</param>
/// <param name="Address">The range as the caller named it, sixteen digits; null when nobody named one.</param>
/// <param name="Pages">4 KiB pages in the range.</param>
/// <param name="Frames">The guest's pages behind the range, in its order.</param>
/// <param name="Result">What it returned: <c>0</c>, <c>-EIO (-5)</c>; null when it returns nothing, or has not.</param>
/// <param name="Stack">Who asked for it: the functions that were active, the caller first. A question mark in front of one that the unwinder was not sure of.</param>
/// <param name="HostCalls">Calls to the host that were made in it, in order; those that continue one another are one entry.</param>
/// <param name="Operations">Guest instructions on pages that were executed in it, counted.</param>
/// <param name="Changes">What became of pages on the host side, in order.</param>
public sealed record BootConversion(
    ulong Instruction,
    ulong? Returned,
    int Cpu,
    string Function,
    bool IsKnown,
    string Direction,
    string? Address,
    long Pages,
    IReadOnlyList<FrameRun> Frames,
    string? Result,
    IReadOnlyList<string> Stack,
    IReadOnlyList<BootHostCall> HostCalls,
    IReadOnlyList<BootGuestOperation> Operations,
    IReadOnlyList<PageStateRun> Changes);

/// <summary>Pages of the guest in a row.</summary>
/// <param name="First">Guest-physical address of the first, divided by 4096.</param>
/// <param name="Pages">How many.</param>
public readonly record struct FrameRun(ulong First, long Pages);

/// <summary>Calls to the host.</summary>
/// <param name="Call">What for, such as <c>MapGpaShared</c>.</param>
/// <param name="First">First page.</param>
/// <param name="Pages">Pages asked for.</param>
/// <param name="Done">Pages that the host said it had done.</param>
/// <param name="Status">What the guest was told.</param>
/// <param name="HasStruck">Whether the host did not do what it should have: it stopped, refused or lied.</param>
/// <param name="Count">Calls: each began where the one before ended, and ended alike.</param>
public sealed record BootHostCall(string Call, ulong First, long Pages, long Done, string Status, bool HasStruck, int Count);

/// <summary>Guest instructions on pages.</summary>
/// <param name="Operation">Which, such as <c>Rescind4K</c>.</param>
/// <param name="Status">What the guest was told.</param>
/// <param name="Count">How many.</param>
public sealed record BootGuestOperation(string Operation, string Status, long Count);

/// <summary>Pages that came from one side of a conversion to another, one after the other.</summary>
/// <param name="First">First page.</param>
/// <param name="Pages">How many.</param>
/// <param name="From">Their state before, in the platform's own word.</param>
/// <param name="To">Their state after.</param>
/// <param name="Side">On which side that is: <c>private</c>, <c>shared</c> or <c>between</c>.</param>
/// <param name="Begun">Instructions that the machine had retired when the first page changed.</param>
/// <param name="Ended">The same for the last page.</param>
public sealed record PageStateRun(ulong First, long Pages, string From, string To, string Side, ulong Begun, ulong Ended);
