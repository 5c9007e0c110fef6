// SPDX-License-Identifier: Apache-2.0
using Liminal.X86.Execution;
using Liminal.X86.State;

namespace Liminal.X86.Instructions;

/// <summary>MOV and POP to a segment register (number in <see cref="Op.Extra"/>). SS holds interrupts back for one instruction.</summary>
internal readonly unsafe struct MoveToSegment<TAddress> : IInstruction
    where TAddress : struct, IAddressForm
{
    public static Completion Run(Processor processor, Core* core, Op* op)
    {
        ulong selector;
        if (op->Immediate == NearTarget.Register)
            selector = *(ushort*)Core.Register(core, op->Source);
        else if (!processor.Load(TAddress.Of(core, op), 2, out selector))
            return Completion.Fault;
        return SegmentLoad.Finish(processor, core, (SegmentIndex)op->Extra, (ushort)selector);
    }
}

/// <summary>POP to a segment register; operand width in <see cref="Op.Scale"/>.</summary>
internal readonly unsafe struct PopSegment : IInstruction
{
    public static Completion Run(Processor processor, Core* core, Op* op)
    {
        ulong before = processor.StackPointer;
        if (!processor.Pop(op->Scale, out ulong selector))
            return Completion.Fault;
        Completion completion = SegmentLoad.Finish(processor, core, (SegmentIndex)op->Extra, (ushort)selector);
        if (completion == Completion.Fault)
            processor.StackPointer = before;
        return completion;
    }
}

internal static unsafe class SegmentLoad
{
    public static Completion Finish(Processor processor, Core* core, SegmentIndex segment, ushort selector)
    {
        if (!processor.LoadSegment(segment, selector))
            return Completion.Fault;
        if (segment == SegmentIndex.Ss)
        {
            core->State.InterruptShadow = true;
            core->State.DebugShadow = true;
            processor.RefreshAttention();
        }

        return Completion.End;
    }
}

/// <summary>LSS LFS LGS LDS LES: offset, then selector, from memory. Offset width in <see cref="Op.Immediate"/>.</summary>
internal readonly unsafe struct LoadFarPointer<TSize, TAddress> : IInstruction
    where TSize : struct, IOperandSize
    where TAddress : struct, IAddressForm
{
    public static Completion Run(Processor processor, Core* core, Op* op)
    {
        ulong address = TAddress.Of(core, op);
        if (!processor.Load(address, TSize.Bytes, out ulong offset) || !processor.Load(address + (ulong)TSize.Bytes, 2, out ulong selector)
            || !processor.LoadSegment((SegmentIndex)op->Extra, (ushort)selector))
        {
            return Completion.Fault;
        }

        TSize.WriteRegister(Form.Place(core, op->Destination), offset);
        return Completion.End;
    }
}

/// <summary>LGDT and LIDT (Extra 1): 2-byte limit, then a base of 3, 4 or 8 bytes by mode and operand width (<see cref="Op.Immediate"/>).</summary>
internal readonly unsafe struct LoadTable<TAddress> : IInstruction
    where TAddress : struct, IAddressForm
{
    public static Completion Run(Processor processor, Core* core, Op* op)
    {
        ulong address = TAddress.Of(core, op);
        int width = core->Is64Bit ? 8 : 4;
        if (!processor.Load(address, 2, out ulong limit) || !processor.Load(address + 2, width, out ulong tableBase))
            return Completion.Fault;
        if (core->Is64Bit && !processor.IsCanonicalToHold(tableBase))
        {
            processor.Raise(ExceptionVector.GeneralProtection);
            return Completion.Fault;
        }

        var table = new DescriptorTable(op->Immediate == 2 ? tableBase & 0xff_ffff : tableBase, (ushort)limit);
        if (op->Extra == 0)
            core->State.Gdtr = table;
        else
            core->State.Idtr = table;
        return Completion.Next;
    }
}

/// <summary>SGDT and SIDT (Extra 1); #GP(0) above CPL 0 with CR4.UMIP.</summary>
internal readonly unsafe struct StoreTable<TAddress> : IInstruction
    where TAddress : struct, IAddressForm
{
    public static Completion Run(Processor processor, Core* core, Op* op)
    {
        if (!UserModePrevention.Allows(processor, core))
            return Completion.Fault;
        ulong address = TAddress.Of(core, op);
        DescriptorTable table = op->Extra == 0 ? core->State.Gdtr : core->State.Idtr;
        int width = core->Is64Bit ? 8 : 4;
        System.Span<byte> image = stackalloc byte[10];
        System.Buffers.Binary.BinaryPrimitives.WriteUInt16LittleEndian(image, table.Limit);
        System.Buffers.Binary.BinaryPrimitives.WriteUInt64LittleEndian(image[2..], table.Base);
        return processor.Store(address, image[..(2 + width)]) ? Completion.Next : Completion.Fault;
    }
}

/// <summary>SLDT, STR and SMSW to memory or a register; #GP(0) above CPL 0 with CR4.UMIP. What, in <see cref="Op.Extra"/>; to a register when Scale is set, then its width.</summary>
internal readonly unsafe struct StoreSystemSelector<TAddress> : IInstruction
    where TAddress : struct, IAddressForm
{
    public const byte Ldtr = 0;
    public const byte Tr = 1;
    public const byte MachineStatus = 2;

    public static Completion Run(Processor processor, Core* core, Op* op)
    {
        if ((op->Extra != MachineStatus && !ProtectedModeOnly.Allows(processor, core)) || !UserModePrevention.Allows(processor, core))
            return Completion.Fault;
        ulong value = op->Extra switch
        {
            Ldtr => core->State.Ldtr.Selector,
            Tr => core->State.Tr.Selector,
            _ => core->State.Cr0,
        };
        byte* place = Form.Place(core, op->Destination);
        switch (op->Immediate)
        {
            case 0:
                return processor.Store(TAddress.Of(core, op), 2, value) ? Completion.Next : Completion.Fault;
            case 2:
                Size16.WriteRegister(place, value);
                break;
            case 4:
                Size32.WriteRegister(place, value);
                break;
            default:
                Size64.WriteRegister(place, value);
                break;
        }

        return Completion.Next;
    }
}

/// <summary>#UD in real and virtual-8086 mode, where selectors are not descriptors' names.</summary>
internal static unsafe class ProtectedModeOnly
{
    public static bool Allows(Processor processor, Core* core)
        => core->HasDescriptors || processor.Raise(ExceptionVector.InvalidOpcode);
}

internal static unsafe class UserModePrevention
{
    public static bool Allows(Processor processor, Core* core)
        => core->Cpl == 0 || (core->State.Cr4 & Cr4.UserModeInstructionPrevention) == 0 || processor.Raise(ExceptionVector.GeneralProtection);
}

/// <summary>LLDT and LTR (Extra 1).</summary>
internal readonly unsafe struct LoadSystemSelector<TAddress> : IInstruction
    where TAddress : struct, IAddressForm
{
    public static Completion Run(Processor processor, Core* core, Op* op)
        => ProtectedModeOnly.Allows(processor, core) && SelectorOperand<TAddress>.Load(processor, core, op, out ushort selector)
            && processor.LoadSystemSegment(selector, op->Extra == 1)
            ? Completion.Next : Completion.Fault;
}

/// <summary>A selector in a register (Scale 1) or memory.</summary>
internal static unsafe class SelectorOperand<TAddress>
    where TAddress : struct, IAddressForm
{
    public static bool Load(Processor processor, Core* core, Op* op, out ushort selector)
    {
        selector = *(ushort*)Core.Register(core, op->Source);
        if (op->Immediate == NearTarget.Register)
            return true;
        bool isLoaded = processor.Load(TAddress.Of(core, op), 2, out ulong value);
        selector = (ushort)value;
        return isLoaded;
    }
}

/// <summary>VERR, VERW, LAR and LSL: what a selector would allow, in ZF.</summary>
internal readonly unsafe struct InspectSelector<TAddress> : IInstruction
    where TAddress : struct, IAddressForm
{
    public const byte VerifyRead = 0;
    public const byte VerifyWrite = 1;
    public const byte AccessRights = 2;
    public const byte Limit = 3;

    public static Completion Run(Processor processor, Core* core, Op* op)
    {
        if (!ProtectedModeOnly.Allows(processor, core) || !SelectorOperand<TAddress>.Load(processor, core, op, out ushort selector))
            return Completion.Fault;
        bool isFound = processor.TryPeekDescriptor(selector, out ulong low, out bool isFault);
        if (isFault)
            return Completion.Fault;
        SegmentRegister segment = Processor.Segment(selector, low);
        bool isVisible = isFound && IsVisible(core, segment, selector & 3, op->Extra);
        ulong flags = core->State.Flags.Bits & ~Rflags.Zero;
        core->State.Flags.Bits = flags | (isVisible ? Rflags.Zero : 0);
        if (!isVisible || op->Extra < AccessRights)
            return Completion.Next;
        ulong value = op->Extra == Limit ? segment.Limit : (low >> 32) & 0x00ff_ff00;
        if (op->Length != 0 && op->LinkKey == 2)
            Size16.WriteRegister(Form.Place(core, op->Destination), value);
        else
            Size32.WriteRegister(Form.Place(core, op->Destination), value);
        return Completion.Next;
    }

    private static bool IsVisible(Core* core, SegmentRegister segment, int rpl, byte what)
    {
        int type = segment.Attributes & 0x1f;
        bool isNormal = (type & 0x10) != 0;
        bool isCode = isNormal && (type & 8) != 0;
        bool isConforming = isCode && (type & 4) != 0;
        if (!isConforming && (segment.Dpl < core->Cpl || segment.Dpl < rpl))
            return false;
        return what switch
        {
            VerifyRead => isNormal && (!isCode || (type & 2) != 0),
            VerifyWrite => isNormal && !isCode && (type & 2) != 0,
            Limit => isNormal || type is 2 or 9 or 0xb || (!core->IsLongMode && type is 1 or 3),
            _ => isNormal || type is 2 or 9 or 0xb or 0xc || (!core->IsLongMode && type is 1 or 3 or 4 or 5),
        };
    }
}

/// <summary>Far JMP and CALL, direct (Extra 1: selector in <see cref="Op.Link"/>'s place, offset in Immediate) or through memory.</summary>
internal readonly unsafe struct FarTransfer<TSize, TAddress, TIsCall> : IInstruction
    where TSize : struct, IOperandSize
    where TAddress : struct, IAddressForm
    where TIsCall : struct, IBitChange
{
    public static Completion Run(Processor processor, Core* core, Op* op)
    {
        ulong offset = op->Immediate;
        ulong selector = op->LinkKey;
        if (op->Extra == NearTarget.Memory)
        {
            ulong address = TAddress.Of(core, op);
            if (!processor.Load(address, TSize.Bytes, out offset) || !processor.Load(address + (ulong)TSize.Bytes, 2, out selector))
                return Completion.Fault;
        }

        bool isDone = TIsCall.Apply(0, 1) == 0
            ? processor.JumpFar((ushort)selector, offset, Core.Rip(core) + op->Offset + op->Length)
            : processor.CallFar((ushort)selector, offset, TSize.Bytes, Core.Rip(core) + op->Offset + op->Length);
        return isDone ? Completion.Jumped : Completion.Fault;
    }
}

/// <summary>Far RET; bytes to drop in <see cref="Op.Immediate"/>.</summary>
internal readonly unsafe struct FarReturn<TSize> : IInstruction
    where TSize : struct, IOperandSize
{
    public static Completion Run(Processor processor, Core* core, Op* op)
    {
        ulong before = Core.Gpr(core, 4);
        if (!processor.Pop(TSize.Bytes, out ulong rip) || !processor.Pop(TSize.Bytes, out ulong selector))
            return Restore(core, before);
        processor.StackPointer += op->Immediate;
        if (!core->HasDescriptors)
        {
            return processor.JumpFar((ushort)selector, rip, rip) ? Completion.Jumped : Restore(core, before);
        }

        ulong rsp = 0;
        ulong stackSelector = 0;
        bool isOuter = (int)(selector & 3) > core->Cpl;
        if (isOuter && (!processor.Pop(TSize.Bytes, out rsp) || !processor.Pop(TSize.Bytes, out stackSelector)))
            return Restore(core, before);
        return processor.ReturnFar((ushort)selector, rip, (ushort)stackSelector, rsp + op->Immediate, alwaysLoadsStack: false)
            ? Completion.Jumped : Restore(core, before);
    }

    private static Completion Restore(Core* core, ulong rsp)
    {
        Core.Gpr(core, 4) = rsp;
        return Completion.Fault;
    }
}
