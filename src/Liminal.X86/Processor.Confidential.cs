// SPDX-License-Identifier: Apache-2.0
using System;
using System.Text;
using Iced.Intel;
using Liminal.Memory;
using Liminal.X86.Execution;
using Liminal.X86.Instructions;
using Liminal.X86.Paging;
using Liminal.X86.State;

namespace Liminal.X86;

/// <content>What the rules of a confidential guest say about an instruction, and how one is named in a report.</content>
public sealed unsafe partial class Processor
{
    private const int MaximumInstructionLength = 15;

    /// <summary>The access of the present instruction, while the rules are asked about <see cref="Intercept.Io"/>.</summary>
    public PortAccess PortAccess => PortIo.Access(_core, _core->Op);

    /// <summary>What the present MOV writes to a control register, while the rules are asked about <see cref="Intercept.ControlRegister"/>; null when it is another instruction.</summary>
    public ControlRegisterWrite? ControlRegisterWrite
    {
        get
        {
            Op* op = _core->Op;
            if (op->Base == 0)
                return null;
            ulong value = *Core.Register(_core, op->Source);
            return new ControlRegisterWrite(op->Extra, op->Source / 8, _core->Is64Bit ? value : (uint)value);
        }
    }

    /// <summary>WRMSR rather than RDMSR, while the rules are asked about <see cref="Intercept.Msr"/>.</summary>
    public bool IsMsrWrite => _core->Op->Extra != 0;

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
            case ConfidentialAnswer.Again:
                return Completion.Again;
            default:
                Apply(verdict, verdict.Vector == ExceptionVector.PageFault ? verdict.Address : Rip);
                return Completion.Fault;
        }
    }

    /// <summary>
    /// Translates the address operand of an instruction that works on a page and not on its contents: the tables are read through the rules, the
    /// page itself is not checked, and the translation is not kept.
    /// </summary>
    /// <param name="address">Linear address.</param>
    /// <param name="translation">Where it leads; a translation that the TLB holds is used as it is.</param>
    /// <param name="fault">When the answer is false: #GP, #PF, or what the rules say about a table.</param>
    public bool TryTranslateOperand(ulong address, out OperandTranslation translation, out ConfidentialVerdict fault)
    {
        translation = default;
        fault = default;
        if (_core->IsLongMode && !IsCanonical(address))
        {
            fault = new ConfidentialVerdict(ConfidentialAnswer.Exception, ExceptionVector.GeneralProtection);
            return false;
        }

        TlbEntry held = State.DataTlb[(int)(address >> 12) & (DataTlb.Capacity - 1)];
        if (held.Matches(address & PageMask, Pcid) && IsAllowed(held.Data, PageAccess.Read))
        {
            PteAttribute attribute = (held.Data & Translation.Shared) != 0 ? PteAttribute.Shared : PteAttribute.Private;
            ulong heldAddress = (held.Data & Translation.FrameMask) | (address & ~PageMask);
            translation = new OperandTranslation(heldAddress, attribute);
            return true;
        }

        var reader = new TableReader(this, address);
        WalkResult walk = PageWalk.Walk(PagingRegisters, ref reader, address, PageAccess.Read);
        if (walk.Status != WalkStatus.Mapped)
        {
            fault = walk.Status == WalkStatus.PageFault
                ? new ConfidentialVerdict(ConfidentialAnswer.Exception, ExceptionVector.PageFault, walk.ErrorCode, address)
                : reader.Verdict.Answer != ConfidentialAnswer.Proceed ? reader.Verdict : new ConfidentialVerdict(ConfidentialAnswer.HostExit);
            return false;
        }

        for (int i = 0; i < walk.Depth; i++)
        {
            if (walk.Steps[i].Due != 0)
                SetEntryBits(walk.Steps[i]);
        }

        TableRam(walk.HasAttributeBit, out PteAttribute walked);
        translation = new OperandTranslation(walk.PhysicalAddress, walk.Depth == 0 ? PteAttribute.Private : walked);
        return true;
    }

    /// <summary>Bytes of the present instruction, read without side effects.</summary>
    /// <returns>How many could be read.</returns>
    public int PeekInstruction(Span<byte> bytes) => Peek(LinearRip, bytes);

    private static bool IsPrivileged(Intercept intercept) => intercept is Intercept.Msr or Intercept.Hlt or Intercept.Monitor
        or Intercept.CacheControl or Intercept.DebugRegister or Intercept.ControlRegister or Intercept.Xsetbv;

    /// <summary>The present instruction as text with its bytes, for a report.</summary>
    internal string Disassemble(Op* op)
    {
        Span<byte> bytes = stackalloc byte[MaximumInstructionLength];
        Instruction instruction = Decode(op, bytes, out int length);
        var text = new StringBuilder();
        foreach (byte value in bytes[..length])
            text.Append(value.ToString("x2")).Append(' ');
        return text.Append('(').Append(instruction.Code).Append(") ").Append(instruction.ToString()).ToString();
    }

    private Instruction Decode(Op* op, Span<byte> bytes, out int length)
    {
        length = PeekInstruction(bytes[..op->Length]);
        int bitness = (_core->Mode & CodeMode.SizeMask) switch { CodeMode.Code16 => 16, CodeMode.Code32 => 32, _ => 64 };
        return Iced.Intel.Decoder.Create(bitness, new ByteArrayCodeReader(bytes[..length].ToArray()), Rip).Decode();
    }

    /// <summary>The eleven opcode bits of an x87 instruction, for FXSAVE and FNSTENV: the low three of the first byte behind its prefixes, and the next.</summary>
    internal ushort X87OpcodeAt(ulong rip, int length)
    {
        ulong address = rip + (_core->Is64Bit ? 0 : SegmentBase(SegmentIndex.Cs));
        Span<byte> bytes = stackalloc byte[MaximumInstructionLength];
        int read = Peek(address, bytes[..length]);
        for (int i = 0; i + 1 < read; i++)
        {
            if ((bytes[i] & 0xf8) == 0xd8)
                return (ushort)(((bytes[i] & 7) << 8) | bytes[i + 1]);
        }

        return 0;
    }
}
