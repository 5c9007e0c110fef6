// SPDX-License-Identifier: Apache-2.0

using System.Collections.Generic;
using System.Linq;
using Liminal.Linux.Symbols;

namespace Liminal.Linux.Unwinding;

/// <summary>One frame of a kernel stack.</summary>
/// <param name="Address">The instruction that is next here: for a caller, the one behind its call.</param>
/// <param name="Symbol">The function it belongs to, null outside the kernel image. For a caller it is that of the call.</param>
/// <param name="StackPointer">RSP in this frame.</param>
/// <param name="IsInterrupted">An interrupt or exception struck here; the frame before it is of its handler.</param>
/// <param name="IsReliable">False when the way to this frame was guessed.</param>
public readonly record struct StackFrame(ulong Address, SymbolOffset? Symbol, ulong StackPointer, bool IsInterrupted, bool IsReliable)
{
    /// <summary>As the kernel prints it: a question mark in front of a frame that is not reliable.</summary>
    public override string ToString() => (IsReliable ? "" : "? ") + (Symbol?.ToString() ?? Address.ToString("x16"));
}

/// <summary>How a walk of a stack ended.</summary>
public enum StackEnd : byte
{
    /// <summary>At code where the kernel's stacks begin.</summary>
    EndOfStack,

    /// <summary>At the entry from user mode.</summary>
    UserMode,

    /// <summary>At a frame that the rules do not lead on from; <see cref="KernelStack.Detail"/> says why.</summary>
    Lost,

    /// <summary>After the most frames that are walked.</summary>
    TooDeep,
}

/// <summary>The stack of a processor, innermost frame first.</summary>
/// <param name="Frames">The frames; none when the processor was in user mode.</param>
/// <param name="End">How the walk ended.</param>
/// <param name="Detail">For <see cref="StackEnd.Lost"/>: why, as a clause; else empty.</param>
public sealed record KernelStack(IReadOnlyList<StackFrame> Frames, StackEnd End, string Detail)
{
    /// <summary>Whether every frame is certain and the walk reached the end of the stack.</summary>
    public bool IsReliable => End is StackEnd.EndOfStack or StackEnd.UserMode && Frames.All(static frame => frame.IsReliable);

    /// <summary>Whether a function has a frame on the stack.</summary>
    public bool Contains(string function) => Frames.Any(frame => frame.Symbol?.Symbol.Name == function);

    /// <summary>One line a frame, and a last one that says how the walk ended.</summary>
    public override string ToString()
    {
        string end = End switch
        {
            StackEnd.EndOfStack => "end of stack",
            StackEnd.UserMode => "user mode",
            StackEnd.TooDeep => "more frames",
            _ => $"lost: {Detail}",
        };
        return string.Join('\n', Frames.Select(static frame => frame.ToString()).Append($"({end})"));
    }
}
