// SPDX-License-Identifier: Apache-2.0
using System;
using Liminal.X86.Execution;
using Liminal.X86.State;

namespace Liminal.X86;

/// <content>Virtual-8086 mode: into it with IRET, out of it with an event.</content>
/// <remarks>Without CR4.VME, which CPUID does not announce. Source: SDM3B "8086 emulation"; SDM2 "IRET", "INT n", their virtual-8086 parts.</remarks>
public sealed unsafe partial class Processor
{
    /// <summary>PUSHF, POPF, INT n and IRET: #GP(0) in virtual-8086 mode below IOPL 3.</summary>
    internal bool AllowsSensitive()
        => !_core->IsVirtual8086 || (State.SystemFlags & Rflags.IoPrivilege) == Rflags.IoPrivilege || Raise(ExceptionVector.GeneralProtection);

    /// <summary>The rest of an IRET whose image of the flags has VM: behind EIP, CS and EFLAGS stand ESP, SS, ES, DS, FS and GS.</summary>
    internal bool ReturnToVirtual8086(ushort selector, ulong rip, ulong flags)
    {
        Span<ulong> words = stackalloc ulong[6];
        for (int i = 0; i < words.Length; i++)
        {
            if (!Pop(4, out words[i]))
                return false;
        }

        if (rip > ushort.MaxValue)
            return Raise(ExceptionVector.GeneralProtection);
        State.Flags.Bits = flags & Rflags.Defined;
        State.SystemFlags = (flags & Rflags.Defined & ~LazyFlags.Mask) | Rflags.Always;
        SetVirtualSegment(SegmentIndex.Cs, selector);
        SetVirtualSegment(SegmentIndex.Ss, (ushort)words[1]);
        SetVirtualSegment(SegmentIndex.Es, (ushort)words[2]);
        SetVirtualSegment(SegmentIndex.Ds, (ushort)words[3]);
        SetVirtualSegment(SegmentIndex.Fs, (ushort)words[4]);
        SetVirtualSegment(SegmentIndex.Gs, (ushort)words[5]);
        Core.Gpr(_core, RspNumber) = (uint)words[0];
        Core.Rip(_core) = rip;
        State.NmiBlocked = false;
        RefreshMode();
        return true;
    }

    /// <summary>An event through an interrupt or trap gate: to CPL 0, with all segment registers on the stack.</summary>
    private bool TryLeaveVirtual8086(int gateType, int size, SegmentRegister code, ulong codeBase, ulong target, ulong flags, ulong returnRip, uint? errorCode)
    {
        bool isInner = code.Dpl == 0 && (code.Attributes & Conforming) == 0;
        if (!isInner)
            return Raise(ExceptionVector.GeneralProtection, (uint)(code.Selector & NullMask));
        ReadOnlySpan<ulong> words =
        [
            State.Segments[(int)SegmentIndex.Gs].Selector, State.Segments[(int)SegmentIndex.Fs].Selector, State.Segments[(int)SegmentIndex.Ds].Selector,
            State.Segments[(int)SegmentIndex.Es].Selector, State.Segments[(int)SegmentIndex.Ss].Selector, Core.Gpr(_core, RspNumber), flags,
            State.Segments[(int)SegmentIndex.Cs].Selector, returnRip, errorCode ?? 0,
        ];
        if (!TrySwitchStack(0, size, errorCode == null ? words[..9] : words))
            return false;
        foreach (SegmentIndex segment in (ReadOnlySpan<SegmentIndex>)[SegmentIndex.Es, SegmentIndex.Ds, SegmentIndex.Fs, SegmentIndex.Gs])
        {
            State.Segments[(int)segment] = default;
            SegmentBase(segment) = 0;
        }

        Enter(gateType, code, codeBase, target);
        return true;
    }

    private void SetVirtualSegment(SegmentIndex segment, ushort selector)
    {
        State.Segments[(int)segment] = new SegmentRegister(selector, 0xf3, ushort.MaxValue);
        SegmentBase(segment) = (ulong)selector << 4;
    }
}
