// SPDX-License-Identifier: Apache-2.0
using Iced.Intel;
using Liminal.X86.Execution;
using Liminal.X86.State;

namespace Liminal.X86;

/// <content>The stack in every mode, and RFLAGS from it.</content>
public sealed unsafe partial class Processor
{
    private const int RspNumber = 4;

    /// <summary>The stack pointer in the width that the stack segment has; writing it leaves the other bits alone.</summary>
    internal ulong StackPointer
    {
        get => Core.Gpr(_core, RspNumber) & StackMask;
        set
        {
            ulong mask = StackMask;
            ref ulong rsp = ref Core.Gpr(_core, RspNumber);
            rsp = (rsp & ~mask) | (value & mask);
        }
    }

    private ulong StackMask => _core->Is64Bit ? ulong.MaxValue : (_core->Mode & CodeMode.BigStack) != 0 ? uint.MaxValue : ushort.MaxValue;

    /// <summary>Pushes one value; nothing changes when it faults.</summary>
    internal bool Push(int size, ulong value)
    {
        ulong pointer = (StackPointer - (ulong)size) & StackMask;
        if (!IsInStack(pointer, size, isWrite: true) || !Store(StackAddress(pointer), size, value))
            return false;
        StackPointer = pointer;
        return true;
    }

    /// <summary>Pops one value; nothing changes when it faults.</summary>
    internal bool Pop(int size, out ulong value)
    {
        value = 0;
        if (!IsInStack(StackPointer, size, isWrite: false) || !Load(StackAddress(StackPointer), size, out value))
            return false;
        StackPointer += (ulong)size;
        return true;
    }

    /// <summary>Loads from an offset in the stack segment.</summary>
    internal bool LoadStack(ulong offset, int size, out ulong value)
    {
        value = 0;
        return IsInStack(offset & StackMask, size, isWrite: false) && Load(StackAddress(offset & StackMask), size, out value);
    }

    /// <summary>Checks that an offset in the stack segment could be written.</summary>
    internal bool ProbeStack(ulong offset, int size)
        => IsInStack(offset & StackMask, size, isWrite: true) && Probe(StackAddress(offset & StackMask), size, Privilege | Paging.PageAccess.Write);

    /// <summary>POPF.</summary>
    internal void SetFlagsFromStack(ulong value, int size)
    {
        ulong changeable = LazyFlags.Mask | Rflags.Trap | Rflags.Direction | Rflags.NestedTask | Rflags.AlignmentCheck | Rflags.Identification;
        ulong ioPrivilege = (State.SystemFlags >> 12) & 3;
        if (Cpl == 0)
            changeable |= Rflags.IoPrivilege | Rflags.InterruptEnable;
        else if ((ulong)Cpl <= ioPrivilege)
            changeable |= Rflags.InterruptEnable;
        SetFlags(value, changeable, size);
    }

    /// <summary>Changes some bits of RFLAGS; 16-bit operands reach the low half only. RF is cleared.</summary>
    internal void SetFlags(ulong value, ulong changeable, int size)
    {
        if (size == 2)
            changeable &= ushort.MaxValue;
        ulong flags = (RflagsValue & ~changeable & ~Rflags.Resume) | (value & changeable);
        State.Flags.Bits = flags;
        State.SystemFlags = (flags & ~LazyFlags.Mask) | Rflags.Always;
        RefreshMode();
    }

    private ulong StackAddress(ulong pointer)
        => _core->Is64Bit ? pointer : (uint)(pointer + SegmentBase(SegmentIndex.Ss));

    /// <summary>True when the present instruction reaches an address through the stack segment, where a non-canonical one is #SS in place of #GP.</summary>
    /// <remarks>
    /// PUSH, POP and the like reach memory at the stack pointer, and may have another operand, which is far from a stack that works; LEAVE and ENTER
    /// read at RBP, and have none. Source: SDM3A "Interrupt 12 - Stack Fault Exception", SDM2 "64-Bit Mode Exceptions" of each instruction.
    /// </remarks>
    private bool IsStackAccess(ulong address)
    {
        const ulong Near = 16;
        Op* op = _core->Op;
        if (op == null)
            return false;

        Instruction instruction = Decode(op, stackalloc byte[MaximumInstructionLength], out _);
        if (instruction.Mnemonic is Mnemonic.Leave or Mnemonic.Enter)
            return true;

        ulong distance = address - Core.Gpr(_core, RspNumber) + Near;
        if (instruction.IsStackInstruction && distance <= 2 * Near)
            return true;

        bool hasMemory = instruction.MemoryBase != Register.None || instruction.MemoryIndex != Register.None || instruction.MemoryDisplSize != 0;
        return hasMemory && instruction.MemorySegment == Register.SS;
    }
}
