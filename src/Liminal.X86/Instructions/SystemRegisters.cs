// SPDX-License-Identifier: Apache-2.0
using Liminal.X86.Execution;
using Liminal.X86.State;

namespace Liminal.X86.Instructions;

/// <summary>MOV from a control register; its number in <see cref="Op.Extra"/>.</summary>
internal readonly unsafe struct ReadControlRegister : IInstruction
{
    public static Completion Run(Processor processor, Core* core, Op* op)
    {
        ulong value = op->Extra switch
        {
            0 => core->State.Cr0,
            2 => core->State.Cr2,
            3 => core->State.Cr3,
            4 => core->State.Cr4,
            _ => processor.Bus.ReadTaskPriority(processor), // 8; the binder lets no other through
        };
        *Core.Register(core, op->Destination) = core->Is64Bit ? value : (uint)value;
        return Completion.Next;
    }
}

/// <summary>MOV to a control register.</summary>
internal readonly unsafe struct WriteControlRegister : IInstruction
{
    public static Completion Run(Processor processor, Core* core, Op* op)
    {
        ulong value = *Core.Register(core, op->Source);
        if (!core->Is64Bit)
            value = (uint)value;
        bool isDone = op->Extra switch
        {
            0 => processor.WriteCr0(value),
            2 => (core->State.Cr2 = value) == value,
            3 => processor.WriteCr3(value),
            4 => processor.WriteCr4(value),
            _ => processor.WriteCr8(value),
        };
        return isDone ? Completion.End : Completion.Fault;
    }
}

/// <summary>LMSW: PE can be set but not cleared.</summary>
internal readonly unsafe struct LoadMachineStatus<TAddress> : IInstruction
    where TAddress : struct, IAddressForm
{
    public static Completion Run(Processor processor, Core* core, Op* op)
    {
        if (!SelectorOperand<TAddress>.Load(processor, core, op, out ushort value))
            return Completion.Fault;
        ulong old = core->State.Cr0;
        return processor.WriteCr0((old & ~0xeul) | (value & 0xfu) | (old & Cr0.ProtectionEnable)) ? Completion.End : Completion.Fault;
    }
}

/// <summary>CLTS.</summary>
internal readonly unsafe struct ClearTaskSwitched : IInstruction
{
    public static Completion Run(Processor processor, Core* core, Op* op)
    {
        core->State.Cr0 &= ~Cr0.TaskSwitched;
        processor.RefreshMode();
        return Completion.Next;
    }
}

/// <summary>MOV from a debug register.</summary>
internal readonly unsafe struct ReadDebugRegister : IInstruction
{
    public static Completion Run(Processor processor, Core* core, Op* op)
    {
        int index = processor.FindDebugRegister(op->Extra);
        if (index < 0)
            return Completion.Fault;
        ulong value = core->State.Debug[index];
        *Core.Register(core, op->Destination) = core->Is64Bit ? value : (uint)value;
        return Completion.Next;
    }
}

/// <summary>MOV to a debug register; #GP(0) for the upper halves of DR6 and DR7.</summary>
internal readonly unsafe struct WriteDebugRegister : IInstruction
{
    private const int Status = 4;
    private const int Control = 5;

    public static Completion Run(Processor processor, Core* core, Op* op)
    {
        int index = processor.FindDebugRegister(op->Extra);
        if (index < 0)
            return Completion.Fault;
        ulong value = *Core.Register(core, op->Source);
        if (!core->Is64Bit)
            value = (uint)value;
        if (index >= Status && (value >> 32) != 0)
        {
            processor.Raise(ExceptionVector.GeneralProtection);
            return Completion.Fault;
        }

        core->State.Debug[index] = index switch
        {
            Status => (value & 0xe00f) | 0xffff_0ff0,
            Control => (value & 0xffff_2bff) | 0x400,
            _ => value,
        };
        processor.RefreshMode();
        return Completion.End;
    }
}

/// <summary>XGETBV of XCR0; #UD without CR4.OSXSAVE.</summary>
internal readonly unsafe struct ReadExtendedControl : IInstruction
{
    public static Completion Run(Processor processor, Core* core, Op* op)
    {
        if ((core->State.Cr4 & Cr4.OsXsave) == 0)
            processor.Raise(ExceptionVector.InvalidOpcode);
        else if ((uint)Core.Gpr(core, 1) != 0)
            processor.Raise(ExceptionVector.GeneralProtection);
        else
            return SetPair(core, core->State.Xcr0);
        return Completion.Fault;
    }

    /// <summary>EDX:EAX.</summary>
    public static Completion SetPair(Core* core, ulong value)
    {
        Core.Gpr(core, 0) = (uint)value;
        Core.Gpr(core, 2) = value >> 32;
        return Completion.Next;
    }
}

/// <summary>XSETBV: x87 and SSE state only, as CPUID leaf 13 announces.</summary>
internal readonly unsafe struct WriteExtendedControl : IInstruction
{
    public static Completion Run(Processor processor, Core* core, Op* op)
    {
        ulong value = (Core.Gpr(core, 2) << 32) | (uint)Core.Gpr(core, 0);
        if ((core->State.Cr4 & Cr4.OsXsave) == 0)
        {
            processor.Raise(ExceptionVector.InvalidOpcode);
            return Completion.Fault;
        }

        if (core->Cpl != 0 || (uint)Core.Gpr(core, 1) != 0 || (value & 1) == 0 || (value & ~3ul) != 0)
        {
            processor.Raise(ExceptionVector.GeneralProtection);
            return Completion.Fault;
        }

        core->State.Xcr0 = value;
        return Completion.End;
    }
}

/// <summary>RDFSBASE RDGSBASE; #UD without CR4.FSGSBASE. Destination width in <see cref="Op.Scale"/>, segment number in <see cref="Op.Extra"/>.</summary>
internal readonly unsafe struct ReadSegmentBase : IInstruction
{
    public static Completion Run(Processor processor, Core* core, Op* op)
    {
        if ((core->State.Cr4 & Cr4.FsGsBase) == 0)
        {
            processor.Raise(ExceptionVector.InvalidOpcode);
            return Completion.Fault;
        }

        ulong value = processor.SegmentBase((SegmentIndex)op->Extra);
        *Core.Register(core, op->Destination) = op->Scale == 8 ? value : (uint)value;
        return Completion.Next;
    }
}

/// <summary>WRFSBASE WRGSBASE.</summary>
internal readonly unsafe struct WriteSegmentBase : IInstruction
{
    public static Completion Run(Processor processor, Core* core, Op* op)
    {
        ulong value = op->Scale == 8 ? *Core.Register(core, op->Source) : *(uint*)Core.Register(core, op->Source);
        if ((core->State.Cr4 & Cr4.FsGsBase) == 0)
            processor.Raise(ExceptionVector.InvalidOpcode);
        else if (!processor.IsCanonicalToHold(value))
            processor.Raise(ExceptionVector.GeneralProtection);
        else
            return Set(processor, (SegmentIndex)op->Extra, value);
        return Completion.Fault;
    }

    private static Completion Set(Processor processor, SegmentIndex segment, ulong value)
    {
        processor.SegmentBase(segment) = value;
        return Completion.Next;
    }
}

/// <summary>SWAPGS.</summary>
internal readonly unsafe struct SwapGs : IInstruction
{
    public static Completion Run(Processor processor, Core* core, Op* op)
    {
        ref ulong gs = ref processor.SegmentBase(SegmentIndex.Gs);
        (gs, core->State.Msr.KernelGsBase) = (core->State.Msr.KernelGsBase, gs);
        return Completion.Next;
    }
}
