// SPDX-License-Identifier: Apache-2.0

using Liminal.Linux.Calls;
using Liminal.Machine;
using Liminal.Sweep.Replaying;

namespace Liminal.Sweep.Conversions;

/// <content>Counterexamples of the checker, steered onto the kernel.</content>
public sealed partial class ConversionCampaign
{
    /// <summary>Replays a counterexample on a conversion of pages that are split already.</summary>
    /// <param name="question">The conversion, the host and the settings that the counterexample is about.</param>
    /// <param name="plan">The counterexample.</param>
    /// <param name="problem">Why the conversion cannot be made.</param>
    public ReplayFinding? Replay(ConversionQuestion question, TracePlan plan, out string problem)
    {
        using VirtualMachine prepared = _context.Kernel.Machine.Fork();
        KernelContext context = On(prepared);
        if (Prepare(context, question, out problem) is not ConversionRange range || !TrySplit(context, question, range, out problem))
            return null;

        return !TrySetUp(context.Kernel, question, out problem) ? null : new TraceReplay(prepared, context, question, range, plan).Run();
    }
}
