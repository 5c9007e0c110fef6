// SPDX-License-Identifier: Apache-2.0

using Liminal.Checker.Properties;
using Liminal.Checker.Vocabulary;
using Liminal.Memory;
using Liminal.Platform;

namespace Liminal.Checker.Model;

/// <summary>The steps of converters, and of the CPUs and the host on their behalf.</summary>
internal sealed partial class TransitionSystem
{
    /// <summary>Linux 6.12 gives up after so many calls without progress (tdx_map_gpa(), max_retries_per_page).</summary>
    internal const int MaxRetries = 3;

    private void Convert(in ModelState state, int converter, SuccessorBuffer buffer)
    {
        ConverterCell cell = state.Converters[converter];
        if (cell.Status != ConverterStatus.Running)
            return;

        ref readonly MicroOp op = ref _programs[converter][cell.Pc];
        StepAction action = new(ActionKind.Convert, (byte)converter, 0, 0);
        switch (op.Kind)
        {
            case MicroOpKind.RequestFlush:
                Next(in state, action, buffer).Converters[converter].FlushPending = (byte)((1 << _cpus) - 1);
                break;
            case MicroOpKind.AwaitFlush:
                if (cell.FlushPending == 0)
                    Next(in state, action, buffer);
                break;
            case MicroOpKind.FlushCache:
                FlushCache(in state, in op, action, buffer);
                break;
            case MicroOpKind.CallHost:
                CallHost(in state, in op, action, buffer);
                break;
            case MicroOpKind.Operate:
                Operate(in state, in op, action, buffer);
                break;
            case MicroOpKind.Read:
                ReadBack(in state, in op, action, buffer);
                break;
            case MicroOpKind.ReturnSuccess:
                Return(in state, action, ConverterStatus.Succeeded, buffer);
                break;
            case MicroOpKind.ReturnFailure:
                Return(in state, action, ConverterStatus.Failed, buffer);
                break;
            case MicroOpKind.Terminate:
                End(in state, action, buffer);
                break;
            default:
                ref ModelState next = ref Next(in state, action, buffer);
                next.Ptes[op.Mapping] = Write(in op, state.Ptes[op.Mapping]);
                break;
        }

        if (op.MayFail && (_actors & Actors.GuestFailures) != 0)
            Fail(in state, in op, action with { Kind = ActionKind.FailInGuest }, buffer, isExcused: true);
    }

    private static byte Write(in MicroOp op, byte code) => op.Kind switch
    {
        MicroOpKind.ClearEntry => 0,
        MicroOpKind.CreateEntry => PteCode.Of(op.Attribute),
        MicroOpKind.ClearPresent => PteCode.WithoutPresent(code),
        MicroOpKind.SetPresent => PteCode.WithPresent(code),
        _ => PteCode.WithAttribute(code, op.Attribute),
    };

    /// <summary>The converter goes on with its next operation.</summary>
    private static ref ModelState Next(in ModelState state, StepAction action, SuccessorBuffer buffer)
    {
        ref ModelState next = ref buffer.Add(in state, action);
        next.Converters[action.Actor].Pc++;
        next.Converters[action.Actor].Retries = 0;
        return ref next;
    }

    private static ref ModelState Fail(in ModelState state, in MicroOp op, StepAction action, SuccessorBuffer buffer, bool isExcused)
    {
        ref ModelState next = ref buffer.Add(in state, action);
        ref ConverterCell cell = ref next.Converters[action.Actor];
        cell.Pc = op.OnFailure;
        cell.Retries = 0;
        cell.IsExcused |= isExcused ? (byte)1 : (byte)0;
        return ref next;
    }

    private void Flush(in ModelState state, int converter, SuccessorBuffer buffer)
    {
        ConverterCell cell = state.Converters[converter];
        if (cell.FlushPending == 0)
            return;

        int mappings = _programs[converter][cell.Pc].Mappings;
        for (int cpu = 0; cpu < _cpus; cpu++)
        {
            if ((cell.FlushPending & (1 << cpu)) == 0)
                continue;

            ref ModelState next = ref buffer.Add(in state, new StepAction(ActionKind.Flush, (byte)cpu, (byte)converter, 0));
            next.Converters[converter].FlushPending = (byte)(cell.FlushPending & ~(1 << cpu));
            byte keep = (byte)~(3 << (cpu * 2));
            for (int i = 0; i < _mappings; i++)
            {
                if ((mappings & (1 << i)) != 0)
                    next.Tlb[i] &= keep;
            }
        }
    }

    /// <summary>cpa_flush() looks the PTE up and flushes the lines only when it is present.</summary>
    private static void FlushCache(in ModelState state, in MicroOp op, StepAction action, SuccessorBuffer buffer)
    {
        byte code = state.Ptes[op.Through];
        ref ModelState next = ref Next(in state, action, buffer);
        if (PteCode.IsPresent(code))
            next.Pages[op.Page].DirtyLines &= (byte)~(1 << (int)PteCode.Attribute(code));
        else
            buffer.Violate(Property.CacheFlushTakesEffect, action);
    }

    private void CallHost(in ModelState state, in MicroOp op, StepAction action, SuccessorBuffer buffer)
    {
        TranslationResult found = Translate(op.Translation, _layout[op.Through].Kind, state.Ptes[op.Through]);
        if (found != TranslationResult.Right)
        {
            buffer.Violate(Property.TranslationSucceeds, action);
            if (found == TranslationResult.Fails)
                Fail(in state, in op, action, buffer, isExcused: false);
            else
                End(in state, action, buffer);

            return;
        }

        PageState page = new(state.Pages[op.Page].State);
        OperationRule rule = _scenario.Platform.Apply(op.Call, page, _scenario.Switches);
        if (op.IgnoresResult || rule.Status is OperationStatus.Done or OperationStatus.Unchanged)
            Apply(ref Next(in state, action, buffer), op.Page, rule.Change);
        else
            Fail(in state, in op, action, buffer, isExcused: false);

        if ((_actors & Actors.Host) != 0)
            AnswerOtherwise(in state, in op, action.Actor, buffer);
    }

    /// <summary>What a host that does not simply do as it is told may answer instead.</summary>
    private void AnswerOtherwise(in ModelState state, in MicroOp op, byte converter, SuccessorBuffer buffer)
    {
        HostPolicy host = _scenario.Host;
        byte retries = state.Converters[converter].Retries;

        // A host that retries makes progress in the end: once for each page is enough to meet every reaction of the guest.
        if (!op.IgnoresResult && (host == HostPolicy.Malicious || (host == HostPolicy.Retry && retries == 0)))
            AskAgain(in state, in op, new StepAction(ActionKind.HostRetries, converter, (byte)op.Page, 0), buffer);

        if (host is HostPolicy.Refuse or HostPolicy.Malicious && !op.IgnoresResult)
            Fail(in state, in op, new StepAction(ActionKind.HostRefuses, converter, (byte)op.Page, 0), buffer, isExcused: true);

        if (host is HostPolicy.Lie or HostPolicy.Malicious)
        {
            ref ModelState next = ref Next(in state, new StepAction(ActionKind.HostLies, converter, (byte)op.Page, 0), buffer);
            next.Converters[converter].IsExcused = 1;
        }
    }

    private static void AskAgain(in ModelState state, in MicroOp op, StepAction action, SuccessorBuffer buffer)
    {
        int retries = state.Converters[action.Actor].Retries + 1;
        if (op.OnRetry == OnRetry.Fail || (op.OnRetry == OnRetry.CallAgain && retries >= MaxRetries))
        {
            Fail(in state, in op, action, buffer, isExcused: op.OnRetry == OnRetry.CallAgain);
            return;
        }

        ref ModelState next = ref buffer.Add(in state, action);
        next.Converters[action.Actor].Retries = (byte)(op.OnRetry == OnRetry.CallAgain ? retries : 1);
        if (next.Equals(state))
            buffer.Violate(Property.ConversionTerminates, action);
    }

    private void Operate(in ModelState state, in MicroOp op, StepAction action, SuccessorBuffer buffer)
    {
        if (op.Through != MicroOp.NoMapping && !CanOperateThrough(state.Ptes[op.Through]))
        {
            buffer.Violate(Property.ConversionEndsAsRequested, action);
            End(in state, action, buffer);
            return;
        }

        OperationResolution rule = _rules.Operate(op.Operation, new PageState(state.Pages[op.Page].State));
        switch (rule.Status)
        {
            case OperationStatus.Done:
                Apply(ref Next(in state, action, buffer), op.Page, rule.Change);
                break;
            case OperationStatus.HostExit:
                // The host ends or stalls the guest at the instruction: a finding unless this host may do as it likes.
                if (!HostMayDenyService)
                    buffer.Violate(Property.ConversionEndsAsRequested, action);

                End(in state, action, buffer);
                break;
            default:
                Apply(ref Fail(in state, in op, action, buffer, isExcused: false), op.Page, rule.Change);
                break;
        }
    }

    /// <summary>PVALIDATE takes a virtual address: the PTE must be present, and map the page private.</summary>
    /// <remarks>Source: LKML 2023-10-02, Lendacky, for the mapping that is not present; that a shared one is refused is read in an emulator only [I].</remarks>
    private static bool CanOperateThrough(byte code) => PteCode.IsPresent(code) && PteCode.Attribute(code) == PteAttribute.Private;

    private void ReadBack(in ModelState state, in MicroOp op, StepAction action, SuccessorBuffer buffer)
    {
        byte code = op.Through == MicroOp.NoMapping ? PteCode.Of(PteAttribute.Private) : state.Ptes[op.Through];
        AccessAnswer? answer = PteCode.IsPresent(code) ? _rules.Read(state.Pages[op.Page].State, PteCode.Attribute(code)) : null;
        if (answer?.Outcome is AccessOutcome.Ok or AccessOutcome.SilentlyWrong)
        {
            Apply(ref Next(in state, action, buffer), op.Page, answer.Change);
            return;
        }

        buffer.Violate(Property.ConversionEndsAsRequested, action);
        End(in state, action, buffer);
    }

    private static void Return(in ModelState state, StepAction action, ConverterStatus status, SuccessorBuffer buffer)
    {
        ref ModelState next = ref buffer.Add(in state, action);
        next.Converters[action.Actor].Status = status;
        if (status == ConverterStatus.Failed && next.Converters[action.Actor].IsExcused == 0)
            buffer.Violate(Property.ConversionEndsAsRequested, action);
    }

    /// <summary>A step after which there is no guest: it counts, and leads nowhere.</summary>
    private void End(in ModelState state, StepAction action, SuccessorBuffer buffer)
    {
        _ = state;
        buffer.Transitions++;
        if (_programs[action.Actor][state.Converters[action.Actor].Pc].Kind == MicroOpKind.Terminate
            && state.Converters[action.Actor].IsExcused == 0)
        {
            buffer.Violate(Property.ConversionEndsAsRequested, action);
        }
    }

    private bool HostMayDenyService => _scenario.Host is HostPolicy.Refuse or HostPolicy.Lie or HostPolicy.Malicious;

    /// <summary>What a translation finds.</summary>
    internal enum TranslationResult : byte
    {
        /// <summary>The frame of the page.</summary>
        Right,

        /// <summary>Nothing: the function reports an error.</summary>
        Fails,

        /// <summary>Another frame, without an error.</summary>
        Wrong,
    }

    /// <summary>What a translation of the caller's address finds in the present state of its PTE.</summary>
    /// <remarks>
    /// Source: Linux v6.12, arch/x86/mm/pat/set_memory.c and mm/vmalloc.c: __pa() looks at no PTE; vmalloc_to_page() needs P; slow_virt_to_phys() and
    /// lookup_address() work on non-zero non-present leaves and un-invert; the raw bits of such a leaf are inverted.
    /// </remarks>
    internal static TranslationResult Translate(Translation translation, MappingKind kind, byte code) => translation switch
    {
        Translation.VirtToPhys => kind == MappingKind.Vmalloc ? TranslationResult.Wrong : TranslationResult.Right,
        Translation.VmallocToPage when kind == MappingKind.Vmalloc && !PteCode.IsPresent(code) => TranslationResult.Fails,
        Translation.VmallocToPage => TranslationResult.Right,
        Translation.RawPteBits when !PteCode.IsPresent(code) => TranslationResult.Wrong,
        _ when code == 0 => TranslationResult.Fails,
        _ => TranslationResult.Right,
    };
}
