// SPDX-License-Identifier: Apache-2.0

namespace Liminal.Linux.Unwinding;

/// <summary>What an unwinding rule starts from.</summary>
/// <remarks>Source: Linux v6.12 arch/x86/include/asm/orc_types.h, ORC_REG_*; the same numbers in v6.1.</remarks>
public enum OrcRegister : byte
{
    /// <summary>Not known, or unchanged.</summary>
    Undefined = 0,

    /// <summary>The caller's stack pointer; for BP only.</summary>
    PreviousSp = 1,

    /// <summary>RDX.</summary>
    Dx = 2,

    /// <summary>RDI.</summary>
    Di = 3,

    /// <summary>RBP.</summary>
    Bp = 4,

    /// <summary>RSP.</summary>
    Sp = 5,

    /// <summary>R10.</summary>
    R10 = 6,

    /// <summary>R13.</summary>
    R13 = 7,

    /// <summary>The word at RBP plus the offset.</summary>
    BpIndirect = 8,

    /// <summary>The word at RSP, plus the offset.</summary>
    SpIndirect = 9,
}

/// <summary>What lies at the place that a rule leads to.</summary>
public enum OrcKind : byte
{
    /// <summary>Nothing is known about this code.</summary>
    Undefined,

    /// <summary>The stack ends here.</summary>
    EndOfStack,

    /// <summary>A return address, below it.</summary>
    Call,

    /// <summary>A whole pt_regs.</summary>
    Registers,

    /// <summary>The five words that the processor pushes: the end of a pt_regs.</summary>
    PartialRegisters,
}

/// <summary>How to find the caller from an instruction.</summary>
/// <param name="SpOffset">Added to <paramref name="SpRegister"/>: the place that <paramref name="Kind"/> speaks of.</param>
/// <param name="BpOffset">Added to <paramref name="BpRegister"/>: where the caller's RBP is saved.</param>
/// <param name="SpRegister">Where the stack is found from.</param>
/// <param name="BpRegister">Where the saved RBP is found from.</param>
/// <param name="Kind">What lies there.</param>
/// <param name="IsSignal">The frame found is where an interrupt or exception struck, not where a call returns to.</param>
public readonly record struct OrcEntry(
    short SpOffset, short BpOffset, OrcRegister SpRegister, OrcRegister BpRegister, OrcKind Kind, bool IsSignal);
