// SPDX-License-Identifier: Apache-2.0
using System.Runtime.CompilerServices;
using Liminal.X86.Execution;
using Liminal.X86.Paging;
using Liminal.X86.State;

namespace Liminal.X86.Instructions;

/// <summary>What an instruction does with a source value (register or memory).</summary>
internal unsafe interface ISource
{
    static abstract void Run<TSize>(Core* core, Op* op, ulong value)
        where TSize : struct, IOperandSize;
}

/// <summary>As <see cref="ISource"/>, for instructions that can refuse the value.</summary>
internal unsafe interface ITrySource
{
    /// <summary>Takes the value; false, with nothing changed, for #DE.</summary>
    static abstract bool Try<TSize>(Core* core, ulong value)
        where TSize : struct, IOperandSize;
}

/// <summary>What an instruction makes of a destination that it reads and writes. Flags may be set: the write cannot fail any more.</summary>
internal unsafe interface IModify
{
    static abstract ulong Run<TSize>(Core* core, Op* op, ulong old)
        where TSize : struct, IOperandSize;
}

/// <summary>The value that an instruction stores. Must change nothing: the store may fault.</summary>
internal unsafe interface IStore
{
    static abstract ulong Run<TSize>(Core* core, Op* op)
        where TSize : struct, IOperandSize;
}

/// <summary>How an instruction without operand forms ends.</summary>
internal enum Completion
{
    /// <summary>On to the next instruction of the block.</summary>
    Next,

    /// <summary>Done, and what it changed ends the block: mode, translations, interrupt flag.</summary>
    End,

    /// <summary>Done, RIP has been set.</summary>
    Jumped,

    /// <summary>A fault or stop is set; nothing was done.</summary>
    Fault,

    /// <summary>Part of the work is done; the same instruction goes on after whatever is pending.</summary>
    Again,
}

/// <summary>An instruction without operand forms.</summary>
internal unsafe interface IInstruction
{
    static abstract Completion Run(Processor processor, Core* core, Op* op);
}

/// <summary>The shapes that instructions share. A handler runs its instruction and tail-calls the next one's handler.</summary>
/// <remarks>
/// A memory form tries the fast translation inline. Everything else (miss, page edge, device, fault) is its Slow twin's, which performs
/// the access itself rather than retrying, so no pair of addresses can keep evicting each other. Handlers must be leaf methods apart from
/// tail calls: no locals whose address is taken. Unoptimised code makes no tail calls: programs that execute much are compiled ahead of time
/// or without the quick compiler, see docs/design/0070-compiled-ahead.md.
/// </remarks>
internal static unsafe class Form
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static nint Next(Core* core, Op* op) => ((delegate*<Core*, Op*, nint>)op[1].Handler)(core, op + 1);

    /// <summary>Goes on behind an instruction that left the fast path: the block ends when something turned up meanwhile.</summary>
    public static nint NextOrLeave(Core* core, Op* op) => core->MustLeave ? Leave(core, op) : Next(core, op);

    /// <summary>Ends the block behind this instruction.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static nint Leave(Core* core, Op* op)
    {
        core->Remaining += core->Current->Count - op->Number - 1;
        Core.Rip(core) += (ulong)op->Offset + op->Length;
        Wrap(core);
        return 0;
    }

    /// <summary>Ends the block at this instruction, which counts as not executed; the exit says why.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static nint Abort(Core* core, Op* op)
    {
        core->Remaining += core->Current->Count - op->Number;
        Core.Rip(core) += op->Offset;
        Wrap(core);
        return 0;
    }

    /// <summary>Keeps RIP inside the code segment's width.</summary>
    public static void Wrap(Core* core) => Core.Rip(core) = Wrapped(core, Core.Rip(core));

    /// <summary>An address inside the code segment's width.</summary>
    public static ulong Wrapped(Core* core, ulong rip) => (core->Mode & CodeMode.SizeMask) switch
    {
        CodeMode.Code32 => (uint)rip,
        CodeMode.Code16 => core->State.Segments[(int)SegmentIndex.Cs].Limit > ushort.MaxValue ? (uint)rip : (ushort)rip,
        _ => rip,
    };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static byte* Place(Core* core, int byteOffset) => (byte*)core + byteOffset;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool HitsRead<TSize>(FastEntry* entry, ulong address)
        where TSize : struct, IOperandSize
        => ((address + (ulong)(TSize.Bytes - 1)) & ~0xffful) == entry->ReadTag;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool HitsWrite<TSize>(FastEntry* entry, ulong address)
        where TSize : struct, IOperandSize
        => ((address + (ulong)(TSize.Bytes - 1)) & ~0xffful) == entry->WriteTag;

    public static nint SourceRegister<TBody, TSize>(Core* core, Op* op)
        where TBody : struct, ISource
        where TSize : struct, IOperandSize
    {
        TBody.Run<TSize>(core, op, TSize.Read(Place(core, op->Source)));
        return Next(core, op);
    }

    public static nint SourceImmediate<TBody, TSize>(Core* core, Op* op)
        where TBody : struct, ISource
        where TSize : struct, IOperandSize
    {
        TBody.Run<TSize>(core, op, TSize.ZeroExtend(op->Immediate));
        return Next(core, op);
    }

    public static nint SourceMemory<TBody, TSize, TAddress>(Core* core, Op* op)
        where TBody : struct, ISource
        where TSize : struct, IOperandSize
        where TAddress : struct, IAddressForm
    {
        ulong address = TAddress.Of(core, op);
        FastEntry* entry = Core.Entry(core, address);
        if (!HitsRead<TSize>(entry, address))
            return SourceSlow<TBody, TSize>(core, op, address);
        TBody.Run<TSize>(core, op, TSize.Read((byte*)(address + entry->Addend)));
        return Next(core, op);
    }

    public static nint TrySourceRegister<TBody, TSize>(Core* core, Op* op)
        where TBody : struct, ITrySource
        where TSize : struct, IOperandSize
        => TBody.Try<TSize>(core, TSize.Read(Place(core, op->Source))) ? Next(core, op) : DivideError(core, op);

    public static nint TrySourceMemory<TBody, TSize, TAddress>(Core* core, Op* op)
        where TBody : struct, ITrySource
        where TSize : struct, IOperandSize
        where TAddress : struct, IAddressForm
    {
        core->Op = op;
        if (!core->Processor.Load(TAddress.Of(core, op), TSize.Bytes, out ulong value))
            return Abort(core, op);
        return TBody.Try<TSize>(core, value) ? NextOrLeave(core, op) : DivideError(core, op);
    }

    public static nint ModifyRegister<TBody, TSize>(Core* core, Op* op)
        where TBody : struct, IModify
        where TSize : struct, IOperandSize
    {
        byte* place = Place(core, op->Destination);
        TSize.WriteRegister(place, TBody.Run<TSize>(core, op, TSize.Read(place)));
        return Next(core, op);
    }

    public static nint ModifyMemory<TBody, TSize, TAddress>(Core* core, Op* op)
        where TBody : struct, IModify
        where TSize : struct, IOperandSize
        where TAddress : struct, IAddressForm
    {
        ulong address = TAddress.Of(core, op);
        FastEntry* entry = Core.Entry(core, address);
        if (!HitsWrite<TSize>(entry, address))
            return ModifySlow<TBody, TSize>(core, op, address);
        byte* place = (byte*)(address + entry->Addend);
        TSize.Write(place, TBody.Run<TSize>(core, op, TSize.Read(place)));
        return Next(core, op);
    }

    public static nint StoreRegister<TBody, TSize>(Core* core, Op* op)
        where TBody : struct, IStore
        where TSize : struct, IOperandSize
    {
        TSize.WriteRegister(Place(core, op->Destination), TBody.Run<TSize>(core, op));
        return Next(core, op);
    }

    public static nint StoreMemory<TBody, TSize, TAddress>(Core* core, Op* op)
        where TBody : struct, IStore
        where TSize : struct, IOperandSize
        where TAddress : struct, IAddressForm
    {
        ulong address = TAddress.Of(core, op);
        FastEntry* entry = Core.Entry(core, address);
        if (!HitsWrite<TSize>(entry, address))
            return StoreSlow(core, op, address, TBody.Run<TSize>(core, op), TSize.Bytes);
        TSize.Write((byte*)(address + entry->Addend), TBody.Run<TSize>(core, op));
        return Next(core, op);
    }

    public static nint Run<TInstruction>(Core* core, Op* op)
        where TInstruction : struct, IInstruction
    {
        core->Op = op;
        return Finish(core, op, TInstruction.Run(core->Processor, core, op));
    }

    /// <summary>As <see cref="Run{T}"/>, with #GP(0) above CPL 0.</summary>
    public static nint RunPrivileged<TInstruction>(Core* core, Op* op)
        where TInstruction : struct, IInstruction
    {
        core->Op = op;
        Processor processor = core->Processor;
        if (core->Cpl != 0)
        {
            processor.Raise(ExceptionVector.GeneralProtection);
            return Abort(core, op);
        }

        return Finish(core, op, TInstruction.Run(processor, core, op));
    }

    /// <summary>An instruction that the rules of a confidential guest see first.</summary>
    public static nint Intercepted(Core* core, Op* op)
    {
        core->Op = op;
        Completion completion = core->Processor.AskRules(op);
        return completion == Completion.Next ? ((delegate*<Core*, Op*, nint>)op->Inner)(core, op) : Finish(core, op, completion);
    }

    private static nint DivideError(Core* core, Op* op)
    {
        core->Processor.Raise(ExceptionVector.Divide);
        return Abort(core, op);
    }

    /// <summary>Statements, not a switch expression: that puts its value into a local first, and a call behind which something follows is no tail call.</summary>
    private static nint Finish(Core* core, Op* op, Completion completion)
    {
        switch (completion)
        {
            case Completion.Next:
                return NextOrLeave(core, op);
            case Completion.End:
                return Leave(core, op);
            case Completion.Jumped:
                return Jumped(core, op);
            case Completion.Again:
                return LeaveAgain(core, op);
            default:
                return Abort(core, op);
        }
    }

    /// <summary>The part that was done counts as one instruction.</summary>
    private static nint LeaveAgain(Core* core, Op* op)
    {
        core->Remaining += core->Current->Count - op->Number - 1;
        Core.Rip(core) += op->Offset;
        Wrap(core);
        return 0;
    }

    private static nint Jumped(Core* core, Op* op)
    {
        core->Remaining += core->Current->Count - op->Number - 1;
        return 0;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static nint SourceSlow<TBody, TSize>(Core* core, Op* op, ulong address)
        where TBody : struct, ISource
        where TSize : struct, IOperandSize
    {
        core->Op = op;
        if (!core->Processor.Load(address, TSize.Bytes, out ulong value))
            return Abort(core, op);
        TBody.Run<TSize>(core, op, value);
        return NextOrLeave(core, op);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static nint ModifySlow<TBody, TSize>(Core* core, Op* op, ulong address)
        where TBody : struct, IModify
        where TSize : struct, IOperandSize
    {
        core->Op = op;
        Processor processor = core->Processor;
        if (!processor.LoadForModify(address, TSize.Bytes, out ulong old))
            return Abort(core, op);
        ulong value = TBody.Run<TSize>(core, op, old);
        return processor.Store(address, TSize.Bytes, value) ? NextOrLeave(core, op) : Abort(core, op);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static nint StoreSlow(Core* core, Op* op, ulong address, ulong value, int size)
    {
        core->Op = op;
        return core->Processor.Store(address, size, value) ? NextOrLeave(core, op) : Abort(core, op);
    }
}
