// SPDX-License-Identifier: Apache-2.0

using System.Collections.Generic;
using Liminal.Checker.Vocabulary;
using Liminal.Machine.Confidential;
using Liminal.Memory;
using Liminal.Platform;
using Liminal.Sweep.Recording;
using Liminal.X86;

namespace Liminal.Sweep.Applying;

/// <content>The actions.</content>
public sealed partial class ProtocolExecutor
{
    /// <summary>Linux 6.12 gives up after so many calls without progress (tdx_map_gpa(), max_retries_per_page).</summary>
    private const int MostRetries = 3;

    /// <summary>Pages of one visibility hypercall. Source: Linux v6.12, arch/x86/hyperv/ivm.c, HV_MAX_MODIFY_GPA_REP_COUNT.</summary>
    private const int PagesOfVisibilityCall = 510;

    /// <summary>Entries of one page-state change. Source: Linux v6.12, arch/x86/include/asm/sev-common.h, VMGEXIT_PSC_MAX_COUNT.</summary>
    private const int PagesOfStateChange = 253;

    /// <summary>Does what is next; stores that would change nothing take no time.</summary>
    private void Act(Processor processor, Invocation invocation)
    {
        if (invocation.Error != 0)
        {
            Return(processor, invocation, invocation.Error);
            return;
        }

        while (invocation.Ops[invocation.Next] is { Kind: AppliedOpKind.ClearPresent or AppliedOpKind.SetPresent or AppliedOpKind.SetAttribute } store
            && !Changes(store, invocation, out _, out _))
        {
            invocation.GoTo(invocation.Next + 1);
        }

        AppliedOp op = invocation.Ops[invocation.Next];
        Observer?.OnAction(processor, op.Step == 0 ? $"{_protocol.Name}, {op.Title}" : $"{_protocol.Name} step {op.Step}, {op.Title}");
        Act(processor, invocation, op);
        if (invocation.Errand != Errand.Pvalidate)
            Observer?.OnActionEnd();
    }

    private void Act(Processor processor, Invocation invocation, AppliedOp op)
    {
        switch (op.Kind)
        {
            case AppliedOpKind.CallKernel or AppliedOpKind.CallKernelOrFail:
                Call(processor, invocation, op.Function, op.Address, op.Argument);
                break;
            case AppliedOpKind.FlushCache when _leaves!.Find(op.Address) is { Entry.IsPresent: true }:
                Call(processor, invocation, op.Function, op.Address, Page.Bytes);
                break;
            case AppliedOpKind.FlushCache:
                Observer?.OnNothingDone(
                    processor, ObservedStepKind.CacheFlushSkipped, op.Page, $"cannot flush the cache lines of page {op.Page}: its leaf is not present");
                invocation.GoTo(invocation.Next + 1);
                break;
            case AppliedOpKind.CallHost:
                CallHost(processor, invocation, op);
                break;
            case AppliedOpKind.Operate:
                if (_machine.Confidential!.TryOperateFor(processor, op.Operation, invocation.Frames[op.Page].Value, out OperationStatus status))
                    Conclude(invocation, op, status == OperationStatus.Done);

                break;
            case AppliedOpKind.Pvalidate:
                processor.Gpr(Rax) = op.Address;
                processor.Gpr(Rcx) = 0;
                processor.Gpr(Rdx) = op.Operation == GuestOperation.Validate4K ? 1u : 0;
                processor.Rip = _entry.Pvalidate!.Value + _slide;
                invocation.Errand = Errand.Pvalidate;
                break;
            case AppliedOpKind.Return:
                Return(processor, invocation, op.Value);
                break;
            case AppliedOpKind.Terminate:
                _machine.Confidential!.EndFor($"{_protocol.Name} ends it, because its step {op.Step} failed");
                break;
            default:
                if (Changes(op, invocation, out Leaf leaf, out PageTableEntry entry))
                    _leaves!.Store(processor, leaf, entry);

                invocation.GoTo(invocation.Next + 1);
                break;
        }
    }

    /// <summary>What a store to a leaf would change.</summary>
    private bool Changes(AppliedOp op, Invocation invocation, out Leaf leaf, out PageTableEntry entry)
    {
        leaf = _leaves!.Find(op.Address) ?? default;
        PteFormat format = _leaves.Format;
        entry = op.Kind switch
        {
            AppliedOpKind.ClearPresent => format.ClearPresent(leaf.Entry, leaf.Size),
            AppliedOpKind.SetPresent => format.SetPresent(leaf.Entry, leaf.Size),
            _ => format.WithAttribute(leaf.Entry, invocation.Target),
        };
        return !leaf.Entry.IsZero && entry != leaf.Entry;
    }

    /// <summary>Sets the processor to the first instruction of a function, which returns behind the instruction where it stands now.</summary>
    private void Call(Processor processor, Invocation invocation, ulong function, ulong first, ulong second)
    {
        ulong top = processor.Gpr(Rsp) - sizeof(ulong);
        if (!_kernel!.Memory.TryWrite(top, _entry.Next + _slide))
        {
            GiveUp($"the stack at {top:x16} is not mapped");
            return;
        }

        processor.Gpr(Rdi) = first;
        processor.Gpr(Rsi) = second;
        processor.Gpr(Rsp) = top;
        processor.Rip = function;
        invocation.Errand = Errand.Function;
    }

    private static void EndFunction(Processor processor, Invocation invocation)
    {
        if (invocation.Ops[invocation.Next].Kind == AppliedOpKind.CallKernelOrFail)
            invocation.Error = (int)processor.Gpr(Rax);

        invocation.GoTo(invocation.Next + 1);
    }

    /// <summary>Goes on with the next action, or with what follows a failure.</summary>
    private static void Conclude(Invocation invocation, AppliedOp op, bool isDone) => invocation.GoTo(isDone ? invocation.Next + 1 : op.OnFailure);

    private void Return(Processor processor, Invocation invocation, int value)
    {
        ulong stack = processor.Gpr(Rsp);
        if (!_kernel!.Memory.TryRead(stack, out ulong caller))
        {
            GiveUp($"the stack at {stack:x16} is not mapped");
            return;
        }

        _invocations.Remove(stack);
        _conversions.Add(new AppliedConversion(
            invocation.Began, _machine.InstructionsRetired, invocation.Address, invocation.Frames.Count, invocation.Target, value));
        processor.Gpr(Rax) = (uint)value;
        processor.Gpr(Rsp) = stack + sizeof(ulong);
        processor.Rip = caller;
    }

    /// <summary>One call for as many pages as the interface takes, from the first that is not done.</summary>
    private void CallHost(Processor processor, Invocation invocation, AppliedOp op)
    {
        List<ulong> frames = [];
        int first = op.Page + invocation.Done;
        int most = op.Call switch
        {
            HostCall.VisibilityPrivate or HostCall.VisibilityShared => PagesOfVisibilityCall,
            HostCall.PageStateChangePrivate or HostCall.PageStateChangeShared => PagesOfStateChange,
            _ => int.MaxValue,
        };
        for (int page = first; page < op.Page + op.Pages && frames.Count < most; page++)
        {
            if (Translate(op.Translation, invocation.Address + ((ulong)page << Page.Shift)) is not FrameNumber frame)
            {
                Observer?.OnNothingDone(
                    processor, ObservedStepKind.TranslationFailed, page, $"cannot tell the frame of page {page}: its leaf is not present");
                invocation.GoTo(op.OnFailure);
                return;
            }

            // A range has to be contiguous; a list has not.
            if (most == int.MaxValue && frames.Count > 0 && frame.Value != frames[^1] + 1)
                break;

            frames.Add(frame.Value);
        }

        HostCallResult result = _machine.Confidential!.CallFor(processor, op.Call, frames.ToArray());
        if (op.IgnoresResult || result.Status is OperationStatus.Done)
        {
            invocation.Done += frames.Count;
            invocation.Retries = 0;
            if (invocation.Done == op.Pages)
                invocation.GoTo(invocation.Next + 1);

            return;
        }

        invocation.Done += (int)result.Done;
        invocation.Retries = result.Done == 0 ? invocation.Retries + 1 : 0;
        bool callsAgain = result.Status == OperationStatus.Retry
            && (op.OnRetry == OnRetry.CallAgainForever || (op.OnRetry == OnRetry.CallAgain && invocation.Retries < MostRetries));
        if (!callsAgain)
            invocation.GoTo(op.OnFailure);
    }

    /// <summary>What a function of Linux makes of an address while its leaf is as it is; null when it reports an error.</summary>
    /// <remarks>Source: the same as for the checker, <see cref="Translation"/>.</remarks>
    private FrameNumber? Translate(Translation translation, ulong address)
    {
        bool isVmalloc = _kernel!.RegionOf(address) == Linux.Guest.KernelRegion.Vmalloc;
        if (translation == Translation.VirtToPhys || (translation == Translation.VmallocToPage && !isVmalloc))
            return _leaves!.FrameByArithmetic(address);

        if (_leaves!.Find(address) is not Leaf leaf)
            return null;

        return translation switch
        {
            Translation.VmallocToPage when !leaf.Entry.IsPresent => null,
            Translation.RawPteBits => _leaves.RawFrameAt(leaf, address),
            _ => _leaves.FrameAt(leaf, address),
        };
    }
}
