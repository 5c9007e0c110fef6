// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using Liminal.Linux.Calls;
using Liminal.Linux.Guest;
using Liminal.Machine;
using Liminal.Memory;
using Liminal.Sweep.Applying;
using Liminal.Sweep.Probing;
using Liminal.Sweep.Recording;
using Liminal.Trace;

namespace Liminal.Sweep.Conversions;

/// <summary>Sweeps one conversion after the other in forks of one booted guest.</summary>
/// <remarks>
/// The guest is brought to a safe point once. For each question a fork obtains pages, is forked again for the recording, and again for a replay that
/// stops wherever a stray load is to be tried; there the load runs in a fork of its own. The same instruction is the same moment in all of them.
/// </remarks>
public sealed partial class ConversionCampaign
{
    private readonly KernelCalls _calls;
    private readonly KernelContext _context;

    private ConversionCampaign(KernelCalls calls, KernelContext context)
    {
        _calls = calls;
        _context = context;
    }

    /// <summary>The kernel, stopped at the place where conversions can be called.</summary>
    internal GuestKernel Kernel => _context.Kernel;

    /// <summary>Brings a guest to a place where conversions can be called.</summary>
    /// <param name="kernel">A confidential guest whose user land is up.</param>
    /// <param name="cpu">CPU, as Linux counts, that converts.</param>
    /// <param name="problem">Why that is not possible.</param>
    public static ConversionCampaign? Begin(GuestKernel kernel, int cpu, out string problem)
    {
        var calls = new KernelCalls(kernel);
        KernelContext? context = calls.Enter(cpu, out KernelCallResult failure);
        problem = failure.Detail;
        return context is null ? null : new ConversionCampaign(calls, context);
    }

    /// <summary>Sweeps one conversion.</summary>
    /// <param name="question">What to convert.</param>
    /// <param name="progress">Told of each stray load: how many are done, and of how many.</param>
    /// <param name="cancellation">Ends the probing; what was found so far is returned, and says so.</param>
    /// <param name="problem">Why the conversion cannot be made.</param>
    /// <returns>Null with the reason when the conversion cannot be made.</returns>
    public ConversionFinding? Sweep(ConversionQuestion question, Action<int, int>? progress, CancellationToken cancellation, out string problem)
    {
        GuestKernel kernel = _context.Kernel;
        using VirtualMachine prepared = kernel.Machine.Fork();
        KernelContext ready = On(prepared);
        if (Prepare(ready, question, out problem) is not ConversionRange range)
            return null;

        // From here on the host behaves as asked, and callbacks are gone: only the conversion itself meets it.
        if (!TrySetUp(ready.Kernel, question, out problem))
            return null;

        return Try(prepared, Begun, question, range, progress, cancellation);

        KernelContext Begun(VirtualMachine fork)
        {
            KernelContext context = ready.On(new KernelCalls(kernel.On(fork)));
            context.Begin(question.Function, range.Address, (ulong)range.Frames.Count);
            return context;
        }
    }

    /// <summary>Records a conversion that is about to begin, and tries a stray load in each situation of it.</summary>
    /// <param name="prepared">The machine; it does not run.</param>
    /// <param name="begin">In a fork of it: the conversion at its first instruction.</param>
    /// <param name="question">What is converted, under which host.</param>
    /// <param name="range">The pages.</param>
    /// <param name="progress">Told of each stray load.</param>
    /// <param name="cancellation">Ends the probing.</param>
    internal static ConversionFinding Try(
        VirtualMachine prepared,
        Func<VirtualMachine, KernelContext> begin,
        ConversionQuestion question,
        ConversionRange range,
        Action<int, int>? progress,
        CancellationToken cancellation)
    {
        ConversionRecord record;
        using (VirtualMachine recorded = prepared.Fork())
        {
            KernelContext context = begin(recorded);
            ProtocolExecutor? applied = Install(context, question);
            record = new RecordedCall(context.Kernel, range.Frames, applied).Run(context, question.Target, question.Limit);
        }

        List<ProbePlan> plans = ProbePlan.Of(record);
        var prober = new ConversionProber(prepared, begin, question, range);
        bool isComplete = prober.Probe(record, plans, progress, cancellation);
        IReadOnlyList<SweepWindow> windows = WindowFinder.Find(record, prober.Runs, prepared.Configuration.Confidential!.Platform);
        return new ConversionFinding(question, range, record, windows, [.. prober.Runs.Values.SelectMany(static runs => runs)], isComplete);
    }

    /// <summary>Records one conversion of pages that are split already, without any stray load.</summary>
    /// <param name="question">What to convert.</param>
    /// <param name="problem">Why the conversion cannot be made.</param>
    public ConversionRecord? Record(ConversionQuestion question, out string problem)
    {
        using VirtualMachine prepared = _context.Kernel.Machine.Fork();
        KernelContext context = On(prepared);
        if (Prepare(context, question, out problem) is not ConversionRange range || !TrySplit(context, question, range, out problem))
            return null;

        ulong view = question.Target == PteAttribute.Private ? ViewOf(context, range, out problem) : 0;
        if (problem.Length > 0)
            return null;

        if (!TrySetUp(context.Kernel, question, out problem))
            return null;

        ProtocolExecutor? applied = Install(context, question);
        context.Begin(question.Function, range.Address, (ulong)range.Frames.Count);
        ConversionRecord record = new RecordedCall(context.Kernel, range.Frames, applied).Run(context, question.Target, question.Limit);
        return WithView(context, question, range, record, view);
    }

    /// <summary>Converts the pages there and back, so that their large leaf is split.</summary>
    private static bool TrySplit(KernelContext context, ConversionQuestion question, ConversionRange range, out string problem)
    {
        problem = "";
        foreach (string function in new[] { question.Function, question.Opposite })
        {
            KernelCallResult result = context.Call(function, range.Address, (ulong)range.Frames.Count);
            if (!result.HasReturned || result.Error != 0)
            {
                problem = $"{function}(): {result.Status} {result.Error} {result.Detail}".TrimEnd();
                return false;
            }
        }

        return true;
    }

    /// <summary>The same place in a fork of the machine.</summary>
    internal KernelContext On(VirtualMachine fork) => _context.On(_calls.On(_context.Kernel.On(fork)));

    private static ConversionRange? Prepare(KernelContext context, ConversionQuestion question, out string problem)
    {
        if (ConversionRange.Obtain(context, question.Region, question.Pages, out problem) is not ConversionRange range)
            return null;

        Fill(context.Kernel, range);
        bool isDecryptedAtStart = question.Target == PteAttribute.Private || question.Region == SweepRegion.Image;
        string before = question.Target == PteAttribute.Private ? "set_memory_decrypted" : "set_memory_encrypted";
        if (!isDecryptedAtStart)
            return range;

        KernelCallResult result = context.Call(before, range.Address, (ulong)range.Frames.Count);
        if (result.HasReturned && result.Error == 0)
            return range;

        problem = $"{before}() before the conversion: {result.Status} {result.Error} {result.Detail}".TrimEnd();
        return null;
    }

    /// <summary>Writes something recognisable into the pages, so that what becomes of it can be seen.</summary>
    private static void Fill(GuestKernel kernel, ConversionRange range)
    {
        byte[] bytes = new byte[Page.Bytes];
        for (int page = 0; page < range.Frames.Count; page++)
        {
            bytes.AsSpan().Fill((byte)(0x50 + (page % 16)));
            kernel.Memory.TryWrite(range.Address + ((ulong)page << Page.Shift), bytes);
        }
    }

    /// <summary>From here on a protocol makes the conversions of a fork, if one is asked for.</summary>
    internal static ProtocolExecutor? Install(KernelContext context, ConversionQuestion question) =>
        question.Applied is { } protocol
            ? ProtocolExecutor.Install(context.Kernel.Machine, context.Kernel.Knowledge, context.Kernel.Slide, protocol)
            : null;

    /// <summary>Makes the host behave as asked from now on, and takes callbacks away.</summary>
    internal static bool TrySetUp(GuestKernel kernel, ConversionQuestion question, out string problem)
    {
        VirtualMachine machine = kernel.Machine;
        machine.Confidential!.Host = question.Host;
        if (question.Switches is { } switches)
            machine.Confidential.SetSwitches(switches);

        if (question.Plan is { } plan)
            machine.Confidential.Plan = plan with { First = machine.Confidential.CallsSoFar + plan.First };

        if (question.Applied is { } protocol
            && ProtocolExecutor.WhyNot(protocol, machine.Confidential.Platform, kernel.Knowledge, [question.Target]) is string reason)
        {
            problem = $"{protocol.Name} cannot be applied: {reason}";
            return false;
        }

        return PlatformCallbacks.TryReplace(kernel, question.Without, out problem);
    }
}

/// <summary>What a sweep of one conversion found.</summary>
/// <param name="Question">What was asked.</param>
/// <param name="Range">The pages.</param>
/// <param name="Record">What the conversion did.</param>
/// <param name="Windows">Where a load does not simply complete.</param>
/// <param name="Runs">The loads that were run.</param>
/// <param name="IsComplete">False when the probing was interrupted or did not come to its end.</param>
public sealed record ConversionFinding(
    ConversionQuestion Question,
    ConversionRange Range,
    ConversionRecord Record,
    IReadOnlyList<SweepWindow> Windows,
    IReadOnlyList<StrayLoadRun> Runs,
    bool IsComplete);
