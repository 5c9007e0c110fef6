// SPDX-License-Identifier: Apache-2.0
using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using Liminal.X86.Execution;

namespace Liminal.X86.Instructions;

/// <summary>MOV to a register.</summary>
internal readonly unsafe struct Move : ISource
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Run<TSize>(Core* core, Op* op, ulong value)
        where TSize : struct, IOperandSize
        => TSize.WriteRegister(Form.Place(core, op->Destination), value);
}

/// <summary>MOVZX and MOVSX: the form's width is the source's.</summary>
internal readonly unsafe struct MoveZeroExtended<TDestination> : ISource
    where TDestination : struct, IOperandSize
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Run<TSize>(Core* core, Op* op, ulong value)
        where TSize : struct, IOperandSize
        => TDestination.WriteRegister(Form.Place(core, op->Destination), value);
}

internal readonly unsafe struct MoveSignExtended<TDestination> : ISource
    where TDestination : struct, IOperandSize
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Run<TSize>(Core* core, Op* op, ulong value)
        where TSize : struct, IOperandSize
        => TDestination.WriteRegister(Form.Place(core, op->Destination), TSize.SignExtend(value));
}

/// <summary>MOV from a register.</summary>
internal readonly unsafe struct StoreSource : IStore
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Run<TSize>(Core* core, Op* op)
        where TSize : struct, IOperandSize
        => TSize.Read(Form.Place(core, op->Source));
}

/// <summary>MOV from an immediate.</summary>
internal readonly unsafe struct StoreImmediate : IStore
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Run<TSize>(Core* core, Op* op)
        where TSize : struct, IOperandSize
        => TSize.ZeroExtend(op->Immediate);
}

/// <summary>MOV from a segment register; its number in <see cref="Op.Extra"/>.</summary>
internal readonly unsafe struct StoreSelector : IStore
{
    public static ulong Run<TSize>(Core* core, Op* op)
        where TSize : struct, IOperandSize
        => core->State.Segments[op->Extra].Selector;
}

/// <summary>LEA: the address of the form, cut to the width; no segment base.</summary>
internal static unsafe class LoadEffectiveAddress
{
    public static nint Run<TSize, TAddress>(Core* core, Op* op)
        where TSize : struct, IOperandSize
        where TAddress : struct, IAddressForm
    {
        TSize.WriteRegister(Form.Place(core, op->Destination), TAddress.Of(core, op));
        return Form.Next(core, op);
    }
}

/// <summary>BSWAP; the 16-bit form is undefined and clears the register part, as the processors at hand do.</summary>
internal readonly unsafe struct Bswap : IModify
{
    public static ulong Run<TSize>(Core* core, Op* op, ulong old)
        where TSize : struct, IOperandSize
        => TSize.Bits switch
        {
            32 => BinaryPrimitives.ReverseEndianness((uint)old),
            64 => BinaryPrimitives.ReverseEndianness(old),
            _ => 0,
        };
}

/// <summary>CBW CWDE CDQE: sign-extends the lower half of RAX into the form's width.</summary>
internal readonly unsafe struct ExtendAccumulator : IModify
{
    public static ulong Run<TSize>(Core* core, Op* op, ulong old)
        where TSize : struct, IOperandSize
        => TSize.Bits switch
        {
            16 => Size8.SignExtend(old),
            32 => Size16.SignExtend(old),
            _ => Size32.SignExtend(old),
        };
}

/// <summary>CWD CDQ CQO: fills RDX with the sign of RAX.</summary>
internal readonly unsafe struct SignOfAccumulator : ISource
{
    public static void Run<TSize>(Core* core, Op* op, ulong value)
        where TSize : struct, IOperandSize
        => TSize.WriteRegister(Form.Place(core, op->Destination), (ulong)((long)TSize.SignExtend(value) >> 63));
}

/// <summary>MOVBE.</summary>
internal readonly unsafe struct MoveSwapped : ISource
{
    public static void Run<TSize>(Core* core, Op* op, ulong value)
        where TSize : struct, IOperandSize
        => TSize.WriteRegister(
            Form.Place(core, op->Destination), BinaryPrimitives.ReverseEndianness(value) >> (64 - TSize.Bits));
}

/// <summary>MOVBE to memory.</summary>
internal readonly unsafe struct StoreSwapped : IStore
{
    public static ulong Run<TSize>(Core* core, Op* op)
        where TSize : struct, IOperandSize
        => BinaryPrimitives.ReverseEndianness(TSize.Read(Form.Place(core, op->Source))) >> (64 - TSize.Bits);
}

/// <summary>XCHG with memory or a register; the register takes the old value.</summary>
internal readonly unsafe struct Exchange : IModify
{
    public static ulong Run<TSize>(Core* core, Op* op, ulong old)
        where TSize : struct, IOperandSize
    {
        byte* place = Form.Place(core, op->Source);
        ulong value = TSize.Read(place);
        TSize.WriteRegister(place, old);
        return value;
    }
}

/// <summary>XADD: the register takes the old value, the destination the sum.</summary>
internal readonly unsafe struct ExchangeAdd : IModify
{
    public static ulong Run<TSize>(Core* core, Op* op, ulong old)
        where TSize : struct, IOperandSize
    {
        byte* place = Form.Place(core, op->Source);
        ulong value = TSize.Read(place);
        TSize.WriteRegister(place, old);
        return Add.Compute<TSize>(core, old, value);
    }
}

/// <summary>CMPXCHG with memory: the destination is written either way, so a read-only page faults even when the comparison fails.</summary>
internal readonly unsafe struct CompareExchange : IModify
{
    public static ulong Run<TSize>(Core* core, Op* op, ulong old)
        where TSize : struct, IOperandSize
    {
        byte* accumulator = (byte*)core;
        ulong expected = TSize.Read(accumulator);
        _ = Sub.Compute<TSize>(core, expected, old);
        if (expected == old)
            return TSize.Read(Form.Place(core, op->Source));
        TSize.WriteRegister(accumulator, old);
        return old;
    }
}

/// <summary>CMPXCHG of registers: the one that is not written keeps all 64 bits.</summary>
internal readonly unsafe struct CompareExchangeRegister<TSize> : IInstruction
    where TSize : struct, IOperandSize
{
    public static Completion Run(Processor processor, Core* core, Op* op)
    {
        byte* accumulator = (byte*)core;
        byte* place = Form.Place(core, op->Destination);
        ulong expected = TSize.Read(accumulator);
        ulong old = TSize.Read(place);
        _ = Sub.Compute<TSize>(core, expected, old);
        if (expected == old)
            TSize.WriteRegister(place, TSize.Read(Form.Place(core, op->Source)));
        else
            TSize.WriteRegister(accumulator, old);
        return Completion.Next;
    }
}
