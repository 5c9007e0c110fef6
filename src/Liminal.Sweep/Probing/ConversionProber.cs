// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;
using System.Linq;
using System.Text;
using System.Threading;
using Liminal.Linux.Calls;
using Liminal.Linux.Guest;
using Liminal.Machine;
using Liminal.Sweep.Applying;
using Liminal.Sweep.Conversions;
using Liminal.Sweep.Recording;
using Liminal.Trace;
using Liminal.X86;

namespace Liminal.Sweep.Probing;

/// <summary>Replays a conversion and tries stray loads in forks of where they belong.</summary>
/// <param name="prepared">The guest, ready to convert.</param>
/// <param name="begin">Begins the conversion in a fork of it.</param>
/// <param name="question">The conversion.</param>
/// <param name="range">Its pages.</param>
internal sealed class ConversionProber(VirtualMachine prepared, Func<VirtualMachine, KernelContext> begin, ConversionQuestion question, ConversionRange range)
{
    private readonly Dictionary<ProbeKey, IReadOnlyList<StrayLoadRun>> _runs = [];
    private bool _hasAftermath;

    /// <summary>The loads that could begin, by what makes them the same: one for each site.</summary>
    public IReadOnlyDictionary<ProbeKey, IReadOnlyList<StrayLoadRun>> Runs => _runs;

    /// <summary>Tries each load; in place of one that cannot begin, others in the same situation.</summary>
    /// <returns>False when it was interrupted or did not come to its end.</returns>
    public bool Probe(ConversionRecord record, IReadOnlyList<ProbePlan> plans, Action<int, int>? progress, CancellationToken cancellation)
    {
        int done = 0;
        _hasAftermath = record.End is null;
        bool isComplete = Replay(plans, () => progress?.Invoke(++done, plans.Count), cancellation);
        if (!isComplete)
            return false;

        List<ProbePlan> others = [.. plans.Where(plan => !_runs.ContainsKey(plan.Key)).SelectMany(plan => ProbePlan.Others(record, plan))];
        return others.Count == 0 || Replay(others, static () => { }, cancellation);
    }

    /// <summary>Replays the conversion once, and tries each load whose like has not been run yet.</summary>
    private bool Replay(IEnumerable<ProbePlan> plans, Action tried, CancellationToken cancellation)
    {
        using VirtualMachine replay = prepared.Fork();
        KernelContext context = begin(replay);
        ProtocolExecutor? applied = ConversionCampaign.Install(context, question);
        IReadOnlyList<LoadSite> sites = LoadSite.Of(context.Kernel);
        if (sites.Count == 0)
            return false;

        foreach (ProbePlan plan in plans.OrderBy(static plan => plan.Instruction))
        {
            if (cancellation.IsCancellationRequested)
                return false;

            if (_runs.ContainsKey(plan.Key))
                continue;

            if (replay.InstructionsRetired < plan.Instruction && replay.Run(plan.Instruction).Kind != MachineEndKind.InstructionLimit)
                return false;

            StrayLoadRun[] runs = [.. sites.Take(question.Sites).Select(site => Try(replay, applied, context, plan, site)).OfType<StrayLoadRun>()];
            if (runs.Length > 0)
                _runs[plan.Key] = runs;

            tried();
        }

        return true;
    }

    private StrayLoadRun? Try(VirtualMachine replay, ProtocolExecutor? applied, KernelContext context, ProbePlan plan, LoadSite site)
    {
        foreach (int cpu in Candidates(context.Kernel, context.Processor).Where(cpu => plan.Cpu < 0 || cpu == plan.Cpu))
        {
            var console = new StringBuilder();
            using VirtualMachine fork = replay.Fork(value => console.Append((char)value));
            GuestKernel kernel = context.Kernel.On(fork);
            KernelContext inFork = context.On(new KernelCalls(kernel));
            applied?.On(fork);
            StrayLoadRun? run = StrayLoad.Run(
                kernel, inFork, range.Frames, console, site, cpu, plan.Page, plan.Address, plan.Region, question.LoadLimit, plan.Held, isAlone: !_hasAftermath);
            if (run is not null)
                return run;
        }

        return null;
    }

    /// <summary>Another processor when one is in the kernel; else the converting one, as an interrupt there would load.</summary>
    private static IEnumerable<int> Candidates(GuestKernel kernel, Processor converter)
    {
        for (int index = 0; index < kernel.Machine.Processors.Length; index++)
        {
            // During boot a processor may not have come up yet.
            Processor other = kernel.Machine.Processors[index];
            if (index != converter.Index && kernel.IsInKernelProper(other))
                yield return index;
        }

        yield return converter.Index;
    }
}
