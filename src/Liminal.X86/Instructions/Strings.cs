// SPDX-License-Identifier: Apache-2.0
using System;
using Liminal.Memory.Ram;
using Liminal.X86.Execution;
using Liminal.X86.State;

namespace Liminal.X86.Instructions;

/// <summary>What the string instructions share: addresses, counts, and how far one execution goes.</summary>
/// <remarks>
/// <see cref="Op.Scale"/> holds the address width in bytes, <see cref="Op.Segment"/> the source segment's base, <see cref="Op.Extra"/> the prefix.
/// With REP, one execution goes on to the nearest page edge of either operand, or past one access to a device, and counts as one instruction;
/// the rest is a new execution, so faults and interrupts find the registers between iterations. The count depends on addresses alone: never on
/// what has been translated, hooked or watched, or a fork would count otherwise than its original.
/// </remarks>
internal static unsafe class StringOperand
{
    public const byte Once = 0;
    public const byte RepeatEqual = 1;
    public const byte RepeatNotEqual = 2;
    public const int Rcx = 1;
    public const int Rsi = 6;
    public const int Rdi = 7;

    /// <summary>Byte offset of the base of ES, or of the constant zero in 64-bit mode.</summary>
    public static ulong Destination(Core* core, Op* op)
        => Linear(core, Read(core, op, Rdi), core->Is64Bit ? RegisterFile.Zero * 8 : RegisterFile.SegmentBases * 8);

    public static ulong Source(Core* core, Op* op) => Linear(core, Read(core, op, Rsi), op->Segment);

    /// <summary>The part of a value that a width in bytes keeps.</summary>
    public static ulong Mask(ulong value, int width) => width switch { 2 => (ushort)value, 4 => (uint)value, _ => value };

    public static ulong Read(Core* core, Op* op, int register)
    {
        byte* place = (byte*)core + (register * 8);
        return op->Scale switch { 2 => Size16.Read(place), 4 => Size32.Read(place), _ => Size64.Read(place) };
    }

    public static void Add(Core* core, Op* op, int register, ulong value)
    {
        byte* place = (byte*)core + (register * 8);
        switch (op->Scale)
        {
            case 2:
                Size16.WriteRegister(place, Size16.Read(place) + value);
                break;
            case 4:
                Size32.WriteRegister(place, Size32.Read(place) + value);
                break;
            default:
                Size64.WriteRegister(place, Size64.Read(place) + value);
                break;
        }
    }

    /// <summary>Bytes from one element to the next, negative with DF.</summary>
    public static ulong Step(Core* core, int size)
        => (core->State.SystemFlags & Rflags.Direction) != 0 ? (ulong)-size : (ulong)size;

    /// <summary>Elements that lie wholly on the page of an address in the present direction; at least 1.</summary>
    public static ulong OnPage(Core* core, Op* op, ulong address, int size)
    {
        // A single step or a breakpoint comes between two elements, and so does the end of a segment.
        if (core->Checks != AccessChecks.None || (core->State.SystemFlags & Rflags.Trap) != 0 || MeetsLimits(core, op))
            return 1;
        ulong offset = address % GuestRam.PageSize;
        bool isDown = (core->State.SystemFlags & Rflags.Direction) != 0;
        ulong bytes = isDown ? offset + (ulong)size : GuestRam.PageSize - offset;
        return Math.Max(1, bytes / (ulong)size);
    }

    /// <summary>Each element is looked at by itself: some segment is not flat, or offsets wrap at 64 KiB.</summary>
    private static bool MeetsLimits(Core* core, Op* op)
    {
        const int Segments = RegisterFile.SegmentBases;
        return !core->Is64Bit && ((core->Mode & CodeMode.Limited) != 0 || op->Scale == 2
            || (op->Segment / 8) is Segments + (int)SegmentIndex.Cs or Segments + (int)SegmentIndex.Fs or Segments + (int)SegmentIndex.Gs);
    }

    /// <summary>Takes the finished elements off the count.</summary>
    public static Completion Finish(Core* core, Op* op, ulong elements)
    {
        if (op->Extra == Once)
            return Completion.Next;
        Add(core, op, Rcx, 0 - elements);
        return Read(core, op, Rcx) == 0 ? Completion.Next : Completion.Again;
    }

    public static ulong Linear(Core* core, ulong offset, int segment)
    {
        ulong linear = offset + *Core.Register(core, segment);
        return core->Is64Bit ? linear : (uint)linear;
    }
}

/// <summary>MOVS.</summary>
internal readonly unsafe struct StringMove<TSize> : IInstruction
    where TSize : struct, IOperandSize
{
    public static Completion Run(Processor processor, Core* core, Op* op)
    {
        ulong left = op->Extra == StringOperand.Once ? 1 : StringOperand.Read(core, op, StringOperand.Rcx);
        if (left == 0)
            return Completion.Next;
        ulong source = StringOperand.Source(core, op);
        ulong destination = StringOperand.Destination(core, op);
        ulong step = StringOperand.Step(core, TSize.Bytes);
        ulong elements = Math.Min(left, Math.Min(
            StringOperand.OnPage(core, op, source, TSize.Bytes), StringOperand.OnPage(core, op, destination, TSize.Bytes)));
        ulong done;
        if (elements > 1 && step == (ulong)TSize.Bytes)
        {
            if (!TryCopy(processor, source, destination, elements, out done))
                return Completion.Fault;
        }
        else
        {
            done = 0;
        }

        while (done < elements)
        {
            if (!processor.Load(source + (done * step), TSize.Bytes, out ulong value)
                || !processor.Store(destination + (done * step), TSize.Bytes, value))
            {
                if (done == 0)
                    return Completion.Fault;
                core->Exit = BlockExit.Lookup; // met again, with nothing half done, at the next execution
                break;
            }

            done++;
            if ((core->Attention & Attention.Device) != 0)
                break;
        }

        StringOperand.Add(core, op, StringOperand.Rsi, done * step);
        StringOperand.Add(core, op, StringOperand.Rdi, done * step);
        return StringOperand.Finish(core, op, done);
    }

    /// <summary>Copies upwards within two pages; <paramref name="done"/> is 0 when a device needs it element by element.</summary>
    private static bool TryCopy(Processor processor, ulong source, ulong destination, ulong elements, out ulong done)
    {
        done = 0;
        ulong bytes = elements * (ulong)TSize.Bytes;
        if (!processor.TryHostForLoad(source, out byte* from))
            return false;
        if (!processor.TryHostForStore(destination, (int)bytes, out byte* to))
            return false;
        if (from == null || to == null)
            return true;

        // Making the destination writable may have moved the source's page.
        if (!processor.TryHostForLoad(source, out from))
            return false;
        if (to > from && to < from + bytes)
        {
            for (ulong i = 0; i < elements; i++)
                TSize.Write(to + (i * (ulong)TSize.Bytes), TSize.Read(from + (i * (ulong)TSize.Bytes)));
        }
        else
        {
            Buffer.MemoryCopy(from, to, bytes, bytes);
        }

        processor.AfterBulkStore(destination, to, (int)bytes);

        done = elements;
        return true;
    }
}

/// <summary>STOS.</summary>
internal readonly unsafe struct StringStore<TSize> : IInstruction
    where TSize : struct, IOperandSize
{
    public static Completion Run(Processor processor, Core* core, Op* op)
    {
        ulong left = op->Extra == StringOperand.Once ? 1 : StringOperand.Read(core, op, StringOperand.Rcx);
        if (left == 0)
            return Completion.Next;
        ulong destination = StringOperand.Destination(core, op);
        ulong step = StringOperand.Step(core, TSize.Bytes);
        ulong elements = Math.Min(left, StringOperand.OnPage(core, op, destination, TSize.Bytes));
        ulong value = TSize.Read((byte*)core);
        ulong done = 0;
        if (elements > 1 && step == (ulong)TSize.Bytes)
        {
            int bytes = (int)elements * TSize.Bytes;
            if (!processor.TryHostForStore(destination, bytes, out byte* to))
                return Completion.Fault;
            if (to != null)
            {
                Fill(to, value, (int)elements);
                processor.AfterBulkStore(destination, to, bytes);
                done = elements;
            }
        }

        while (done < elements)
        {
            if (!processor.Store(destination + (done * step), TSize.Bytes, value))
            {
                if (done == 0)
                    return Completion.Fault;
                core->Exit = BlockExit.Lookup; // met again at the next execution
                break;
            }

            done++;
            if ((core->Attention & Attention.Device) != 0)
                break;
        }

        StringOperand.Add(core, op, StringOperand.Rdi, done * step);
        return StringOperand.Finish(core, op, done);
    }

    private static void Fill(byte* to, ulong value, int elements)
    {
        switch (TSize.Bytes)
        {
            case 1:
                new Span<byte>(to, elements).Fill((byte)value);
                break;
            case 2:
                new Span<ushort>(to, elements).Fill((ushort)value);
                break;
            case 4:
                new Span<uint>(to, elements).Fill((uint)value);
                break;
            default:
                new Span<ulong>(to, elements).Fill(value);
                break;
        }
    }
}

/// <summary>LODS.</summary>
internal readonly unsafe struct StringLoad<TSize> : IInstruction
    where TSize : struct, IOperandSize
{
    public static Completion Run(Processor processor, Core* core, Op* op)
    {
        if (op->Extra != StringOperand.Once && StringOperand.Read(core, op, StringOperand.Rcx) == 0)
            return Completion.Next;
        if (!processor.Load(StringOperand.Source(core, op), TSize.Bytes, out ulong value))
            return Completion.Fault;
        TSize.WriteRegister((byte*)core, value);
        StringOperand.Add(core, op, StringOperand.Rsi, StringOperand.Step(core, TSize.Bytes));
        return StringOperand.Finish(core, op, 1);
    }
}

/// <summary>CMPS: source minus destination. One element to an execution.</summary>
internal readonly unsafe struct StringCompare<TSize> : IInstruction
    where TSize : struct, IOperandSize
{
    public static Completion Run(Processor processor, Core* core, Op* op)
    {
        if (op->Extra != StringOperand.Once && StringOperand.Read(core, op, StringOperand.Rcx) == 0)
            return Completion.Next;
        if (!processor.Load(StringOperand.Source(core, op), TSize.Bytes, out ulong first)
            || !processor.Load(StringOperand.Destination(core, op), TSize.Bytes, out ulong second))
        {
            return Completion.Fault;
        }

        _ = Sub.Compute<TSize>(core, first, second);
        ulong step = StringOperand.Step(core, TSize.Bytes);
        StringOperand.Add(core, op, StringOperand.Rsi, step);
        StringOperand.Add(core, op, StringOperand.Rdi, step);
        return StringScan<TSize>.FinishComparison(core, op);
    }
}

/// <summary>SCAS: the accumulator minus the destination. One element to an execution.</summary>
internal readonly unsafe struct StringScan<TSize> : IInstruction
    where TSize : struct, IOperandSize
{
    public static Completion Run(Processor processor, Core* core, Op* op)
    {
        if (op->Extra != StringOperand.Once && StringOperand.Read(core, op, StringOperand.Rcx) == 0)
            return Completion.Next;
        if (!processor.Load(StringOperand.Destination(core, op), TSize.Bytes, out ulong value))
            return Completion.Fault;
        _ = Sub.Compute<TSize>(core, TSize.Read((byte*)core), value);
        StringOperand.Add(core, op, StringOperand.Rdi, StringOperand.Step(core, TSize.Bytes));
        return FinishComparison(core, op);
    }

    public static Completion FinishComparison(Core* core, Op* op)
    {
        Completion completion = StringOperand.Finish(core, op, 1);
        bool goesOn = op->Extra == StringOperand.RepeatEqual ? core->State.Flags.Zero : !core->State.Flags.Zero;
        return completion == Completion.Again && !goesOn ? Completion.Next : completion;
    }
}
