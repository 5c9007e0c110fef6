// SPDX-License-Identifier: Apache-2.0
using System;
using Liminal.X86.Execution;
using Liminal.X86.State;

namespace Liminal.X86.Instructions;

/// <summary>MUL: RDX:RAX = RAX times the source. SF, ZF, AF and PF are undefined; they follow the low half here.</summary>
internal readonly unsafe struct Multiply : ISource
{
    public static void Run<TSize>(Core* core, Op* op, ulong value)
        where TSize : struct, IOperandSize
    {
        ulong accumulator = TSize.Read((byte*)core);
        ulong high = TSize.Bits == 64 ? Math.BigMul(accumulator, value, out ulong low) : (low = accumulator * value) >> TSize.Bits;
        Product.Store<TSize>(core, low, high);
        Product.SetFlags<TSize>(core, low, TSize.ZeroExtend(high) != 0);
    }
}

/// <summary>IMUL with one operand.</summary>
internal readonly unsafe struct MultiplySigned : ISource
{
    public static void Run<TSize>(Core* core, Op* op, ulong value)
        where TSize : struct, IOperandSize
    {
        long first = (long)TSize.SignExtend(TSize.Read((byte*)core));
        long second = (long)TSize.SignExtend(value);
        ulong low = (ulong)(first * second);
        ulong high = TSize.Bits == 64 ? (ulong)Math.BigMul(first, second, out _) : (ulong)((long)low >> TSize.Bits);
        Product.Store<TSize>(core, low, high);
        Product.SetFlags<TSize>(core, low, high != (ulong)((long)TSize.SignExtend(low) >> 63));
    }
}

/// <summary>IMUL with two operands: register times source.</summary>
internal readonly unsafe struct MultiplyInto : ISource
{
    public static void Run<TSize>(Core* core, Op* op, ulong value)
        where TSize : struct, IOperandSize
    {
        byte* place = Form.Place(core, op->Destination);
        TSize.WriteRegister(place, Product.Signed<TSize>(core, TSize.Read(place), value));
    }
}

/// <summary>IMUL with three operands: source times immediate.</summary>
internal readonly unsafe struct MultiplyByImmediate : ISource
{
    public static void Run<TSize>(Core* core, Op* op, ulong value)
        where TSize : struct, IOperandSize
        => TSize.WriteRegister(Form.Place(core, op->Destination), Product.Signed<TSize>(core, value, op->Immediate));
}

internal static unsafe class Product
{
    private const int Rdx = 2 * 8;

    public static void Store<TSize>(Core* core, ulong low, ulong high)
        where TSize : struct, IOperandSize
    {
        if (TSize.Bits == 8)
        {
            Size16.WriteRegister((byte*)core, low);
            return;
        }

        TSize.WriteRegister((byte*)core, low);
        TSize.WriteRegister((byte*)core + Rdx, high);
    }

    public static void SetFlags<TSize>(Core* core, ulong low, bool isWide)
        where TSize : struct, IOperandSize
        => core->State.Flags.Set(
            LazyFlags.Explicit, TSize.Bits, TSize.SignExtend(low), isWide ? Rflags.Carry | Rflags.Overflow : 0);

    public static ulong Signed<TSize>(Core* core, ulong first, ulong second)
        where TSize : struct, IOperandSize
    {
        long a = (long)TSize.SignExtend(first);
        long b = (long)TSize.SignExtend(second);
        long low = a * b;
        bool isWide = TSize.Bits == 64
            ? Math.BigMul(a, b, out _) != low >> 63
            : (long)TSize.SignExtend((ulong)low) != low;
        SetFlags<TSize>(core, (ulong)low, isWide);
        return (ulong)low;
    }
}

/// <summary>DIV: RDX:RAX by the source; #DE when the quotient does not fit. Flags are undefined and stay.</summary>
internal readonly unsafe struct Divide : ITrySource
{
    public static bool Try<TSize>(Core* core, ulong value)
        where TSize : struct, IOperandSize
    {
        if (value == 0)
            return false;
        if (TSize.Bits == 8)
        {
            ulong dividend = Size16.Read((byte*)core);
            if (dividend / value > byte.MaxValue)
                return false;
            Size16.WriteRegister((byte*)core, (dividend / value) | ((dividend % value) << 8));
            return true;
        }

        ulong low = TSize.Read((byte*)core);
        ulong high = TSize.Read((byte*)core + 16);
        if (high >= value)
            return false;
        ulong quotient;
        ulong remainder;
        if (TSize.Bits == 64 && high != 0)
        {
            (UInt128 wide, UInt128 rest) = UInt128.DivRem(new UInt128(high, low), value);
            quotient = (ulong)wide;
            remainder = (ulong)rest;
        }
        else
        {
            ulong dividend = TSize.Bits == 64 ? low : (high << TSize.Bits) | low;
            quotient = dividend / value;
            remainder = dividend % value;
        }

        TSize.WriteRegister((byte*)core, quotient);
        TSize.WriteRegister((byte*)core + 16, remainder);
        return true;
    }
}

/// <summary>IDIV: truncates towards zero.</summary>
internal readonly unsafe struct DivideSigned : ITrySource
{
    public static bool Try<TSize>(Core* core, ulong value)
        where TSize : struct, IOperandSize
    {
        Int128 divisor = (long)TSize.SignExtend(value);
        if (divisor == 0)
            return false;
        Int128 dividend = TSize.Bits switch
        {
            8 => (short)Size16.Read((byte*)core),
            64 => new Int128(Size64.Read((byte*)core + 16), Size64.Read((byte*)core)),
            _ => (long)((TSize.SignExtend(TSize.Read((byte*)core + 16)) << TSize.Bits) | TSize.Read((byte*)core)),
        };
        (Int128 quotient, Int128 remainder) = Int128.DivRem(dividend, divisor);
        if (quotient != (long)TSize.SignExtend((ulong)quotient))
            return false;
        if (TSize.Bits == 8)
        {
            Size16.WriteRegister((byte*)core, (byte)quotient | ((ulong)(byte)remainder << 8));
            return true;
        }

        TSize.WriteRegister((byte*)core, (ulong)quotient);
        TSize.WriteRegister((byte*)core + 16, (ulong)remainder);
        return true;
    }
}
