// SPDX-License-Identifier: Apache-2.0
using System;
using System.Text;
using Iced.Intel;
using Liminal.X86.Execution;
using Liminal.X86.Instructions;
using Liminal.X86.State;

namespace Liminal.X86;

/// <content>What the rules of a confidential guest say about an instruction, and how one is named in a report.</content>
public sealed unsafe partial class Processor
{
    private const int MaximumInstructionLength = 15;

    /// <summary>Asks the rules about an instruction of an intercepted row; Next means that it executes as in any guest.</summary>
    /// <remarks>
    /// An instruction that may not be executed at this privilege faults and is not seen.
    /// Source: SDM3C "Relative priority of faults and VM exits"; APM2 15.9 "Instruction intercepts".
    /// </remarks>
    internal Completion AskRules(Intercept intercept, int length)
    {
        if (_core->Cpl != 0 && IsPrivileged(intercept))
            return Completion.Next;
        if (intercept == Intercept.Io && !PortIo.IsWithinIoPrivilege(_core) && !IsPortAllowed(length))
            return Completion.Fault;
        ConfidentialVerdict verdict = Rules!.Execute(this, intercept, length);
        switch (verdict.Answer)
        {
            case ConfidentialAnswer.Proceed:
                return Completion.Next;
            case ConfidentialAnswer.Emulated:
                return Completion.End;
            default:
                Apply(verdict, Rip);
                return Completion.Fault;
        }
    }

    /// <summary>Bytes of the present instruction, read without side effects.</summary>
    /// <returns>How many could be read.</returns>
    public int PeekInstruction(Span<byte> bytes)
    {
        ulong address = Rip + (_core->Is64Bit ? 0 : SegmentBase(SegmentIndex.Cs));
        int length = 0;
        while (length < bytes.Length && TryPeek(address + (ulong)length, out bytes[length]))
            length++;
        return length;
    }

    private static bool IsPrivileged(Intercept intercept) => intercept is Intercept.Msr or Intercept.Hlt or Intercept.Monitor
        or Intercept.CacheControl or Intercept.DebugRegister or Intercept.ControlRegister or Intercept.Xsetbv;

    /// <summary>The check of the I/O permission bitmap, for an instruction whose operands are not at hand.</summary>
    private bool IsPortAllowed(int length)
    {
        Span<byte> bytes = stackalloc byte[MaximumInstructionLength];
        length = PeekInstruction(bytes[..length]);
        bool isSmall = (_core->Mode & CodeMode.SizeMask) == CodeMode.Code16;
        int at = 0;
        for (; at < length - 1 && bytes[at] is 0x66 or 0x67 or 0xf2 or 0xf3 or 0x26 or 0x2e or 0x36 or 0x3e or 0x64 or 0x65 or (>= 0x40 and <= 0x4f); at++)
            isSmall ^= bytes[at] == 0x66;
        byte opcode = bytes[at];
        int size = (opcode & 1) == 0 ? 1 : isSmall ? 2 : 4;
        ushort port = (opcode & 0xf8) == 0xe0 ? bytes[at + 1] : (ushort)Core.Gpr(_core, 2);
        return PortIo.IsAllowed(this, _core, port, size);
    }

    /// <summary>The present instruction as text with its bytes, for a report.</summary>
    internal string Disassemble(Op* op)
    {
        Span<byte> bytes = stackalloc byte[MaximumInstructionLength];
        int length = PeekInstruction(bytes[..op->Length]);
        int bitness = (_core->Mode & CodeMode.SizeMask) switch { CodeMode.Code16 => 16, CodeMode.Code32 => 32, _ => 64 };
        var decoder = Iced.Intel.Decoder.Create(bitness, new ByteArrayCodeReader(bytes[..length].ToArray()), Rip);
        Instruction instruction = decoder.Decode();
        var text = new StringBuilder();
        foreach (byte value in bytes[..length])
            text.Append(value.ToString("x2")).Append(' ');
        return text.Append('(').Append(instruction.Code).Append(") ").Append(instruction.ToString()).ToString();
    }

    /// <summary>Reads a byte of guest memory without side effects.</summary>
    private bool TryPeek(ulong address, out byte value)
    {
        value = 0;
        Paging.WalkResult walk = Walk(address, Paging.PageAccess.Read);
        if (walk.Status != Paging.WalkStatus.Mapped || !Ram.Contains(walk.PhysicalAddress, 1))
            return false;
        value = Ram.Read<byte>(walk.PhysicalAddress);
        return true;
    }
}
