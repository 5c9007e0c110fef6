// SPDX-License-Identifier: Apache-2.0
using System.Runtime.CompilerServices;
using Liminal.X86.Execution;
using Liminal.X86.Paging;

namespace Liminal.X86.Instructions;

/// <summary>Near jumps, calls and returns. Each ends its block and names the next one when it is linked.</summary>
/// <remarks>A target that is not canonical faults at the branch, before it has done anything: SDM2 "JMP", "CALL", "RET"; an AMD EPYC does the same.</remarks>
internal static unsafe class ControlFlow
{
    private const int Rsp = 4 * 8;

    /// <summary>Goes to the target of <see cref="Op.Displacement"/>, giving back the instructions of the block that were not reached.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static nint Branch(Core* core, Op* op)
    {
        core->Remaining += core->Current->Count - op->Number - 1;
        return Continue(core, op);
    }

    /// <summary>The end of a block that no branch ends.</summary>
    public static nint Continue(Core* core, Op* op)
    {
        Core.Rip(core) += op->Displacement;
        return op->LinkKey == core->Key ? (nint)op->Link : Link(core, op);
    }

    /// <summary>JMP rel.</summary>
    public static nint Jump(Core* core, Op* op) => Branch(core, op);

    /// <summary>JMP rel, JCC rel and block ends outside 64-bit mode.</summary>
    public static nint ContinueWrapped(Core* core, Op* op)
    {
        Core.Rip(core) += op->Displacement;
        Form.Wrap(core);
        return 0;
    }

    public static nint JumpWrapped(Core* core, Op* op)
    {
        if ((core->Mode & CodeMode.Limited) != 0 && !core->Processor.IsInCode(Form.Wrapped(core, Core.Rip(core) + op->Displacement)))
            return Form.Abort(core, op);
        core->Remaining += core->Current->Count - op->Number - 1;
        return ContinueWrapped(core, op);
    }

    public static nint JumpWrappedIf<TCondition>(Core* core, Op* op)
        where TCondition : struct, ICondition
        => TCondition.FromFlags(core) ? JumpWrapped(core, op) : Form.Next(core, op);

    /// <summary>JMP to a 64-bit register.</summary>
    public static nint JumpRegister(Core* core, Op* op)
    {
        ulong target = *Core.Register(core, op->Source);
        if (!CanGoTo(core, op, target))
            return Form.Abort(core, op);
        Core.Rip(core) = target;
        return 0;
    }

    /// <summary>CALL rel in 64-bit mode.</summary>
    public static nint Call(Core* core, Op* op)
    {
        ulong address = *Core.Register(core, Rsp) - 8;
        FastEntry* entry = Core.Entry(core, address);
        if (!Form.HitsWrite<Size64>(entry, address))
            return CallSlow(core, op, address);
        *(ulong*)(address + entry->Addend) = Core.Rip(core) + op->Offset + op->Length;
        *Core.Register(core, Rsp) = address;
        return Continue(core, op);
    }

    /// <summary>CALL to a 64-bit register.</summary>
    public static nint CallRegister(Core* core, Op* op)
    {
        ulong target = *Core.Register(core, op->Source);
        if (!CanGoTo(core, op, target))
            return Form.Abort(core, op);
        ulong address = *Core.Register(core, Rsp) - 8;
        FastEntry* entry = Core.Entry(core, address);
        if (!Form.HitsWrite<Size64>(entry, address))
            return CallRegisterSlow(core, op, address, target);
        *(ulong*)(address + entry->Addend) = Core.Rip(core) + op->Offset + op->Length;
        *Core.Register(core, Rsp) = address;
        Core.Rip(core) = target;
        return 0;
    }

    /// <summary>CALL through a 64-bit pointer in memory: what a kernel calls its hooks through.</summary>
    public static nint CallMemory<TAddress>(Core* core, Op* op)
        where TAddress : struct, IAddressForm
    {
        ulong pointer = TAddress.Of(core, op);
        FastEntry* entry = Core.Entry(core, pointer);
        ulong address = *Core.Register(core, Rsp) - 8;
        FastEntry* stack = Core.Entry(core, address);
        if (!Form.HitsRead<Size64>(entry, pointer) || !Form.HitsWrite<Size64>(stack, address))
            return Form.Run<CallIndirect<Size64, TAddress>>(core, op);
        ulong target = *(ulong*)(pointer + entry->Addend);
        if (!CanGoTo(core, op, target))
            return Form.Abort(core, op);
        *(ulong*)(address + stack->Addend) = Core.Rip(core) + op->Offset + op->Length;
        *Core.Register(core, Rsp) = address;
        Core.Rip(core) = target;
        return 0;
    }

    /// <summary>RET, with the bytes to drop in <see cref="Op.Immediate"/>, in 64-bit mode.</summary>
    public static nint Return(Core* core, Op* op)
    {
        ulong address = *Core.Register(core, Rsp);
        FastEntry* entry = Core.Entry(core, address);
        if (!Form.HitsRead<Size64>(entry, address))
            return ReturnSlow(core, op, address);
        ulong target = *(ulong*)(address + entry->Addend);
        if (!CanGoTo(core, op, target))
            return Form.Abort(core, op);
        Core.Rip(core) = target;
        *Core.Register(core, Rsp) = address + 8 + op->Immediate;
        return 0;
    }

    /// <summary>False with #GP set for a target that is not canonical. At once for those that are with 4-level paging.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool CanGoTo(Core* core, Op* op, ulong target)
        => (target + (1ul << 47)) >> 48 == 0 || CanGoFar(core, op, target);

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static bool CanGoFar(Core* core, Op* op, ulong target)
    {
        core->Op = op;
        return core->Processor.IsInCode(target);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static nint Link(Core* core, Op* op)
    {
        uint key = core->Key;
        Block* block = core->Processor.FindForLink();

        // With another key the cache may have been cleared to make room for the block, and this op with it.
        if (block != null && core->Key == key)
        {
            op->Link = block;
            op->LinkKey = key;
        }

        return (nint)block;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static nint CallSlow(Core* core, Op* op, ulong address)
    {
        core->Op = op;
        if (!core->Processor.Store(address, 8, Core.Rip(core) + op->Offset + op->Length))
            return Form.Abort(core, op);
        *Core.Register(core, Rsp) = address;
        Core.Rip(core) += op->Displacement;
        return 0;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static nint CallRegisterSlow(Core* core, Op* op, ulong address, ulong target)
    {
        core->Op = op;
        if (!core->Processor.Store(address, 8, Core.Rip(core) + op->Offset + op->Length))
            return Form.Abort(core, op);
        *Core.Register(core, Rsp) = address;
        Core.Rip(core) = target;
        return 0;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static nint ReturnSlow(Core* core, Op* op, ulong address)
    {
        core->Op = op;
        if (!core->Processor.Load(address, 8, out ulong target) || !core->Processor.IsInCode(target))
            return Form.Abort(core, op);
        Core.Rip(core) = target;
        *Core.Register(core, Rsp) = address + 8 + op->Immediate;
        return 0;
    }
}

/// <summary>JMP to an address in memory, and every near jump through a register outside 64-bit mode.</summary>
internal readonly unsafe struct JumpIndirect<TSize, TAddress> : IInstruction
    where TSize : struct, IOperandSize
    where TAddress : struct, IAddressForm
{
    public static Completion Run(Processor processor, Core* core, Op* op)
    {
        if (!NearTarget.Load<TSize, TAddress>(processor, core, op, out ulong target) || !processor.IsInCode(target))
            return Completion.Fault;
        Core.Rip(core) = target;
        return Completion.Jumped;
    }
}

/// <summary>CALL through memory, and every near call outside 64-bit mode. Extra 0: memory, 1: register, 2: relative.</summary>
internal readonly unsafe struct CallIndirect<TSize, TAddress> : IInstruction
    where TSize : struct, IOperandSize
    where TAddress : struct, IAddressForm
{
    public static Completion Run(Processor processor, Core* core, Op* op)
    {
        if (!NearTarget.Load<TSize, TAddress>(processor, core, op, out ulong target) || !processor.IsInCode(target))
            return Completion.Fault;
        if (!processor.Push(TSize.Bytes, Core.Rip(core) + op->Offset + op->Length))
            return Completion.Fault;
        Core.Rip(core) = target;
        return Completion.Jumped;
    }
}

/// <summary>Where a near jump or call goes, by <see cref="Op.Extra"/>.</summary>
internal static unsafe class NearTarget
{
    public const byte Memory = 0;
    public const byte Register = 1;
    public const byte Relative = 2;

    public static bool Load<TSize, TAddress>(Processor processor, Core* core, Op* op, out ulong target)
        where TSize : struct, IOperandSize
        where TAddress : struct, IAddressForm
    {
        switch (op->Extra)
        {
            case Register:
                target = TSize.Read(Form.Place(core, op->Source));
                return true;
            case Relative:
                target = TSize.ZeroExtend(Core.Rip(core) + op->Displacement);
                return true;
            default:
                return processor.Load(TAddress.Of(core, op), TSize.Bytes, out target);
        }
    }
}

/// <summary>RET outside 64-bit mode or with a 16-bit operand.</summary>
internal readonly unsafe struct ReturnLegacy<TSize> : IInstruction
    where TSize : struct, IOperandSize
{
    public static Completion Run(Processor processor, Core* core, Op* op)
    {
        ulong before = processor.StackPointer;
        if (!processor.Pop(TSize.Bytes, out ulong target))
            return Completion.Fault;
        if (!processor.IsInCode(target))
        {
            processor.StackPointer = before;
            return Completion.Fault;
        }

        processor.StackPointer += op->Immediate;
        Core.Rip(core) = target;
        return Completion.Jumped;
    }
}

/// <summary>LOOP LOOPE LOOPNE JRCXZ; which one in <see cref="Op.Extra"/>, the counter's width in <see cref="Op.Scale"/>.</summary>
internal readonly unsafe struct Loop : IInstruction
{
    public const byte Always = 0;
    public const byte WhileEqual = 1;
    public const byte WhileNotEqual = 2;
    public const byte IfCounterZero = 3;

    public static Completion Run(Processor processor, Core* core, Op* op)
    {
        byte* place = (byte*)core + 8;
        ulong before = Core.Gpr(core, 1);
        ulong counter = Count(place, op->Scale, op->Extra == IfCounterZero ? 0ul : 1);
        bool isTaken = op->Extra switch
        {
            WhileEqual => counter != 0 && core->State.Flags.Zero,
            WhileNotEqual => counter != 0 && !core->State.Flags.Zero,
            IfCounterZero => counter == 0,
            _ => counter != 0,
        };
        if (!isTaken)
            return Completion.Next;
        if (!processor.IsInCode(Form.Wrapped(core, Core.Rip(core) + op->Displacement)))
        {
            Core.Gpr(core, 1) = before;
            return Completion.Fault;
        }

        Core.Rip(core) += op->Displacement;
        Form.Wrap(core);
        return Completion.Jumped;
    }

    private static ulong Count(byte* place, int size, ulong step)
    {
        switch (size)
        {
            case 2:
                Size16.WriteRegister(place, Size16.Read(place) - step);
                return Size16.Read(place);
            case 4 when step == 0:
                return Size32.Read(place);
            case 4:
                Size32.WriteRegister(place, Size32.Read(place) - step);
                return Size32.Read(place);
            default:
                Size64.WriteRegister(place, Size64.Read(place) - step);
                return Size64.Read(place);
        }
    }
}
