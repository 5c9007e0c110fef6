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

    /// <summary>The access of the present instruction, while the rules are asked about <see cref="Intercept.Io"/>.</summary>
    public PortAccess PortAccess => PortIo.Access(_core, _core->Op);

    /// <summary>Asks the rules about an instruction of an intercepted row; Next means that it executes as in any guest.</summary>
    /// <remarks>
    /// An instruction that may not be executed at this privilege, or with these I/O permissions, faults and is not seen.
    /// Source: SDM3C "Relative priority of faults and VM exits"; APM2 15.9 "Instruction intercepts".
    /// </remarks>
    internal Completion AskRules(Op* op)
    {
        var intercept = (Intercept)op->Intercept;
        if (_core->Cpl != 0 && IsPrivileged(intercept))
            return Completion.Next;
        if (_core->Cpl != 0 && intercept == Intercept.Tdcall)
        {
            Raise(ExceptionVector.GeneralProtection);
            return Completion.Fault;
        }

        if (intercept == Intercept.Io)
        {
            if (PortIo.IsEmpty(_core, op))
                return Completion.Next;
            PortAccess access = PortIo.Access(_core, op);
            if (!PortIo.IsAllowed(this, _core, access.Port, access.Size))
                return Completion.Fault;
        }

        ConfidentialVerdict verdict = Rules!.Execute(this, intercept, op->Length);
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

    /// <summary>The eleven opcode bits of an x87 instruction, for FXSAVE and FNSTENV: the low three of the first byte behind its prefixes, and the next.</summary>
    internal ushort X87OpcodeAt(ulong rip, int length)
    {
        ulong address = rip + (_core->Is64Bit ? 0 : SegmentBase(SegmentIndex.Cs));
        for (int i = 0; i + 1 < length; i++)
        {
            if (TryPeek(address + (ulong)i, out byte first) && (first & 0xf8) == 0xd8 && TryPeek(address + (ulong)i + 1, out byte second))
                return (ushort)(((first & 7) << 8) | second);
        }

        return 0;
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
