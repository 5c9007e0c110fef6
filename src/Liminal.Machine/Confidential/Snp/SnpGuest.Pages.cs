// SPDX-License-Identifier: Apache-2.0
using System.Numerics;
using Liminal.Memory;
using Liminal.Platform;
using Liminal.X86;
using Liminal.X86.State;

namespace Liminal.Machine.Confidential.Snp;

/// <content>The two instructions with which a guest works on RMP entries.</content>
/// <remarks>
/// Both take a virtual address of the executing processor. Source: APM3 "PVALIDATE" and "RMPADJUST" as Linux v6.12 uses them, arch/x86/include/asm/sev.h,
/// pvalidate() and rmpadjust(); the certainty of each rule about a page stands in the rulebook. Low bits of the address are ignored, which no
/// manual that we could read says or denies.
/// </remarks>
internal sealed partial class SnpGuest
{
    private const uint FailInput = 1;
    private const uint FailPermission = 2;
    private const uint FailSizeMismatch = 6;
    private const byte LowestVmpl = 3;
    private const ulong VmsaAttribute = 1 << 16;

    /// <inheritdoc/>
    public override bool TryOperateFor(Processor processor, GuestOperation operation, ulong frame, out OperationStatus status) =>
        TryPerformOnEntry(processor, operation, frame, out status, out _);

    /// <summary>PVALIDATE: RAX address, ECX size, EDX validate or rescind; EAX the result, CF set when the entry did not change.</summary>
    private ConfidentialVerdict ValidatePage(Processor processor)
    {
        uint size = (uint)processor.Gpr(Rcx);
        bool isLarge = size == 1;
        bool validates = ((uint)processor.Gpr(Rdx) & 1) != 0;
        if (!TryFindPage(processor, out ulong frame, out ConfidentialVerdict verdict))
        {
            return verdict;
        }

        if (size > 1 || (isLarge && frame % FramesInLarge != 0) || !AllRam(frame, isLarge))
        {
            return Finish(processor, FailInput, unchanged: false);
        }

        GuestOperation operation = (isLarge, validates) switch
        {
            (false, true) => GuestOperation.Validate4K,
            (false, false) => GuestOperation.Rescind4K,
            (true, true) => GuestOperation.Validate2M,
            (true, false) => GuestOperation.Rescind2M,
        };
        return TryPerformOnEntry(processor, operation, frame, out OperationStatus status, out verdict)
            ? Finish(processor, ResultOf(status), status == OperationStatus.Unchanged)
            : verdict;
    }

    /// <summary>RMPADJUST: RAX address, RCX size, RDX target VMPL 7:0, permissions 15:8, VMSA 16; EAX the result.</summary>
    /// <remarks>Permissions of less privileged levels are not kept: nobody runs there. The page must be one that the guest may adjust.</remarks>
    private ConfidentialVerdict AdjustPage(Processor processor)
    {
        ulong size = processor.Gpr(Rcx);
        ulong attributes = processor.Gpr(Rdx);
        byte target = (byte)attributes;
        if (!TryFindPage(processor, out ulong frame, out ConfidentialVerdict verdict))
        {
            return verdict;
        }

        bool isLarge = size == 1;
        if (size > 1 || target > LowestVmpl || (isLarge && frame % FramesInLarge != 0) || !AllRam(frame, isLarge))
        {
            return Finish(processor, FailInput, unchanged: false);
        }

        if (target == 0)
        {
            return Finish(processor, FailPermission, unchanged: false);
        }

        PageState state = Machine.PageStates![frame];
        if (isLarge && !_isLarge[state.Value] && !_isShared[state.Value])
        {
            return Finish(processor, FailSizeMismatch, unchanged: false);
        }

        if (!isLarge && _isLarge[state.Value])
        {
            // The nested page fault says that the sizes differ, and the hypervisor splits the entry.
            Apply(processor, frame, Platform.Apply(HostOperation.Split, state, Switches).Change);
        }

        GuestOperation operation = (attributes & VmsaAttribute) != 0 ? GuestOperation.RmpAdjustVmsa : GuestOperation.RmpAdjustGrant;
        return TryPerformOnEntry(processor, operation, frame, out OperationStatus status, out verdict)
            ? Finish(processor, ResultOf(status), unchanged: false)
            : verdict;
    }

    /// <summary>Carries an operation out on the RMP entry of a page: on all of it when the entry is large and stays so.</summary>
    private bool TryPerformOnEntry(
        Processor processor, GuestOperation operation, ulong frame, out OperationStatus status, out ConfidentialVerdict verdict)
    {
        PageState before = Machine.PageStates![frame];
        verdict = default;
        if (!TryPerform(processor, operation, frame, out status))
        {
            verdict = new ConfidentialVerdict(ConfidentialAnswer.HostExit);
            return false;
        }

        PageState after = Machine.PageStates[frame];
        if (before != after && _isLarge[before.Value] && _isLarge[after.Value])
        {
            for (ulong other = frame + 1; other < frame + FramesInLarge; other++)
            {
                Apply(processor, other, Platform.Apply(operation, Machine.PageStates[other], Switches).Change);
            }
        }

        return true;
    }

    /// <summary>The page that RAX leads to. A mapping that is not present raises #PF; one with C=0 too, with RSVD.</summary>
    /// <remarks>Source: <see cref="ConfidentialPlatform.Apply(GuestOperation, PageState, PolicySwitches)"/>; the second is read in an emulator only.</remarks>
    private static bool TryFindPage(Processor processor, out ulong frame, out ConfidentialVerdict verdict)
    {
        const uint PresentAndReserved = 1 | 8;
        frame = 0;
        if (processor.Cpl != 0)
        {
            verdict = new ConfidentialVerdict(ConfidentialAnswer.Exception, ExceptionVector.GeneralProtection);
            return false;
        }

        ulong address = processor.Gpr(Rax) & ~0xFFFul;
        if (!processor.TryTranslateOperand(address, out OperandTranslation translation, out verdict))
        {
            return false;
        }

        if (translation.Attribute == PteAttribute.Shared)
        {
            verdict = new ConfidentialVerdict(ConfidentialAnswer.Exception, ExceptionVector.PageFault, PresentAndReserved, address);
            return false;
        }

        frame = translation.GuestPhysicalAddress >> 12;
        return true;
    }

    private bool AllRam(ulong frame, bool isLarge) => Machine.Ram.Contains(frame << 12, isLarge ? FramesInLarge << 12 : 1 << 12);

    private static uint ResultOf(OperationStatus status) => status switch
    {
        OperationStatus.Done or OperationStatus.Unchanged => 0,
        OperationStatus.SizeMismatch => FailSizeMismatch,
        _ => FailInput,
    };

    /// <summary>EAX and the flags: OF, SF, ZF, AF and PF follow from the result, CF says "unchanged".</summary>
    private static ConfidentialVerdict Finish(Processor processor, uint result, bool unchanged)
    {
        processor.Gpr(Rax) = result;
        ulong parity = (BitOperations.PopCount(result & 0xFF) & 1) == 0 ? Rflags.Parity : 0;
        processor.State.Flags.Bits = (unchanged ? Rflags.Carry : 0) | (result == 0 ? Rflags.Zero : 0) | parity;
        return new ConfidentialVerdict(ConfidentialAnswer.Emulated);
    }
}
