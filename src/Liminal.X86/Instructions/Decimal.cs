// SPDX-License-Identifier: Apache-2.0
using Liminal.X86.Execution;
using Liminal.X86.State;

namespace Liminal.X86.Instructions;

/// <summary>DAA, and DAS with Extra 1.</summary>
/// <remarks>OF is undefined and cleared. Source: SDM2 "DAA", "DAS".</remarks>
internal readonly unsafe struct DecimalAdjust : IInstruction
{
    public static Completion Run(Processor processor, Core* core, Op* op)
    {
        byte old = *(byte*)core;
        int value = old;
        bool oldCarry = core->State.Flags.Carry;
        bool subtracts = op->Extra != 0;
        bool carry = false;
        bool adjust = (old & 15) > 9 || core->State.Flags.Adjust;
        if (adjust)
        {
            value += subtracts ? -6 : 6;
            carry = oldCarry || (subtracts ? value < 0 : value > 0xff);
        }

        if (old > 0x99 || oldCarry)
        {
            value += subtracts ? -0x60 : 0x60;
            carry = true;
        }

        *(byte*)core = (byte)value;
        core->State.Flags.Set(
            LazyFlags.Explicit, 8, Size8.SignExtend((byte)value), (carry ? Rflags.Carry : 0) | (adjust ? Rflags.Adjust : 0));
        return Completion.Next;
    }
}

/// <summary>AAA, and AAS with Extra 1. OF SF ZF PF are undefined: from AL, OF cleared.</summary>
internal readonly unsafe struct AsciiAdjust : IInstruction
{
    public static Completion Run(Processor processor, Core* core, Op* op)
    {
        ushort value = *(ushort*)core;
        bool adjust = (value & 15) > 9 || core->State.Flags.Adjust;
        if (adjust)
            value = (ushort)(op->Extra != 0 ? value - 0x106 : value + 0x106);
        value &= 0xff0f;
        *(ushort*)core = value;
        core->State.Flags.Set(LazyFlags.Explicit, 8, Size8.SignExtend((byte)value), adjust ? Rflags.Carry | Rflags.Adjust : 0);
        return Completion.Next;
    }
}

/// <summary>AAM: AL divided by the immediate; #DE for zero.</summary>
internal readonly unsafe struct AsciiAdjustMultiply : IInstruction
{
    public static Completion Run(Processor processor, Core* core, Op* op)
    {
        byte divisor = (byte)op->Immediate;
        if (divisor == 0)
        {
            processor.Raise(ExceptionVector.Divide);
            return Completion.Fault;
        }

        byte value = *(byte*)core;
        *(ushort*)core = (ushort)((value / divisor << 8) | (value % divisor));
        core->State.Flags.Set(LazyFlags.Explicit, 8, Size8.SignExtend(*(byte*)core), 0);
        return Completion.Next;
    }
}

/// <summary>AAD.</summary>
internal readonly unsafe struct AsciiAdjustDivide : IInstruction
{
    public static Completion Run(Processor processor, Core* core, Op* op)
    {
        byte value = (byte)(*(byte*)core + (*((byte*)core + 1) * (int)op->Immediate));
        *(ushort*)core = value;
        core->State.Flags.Set(LazyFlags.Explicit, 8, Size8.SignExtend(value), 0);
        return Completion.Next;
    }
}

/// <summary>SALC: AL all ones with CF, else zero.</summary>
internal readonly unsafe struct SetAlOnCarry : IInstruction
{
    public static Completion Run(Processor processor, Core* core, Op* op)
    {
        *(byte*)core = core->State.Flags.Carry ? (byte)0xff : (byte)0;
        return Completion.Next;
    }
}

/// <summary>BOUND: #BR when the signed index lies outside the two bounds in memory.</summary>
internal readonly unsafe struct CheckBounds<TSize, TAddress> : IInstruction
    where TSize : struct, IOperandSize
    where TAddress : struct, IAddressForm
{
    public static Completion Run(Processor processor, Core* core, Op* op)
    {
        ulong address = TAddress.Of(core, op);
        if (!processor.Load(address, TSize.Bytes, out ulong low) || !processor.Load(address + (ulong)TSize.Bytes, TSize.Bytes, out ulong high))
            return Completion.Fault;
        long index = (long)TSize.SignExtend(TSize.Read(Form.Place(core, op->Destination)));
        if (index >= (long)TSize.SignExtend(low) && index <= (long)TSize.SignExtend(high))
            return Completion.Next;
        processor.Raise(ExceptionVector.BoundRange);
        return Completion.Fault;
    }
}

/// <summary>ARPL: raises the RPL of a selector in a register (Immediate 1) or memory to that of another; ZF says whether it was lower.</summary>
internal readonly unsafe struct AdjustPrivilege<TAddress> : IInstruction
    where TAddress : struct, IAddressForm
{
    public static Completion Run(Processor processor, Core* core, Op* op)
    {
        if (!core->HasDescriptors)
        {
            processor.Raise(ExceptionVector.InvalidOpcode);
            return Completion.Fault;
        }

        bool isRegister = op->Immediate == NearTarget.Register;
        ulong address = isRegister ? 0 : TAddress.Of(core, op);
        ulong selector = *(ushort*)((byte*)core + op->Destination);
        if (!isRegister && !processor.LoadForModify(address, 2, out selector))
            return Completion.Fault;
        ulong wanted = *(ushort*)((byte*)core + op->Source) & 3u;
        bool isRaised = (selector & 3) < wanted;
        if (isRaised)
            selector = (selector & ~3ul) | wanted;
        if (isRegister)
            *(ushort*)((byte*)core + op->Destination) = (ushort)selector;
        else if (!processor.Store(address, 2, selector))
            return Completion.Fault;
        core->State.Flags.Bits = (core->State.Flags.Bits & ~Rflags.Zero) | (isRaised ? Rflags.Zero : 0);
        return Completion.Next;
    }
}
