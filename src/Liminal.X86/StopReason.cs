// SPDX-License-Identifier: Apache-2.0
namespace Liminal.X86;

/// <summary>Why <see cref="Processor.Run"/> came back.</summary>
public enum StopKind : byte
{
    /// <summary>The budget of instructions is used up.</summary>
    BudgetExhausted,

    /// <summary><see cref="Processor.RequestStop"/> was called.</summary>
    Requested,

    /// <summary>HLT, MWAIT or wait-for-SIPI: nothing happens until an interrupt or a start-up message.</summary>
    Halted,

    /// <summary>A fault while delivering a double fault (triple fault): the processor is shut down.</summary>
    Shutdown,

    /// <summary>The guest used something that is not modelled; RIP is at the instruction, nothing of it was done.</summary>
    NotModelled,

    /// <summary>The rules of the confidential platform ended the access or instruction outside the guest.</summary>
    HostExit,

    /// <summary>The same exception at the same instruction, for ever: see <see cref="Processor.LivelockBound"/>.</summary>
    Livelock,

    /// <summary>The hook before an instruction asked for it.</summary>
    Hook,

    /// <summary>The next instruction is at one of <see cref="Processor.Breakpoints"/>.</summary>
    Breakpoint,

    /// <summary>The instruction before touched one of <see cref="Processor.Watchpoints"/>; see <see cref="Processor.LastWatchpoint"/>.</summary>
    Watchpoint,
}

/// <summary>Why a run ended, and where.</summary>
/// <param name="Kind">The reason.</param>
/// <param name="Rip">RIP of the next instruction to execute.</param>
/// <param name="Detail">For the report: the encoding and bytes, the MSR, port or address; empty when the kind says it all.</param>
public readonly record struct StopReason(StopKind Kind, ulong Rip, string Detail)
{
    /// <inheritdoc/>
    public override string ToString() => Detail.Length == 0 ? $"{Kind} at 0x{Rip:x}" : $"{Kind} at 0x{Rip:x}: {Detail}";
}
