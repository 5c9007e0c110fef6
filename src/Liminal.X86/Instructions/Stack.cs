// SPDX-License-Identifier: Apache-2.0
using System.Runtime.CompilerServices;
using Liminal.X86.Execution;
using Liminal.X86.Paging;
using Liminal.X86.State;

namespace Liminal.X86.Instructions;

/// <summary>PUSH and POP of 64-bit registers and immediates.</summary>
internal static unsafe class Stack
{
    private const int Rsp = 4 * 8;

    public static nint PushRegister(Core* core, Op* op)
    {
        ulong address = *Core.Register(core, Rsp) - 8;
        FastEntry* entry = Core.Entry(core, address);
        ulong value = *Core.Register(core, op->Source);
        if (!Form.HitsWrite<Size64>(entry, address))
            return PushSlow(core, op, address, value);
        *(ulong*)(address + entry->Addend) = value;
        *Core.Register(core, Rsp) = address;
        return Form.Next(core, op);
    }

    public static nint PushImmediate(Core* core, Op* op)
    {
        ulong address = *Core.Register(core, Rsp) - 8;
        FastEntry* entry = Core.Entry(core, address);
        if (!Form.HitsWrite<Size64>(entry, address))
            return PushSlow(core, op, address, op->Immediate);
        *(ulong*)(address + entry->Addend) = op->Immediate;
        *Core.Register(core, Rsp) = address;
        return Form.Next(core, op);
    }

    /// <summary>PUSHFQ.</summary>
    public static nint PushFlags(Core* core, Op* op)
    {
        ulong address = *Core.Register(core, Rsp) - 8;
        FastEntry* entry = Core.Entry(core, address);
        ulong value = (core->State.SystemFlags & ~(Rflags.Resume | Rflags.Virtual8086)) | core->State.Flags.Bits;
        if (!Form.HitsWrite<Size64>(entry, address))
            return PushSlow(core, op, address, value);
        *(ulong*)(address + entry->Addend) = value;
        *Core.Register(core, Rsp) = address;
        return Form.Next(core, op);
    }

    /// <summary>PUSH of 64 bits from memory.</summary>
    public static nint PushMemory<TAddress>(Core* core, Op* op)
        where TAddress : struct, IAddressForm
    {
        ulong source = TAddress.Of(core, op);
        FastEntry* entry = Core.Entry(core, source);
        ulong address = *Core.Register(core, Rsp) - 8;
        FastEntry* stack = Core.Entry(core, address);
        if (!Form.HitsRead<Size64>(entry, source) || !Form.HitsWrite<Size64>(stack, address))
            return Form.Run<PushAny<Size64, TAddress>>(core, op);
        *(ulong*)(address + stack->Addend) = *(ulong*)(source + entry->Addend);
        *Core.Register(core, Rsp) = address;
        return Form.Next(core, op);
    }

    /// <summary>POP RSP leaves the popped value in RSP.</summary>
    public static nint PopRegister(Core* core, Op* op)
    {
        ulong address = *Core.Register(core, Rsp);
        FastEntry* entry = Core.Entry(core, address);
        if (!Form.HitsRead<Size64>(entry, address))
            return PopSlow(core, op, address);
        ulong value = *(ulong*)(address + entry->Addend);
        *Core.Register(core, Rsp) = address + 8;
        *Core.Register(core, op->Destination) = value;
        return Form.Next(core, op);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static nint PushSlow(Core* core, Op* op, ulong address, ulong value)
    {
        core->Op = op;
        if (!core->Processor.Store(address, 8, value))
            return Form.Abort(core, op);
        *Core.Register(core, Rsp) = address;
        return Form.NextOrLeave(core, op);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static nint PopSlow(Core* core, Op* op, ulong address)
    {
        core->Op = op;
        if (!core->Processor.Load(address, 8, out ulong value))
            return Form.Abort(core, op);
        *Core.Register(core, Rsp) = address + 8;
        *Core.Register(core, op->Destination) = value;
        return Form.NextOrLeave(core, op);
    }
}

/// <summary>PUSH of any width from a register, an immediate, memory or a segment register; what, in <see cref="Op.Extra"/>.</summary>
internal readonly unsafe struct PushAny<TSize, TAddress> : IInstruction
    where TSize : struct, IOperandSize
    where TAddress : struct, IAddressForm
{
    public static Completion Run(Processor processor, Core* core, Op* op)
    {
        ulong value;
        switch (op->Extra)
        {
            case StackOperand.Register:
                value = TSize.Read(Form.Place(core, op->Source));
                break;
            case StackOperand.Immediate:
                value = op->Immediate;
                break;
            case StackOperand.Segment:
                value = core->State.Segments[op->Source].Selector;
                break;
            case StackOperand.Flags:
                if (!processor.AllowsSensitive())
                    return Completion.Fault;
                value = processor.RflagsValue & ~(Rflags.Resume | Rflags.Virtual8086);
                break;
            default:
                if (!processor.Load(TAddress.Of(core, op), TSize.Bytes, out value))
                    return Completion.Fault;
                break;
        }

        return processor.Push(TSize.Bytes, value) ? Completion.Next : Completion.Fault;
    }
}

/// <summary>POP of any width to a register or memory. A memory address that uses RSP sees it after the increment.</summary>
internal readonly unsafe struct PopAny<TSize, TAddress> : IInstruction
    where TSize : struct, IOperandSize
    where TAddress : struct, IAddressForm
{
    public static Completion Run(Processor processor, Core* core, Op* op)
    {
        ulong before = processor.StackPointer;
        if (!processor.Pop(TSize.Bytes, out ulong value))
            return Completion.Fault;
        if (op->Extra == StackOperand.Register)
        {
            TSize.WriteRegister(Form.Place(core, op->Destination), value);
            return Completion.Next;
        }

        if (processor.Store(TAddress.Of(core, op), TSize.Bytes, value))
            return Completion.Next;
        processor.StackPointer = before;
        return Completion.Fault;
    }
}

/// <summary>What PUSH and POP move.</summary>
internal static class StackOperand
{
    public const byte Memory = 0;
    public const byte Register = 1;
    public const byte Immediate = 2;
    public const byte Segment = 3;
    public const byte Flags = 4;
}

/// <summary>POPF: the privileged bits change only as CPL and IOPL allow.</summary>
internal readonly unsafe struct PopFlags<TSize> : IInstruction
    where TSize : struct, IOperandSize
{
    public static Completion Run(Processor processor, Core* core, Op* op)
    {
        if (!processor.AllowsSensitive() || !processor.Pop(TSize.Bytes, out ulong value))
            return Completion.Fault;
        processor.SetFlagsFromStack(value, TSize.Bytes);
        return Completion.End;
    }
}

/// <summary>LEAVE: RSP from RBP, then POP RBP.</summary>
internal readonly unsafe struct Leave<TSize> : IInstruction
    where TSize : struct, IOperandSize
{
    public static Completion Run(Processor processor, Core* core, Op* op)
    {
        ulong before = processor.StackPointer;
        processor.StackPointer = Core.Gpr(core, 5);
        if (!processor.Pop(TSize.Bytes, out ulong value))
        {
            processor.StackPointer = before;
            return Completion.Fault;
        }

        TSize.WriteRegister((byte*)core + (5 * 8), value);
        return Completion.Next;
    }
}

/// <summary>ENTER: a frame, with copies of outer frame pointers for nesting levels above 0 (in <see cref="Op.Extra"/>).</summary>
internal readonly unsafe struct Enter<TSize> : IInstruction
    where TSize : struct, IOperandSize
{
    public static Completion Run(Processor processor, Core* core, Op* op)
    {
        ulong before = processor.StackPointer;
        if (!processor.Push(TSize.Bytes, Core.Gpr(core, 5)))
            return Completion.Fault;
        ulong frame = processor.StackPointer;
        if (!PushOuterFrames(processor, core, op, frame) || !processor.ProbeStack(processor.StackPointer - op->Immediate, TSize.Bytes))
        {
            processor.StackPointer = before;
            return Completion.Fault;
        }

        TSize.WriteRegister((byte*)core + (5 * 8), frame);
        processor.StackPointer -= op->Immediate;
        return Completion.Next;
    }

    private static bool PushOuterFrames(Processor processor, Core* core, Op* op, ulong frame)
    {
        ulong outer = Core.Gpr(core, 5);
        for (int level = 1; level < op->Extra; level++)
        {
            outer -= (ulong)TSize.Bytes;
            if (!processor.LoadStack(outer, TSize.Bytes, out ulong value) || !processor.Push(TSize.Bytes, value))
                return false;
        }

        return op->Extra == 0 || processor.Push(TSize.Bytes, frame);
    }
}

/// <summary>PUSHA and POPA; 16- and 32-bit code only. The stack pointer is pushed whole, whatever the width of the stack.</summary>
internal readonly unsafe struct PushAll<TSize> : IInstruction
    where TSize : struct, IOperandSize
{
    public static Completion Run(Processor processor, Core* core, Op* op)
    {
        ulong before = processor.StackPointer;
        ulong whole = Core.Gpr(core, 4);
        for (int register = 0; register < 8; register++)
        {
            if (!processor.Push(TSize.Bytes, register == 4 ? whole : Core.Gpr(core, register)))
            {
                processor.StackPointer = before;
                return Completion.Fault;
            }
        }

        return Completion.Next;
    }
}

internal readonly unsafe struct PopAll<TSize> : IInstruction
    where TSize : struct, IOperandSize
{
    public static Completion Run(Processor processor, Core* core, Op* op)
    {
        ulong before = processor.StackPointer;
        ulong* values = stackalloc ulong[8];
        for (int register = 7; register >= 0; register--)
        {
            if (!processor.Pop(TSize.Bytes, out values[register]))
            {
                processor.StackPointer = before;
                return Completion.Fault;
            }
        }

        for (int register = 0; register < 8; register++)
        {
            if (register != 4)
                TSize.WriteRegister((byte*)core + (register * 8), values[register]);
        }

        return Completion.Next;
    }
}
