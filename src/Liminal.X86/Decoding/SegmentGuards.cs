// SPDX-License-Identifier: Apache-2.0
using Iced.Intel;
using Liminal.X86.Execution;
using Liminal.X86.State;

namespace Liminal.X86.Decoding;

/// <summary>Puts the ops in front of an instruction that hold it against the limits and types of its segments; see <see cref="Processor.CheckOperand"/>.</summary>
internal sealed unsafe class SegmentGuards
{
    /// <summary>Most ops that <see cref="Write"/> adds: code, and two memory operands.</summary>
    public const int Most = 3;

    private const byte Zero = RegisterFile.Zero * 8;
    private const int ExtendedStateBytes = 576;

    private readonly InstructionInfoFactory _accesses = new();

    /// <summary>Adds the ops that an instruction outside 64-bit mode needs, and returns the place behind them.</summary>
    /// <param name="instruction">The instruction.</param>
    /// <param name="model">Its op, for place, number and length.</param>
    /// <param name="next">Where to write.</param>
    /// <param name="mode">As the block's.</param>
    public Op* Write(in Instruction instruction, in Op model, Op* next, int mode)
    {
        bool isLimited = (mode & CodeMode.Limited) != 0;
        if (isLimited)
            *next++ = Begin(model, (nint)(delegate*<Core*, Op*, nint>)&Processor.CheckCodeBytes);
        InstructionInfo accesses = default;
        bool isAsked = false;
        for (int operand = 0; operand < instruction.OpCount; operand++)
        {
            if (!TryFind(instruction, operand, mode, out SegmentIndex segment, out Op guard)
                || (!isLimited && segment is SegmentIndex.Es or SegmentIndex.Ss or SegmentIndex.Ds))
            {
                continue;
            }

            if (!isAsked)
                accesses = _accesses.GetInfo(instruction);
            isAsked = true;
            OpAccess access = accesses.GetOpAccess(operand);
            if (access is OpAccess.None or OpAccess.NoMemAccess)
                continue;
            *next = guard;
            next->Handler = (nint)(delegate*<Core*, Op*, nint>)&Processor.CheckOperand;
            next->Offset = model.Offset;
            next->Number = model.Number;
            next->Length = model.Length;
            next->Destination = (byte)segment;
            next->Immediate = (ulong)(instruction.MemorySize.GetSize() is int size and not 0 ? size : ExtendedStateBytes);
            if (access is OpAccess.Write or OpAccess.CondWrite or OpAccess.ReadWrite or OpAccess.ReadCondWrite)
                next->Extra |= (byte)SegmentOperand.Write;
            next++;
        }

        return next;
    }

    private static Op Begin(in Op model, nint handler) => new() { Handler = handler, Offset = model.Offset, Number = model.Number, Length = model.Length };

    /// <summary>Where a memory operand lies. The width of its offset is in <see cref="Op.Intercept"/>, which a guard has no other use for.</summary>
    private static bool TryFind(in Instruction instruction, int operand, int mode, out SegmentIndex segment, out Op guard)
    {
        guard = new Op { Base = Zero, Index = Zero };
        OpKind kind = instruction.GetOpKind(operand);
        segment = kind is OpKind.MemoryESDI or OpKind.MemoryESEDI ? SegmentIndex.Es
            : kind is OpKind.Memory or OpKind.MemorySegSI or OpKind.MemorySegESI or OpKind.MemorySegDI or OpKind.MemorySegEDI
                ? (SegmentIndex)instruction.MemorySegment.GetNumber() : SegmentIndex.Ds;
        switch (kind)
        {
            case OpKind.Memory:
                var memory = new Binder(instruction, mode);
                guard.Intercept = memory.DescribeMemory(ref guard);
                if (instruction.Mnemonic == Mnemonic.Xlatb)
                    guard.Extra |= (byte)SegmentOperand.ByteIndex;
                bool hasBitIndex = instruction.Mnemonic is Mnemonic.Bt or Mnemonic.Bts or Mnemonic.Btr or Mnemonic.Btc && instruction.Op1Kind == OpKind.Register;
                if (hasBitIndex)
                {
                    guard.Extra |= (byte)SegmentOperand.BitIndex;
                    guard.Source = (byte)(instruction.Op1Register.GetNumber() * 8);
                }

                // The address of POP to memory is formed with the stack pointer that the pop leaves.
                if (instruction.Mnemonic == Mnemonic.Pop && instruction.MemoryBase == Register.ESP)
                    guard.Displacement += (ulong)instruction.StackPointerIncrement;
                return true;
            case OpKind.MemorySegSI or OpKind.MemorySegESI:
                guard.Base = Instructions.StringOperand.Rsi * 8;
                guard.Intercept = kind == OpKind.MemorySegSI ? (byte)2 : (byte)4;
                break;
            case OpKind.MemoryESDI or OpKind.MemoryESEDI or OpKind.MemorySegDI or OpKind.MemorySegEDI:
                guard.Base = Instructions.StringOperand.Rdi * 8;
                guard.Intercept = kind is OpKind.MemoryESDI or OpKind.MemorySegDI ? (byte)2 : (byte)4;
                break;
            default:
                return false;
        }

        if (instruction.HasRepePrefix || instruction.HasRepnePrefix)
            guard.Extra |= (byte)SegmentOperand.Repeated;
        return true;
    }
}
