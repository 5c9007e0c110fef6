// SPDX-License-Identifier: Apache-2.0
using Liminal.X86.Execution;
using Liminal.X86.State;

namespace Liminal.X86.Instructions;

/// <summary>INT n: in virtual-8086 mode IOPL decides, unlike for INT3 and INTO.</summary>
internal readonly unsafe struct NumberedInterrupt : IInstruction
{
    public static Completion Run(Processor processor, Core* core, Op* op)
        => processor.AllowsSensitive() ? SoftwareInterrupt.Run(processor, core, op) : Completion.Fault;
}

/// <summary>INT3, and what INT n and INTO do in the end; the vector in <see cref="Op.Immediate"/>.</summary>
internal readonly unsafe struct SoftwareInterrupt : IInstruction
{
    public static Completion Run(Processor processor, Core* core, Op* op)
        => processor.TryDeliverSoftware((byte)op->Immediate, Core.Rip(core) + op->Offset + op->Length) ? Completion.Jumped : Completion.Fault;
}

/// <summary>INT1.</summary>
internal readonly unsafe struct DebugInterrupt : IInstruction
{
    public static Completion Run(Processor processor, Core* core, Op* op)
        => processor.TryDeliverDebugTrap(Core.Rip(core) + op->Offset + op->Length) ? Completion.Jumped : Completion.Fault;
}

/// <summary>INTO.</summary>
internal readonly unsafe struct InterruptOnOverflow : IInstruction
{
    public static Completion Run(Processor processor, Core* core, Op* op)
        => core->State.Flags.Overflow ? SoftwareInterrupt.Run(processor, core, op) : Completion.Next;
}

/// <summary>IRET in every mode; operand width in <see cref="Op.Scale"/>.</summary>
internal readonly unsafe struct InterruptReturn : IInstruction
{
    public static Completion Run(Processor processor, Core* core, Op* op)
    {
        int size = op->Scale;
        bool isLong = core->IsLongMode;
        if (!processor.AllowsSensitive())
            return Completion.Fault;
        bool isNested = (core->State.SystemFlags & Rflags.NestedTask) != 0;
        if (isLong && isNested)
        {
            processor.Raise(ExceptionVector.GeneralProtection);
            return Completion.Fault;
        }

        ulong next = Core.Rip(core) + op->Offset + op->Length;
        if (isNested && core->HasDescriptors)
            return processor.ReturnFromTask(next) ? Completion.Jumped : Completion.Fault;

        ulong before = Core.Gpr(core, 4);
        if (!processor.Pop(size, out ulong rip) || !processor.Pop(size, out ulong selector) || !processor.Pop(size, out ulong flags))
            return Restore(core, before);
        ulong rsp = 0;
        ulong stackSelector = 0;
        bool isProtected = core->HasDescriptors;
        int oldCpl = core->Cpl;
        if (isProtected && (flags & Rflags.Virtual8086) != 0 && !isLong && oldCpl == 0)
            return processor.ReturnToVirtual8086((ushort)selector, rip, flags) ? Completion.Jumped : Restore(core, before);
        bool loadsStack = core->Is64Bit || (isProtected && (int)(selector & 3) > core->Cpl);
        if (loadsStack && (!processor.Pop(size, out rsp) || !processor.Pop(size, out stackSelector)))
            return Restore(core, before);

        if (!isProtected)
        {
            if (!processor.JumpFar((ushort)selector, rip, next))
                return Restore(core, before);
        }
        else if (!processor.ReturnFar((ushort)selector, rip, (ushort)stackSelector, rsp, core->Is64Bit))
        {
            return Restore(core, before);
        }

        ulong changeable = LazyFlags.Mask | Rflags.Trap | Rflags.Direction | Rflags.NestedTask | Rflags.Resume
            | Rflags.AlignmentCheck | Rflags.Identification;
        if (oldCpl == 0)
            changeable |= Rflags.IoPrivilege | Rflags.InterruptEnable;
        else if ((ulong)oldCpl <= ((core->State.SystemFlags >> 12) & 3))
            changeable |= Rflags.InterruptEnable;
        core->State.NmiBlocked = false;
        if (processor.Rules != null)
            processor.NoteReturn(before, rip);
        processor.SetFlags(flags, changeable, size);
        return Completion.Jumped;
    }

    private static Completion Restore(Core* core, ulong rsp)
    {
        Core.Gpr(core, 4) = rsp;
        return Completion.Fault;
    }
}

/// <summary>SYSCALL.</summary>
/// <remarks>In compatibility mode it goes to CSTAR on AMD and is #UD on Intel. Source: SDM2 "SYSCALL", APM3 "SYSCALL".</remarks>
internal readonly unsafe struct SystemCall : IInstruction
{
    public static Completion Run(Processor processor, Core* core, Op* op)
    {
        ref VcpuState state = ref core->State;
        bool exists = core->Is64Bit || (core->IsLongMode && processor.Cpuid.IsAmd);
        if ((state.Efer & Efer.SyscallEnable) == 0 || !exists)
        {
            processor.Raise(ExceptionVector.InvalidOpcode);
            return Completion.Fault;
        }

        processor.DropTrap();
        ulong flags = processor.RflagsValue;
        ulong target = core->Is64Bit ? state.Msr.LongStar : state.Msr.CompatibilityStar;
        Core.Gpr(core, 1) = Core.Rip(core) + op->Offset + op->Length;
        Core.Gpr(core, 11) = flags & ~Rflags.Resume;
        ushort selector = (ushort)((state.Msr.Star >> 32) & 0xfffc);
        state.Segments[(int)SegmentIndex.Ss] = new SegmentRegister((ushort)(selector + 8), 0xc093, uint.MaxValue);
        processor.SegmentBase(SegmentIndex.Ss) = 0;
        flags &= ~(state.Msr.SyscallFlagMask | Rflags.Resume);
        state.Flags.Bits = flags;
        state.SystemFlags = (flags & ~LazyFlags.Mask) | Rflags.Always;
        processor.SetCodeSegment(new SegmentRegister(selector, 0xa09b, uint.MaxValue), 0, target);
        return Completion.Jumped;
    }
}

/// <summary>SYSRET; a 64-bit operand returns to 64-bit code. A non-canonical RCX faults at CPL 0, as on Intel.</summary>
internal readonly unsafe struct SystemReturn : IInstruction
{
    public static Completion Run(Processor processor, Core* core, Op* op)
    {
        ref VcpuState state = ref core->State;
        bool isWide = op->Scale == 8;
        if ((state.Efer & Efer.SyscallEnable) == 0 || !core->Is64Bit)
        {
            processor.Raise(ExceptionVector.InvalidOpcode);
            return Completion.Fault;
        }

        ulong target = isWide ? Core.Gpr(core, 1) : (uint)Core.Gpr(core, 1);
        if (core->Cpl != 0 || !processor.IsCanonical(target))
        {
            processor.Raise(ExceptionVector.GeneralProtection);
            return Completion.Fault;
        }

        const ulong Changeable = ~(Rflags.Resume | Rflags.Virtual8086) & 0x3f_7fd7;
        ulong flags = Core.Gpr(core, 11) & Changeable;
        ushort selector = (ushort)(state.Msr.Star >> 48);
        state.Segments[(int)SegmentIndex.Ss] = new SegmentRegister((ushort)((selector + 8) | 3), 0xc0f3, uint.MaxValue);
        processor.SegmentBase(SegmentIndex.Ss) = 0;
        state.Flags.Bits = flags;
        state.SystemFlags = (flags & ~LazyFlags.Mask) | Rflags.Always;
        SegmentRegister code = isWide
            ? new SegmentRegister((ushort)((selector + 16) | 3), 0xa0fb, uint.MaxValue)
            : new SegmentRegister((ushort)(selector | 3), 0xc0fb, uint.MaxValue);
        processor.SetCodeSegment(code, 0, target);
        return Completion.Jumped;
    }
}
