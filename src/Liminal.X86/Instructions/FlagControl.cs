// SPDX-License-Identifier: Apache-2.0
using Liminal.X86.Execution;
using Liminal.X86.State;

namespace Liminal.X86.Instructions;

internal readonly unsafe struct ClearCarry : IInstruction
{
    public static Completion Run(Processor processor, Core* core, Op* op)
    {
        core->State.Flags.SetCarry(false);
        return Completion.Next;
    }
}

internal readonly unsafe struct SetCarry : IInstruction
{
    public static Completion Run(Processor processor, Core* core, Op* op)
    {
        core->State.Flags.SetCarry(true);
        return Completion.Next;
    }
}

internal readonly unsafe struct ComplementCarry : IInstruction
{
    public static Completion Run(Processor processor, Core* core, Op* op)
    {
        core->State.Flags.SetCarry(!core->State.Flags.Carry);
        return Completion.Next;
    }
}

internal readonly unsafe struct ClearDirection : IInstruction
{
    public static Completion Run(Processor processor, Core* core, Op* op)
    {
        core->State.SystemFlags &= ~Rflags.Direction;
        return Completion.Next;
    }
}

internal readonly unsafe struct SetDirection : IInstruction
{
    public static Completion Run(Processor processor, Core* core, Op* op)
    {
        core->State.SystemFlags |= Rflags.Direction;
        return Completion.Next;
    }
}

/// <summary>LAHF: SF ZF AF PF CF into AH.</summary>
internal readonly unsafe struct LoadFlags : IInstruction
{
    public static Completion Run(Processor processor, Core* core, Op* op)
    {
        *((byte*)core + 1) = (byte)((core->State.Flags.Bits & 0xd5) | Rflags.Always);
        return Completion.Next;
    }
}

/// <summary>SAHF; OF stays.</summary>
internal readonly unsafe struct StoreFlags : IInstruction
{
    public static Completion Run(Processor processor, Core* core, Op* op)
    {
        core->State.Flags.Bits = (core->State.Flags.Bits & Rflags.Overflow) | (*((byte*)core + 1) & 0xd5u);
        return Completion.Next;
    }
}

/// <summary>CLI; #GP(0) above IOPL.</summary>
internal readonly unsafe struct ClearInterruptFlag : IInstruction
{
    public static Completion Run(Processor processor, Core* core, Op* op)
    {
        if (!PortIo.IsWithinIoPrivilege(core))
        {
            processor.Raise(ExceptionVector.GeneralProtection);
            return Completion.Fault;
        }

        core->State.SystemFlags &= ~Rflags.InterruptEnable;
        processor.RefreshAttention();
        return Completion.Next;
    }
}

/// <summary>STI: the instruction behind it still executes before any interrupt.</summary>
internal readonly unsafe struct SetInterruptFlag : IInstruction
{
    public static Completion Run(Processor processor, Core* core, Op* op)
    {
        if (!PortIo.IsWithinIoPrivilege(core))
        {
            processor.Raise(ExceptionVector.GeneralProtection);
            return Completion.Fault;
        }

        if ((core->State.SystemFlags & Rflags.InterruptEnable) == 0)
        {
            core->State.SystemFlags |= Rflags.InterruptEnable;
            core->State.InterruptShadow = true;
            processor.RefreshAttention();
        }

        return Completion.End;
    }
}

/// <summary>CLAC and STAC; #UD above CPL 0.</summary>
internal readonly unsafe struct SetAlignmentCheck<TValue> : IInstruction
    where TValue : struct, IBitChange
{
    public static Completion Run(Processor processor, Core* core, Op* op)
    {
        if (core->Cpl != 0)
        {
            processor.Raise(ExceptionVector.InvalidOpcode);
            return Completion.Fault;
        }

        core->State.SystemFlags = TValue.Apply(core->State.SystemFlags, Rflags.AlignmentCheck);
        processor.RefreshMode();
        return Completion.Next;
    }
}

/// <summary>NOP, hints, fences and prefetches: one processor executes in program order, so fences order nothing more.</summary>
internal static unsafe class NoOperation
{
    public static nint Run(Core* core, Op* op) => Form.Next(core, op);
}

/// <summary>UD0 UD1 UD2, and bytes that no processor decodes.</summary>
internal readonly unsafe struct InvalidOpcode : IInstruction
{
    public static Completion Run(Processor processor, Core* core, Op* op)
    {
        processor.Raise(ExceptionVector.InvalidOpcode);
        return Completion.Fault;
    }
}

/// <summary>More than fifteen bytes: #GP(0).</summary>
internal readonly unsafe struct TooLong : IInstruction
{
    public static Completion Run(Processor processor, Core* core, Op* op)
    {
        processor.Raise(ExceptionVector.GeneralProtection);
        return Completion.Fault;
    }
}

/// <summary>An encoding without a row.</summary>
internal readonly unsafe struct NotModelled : IInstruction
{
    public static Completion Run(Processor processor, Core* core, Op* op)
    {
        processor.StopNotModelled($"instruction {processor.Disassemble(op)}");
        return Completion.Fault;
    }
}
