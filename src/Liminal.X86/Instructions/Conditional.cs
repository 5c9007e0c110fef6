// SPDX-License-Identifier: Apache-2.0
using System.Runtime.CompilerServices;
using Liminal.X86.Execution;

namespace Liminal.X86.Instructions;

/// <summary>A condition of Jcc, SETcc and CMOVcc: from the flags, or straight from the operands of the CMP or TEST fused with it.</summary>
internal unsafe interface ICondition
{
    static abstract bool FromFlags(Core* core);

    /// <summary>After CMP: operands zero-extended; both sign-extended forms follow from the width.</summary>
    static abstract bool AfterCompare<TSize>(Core* core, ulong first, ulong second)
        where TSize : struct, IOperandSize;

    /// <summary>After TEST: the sign-extended result.</summary>
    static abstract bool AfterTest(Core* core, ulong result);
}

internal readonly unsafe struct IfOverflow : ICondition
{
    public static bool FromFlags(Core* core) => core->State.Flags.Overflow;

    public static bool AfterCompare<TSize>(Core* core, ulong first, ulong second)
        where TSize : struct, IOperandSize
        => core->State.Flags.Overflow;

    public static bool AfterTest(Core* core, ulong result) => false;
}

internal readonly unsafe struct IfBelow : ICondition
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool FromFlags(Core* core) => core->State.Flags.Carry;

    public static bool AfterCompare<TSize>(Core* core, ulong first, ulong second)
        where TSize : struct, IOperandSize
        => first < second;

    public static bool AfterTest(Core* core, ulong result) => false;
}

internal readonly unsafe struct IfZero : ICondition
{
    public static bool FromFlags(Core* core) => core->State.Flags.Zero;

    public static bool AfterCompare<TSize>(Core* core, ulong first, ulong second)
        where TSize : struct, IOperandSize
        => first == second;

    public static bool AfterTest(Core* core, ulong result) => result == 0;
}

internal readonly unsafe struct IfBelowOrEqual : ICondition
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool FromFlags(Core* core) => core->State.Flags.Zero || core->State.Flags.Carry;

    public static bool AfterCompare<TSize>(Core* core, ulong first, ulong second)
        where TSize : struct, IOperandSize
        => first <= second;

    public static bool AfterTest(Core* core, ulong result) => result == 0;
}

internal readonly unsafe struct IfSign : ICondition
{
    public static bool FromFlags(Core* core) => core->State.Flags.Sign;

    public static bool AfterCompare<TSize>(Core* core, ulong first, ulong second)
        where TSize : struct, IOperandSize
        => (long)TSize.SignExtend(first - second) < 0;

    public static bool AfterTest(Core* core, ulong result) => (long)result < 0;
}

internal readonly unsafe struct IfParity : ICondition
{
    public static bool FromFlags(Core* core) => core->State.Flags.Parity;

    public static bool AfterCompare<TSize>(Core* core, ulong first, ulong second)
        where TSize : struct, IOperandSize
        => core->State.Flags.Parity;

    public static bool AfterTest(Core* core, ulong result) => core->State.Flags.Parity;
}

internal readonly unsafe struct IfLess : ICondition
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool FromFlags(Core* core) => core->State.Flags.Sign != core->State.Flags.Overflow;

    public static bool AfterCompare<TSize>(Core* core, ulong first, ulong second)
        where TSize : struct, IOperandSize
        => (long)TSize.SignExtend(first) < (long)TSize.SignExtend(second);

    public static bool AfterTest(Core* core, ulong result) => (long)result < 0;
}

internal readonly unsafe struct IfLessOrEqual : ICondition
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool FromFlags(Core* core)
        => core->State.Flags.Zero || core->State.Flags.Sign != core->State.Flags.Overflow;

    public static bool AfterCompare<TSize>(Core* core, ulong first, ulong second)
        where TSize : struct, IOperandSize
        => (long)TSize.SignExtend(first) <= (long)TSize.SignExtend(second);

    public static bool AfterTest(Core* core, ulong result) => (long)result <= 0;
}

/// <summary>The opposite of a condition: odd condition codes.</summary>
internal readonly unsafe struct Unless<TCondition> : ICondition
    where TCondition : struct, ICondition
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool FromFlags(Core* core) => !TCondition.FromFlags(core);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool AfterCompare<TSize>(Core* core, ulong first, ulong second)
        where TSize : struct, IOperandSize
        => !TCondition.AfterCompare<TSize>(core, first, second);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool AfterTest(Core* core, ulong result) => !TCondition.AfterTest(core, result);
}

/// <summary>SETcc.</summary>
internal readonly unsafe struct SetCondition<TCondition> : IStore
    where TCondition : struct, ICondition
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Run<TSize>(Core* core, Op* op)
        where TSize : struct, IOperandSize
        => TCondition.FromFlags(core) ? 1ul : 0;
}

/// <summary>CMOVcc: reads its source and, with 32 bits, clears the upper half of the destination either way.</summary>
internal readonly unsafe struct ConditionalMove<TCondition> : ISource
    where TCondition : struct, ICondition
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Run<TSize>(Core* core, Op* op, ulong value)
        where TSize : struct, IOperandSize
    {
        byte* place = Form.Place(core, op->Destination);
        TSize.WriteRegister(place, TCondition.FromFlags(core) ? value : TSize.Read(place));
    }
}

/// <summary>Jcc, alone or fused with the CMP or TEST before it. Not taken, it goes on in the block.</summary>
internal static unsafe class ConditionalJump
{
    public static nint FromFlags<TCondition>(Core* core, Op* op)
        where TCondition : struct, ICondition
        => TCondition.FromFlags(core) ? ControlFlow.Branch(core, op) : Form.Next(core, op);

    public static nint CompareRegister<TCondition, TSize>(Core* core, Op* op)
        where TCondition : struct, ICondition
        where TSize : struct, IOperandSize
    {
        ulong first = TSize.Read(Form.Place(core, op->Destination));
        ulong second = TSize.Read(Form.Place(core, op->Source));
        _ = Sub.Compute<TSize>(core, first, second);
        return TCondition.AfterCompare<TSize>(core, first, second) ? ControlFlow.Branch(core, op) : Form.Next(core, op);
    }

    public static nint CompareImmediate<TCondition, TSize>(Core* core, Op* op)
        where TCondition : struct, ICondition
        where TSize : struct, IOperandSize
    {
        ulong first = TSize.Read(Form.Place(core, op->Destination));
        ulong second = TSize.ZeroExtend(op->Immediate);
        _ = Sub.Compute<TSize>(core, first, second);
        return TCondition.AfterCompare<TSize>(core, first, second) ? ControlFlow.Branch(core, op) : Form.Next(core, op);
    }

    public static nint TestRegister<TCondition, TSize>(Core* core, Op* op)
        where TCondition : struct, ICondition
        where TSize : struct, IOperandSize
    {
        ulong result = And.Compute<TSize>(core, TSize.Read(Form.Place(core, op->Destination)), TSize.Read(Form.Place(core, op->Source)));
        return TCondition.AfterTest(core, TSize.SignExtend(result)) ? ControlFlow.Branch(core, op) : Form.Next(core, op);
    }

    public static nint TestImmediate<TCondition, TSize>(Core* core, Op* op)
        where TCondition : struct, ICondition
        where TSize : struct, IOperandSize
    {
        ulong result = And.Compute<TSize>(core, TSize.Read(Form.Place(core, op->Destination)), TSize.ZeroExtend(op->Immediate));
        return TCondition.AfterTest(core, TSize.SignExtend(result)) ? ControlFlow.Branch(core, op) : Form.Next(core, op);
    }
}
