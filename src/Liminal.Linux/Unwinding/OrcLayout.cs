// SPDX-License-Identifier: Apache-2.0

using System;
using System.Buffers.Binary;
using Liminal.Linux.Types;

namespace Liminal.Linux.Unwinding;

/// <summary>The bits of an entry of .orc_unwind, as the kernel's own type information has them.</summary>
/// <remarks>
/// Two forms are known. Until 6.2: two bits of type (0 call, 1 registers, 2 partial registers) and a bit for the end of the stack, which
/// counts only where the stack register is undefined. Since 6.4: three bits of type, and a bit that tells a signal frame.
/// Source: Linux v6.1 and v6.12 arch/x86/include/asm/orc_types.h and arch/x86/kernel/unwind_orc.c, unwind_next_frame().
/// </remarks>
internal sealed class OrcLayout
{
    public const int EntrySize = 6;

    private readonly int _spOffset;
    private readonly int _bpOffset;
    private readonly Bits _spRegister;
    private readonly Bits _bpRegister;
    private readonly Bits _type;
    private readonly Bits? _end;
    private readonly Bits? _signal;

    private OrcLayout(KernelField spOffset, KernelField bpOffset, Bits spRegister, Bits bpRegister, Bits type, Bits? end, Bits? signal)
    {
        _spOffset = spOffset.Offset;
        _bpOffset = bpOffset.Offset;
        _spRegister = spRegister;
        _bpRegister = bpRegister;
        _type = type;
        _end = end;
        _signal = signal;
    }

    /// <summary>The layout, or null when the structure is missing or of a third form.</summary>
    public static OrcLayout? Of(KernelTypes types)
    {
        if (!types.TryFind("orc_entry", out KernelField whole) || whole.Size != EntrySize
            || !types.TryFind("orc_entry.sp_offset", out KernelField spOffset) || !IsShort(spOffset)
            || !types.TryFind("orc_entry.bp_offset", out KernelField bpOffset) || !IsShort(bpOffset)
            || Find(types, "sp_reg") is not { Width: 4 } spRegister || Find(types, "bp_reg") is not { Width: 4 } bpRegister
            || Find(types, "type") is not Bits type)
        {
            return null;
        }

        Bits? end = Find(types, "end"), signal = Find(types, "signal");
        bool isKnown = (type.Width == 2 && end is { Width: 1 } && signal is null) || (type.Width == 3 && signal is { Width: 1 } && end is null);
        return isKnown ? new OrcLayout(spOffset, bpOffset, spRegister, bpRegister, type, end, signal) : null;
    }

    public OrcEntry Decode(ReadOnlySpan<byte> entry)
    {
        ulong word = BinaryPrimitives.ReadUInt32LittleEndian(entry) | ((ulong)BinaryPrimitives.ReadUInt16LittleEndian(entry[4..]) << 32);
        var spRegister = (OrcRegister)_spRegister.Of(word);
        int type = _type.Of(word);
        OrcKind kind = _end is Bits end ? OldKind(type, spRegister, end.Of(word) != 0) : NewKind(type);
        bool isSignal = _signal is Bits signal ? signal.Of(word) != 0 : kind is OrcKind.Registers or OrcKind.PartialRegisters;
        return new OrcEntry(
            BinaryPrimitives.ReadInt16LittleEndian(entry[_spOffset..]), BinaryPrimitives.ReadInt16LittleEndian(entry[_bpOffset..]),
            spRegister, (OrcRegister)_bpRegister.Of(word), kind, isSignal);
    }

    private static OrcKind OldKind(int type, OrcRegister spRegister, bool isEnd)
    {
        if (spRegister == OrcRegister.Undefined)
            return isEnd ? OrcKind.EndOfStack : OrcKind.Undefined;

        return type switch
        {
            0 => OrcKind.Call,
            1 => OrcKind.Registers,
            2 => OrcKind.PartialRegisters,
            _ => OrcKind.Undefined,
        };
    }

    private static OrcKind NewKind(int type) => type switch
    {
        1 => OrcKind.EndOfStack,
        2 => OrcKind.Call,
        3 => OrcKind.Registers,
        4 => OrcKind.PartialRegisters,
        _ => OrcKind.Undefined,
    };

    private static bool IsShort(KernelField field) => field is { BitSize: 16, IsBitField: false } && field.BitOffset % 8 == 0 && field.Offset <= EntrySize - 2;

    private static Bits? Find(KernelTypes types, string member) =>
        types.TryFind("orc_entry." + member, out KernelField field) && field.BitOffset + field.BitSize <= EntrySize * 8
            ? new Bits((int)field.BitOffset, (int)field.BitSize)
            : null;

    private readonly record struct Bits(int Start, int Width)
    {
        public int Of(ulong word) => (int)((word >> Start) & ((1ul << Width) - 1));
    }
}
