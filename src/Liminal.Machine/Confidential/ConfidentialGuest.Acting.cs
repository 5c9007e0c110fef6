// SPDX-License-Identifier: Apache-2.0
using System;
using Liminal.Platform;
using Liminal.X86;

namespace Liminal.Machine.Confidential;

/// <content>What is done in the guest's place between two of its instructions, with the same host, rules and observers as its own instructions have.</content>
public abstract partial class ConfidentialGuest
{
    /// <summary>A call of the guest to its host.</summary>
    /// <param name="processor">In whose place.</param>
    /// <param name="call">What for.</param>
    /// <param name="frames">The pages, in order; any numbers.</param>
    /// <returns>How it ended. Of a list with a page that is not RAM nothing is done.</returns>
    /// <remarks>
    /// Pages that are not RAM: shared they are already for a MapGPA, everything else refuses them. Source: QEMU v9.1, kvm-all.c, kvm_convert_memory();
    /// OpenVMM 2026-08, virt_mshv_vtl/src/processor/hardware_cvm/mod.rs, modify_gpa_visibility().
    /// </remarks>
    public HostCallResult CallFor(Processor processor, HostCall call, ReadOnlySpan<ulong> frames)
    {
        foreach (ulong frame in frames)
        {
            if (frame < 1ul << 40 && Machine.Ram.Contains(frame << 12, 1))
            {
                continue;
            }

            HostCallResult answer = call == HostCall.MapGpaShared ? new(OperationStatus.Done, (ulong)frames.Length) : new(OperationStatus.Refused, 0);
            Observer?.OnHostCall(processor, new HostCallEvent(call, frame, (ulong)frames.Length, answer.Done, answer.Status, HasStruck: false));
            return answer;
        }

        return Call(processor, call, frames);
    }

    /// <summary>A guest instruction on one page that names it by its frame.</summary>
    /// <param name="processor">In whose place.</param>
    /// <param name="operation">Which.</param>
    /// <param name="frame">The page; must be RAM.</param>
    /// <param name="status">What the guest is told when the answer is true.</param>
    /// <returns>False when the instruction never completes: the machine has ended.</returns>
    public virtual bool TryOperateFor(Processor processor, GuestOperation operation, ulong frame, out OperationStatus status) =>
        TryPerform(processor, operation, frame, out status);

    /// <summary>The guest asks for its own end.</summary>
    /// <param name="reason">Why, in a few words.</param>
    public void EndFor(string reason) => EndByGuest(reason);
}
