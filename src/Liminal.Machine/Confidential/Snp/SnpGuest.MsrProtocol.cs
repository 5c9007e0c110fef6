// SPDX-License-Identifier: Apache-2.0
using Liminal.Platform;
using Liminal.X86;
using Liminal.X86.State;

namespace Liminal.Machine.Confidential.Snp;

/// <content>VMGEXIT, and the requests that fit into the MSR.</content>
/// <remarks>Source: KVM v6.12, svm/sev.c, sev_handle_vmgexit() and sev_handle_vmgexit_msr_protocol().</remarks>
internal sealed partial class SnpGuest
{
    private const uint PageStateChangeFailed = 1;

    private const ulong Features = GhcbFeature.Snp | GhcbFeature.ApCreation;

    private ConfidentialVerdict Exit(Processor processor)
    {
        ulong msr = _vcpus[processor.Index].GhcbMsr;
        return (msr & GhcbMsr.RequestMask) == 0 ? ExitWithPage(processor, msr) : ExitWithMsr(processor, msr);
    }

    private ConfidentialVerdict ExitWithMsr(Processor processor, ulong msr)
    {
        ref ulong answer = ref _vcpus[processor.Index].GhcbMsr;
        switch ((GhcbRequest)(msr & GhcbMsr.RequestMask))
        {
            case GhcbRequest.Information:
                answer = GhcbMsr.Information(Platform.Format.AttributeBit!.Value);
                break;
            case GhcbRequest.Cpuid:
                CpuidResult cpuid = processor.ReadCpuid((uint)(msr >> 32), 0);
                uint value = ((msr >> 30) & 3) switch { 0 => cpuid.Eax, 1 => cpuid.Ebx, 2 => cpuid.Ecx, _ => cpuid.Edx };
                answer = GhcbMsr.Cpuid(msr, value);
                break;
            case GhcbRequest.ApResetHold:
                answer = GhcbMsr.ApResetHold(wasStarted: false);
                Park(processor, ResetHold.MsrProtocol);
                break;
            case GhcbRequest.PreferredGhcb when HasRmp:
                answer = GhcbMsr.PreferredGhcb;
                break;
            case GhcbRequest.RegisterGhcb when HasRmp:
                _vcpus[processor.Index].RegisteredGhcb = msr & ~GhcbMsr.RequestMask;
                answer = GhcbMsr.Registered(msr);
                break;
            case GhcbRequest.PageStateChange when HasRmp:
                answer = GhcbMsr.PageStateChange(ChangePage(processor, new PageStateChangeEntry(msr)));
                break;
            case GhcbRequest.Features:
                answer = GhcbMsr.Features(Features);
                break;
            case GhcbRequest.Terminate:
                return End(processor, MachineEndKind.GuestTerminated, GhcbTermination.Describe(msr));
            case GhcbRequest.PreferredGhcb or GhcbRequest.RegisterGhcb or GhcbRequest.PageStateChange:
                return End(
                    processor,
                    MachineEndKind.GuestTerminated,
                    $"{HostName}: request 0x{msr & GhcbMsr.RequestMask:x3} of the GHCB MSR protocol in a guest without SNP");
            default:
                // The MSR stays as it is, and the guest sees that it holds no answer.
                Observer?.OnNote(processor, $"unknown request 0x{msr & GhcbMsr.RequestMask:x3} of the GHCB MSR protocol");
                break;
        }

        return new ConfidentialVerdict(ConfidentialAnswer.Emulated);
    }

    /// <summary>One page by the MSR protocol, which knows no "call again": a host that was interrupted goes on by itself.</summary>
    /// <returns>Zero, or an error for the guest.</returns>
    private uint ChangePage(Processor processor, PageStateChangeEntry entry)
    {
        if (entry.Operation is not (PageOperation.Private or PageOperation.Shared) || !AllRam(entry.Frame, isLarge: false))
        {
            Observer?.OnNote(processor, $"page state change {(int)entry.Operation} of page 0x{entry.Frame:x}: refused");
            return PageStateChangeFailed;
        }

        HostCall call = CallOf(entry.Operation);
        HostCallResult result = Call(processor, call, entry.Frame, 1);
        if (result.Status == OperationStatus.Retry)
        {
            result = Call(processor, call, entry.Frame, 1);
        }

        return result.Status is OperationStatus.Done or OperationStatus.Unchanged ? 0 : PageStateChangeFailed;
    }

    /// <summary>Takes a processor out of the run until a start-up message, or until it is given a new save area.</summary>
    private void Park(Processor processor, ResetHold hold)
    {
        _vcpus[processor.Index].Hold = hold;
        processor.State.Activity = Activity.WaitForStartup;
        processor.StateChanged();
        processor.RequestStop();
    }

    private static HostCall CallOf(PageOperation operation) =>
        operation == PageOperation.Private ? HostCall.PageStateChangePrivate : HostCall.PageStateChangeShared;
}
