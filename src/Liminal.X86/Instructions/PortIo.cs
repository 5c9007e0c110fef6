// SPDX-License-Identifier: Apache-2.0
using Liminal.X86.Execution;
using Liminal.X86.State;

namespace Liminal.X86.Instructions;

/// <summary>Who may use ports: IOPL, and above it or in virtual-8086 mode the I/O permission bitmap of the TSS.</summary>
internal static unsafe class PortIo
{
    public const int Rdx = 2 * 8;

    // What a row of IN, OUT, INS or OUTS does, in its Op.Base: size minus one, direction, string.
    public const byte Output = 0;
    public const byte Input = 1 << 3;
    public const byte String = 1 << 4;
    private const byte SizeMask = 7;

    public static byte Kind(byte direction, int size) => (byte)(direction | (size - 1));

    /// <summary>The access that an op is about to make, as <see cref="Processor.PortAccess"/> shows it.</summary>
    public static PortAccess Access(Core* core, Op* op)
    {
        bool isString = (op->Base & String) != 0;
        return new PortAccess(
            isString ? *(ushort*)((byte*)core + Rdx) : Port(core, op),
            (op->Base & SizeMask) + 1,
            (op->Base & Input) != 0,
            isString,
            IsRepeated: isString && op->Extra != StringOperand.Once,
            IsImmediate: !isString && op->Extra != 0);
    }

    /// <summary>True for REP INS and REP OUTS with a count of zero.</summary>
    public static bool IsEmpty(Core* core, Op* op) =>
        (op->Base & String) != 0 && op->Extra != StringOperand.Once && StringOperand.Read(core, op, StringOperand.Rcx) == 0;

    public static bool IsWithinIoPrivilege(Core* core) => (ulong)core->Cpl <= ((core->State.SystemFlags >> 12) & 3);

    /// <summary>False with #GP(0) set when the ports are forbidden.</summary>
    public static bool IsAllowed(Processor processor, Core* core, ushort port, int size)
    {
        if (IsWithinIoPrivilege(core) && !core->IsVirtual8086)
            return true;
        ulong task = core->State.Tr.Base;
        if (core->State.Tr.Limit < 103)
            return processor.Raise(ExceptionVector.GeneralProtection);
        if (!processor.LoadSystem(task + 102, 2, out ulong bitmap))
            return false;
        ulong offset = bitmap + (ulong)(port / 8);
        if (offset + 1 > core->State.Tr.Limit)
            return processor.Raise(ExceptionVector.GeneralProtection);
        if (!processor.LoadSystem(task + offset, 2, out ulong bits))
            return false;
        ulong mask = ((1ul << size) - 1) << (port % 8);
        return (bits & mask) == 0 || processor.Raise(ExceptionVector.GeneralProtection);
    }

    public static bool Read(Processor processor, ushort port, int size, out uint value)
    {
        processor.NotePortAccess(port, size);
        BusOutcome outcome = processor.Bus.ReadPort(processor, port, size, out value);
        return outcome == BusOutcome.Done || Refuse(processor, outcome, $"{size}-byte IN from port 0x{port:x}");
    }

    public static bool Write(Processor processor, ushort port, int size, uint value)
    {
        processor.NotePortAccess(port, size);
        BusOutcome outcome = processor.Bus.WritePort(processor, port, size, value);
        return outcome == BusOutcome.Done || Refuse(processor, outcome, $"{size}-byte OUT of 0x{value:x} to port 0x{port:x}");
    }

    /// <summary>The port: an immediate when <see cref="Op.Extra"/> is set, else DX.</summary>
    public static ushort Port(Core* core, Op* op) => op->Extra != 0 ? (ushort)op->Immediate : *(ushort*)((byte*)core + Rdx);

    private static bool Refuse(Processor processor, BusOutcome outcome, string what) => outcome == BusOutcome.GeneralProtection
        ? processor.Raise(ExceptionVector.GeneralProtection)
        : processor.StopNotModelled($"{what}, where nothing is");
}

/// <summary>IN.</summary>
internal readonly unsafe struct In<TSize> : IInstruction
    where TSize : struct, IOperandSize
{
    public static Completion Run(Processor processor, Core* core, Op* op)
    {
        ushort port = PortIo.Port(core, op);
        if (!PortIo.IsAllowed(processor, core, port, TSize.Bytes) || !PortIo.Read(processor, port, TSize.Bytes, out uint value))
            return Completion.Fault;
        TSize.WriteRegister((byte*)core, value);
        return Completion.Next;
    }
}

/// <summary>OUT.</summary>
internal readonly unsafe struct Out<TSize> : IInstruction
    where TSize : struct, IOperandSize
{
    public static Completion Run(Processor processor, Core* core, Op* op)
    {
        ushort port = PortIo.Port(core, op);
        return PortIo.IsAllowed(processor, core, port, TSize.Bytes)
            && PortIo.Write(processor, port, TSize.Bytes, (uint)TSize.Read((byte*)core)) ? Completion.Next : Completion.Fault;
    }
}

/// <summary>INS: the destination is checked before the port is read. One element to an execution.</summary>
internal readonly unsafe struct StringIn<TSize> : IInstruction
    where TSize : struct, IOperandSize
{
    public static Completion Run(Processor processor, Core* core, Op* op)
    {
        if (op->Extra != StringOperand.Once && StringOperand.Read(core, op, StringOperand.Rcx) == 0)
            return Completion.Next;
        ushort port = *(ushort*)((byte*)core + PortIo.Rdx);
        ulong address = StringOperand.Destination(core, op);
        if (!PortIo.IsAllowed(processor, core, port, TSize.Bytes) || !processor.LoadForModify(address, TSize.Bytes, out _)
            || !PortIo.Read(processor, port, TSize.Bytes, out uint value) || !processor.Store(address, TSize.Bytes, value))
        {
            return Completion.Fault;
        }

        StringOperand.Add(core, op, StringOperand.Rdi, StringOperand.Step(core, TSize.Bytes));
        return StringOperand.Finish(core, op, 1);
    }
}

/// <summary>OUTS. One element to an execution.</summary>
internal readonly unsafe struct StringOut<TSize> : IInstruction
    where TSize : struct, IOperandSize
{
    public static Completion Run(Processor processor, Core* core, Op* op)
    {
        if (op->Extra != StringOperand.Once && StringOperand.Read(core, op, StringOperand.Rcx) == 0)
            return Completion.Next;
        ushort port = *(ushort*)((byte*)core + PortIo.Rdx);
        if (!PortIo.IsAllowed(processor, core, port, TSize.Bytes)
            || !processor.Load(StringOperand.Source(core, op), TSize.Bytes, out ulong value)
            || !PortIo.Write(processor, port, TSize.Bytes, (uint)value))
        {
            return Completion.Fault;
        }

        StringOperand.Add(core, op, StringOperand.Rsi, StringOperand.Step(core, TSize.Bytes));
        return StringOperand.Finish(core, op, 1);
    }
}
