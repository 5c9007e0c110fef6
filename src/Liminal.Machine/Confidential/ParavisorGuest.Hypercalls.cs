// SPDX-License-Identifier: Apache-2.0
using System;
using System.Runtime.InteropServices;
using Liminal.Memory.Ram;
using Liminal.Platform;
using Liminal.X86;
using Liminal.X86.State;

namespace Liminal.Machine.Confidential;

/// <content>Hypercalls: VMCALL or VMMCALL with RCX control, RDX input, R8 output, RAX result.</content>
/// <remarks>
/// Source: OpenVMM 2026-08, hv1_hypercall/src/support.rs, dispatch_inner(), for what is checked in which order;
/// virt_mshv_vtl/src/processor/hardware_cvm/mod.rs, modify_gpa_visibility(), and underhill_mem/src/lib.rs, change_host_visibility(), for the one call
/// that is served.
/// </remarks>
public sealed partial class ParavisorGuest
{
    private const ushort ModifyVisibility = 0xDB;
    private const int HeaderSize = 16;
    private const int MostFastPairs = 7;
    private const ulong PartitionSelf = ulong.MaxValue;
    private const int Rax = 0;
    private const int Rcx = 1;
    private const int Rdx = 2;
    private const int R8 = 8;

    private ConfidentialVerdict ExecuteHypercall(Processor processor)
    {
        if (processor.Cpl != 0)
        {
            // TLFS says #UD for a call from outside ring 0; the L1 of a TD injects #GP (OpenVMM 2026-08, tdx/mod.rs, VMCALL_INSTRUCTION).
            return new(ConfidentialAnswer.Exception, IsSnp ? ExceptionVector.InvalidOpcode : ExceptionVector.GeneralProtection);
        }

        var control = new HypercallControl(processor.Gpr(Rcx));
        if (control.Code != ModifyVisibility)
        {
            Observer?.OnNote(processor, $"hypercall 0x{control.Code:x}, which the paravisor does not serve");
            return Complete(processor, HypercallStatus.InvalidHypercallCode, 0);
        }

        _state.VisibilityCalls++;
        Span<byte> input = stackalloc byte[GuestRam.PageSize];
        HypercallStatus status = TryReadInput(processor, control, input, out int length);
        return status == HypercallStatus.Success
            ? ModifyVisibilityOf(processor, control, input[..length])
            : Complete(processor, status, 0);
    }

    private ConfidentialVerdict ModifyVisibilityOf(Processor processor, HypercallControl control, ReadOnlySpan<byte> input)
    {
        const uint VisibilityMask = 3;
        ulong partition = MemoryMarshal.Read<ulong>(input);
        uint visibility = MemoryMarshal.Read<uint>(input[8..]) & VisibilityMask;
        if (partition != PartitionSelf)
        {
            return Complete(processor, HypercallStatus.AccessDenied, control.Start);
        }

        if (visibility is not (0 or VisibilityMask))
        {
            return Complete(processor, HypercallStatus.InvalidParameter, control.Start);
        }

        bool isShared = visibility != 0;
        ReadOnlySpan<ulong> frames = MemoryMarshal.Cast<byte, ulong>(input[HeaderSize..])[control.Start..];
        foreach (ulong frame in frames)
        {
            // Every page is looked at before the first one is changed.
            bool isRam = frame <= ulong.MaxValue >> 12 && Machine.Ram.Contains(frame << 12, GuestRam.PageSize);
            if (!isRam || (isShared && IsOverlay(frame)))
            {
                return Complete(processor, HypercallStatus.OperationDenied, control.Start);
            }
        }

        HostCallResult result = Call(processor, isShared ? HostCall.VisibilityShared : HostCall.VisibilityPrivate, frames);
        int done = control.Start + (int)result.Done;
        switch (result.Status)
        {
            case OperationStatus.Done:
                return Complete(processor, HypercallStatus.Success, control.Count);
            case OperationStatus.Retry:
                // RIP stays, and the start of the list moves on: other processors run in between, the guest sees nothing.
                processor.Gpr(Rcx) = control.WithStart(done);
                _state.VisibilityCalls--;
                return new(ConfidentialAnswer.Again);
            default:
                return Complete(processor, HypercallStatus.OperationDenied, done);
        }
    }

    /// <summary>Checks the control value and fetches the input, from memory or registers.</summary>
    private HypercallStatus TryReadInput(Processor processor, HypercallControl control, Span<byte> input, out int length)
    {
        length = HeaderSize + (control.Count * sizeof(ulong));
        if (control.Count == 0 || control.VariableHeader != 0 || control.Start >= control.Count)
        {
            return HypercallStatus.InvalidHypercallInput;
        }

        if (control.IsFast)
        {
            return TryReadRegisters(processor, input, length);
        }

        ulong address = processor.Gpr(Rdx);
        if (length > GuestRam.PageSize - (int)(address % GuestRam.PageSize))
        {
            return HypercallStatus.InvalidHypercallInput;
        }

        if (address % sizeof(ulong) != 0)
        {
            return HypercallStatus.InvalidAlignment;
        }

        if (BackingOf(address, length, AccessKind.Read) is not { } backing)
        {
            return HypercallStatus.InvalidHypercallInput;
        }

        backing.Read(address & ~AttributeBit, input[..length]);
        return HypercallStatus.Success;
    }

    /// <summary>Fast input: RDX and R8, then XMM0 to XMM5.</summary>
    private static HypercallStatus TryReadRegisters(Processor processor, Span<byte> input, int length)
    {
        if (length > MostFastPairs * 16)
        {
            return HypercallStatus.InvalidHypercallInput;
        }

        MemoryMarshal.Write(input, processor.Gpr(Rdx));
        MemoryMarshal.Write(input[8..], processor.Gpr(R8));
        for (int pair = 1; pair < MostFastPairs; pair++)
        {
            MemoryMarshal.Write(input[(pair * 16)..], processor.State.Fpu.Xmm[pair - 1]);
        }

        return HypercallStatus.Success;
    }

    private static ConfidentialVerdict Complete(Processor processor, HypercallStatus status, int elements)
    {
        processor.Gpr(Rax) = (ulong)status | ((ulong)elements << 32);
        return new(ConfidentialAnswer.Emulated);
    }
}
