// SPDX-License-Identifier: Apache-2.0
using System.Numerics;
using Liminal.X86.Execution;
using Liminal.X86.State;

namespace Liminal.X86.Instructions;

/// <summary>What BTS, BTR and BTC make of the tested bit.</summary>
internal interface IBitChange
{
    static abstract ulong Apply(ulong value, ulong bit);
}

internal readonly struct SetBit : IBitChange
{
    public static ulong Apply(ulong value, ulong bit) => value | bit;
}

internal readonly struct ResetBit : IBitChange
{
    public static ulong Apply(ulong value, ulong bit) => value & ~bit;
}

internal readonly struct ComplementBit : IBitChange
{
    public static ulong Apply(ulong value, ulong bit) => value ^ bit;
}

/// <summary>BT: no change, so no write.</summary>
internal readonly struct KeepBit : IBitChange
{
    public static ulong Apply(ulong value, ulong bit) => value;
}

/// <summary>Where the bit number comes from.</summary>
internal unsafe interface IBitNumber
{
    static abstract ulong Of<TSize>(Core* core, Op* op)
        where TSize : struct, IOperandSize;
}

internal readonly unsafe struct BitInRegister : IBitNumber
{
    public static ulong Of<TSize>(Core* core, Op* op)
        where TSize : struct, IOperandSize
        => TSize.SignExtend(TSize.Read(Form.Place(core, op->Source)));
}

internal readonly unsafe struct BitInImmediate : IBitNumber
{
    public static ulong Of<TSize>(Core* core, Op* op)
        where TSize : struct, IOperandSize
        => op->Immediate;
}

/// <summary>BTS BTR BTC on a register, or on memory with an immediate bit number. CF takes the old bit, the other flags stay.</summary>
internal readonly unsafe struct ChangeBit<TChange, TNumber> : IModify
    where TChange : struct, IBitChange
    where TNumber : struct, IBitNumber
{
    public static ulong Run<TSize>(Core* core, Op* op, ulong old)
        where TSize : struct, IOperandSize
    {
        int number = (int)TNumber.Of<TSize>(core, op) & (TSize.Bits - 1);
        core->State.Flags.SetCarry(((old >> number) & 1) != 0);
        return TChange.Apply(old, 1ul << number);
    }
}

/// <summary>BT on a register (in <see cref="Op.Destination"/>'s place: the source of the form) or memory with an immediate.</summary>
internal readonly unsafe struct TestBit<TNumber> : ISource
    where TNumber : struct, IBitNumber
{
    public static void Run<TSize>(Core* core, Op* op, ulong value)
        where TSize : struct, IOperandSize
    {
        int number = (int)TNumber.Of<TSize>(core, op) & (TSize.Bits - 1);
        core->State.Flags.SetCarry(((value >> number) & 1) != 0);
    }
}

/// <summary>BT of one register by another, which the form's single source cannot express.</summary>
internal readonly unsafe struct TestBitOfDestination : ISource
{
    public static void Run<TSize>(Core* core, Op* op, ulong value)
        where TSize : struct, IOperandSize
    {
        int number = (int)value & (TSize.Bits - 1);
        core->State.Flags.SetCarry(((TSize.Read(Form.Place(core, op->Destination)) >> number) & 1) != 0);
    }
}

/// <summary>BT family on memory with the bit number in a register: the number reaches beyond the operand, as in an array of bits.</summary>
internal readonly unsafe struct BitString<TChange, TSize, TAddress> : IInstruction
    where TChange : struct, IBitChange
    where TSize : struct, IOperandSize
    where TAddress : struct, IAddressForm
{
    public static Completion Run(Processor processor, Core* core, Op* op)
    {
        long number = (long)BitInRegister.Of<TSize>(core, op);
        ulong address = Moved(core, op, (ulong)((number >> BitOperations.Log2((uint)TSize.Bits)) * TSize.Bytes));
        bool isWrite = typeof(TChange) != typeof(KeepBit);
        ulong value;
        bool isLoaded = isWrite
            ? processor.LoadForModify(address, TSize.Bytes, out value)
            : processor.Load(address, TSize.Bytes, out value);
        if (!isLoaded)
            return Completion.Fault;
        ulong bit = 1ul << (int)(number & (TSize.Bits - 1));
        if (isWrite && !processor.Store(address, TSize.Bytes, TChange.Apply(value, bit)))
            return Completion.Fault;
        core->State.Flags.SetCarry((value & bit) != 0);
        return Completion.Next;
    }

    /// <summary>The operand's address so many bytes on; outside 64-bit mode the offset wraps at its width.</summary>
    private static ulong Moved(Core* core, Op* op, ulong bytes)
    {
        ulong address = TAddress.Of(core, op);
        ulong segmentBase = *Core.Register(core, op->Segment);
        if (typeof(TAddress) == typeof(Address16))
            return (uint)(segmentBase + (ushort)(address - segmentBase + bytes));
        return core->Is64Bit ? address + bytes : (uint)(address + bytes);
    }
}

/// <summary>BSF: a zero source sets ZF and leaves the destination, which Linux relies on. The other flags are undefined.</summary>
internal readonly unsafe struct ScanForward : ISource
{
    public static void Run<TSize>(Core* core, Op* op, ulong value)
        where TSize : struct, IOperandSize
    {
        core->State.Flags.Set(LazyFlags.Explicit, TSize.Bits, TSize.SignExtend(value), 0);
        if (value != 0)
            TSize.WriteRegister(Form.Place(core, op->Destination), (ulong)BitOperations.TrailingZeroCount(value));
    }
}

/// <summary>BSR.</summary>
internal readonly unsafe struct ScanReverse : ISource
{
    public static void Run<TSize>(Core* core, Op* op, ulong value)
        where TSize : struct, IOperandSize
    {
        core->State.Flags.Set(LazyFlags.Explicit, TSize.Bits, TSize.SignExtend(value), 0);
        if (value != 0)
            TSize.WriteRegister(Form.Place(core, op->Destination), (ulong)BitOperations.Log2(value));
    }
}

/// <summary>TZCNT: CF for a zero source, ZF for a zero result.</summary>
internal readonly unsafe struct CountTrailing : ISource
{
    public static void Run<TSize>(Core* core, Op* op, ulong value)
        where TSize : struct, IOperandSize
    {
        ulong count = value == 0 ? (ulong)TSize.Bits : (ulong)BitOperations.TrailingZeroCount(value);
        core->State.Flags.Set(LazyFlags.Explicit, TSize.Bits, count, value == 0 ? Rflags.Carry : 0);
        TSize.WriteRegister(Form.Place(core, op->Destination), count);
    }
}

/// <summary>LZCNT.</summary>
internal readonly unsafe struct CountLeading : ISource
{
    public static void Run<TSize>(Core* core, Op* op, ulong value)
        where TSize : struct, IOperandSize
    {
        ulong count = (ulong)(BitOperations.LeadingZeroCount(value) - (64 - TSize.Bits));
        core->State.Flags.Set(LazyFlags.Explicit, TSize.Bits, count, value == 0 ? Rflags.Carry : 0);
        TSize.WriteRegister(Form.Place(core, op->Destination), count);
    }
}

/// <summary>POPCNT: ZF for a zero source, all other flags cleared, PF too.</summary>
internal readonly unsafe struct CountOnes : ISource
{
    public static void Run<TSize>(Core* core, Op* op, ulong value)
        where TSize : struct, IOperandSize
    {
        core->State.Flags.Bits = value == 0 ? Rflags.Zero : 0;
        TSize.WriteRegister(Form.Place(core, op->Destination), (ulong)BitOperations.PopCount(value));
    }
}
