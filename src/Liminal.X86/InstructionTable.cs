// SPDX-License-Identifier: Apache-2.0
using System;
using System.Linq;
using Iced.Intel;
using Liminal.X86.Decoding;
using Liminal.X86.Execution;

namespace Liminal.X86;

/// <summary>What a processor would do with an encoding.</summary>
public enum RowKind : byte
{
    /// <summary>There is a row; it raises #UD where CPUID does not announce what the encoding needs.</summary>
    Row,

    /// <summary>Raises #UD: no processor decodes these bytes.</summary>
    Invalid,

    /// <summary>Raises #UD: the encoding belongs to a feature that is never announced.</summary>
    Hidden,

    /// <summary>Stops the machine.</summary>
    NotModelled,
}

/// <summary>One decoded instruction and its place in the table.</summary>
/// <param name="Kind">What a processor would do.</param>
/// <param name="Length">Bytes; at least 1.</param>
/// <param name="Encoding">Iced's name of the encoding; empty for a row, and for bytes that are no instruction.</param>
/// <param name="Features">The features that it belongs to, in Iced's words; empty likewise.</param>
public readonly record struct RowInfo(RowKind Kind, int Length, string Encoding, string Features);

/// <summary>Looks instructions up without executing them.</summary>
public static class InstructionTable
{
    /// <summary>Finds what a processor would do with the bytes.</summary>
    /// <param name="processor">Whose CPUID decides.</param>
    /// <param name="bytes">At least one instruction.</param>
    /// <param name="bitness">16, 32 or 64.</param>
    // SAFETY: the op lives on the stack for the call; the binder writes to it and keeps nothing.
    public static unsafe RowInfo Find(Processor processor, ReadOnlySpan<byte> bytes, int bitness)
    {
        Instruction instruction = Decoder.Create(bitness, new ByteArrayCodeReader(bytes[..Math.Min(bytes.Length, 15)].ToArray())).Decode();
        int length = Math.Max(1, instruction.Length);
        if (instruction.IsInvalid)
            return new RowInfo(RowKind.Invalid, length, string.Empty, string.Empty);
        Op op = default;
        int mode = bitness switch { 16 => CodeMode.Code16, 32 => CodeMode.Code32, _ => CodeMode.Code64 };
        if (new Binder(processor, instruction, &op, mode).BindRow() != 0)
            return new RowInfo(RowKind.Row, length, string.Empty, string.Empty);
        RowKind kind = Announcement.IsHidden(instruction.Code) ? RowKind.Hidden : RowKind.NotModelled;
        return new RowInfo(kind, length, instruction.Code.ToString(), string.Join(' ', instruction.Code.CpuidFeatures().Select(feature => feature.ToString())));
    }
}
