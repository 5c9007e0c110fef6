// SPDX-License-Identifier: Apache-2.0
using System.Runtime.CompilerServices;
using Liminal.X86.Execution;
using Liminal.X86.State;

namespace Liminal.X86.Instructions;

/// <summary>ADD ADC SUB SBB CMP AND OR XOR TEST, and INC DEC NEG NOT: a function of two values that sets the flags.</summary>
/// <remarks>AND, OR, XOR and TEST leave AF undefined; we clear it, as the processors at hand do.</remarks>
internal unsafe interface IFunction
{
    static abstract ulong Compute<TSize>(Core* core, ulong first, ulong second)
        where TSize : struct, IOperandSize;
}

internal readonly unsafe struct Add : IFunction
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Compute<TSize>(Core* core, ulong first, ulong second)
        where TSize : struct, IOperandSize
    {
        ulong result = first + second;
        core->State.Flags.Set(LazyFlags.Add, TSize.Bits, TSize.SignExtend(result), TSize.SignExtend(second));
        return result;
    }
}

internal readonly unsafe struct Sub : IFunction
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Compute<TSize>(Core* core, ulong first, ulong second)
        where TSize : struct, IOperandSize
    {
        ulong result = first - second;
        core->State.Flags.Set(LazyFlags.Sub, TSize.Bits, TSize.SignExtend(result), TSize.SignExtend(second));
        return result;
    }
}

internal readonly unsafe struct Adc : IFunction
{
    public static ulong Compute<TSize>(Core* core, ulong first, ulong second)
        where TSize : struct, IOperandSize
    {
        ulong result = first + second + (core->State.Flags.Carry ? 1ul : 0);
        Carries.Set<TSize>(core, result, (first & second) | ((first | second) & ~result));
        return result;
    }
}

internal readonly unsafe struct Sbb : IFunction
{
    public static ulong Compute<TSize>(Core* core, ulong first, ulong second)
        where TSize : struct, IOperandSize
    {
        ulong result = first - second - (core->State.Flags.Carry ? 1ul : 0);
        Carries.Set<TSize>(core, result, (~first & second) | ((~first | second) & result));
        return result;
    }
}

/// <summary>Flags from the vector of carries (or borrows) out of each bit.</summary>
internal static unsafe class Carries
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Set<TSize>(Core* core, ulong result, ulong carries)
        where TSize : struct, IOperandSize
    {
        ulong carry = (carries >> (TSize.Bits - 1)) & 1;
        ulong overflow = carry ^ ((carries >> (TSize.Bits - 2)) & 1);
        core->State.Flags.Set(
            LazyFlags.Explicit, TSize.Bits, TSize.SignExtend(result), carry | ((carries & 8) << 1) | (overflow << 11));
    }
}

internal readonly unsafe struct And : IFunction
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Compute<TSize>(Core* core, ulong first, ulong second)
        where TSize : struct, IOperandSize
        => Logic.Set<TSize>(core, first & second);
}

internal readonly unsafe struct Or : IFunction
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Compute<TSize>(Core* core, ulong first, ulong second)
        where TSize : struct, IOperandSize
        => Logic.Set<TSize>(core, first | second);
}

internal readonly unsafe struct Xor : IFunction
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Compute<TSize>(Core* core, ulong first, ulong second)
        where TSize : struct, IOperandSize
        => Logic.Set<TSize>(core, first ^ second);
}

internal static unsafe class Logic
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Set<TSize>(Core* core, ulong result)
        where TSize : struct, IOperandSize
    {
        core->State.Flags.Set(LazyFlags.Explicit, TSize.Bits, TSize.SignExtend(result), 0);
        return result;
    }
}

/// <summary>Destination register, source given by the form.</summary>
internal readonly unsafe struct Into<TFunction> : ISource
    where TFunction : struct, IFunction
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Run<TSize>(Core* core, Op* op, ulong value)
        where TSize : struct, IOperandSize
    {
        byte* place = Form.Place(core, op->Destination);
        TSize.WriteRegister(place, TFunction.Compute<TSize>(core, TSize.Read(place), value));
    }
}

/// <summary>As <see cref="Into{T}"/>, keeping the flags only: CMP and TEST with a register first.</summary>
internal readonly unsafe struct Compare<TFunction> : ISource
    where TFunction : struct, IFunction
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Run<TSize>(Core* core, Op* op, ulong value)
        where TSize : struct, IOperandSize
        => TFunction.Compute<TSize>(core, TSize.Read(Form.Place(core, op->Destination)), value);
}

/// <summary>CMP and TEST with memory first and a register second.</summary>
internal readonly unsafe struct CompareWithRegister<TFunction> : ISource
    where TFunction : struct, IFunction
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Run<TSize>(Core* core, Op* op, ulong value)
        where TSize : struct, IOperandSize
        => TFunction.Compute<TSize>(core, value, TSize.Read(Form.Place(core, op->Source)));
}

/// <summary>CMP and TEST with memory first and an immediate second.</summary>
internal readonly unsafe struct CompareWithImmediate<TFunction> : ISource
    where TFunction : struct, IFunction
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Run<TSize>(Core* core, Op* op, ulong value)
        where TSize : struct, IOperandSize
        => TFunction.Compute<TSize>(core, value, TSize.ZeroExtend(op->Immediate));
}

/// <summary>Destination given by the form, source a register.</summary>
internal readonly unsafe struct WithRegister<TFunction> : IModify
    where TFunction : struct, IFunction
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Run<TSize>(Core* core, Op* op, ulong old)
        where TSize : struct, IOperandSize
        => TFunction.Compute<TSize>(core, old, TSize.Read(Form.Place(core, op->Source)));
}

/// <summary>Destination given by the form, source an immediate.</summary>
internal readonly unsafe struct WithImmediate<TFunction> : IModify
    where TFunction : struct, IFunction
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Run<TSize>(Core* core, Op* op, ulong old)
        where TSize : struct, IOperandSize
        => TFunction.Compute<TSize>(core, old, TSize.ZeroExtend(op->Immediate));
}

/// <summary>INC: like ADD 1, CF kept.</summary>
internal readonly unsafe struct Inc : IModify
{
    public static ulong Run<TSize>(Core* core, Op* op, ulong old)
        where TSize : struct, IOperandSize
    {
        ulong carry = core->State.Flags.Carry ? 1ul : 0;
        ulong result = TSize.SignExtend(old + 1);
        ulong overflow = result == TSize.SignExtend(1ul << (TSize.Bits - 1)) ? Rflags.Overflow : 0;
        core->State.Flags.Set(LazyFlags.Explicit, TSize.Bits, result, carry | overflow | ((result & 15) == 0 ? Rflags.Adjust : 0));
        return result;
    }
}

/// <summary>DEC: like SUB 1, CF kept.</summary>
internal readonly unsafe struct Dec : IModify
{
    public static ulong Run<TSize>(Core* core, Op* op, ulong old)
        where TSize : struct, IOperandSize
    {
        ulong carry = core->State.Flags.Carry ? 1ul : 0;
        ulong result = TSize.SignExtend(old - 1);
        ulong overflow = old == 1ul << (TSize.Bits - 1) ? Rflags.Overflow : 0;
        core->State.Flags.Set(LazyFlags.Explicit, TSize.Bits, result, carry | overflow | ((old & 15) == 0 ? Rflags.Adjust : 0));
        return result;
    }
}

internal readonly unsafe struct Neg : IModify
{
    public static ulong Run<TSize>(Core* core, Op* op, ulong old)
        where TSize : struct, IOperandSize
        => Sub.Compute<TSize>(core, 0, old);
}

internal readonly unsafe struct Not : IModify
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Run<TSize>(Core* core, Op* op, ulong old)
        where TSize : struct, IOperandSize
        => ~old;
}
