// SPDX-License-Identifier: Apache-2.0
using System.Runtime.CompilerServices;
using Liminal.X86.Execution;
using Liminal.X86.State;

namespace Liminal.X86.Instructions;

/// <summary>Where a shift takes its count.</summary>
internal unsafe interface IShiftCount
{
    static abstract int Of(Core* core, Op* op);
}

internal readonly unsafe struct ByImmediate : IShiftCount
{
    public static int Of(Core* core, Op* op) => (int)op->Immediate;
}

internal readonly unsafe struct ByCl : IShiftCount
{
    public static int Of(Core* core, Op* op) => *((byte*)core + 8);
}

/// <summary>One shift or rotate by a count that is not zero: 1 to 31, or to 63 for 64 bits.</summary>
/// <remarks>OF is defined for a count of 1 only, AF never for shifts; we set OF by the same rule for every count and clear AF.</remarks>
internal unsafe interface IShift
{
    static abstract ulong Shift<TSize>(Core* core, ulong value, int count)
        where TSize : struct, IOperandSize;
}

/// <summary>A count that masks to zero changes neither value nor flags.</summary>
internal readonly unsafe struct Shifted<TShift, TCount> : IModify
    where TShift : struct, IShift
    where TCount : struct, IShiftCount
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Run<TSize>(Core* core, Op* op, ulong old)
        where TSize : struct, IOperandSize
    {
        int count = TCount.Of(core, op) & (TSize.Bits == 64 ? 63 : 31);
        return count == 0 ? old : TShift.Shift<TSize>(core, old, count);
    }
}

internal readonly unsafe struct Shl : IShift
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Shift<TSize>(Core* core, ulong value, int count)
        where TSize : struct, IOperandSize
    {
        ulong result = TSize.SignExtend(value << count);
        ulong carry = TSize.Bits == 64 ? value >> (64 - count) : (value << count) >> TSize.Bits;
        ShiftFlags.Set<TSize>(core, result, carry & 1, (result >> 63) ^ (carry & 1));
        return result;
    }
}

internal readonly unsafe struct Shr : IShift
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Shift<TSize>(Core* core, ulong value, int count)
        where TSize : struct, IOperandSize
    {
        ulong result = value >> count;
        ulong overflow = ((result << 1) ^ result) >> (TSize.Bits - 1);
        ShiftFlags.Set<TSize>(core, TSize.SignExtend(result), (value >> (count - 1)) & 1, overflow & 1);
        return result;
    }
}

internal readonly unsafe struct Sar : IShift
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Shift<TSize>(Core* core, ulong value, int count)
        where TSize : struct, IOperandSize
    {
        long wide = (long)TSize.SignExtend(value);
        ulong result = (ulong)(wide >> count);
        ShiftFlags.Set<TSize>(core, result, (ulong)(wide >> (count - 1)) & 1, 0);
        return result;
    }
}

internal static unsafe class ShiftFlags
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Set<TSize>(Core* core, ulong result, ulong carry, ulong overflow)
        where TSize : struct, IOperandSize
        => core->State.Flags.Set(LazyFlags.Explicit, TSize.Bits, result, carry | (overflow << 11));
}

internal readonly unsafe struct Rol : IShift
{
    public static ulong Shift<TSize>(Core* core, ulong value, int count)
        where TSize : struct, IOperandSize
    {
        count &= TSize.Bits - 1;
        ulong result = TSize.ZeroExtend((value << count) | (value >> ((TSize.Bits - count) & 63)));
        if (count == 0)
            result = value;
        bool carry = (result & 1) != 0;
        core->State.Flags.SetCarryAndOverflow(carry, ((result >> (TSize.Bits - 1)) & 1) != (result & 1));
        return result;
    }
}

internal readonly unsafe struct Ror : IShift
{
    public static ulong Shift<TSize>(Core* core, ulong value, int count)
        where TSize : struct, IOperandSize
    {
        count &= TSize.Bits - 1;
        ulong result = TSize.ZeroExtend((value >> count) | (value << ((TSize.Bits - count) & 63)));
        if (count == 0)
            result = value;
        ulong top = (result >> (TSize.Bits - 1)) & 1;
        core->State.Flags.SetCarryAndOverflow(top != 0, top != ((result >> (TSize.Bits - 2)) & 1));
        return result;
    }
}

/// <summary>RCL: rotates through CF, so 9, 17, 33 or 65 bits.</summary>
internal readonly unsafe struct Rcl : IShift
{
    public static ulong Shift<TSize>(Core* core, ulong value, int count)
        where TSize : struct, IOperandSize
    {
        ulong carry = core->State.Flags.Carry ? 1ul : 0;
        for (int i = count % (TSize.Bits + 1); i > 0; i--)
        {
            ulong top = (value >> (TSize.Bits - 1)) & 1;
            value = TSize.ZeroExtend((value << 1) | carry);
            carry = top;
        }

        core->State.Flags.SetCarryAndOverflow(carry != 0, ((value >> (TSize.Bits - 1)) & 1) != carry);
        return value;
    }
}

/// <summary>RCR.</summary>
internal readonly unsafe struct Rcr : IShift
{
    public static ulong Shift<TSize>(Core* core, ulong value, int count)
        where TSize : struct, IOperandSize
    {
        ulong carry = core->State.Flags.Carry ? 1ul : 0;
        for (int i = count % (TSize.Bits + 1); i > 0; i--)
        {
            ulong bottom = value & 1;
            value = (value >> 1) | (carry << (TSize.Bits - 1));
            carry = bottom;
        }

        ulong top = (value >> (TSize.Bits - 1)) & 1;
        core->State.Flags.SetCarryAndOverflow(carry != 0, top != ((value >> (TSize.Bits - 2)) & 1));
        return value;
    }
}

/// <summary>SHLD: bits shifted in come from the source register. Counts above the width are undefined for 16 bits; we shift the 48-bit string.</summary>
internal readonly unsafe struct ShiftLeftDouble<TCount> : IModify
    where TCount : struct, IShiftCount
{
    public static ulong Run<TSize>(Core* core, Op* op, ulong old)
        where TSize : struct, IOperandSize
    {
        int count = TCount.Of(core, op) & (TSize.Bits == 64 ? 63 : 31);
        if (count == 0)
            return old;
        ulong source = TSize.Read(Form.Place(core, op->Source));
        if (TSize.Bits == 16 && count > 16)
        {
            ulong wide = (old << 32) | (source << 16) | old;
            ulong rotated = wide << count;
            ShiftFlags.Set<TSize>(core, TSize.SignExtend(rotated >> 32), (rotated >> 48) & 1, ((rotated >> 48) ^ (rotated >> 47)) & 1);
            return TSize.ZeroExtend(rotated >> 32);
        }

        ulong result = TSize.SignExtend((old << count) | (source >> (TSize.Bits - count)));
        ulong carry = (old >> (TSize.Bits - count)) & 1;
        ShiftFlags.Set<TSize>(core, result, carry, ((old >> (TSize.Bits - 1)) ^ (result >> 63)) & 1);
        return result;
    }
}

/// <summary>SHRD.</summary>
internal readonly unsafe struct ShiftRightDouble<TCount> : IModify
    where TCount : struct, IShiftCount
{
    public static ulong Run<TSize>(Core* core, Op* op, ulong old)
        where TSize : struct, IOperandSize
    {
        int count = TCount.Of(core, op) & (TSize.Bits == 64 ? 63 : 31);
        if (count == 0)
            return old;
        ulong source = TSize.Read(Form.Place(core, op->Source));
        if (TSize.Bits == 16)
        {
            ulong wide = (old << 32) | (source << 16) | old;
            ulong shifted = wide >> count;
            ShiftFlags.Set<TSize>(
                core, TSize.SignExtend(shifted), (wide >> (count - 1)) & 1, ((shifted ^ (shifted << 1)) >> 15) & 1);
            return TSize.ZeroExtend(shifted);
        }

        ulong result = TSize.SignExtend((old >> count) | (source << (TSize.Bits - count)));
        ShiftFlags.Set<TSize>(core, result, (old >> (count - 1)) & 1, ((old >> (TSize.Bits - 1)) ^ (result >> 63)) & 1);
        return result;
    }
}
