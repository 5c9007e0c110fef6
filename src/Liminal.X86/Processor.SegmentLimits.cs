// SPDX-License-Identifier: Apache-2.0
using Liminal.X86.Execution;
using Liminal.X86.Instructions;
using Liminal.X86.State;

namespace Liminal.X86;

/// <content>Limits and types of segments outside 64-bit mode.</content>
/// <remarks>
/// In front of an instruction stands an op for its code bytes and one for each memory operand, unless ES, CS, SS and DS are flat; operands in
/// CS, FS and GS always have one. The stack and near targets are checked where they are used. An access across FFFFFFFFh of a flat segment
/// wraps, which the manual leaves to the processor. Source: SDM3A "Limit checking", "Type checking", "Null segment selector checking".
/// </remarks>
// SAFETY: core and op are the handler's own, as in Form.
public sealed unsafe partial class Processor
{
    /// <summary>True outside 64-bit mode while some of ES, CS, SS and DS does not reach over all 4 GiB, or may not be written.</summary>
    private bool HasLimits => (_core->Mode & CodeMode.Limited) != 0;

    private bool IsEverythingFlat => State.Segments[(int)SegmentIndex.Cs].Limit == uint.MaxValue
        && IsFlatData(SegmentIndex.Es) && IsFlatData(SegmentIndex.Ss) && IsFlatData(SegmentIndex.Ds);

    /// <summary>The op in front of an instruction: all of its bytes must lie inside CS.</summary>
    internal static nint CheckCodeBytes(Core* core, Op* op)
    {
        ulong last = Core.Rip(core) + op->Offset + op->Length - 1;
        if (last <= core->State.Segments[(int)SegmentIndex.Cs].Limit)
            return Form.Next(core, op);
        core->Processor.Raise(ExceptionVector.GeneralProtection);
        return Form.Abort(core, op);
    }

    /// <summary>The op in front of an instruction with a memory operand: segment in Destination, bytes in Immediate, width of the offset in Intercept, the rest in Extra.</summary>
    internal static nint CheckOperand(Core* core, Op* op)
    {
        var operand = (SegmentOperand)op->Extra;
        if ((operand & SegmentOperand.Repeated) != 0 && StringOperand.Mask(Core.Gpr(core, StringOperand.Rcx), op->Intercept) == 0)
            return Form.Next(core, op);
        ulong index = *Core.Register(core, op->Index);
        ulong offset = *Core.Register(core, op->Base) + ((operand & SegmentOperand.ByteIndex) != 0 ? (byte)index : index << op->Scale) + op->Displacement;
        if ((operand & SegmentOperand.BitIndex) != 0)
            offset += BitOffset(core, op);
        offset = StringOperand.Mask(offset, op->Intercept);
        bool isWrite = (operand & SegmentOperand.Write) != 0;
        return core->Processor.IsInSegment((SegmentIndex)op->Destination, offset, op->Immediate, isWrite) ? Form.Next(core, op) : Form.Abort(core, op);
    }

    /// <summary>#GP(0) for a near target outside CS, or one that is not canonical, before the branch has done anything.</summary>
    internal bool IsInCode(ulong target)
        => (_core->Is64Bit ? IsCanonical(target) : !HasLimits || target <= State.Segments[(int)SegmentIndex.Cs].Limit) || Raise(ExceptionVector.GeneralProtection);

    /// <summary>#GP(0) for a far target outside the code segment that it names; 64-bit code has no limit.</summary>
    private bool IsInCode(SegmentRegister code, ulong target)
        => (code.IsLong && _core->IsLongMode) || target <= code.Limit || Raise(ExceptionVector.GeneralProtection);

    private bool IsInStack(ulong pointer, int size, bool isWrite) => !HasLimits || IsInSegment(SegmentIndex.Ss, pointer, (ulong)size, isWrite);

    /// <summary>#GP(0), or #SS(0) for SS, when a segment does not allow an access.</summary>
    private bool IsInSegment(SegmentIndex segment, ulong offset, ulong size, bool isWrite)
    {
        SegmentRegister register = State.Segments[(int)segment];
        if (_core->HasDescriptors)
        {
            bool isCode = (register.Attributes & CodeType) != 0;
            bool hasRight = (register.Attributes & WritableOrReadable) != 0;
            bool isUsable = (register.Attributes & (PresentAttribute | NotSystem)) == (PresentAttribute | NotSystem);
            if (!isUsable || (isWrite ? isCode || !hasRight : isCode && !hasRight))
                return Raise(segment == SegmentIndex.Ss ? ExceptionVector.Stack : ExceptionVector.GeneralProtection);
        }

        return Contains(register, offset, size) || Raise(segment == SegmentIndex.Ss ? ExceptionVector.Stack : ExceptionVector.GeneralProtection);
    }

    private static bool Contains(SegmentRegister register, ulong offset, ulong size)
    {
        const int Data = 0;
        ulong last = offset + size - 1;
        bool isExpandDown = (register.Attributes & (CodeType | ExpandDown)) == (Data | ExpandDown);
        return isExpandDown
            ? offset > register.Limit && last <= (register.IsBig ? uint.MaxValue : ushort.MaxValue)
            : last <= register.Limit;
    }

    private bool IsFlatData(SegmentIndex segment)
    {
        const ushort Flat = PresentAttribute | NotSystem | WritableOrReadable;
        SegmentRegister register = State.Segments[(int)segment];
        return register.Limit == uint.MaxValue && (register.Attributes & (Flat | CodeType | ExpandDown)) == Flat;
    }

    private static ulong BitOffset(Core* core, Op* op)
    {
        byte* place = Form.Place(core, op->Source);
        return op->Immediate switch
        {
            2 => (ulong)(((long)*(short*)place >> 4) * 2),
            4 => (ulong)(((long)*(int*)place >> 5) * 4),
            _ => (ulong)((*(long*)place >> 6) * 8),
        };
    }
}

/// <summary>What <see cref="Processor.CheckOperand"/> must know of an operand besides its place.</summary>
[System.Flags]
internal enum SegmentOperand : byte
{
    Read = 0,
    Write = 1,

    /// <summary>Nothing is accessed when the counter is zero.</summary>
    Repeated = 2,

    /// <summary>XLAT: only the low byte of the index counts.</summary>
    ByteIndex = 4,

    /// <summary>BT with a register: the bit number moves the operand.</summary>
    BitIndex = 8,
}
