// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;
using System.Linq;
using System.Text;
using System.Threading;
using Liminal.Linux.Calls;
using Liminal.Linux.Guest;
using Liminal.Machine;
using Liminal.Memory;
using Liminal.Platform;
using Liminal.Sweep.Conversions;
using Liminal.Sweep.Judging;
using Liminal.Trace;

namespace Liminal.Sweep.Failures;

/// <summary>What shall go wrong.</summary>
/// <param name="Targets">Which directions.</param>
/// <param name="Pages">Pages of a conversion, where the caller lets one choose.</param>
/// <param name="Faults">What goes wrong in them.</param>
public sealed record FailureQuestion(IReadOnlyList<PteAttribute> Targets, int Pages, IReadOnlyList<ConversionFault> Faults)
{
    /// <summary>What the sources leave open; null: as the machine was booted.</summary>
    public PolicySwitches? Switches { get; init; }

    /// <summary>Instructions, of all processors together, after which a call is given up.</summary>
    public ulong Limit { get; init; } = 100_000_000;

    /// <summary>All of the question as one line, equal exactly when two ask the same; part of the key of what was found.</summary>
    public string ToKey() => $"failures {string.Join(' ', Targets)} {Pages} {string.Join(' ', Faults)} {Switches} {Limit}";
}

/// <summary>What came of it.</summary>
/// <param name="Cases">One for each caller, fault, and place where it can strike, in that order.</param>
/// <param name="NotTried">Callers that were left out, and why.</param>
/// <param name="IsComplete">False when it was interrupted.</param>
public sealed record FailureFinding(IReadOnlyList<FailureCase> Cases, IReadOnlyList<string> NotTried, bool IsComplete);

/// <summary>Lets conversions fail in every way and at every place, and looks at what is left: each case in a fork of one booted guest.</summary>
public sealed class FailureCampaign
{
    private const int LinesKept = 6;

    private readonly ConversionCampaign _campaign;
    private readonly string _kernelName;
    private readonly FailureQuestion _question;
    private readonly ConfidentialPlatform _platform;
    private readonly List<FailureCase> _cases = [];
    private readonly List<string> _notTried = [];

    private FailureCampaign(ConversionCampaign campaign, string kernelName, FailureQuestion question)
    {
        _kernelName = kernelName;
        _campaign = campaign;
        _question = question;
        _platform = campaign.Kernel.Machine.Confidential!.Platform;
    }

    /// <summary>Tries everything that was asked for.</summary>
    /// <param name="campaign">A guest at a place where conversions can be called.</param>
    /// <param name="kernelName">What the report calls the kernel.</param>
    /// <param name="question">What shall go wrong.</param>
    /// <param name="progress">Told of each case: how many are done, and of how many that are known of.</param>
    /// <param name="cancellation">Ends it; what was found so far is returned, and says so.</param>
    public static FailureFinding Run(
        ConversionCampaign campaign, string kernelName, FailureQuestion question, Action<int, int>? progress, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(campaign);
        ArgumentNullException.ThrowIfNull(question);
        var run = new FailureCampaign(campaign, kernelName, question);
        bool isComplete = ConversionCaller.All
            .Where(caller => question.Targets.Contains(caller.Target))
            .All(caller => run.Try(caller, progress, cancellation));
        return new FailureFinding(run._cases, run._notTried, isComplete);
    }

    private bool Try(ConversionCaller caller, Action<int, int>? progress, CancellationToken cancellation)
    {
        using VirtualMachine prepared = _campaign.Kernel.Machine.Fork();
        KernelContext ready = _campaign.On(prepared);
        if (_question.Switches is PolicySwitches switches)
            prepared.Confidential!.SetSwitches(switches);

        if (caller.Prepare(ready, _question.Pages) is not PreparedCall call)
        {
            _notTried.Add($"{_kernelName} {_platform.Name} {caller.Name}: this guest has not what it needs");
            return true;
        }

        FaultedCallResult plain = InFork(prepared, ready, null, context => FaultedCall.Run(context, call, null, _question.Limit));
        if (plain.Conversion is not { Error: 0 } || !plain.Caller.HasReturned || plain.Frames.Count == 0)
        {
            _notTried.Add($"{_kernelName} {_platform.Name} {caller.Name}: {WhyNot(plain)}");
            return true;
        }

        List<(Fault Fault, int Of, string Met)> faults = [.. FaultsOf(plain)];
        if (faults.Count == 0)
            _notTried.Add($"{_kernelName} {_platform.Name} {caller.Name}: the conversion calls no host and allocates nothing: there is nothing to fail");

        int before = _cases.Count;
        foreach ((Fault fault, int of, string met) in faults)
        {
            if (cancellation.IsCancellationRequested)
                return false;

            _cases.Add(Case(prepared, ready, caller, call, fault, of, met));
            progress?.Invoke(_cases.Count, before + faults.Count);
        }

        return true;
    }

    private IEnumerable<(Fault Fault, int Of, string Met)> FaultsOf(FaultedCallResult plain)
    {
        foreach (ConversionFault kind in _question.Faults)
        {
            IReadOnlyList<string> places = kind == ConversionFault.NoMemory ? plain.Allocations : plain.HostCalls;
            for (int number = 0; number < places.Count; number++)
                yield return (new Fault(kind, number), places.Count, places[number]);
        }
    }

    private FailureCase Case(
        VirtualMachine prepared, KernelContext ready, ConversionCaller caller, PreparedCall call, Fault fault, int of, string met)
    {
        var console = new StringBuilder();
        return InFork(prepared, ready, console, context =>
        {
            FaultedCallResult result = FaultedCall.Run(context, call, fault, _question.Limit);
            bool hasFailed = result.Caller.HasReturned && call.Failed?.Invoke(result.Caller) == true;
            if (hasFailed && call.CleanUp is FollowUp cleanUp)
                context.Call(cleanUp.Function, [.. cleanUp.Arguments]);

            PageFate fate = FateOf(context.Kernel, call, result, hasFailed);
            List<PagesLeft> pages = PagesAfterwards.Of(context.Kernel, result.Frames);
            if (result.Caller.HasReturned)
                pages = [.. pages.Select(left => Use(context, left, result.Frames[left.First]))];

            (Verdict verdict, string? reason) = FailureVerdict.Of(result.Conversion, fate, pages);
            string told = fault.IsOfTheHost && fault.Number < result.HostCalls.Count ? result.HostCalls[fault.Number] : met;
            return new FailureCase(
                _kernelName,
                _platform.Name,
                caller.Target == PteAttribute.Shared ? "decrypt" : "encrypt",
                caller.Name,
                fault.Kind,
                fault.Number,
                of,
                told,
                result.Conversion is KernelCallResult conversion ? FindingReport.ResultText(conversion) : null,
                !result.Caller.HasReturned ? null : call.Failed is null ? "nothing" : hasFailed ? "failure" : "success",
                result.Caller.HasReturned ? null : result.Caller.Detail,
                pages,
                fate,
                verdict,
                reason,
                FirstLines(console));
        });
    }

    private static PageFate FateOf(GuestKernel kernel, PreparedCall call, FaultedCallResult result, bool hasFailed)
    {
        if (!result.Caller.HasReturned)
            return result.Caller.Status == KernelCallStatus.TimedOut ? PageFate.Hangs : PageFate.GuestGone;

        // An allocation of several pages is counted in its first.
        return call.IsAlone ? PageFate.Undecided
            : kernel.PageReferences(result.Frames[0]) == 0 ? PageFate.Freed
            : hasFailed || call.Failed is null ? PageFate.Leaked
            : PageFate.Kept;
    }

    /// <summary>Clears a page through the direct map, as the allocator does for a new owner.</summary>
    private static PagesLeft Use(KernelContext context, PagesLeft left, FrameNumber frame)
    {
        using VirtualMachine fork = context.Kernel.Machine.Fork();
        KernelContext inFork = context.On(new KernelCalls(context.Kernel.On(fork)));
        ulong address = (context.Kernel.DirectMap ?? 0) + (frame.Value << Page.Shift);
        KernelCallResult result = inFork.Call("memset", address, 0, Page.Bytes);
        string end = result.Status switch
        {
            KernelCallStatus.Returned => FailureVerdict.Works,
            KernelCallStatus.Oops => "oops",
            KernelCallStatus.MachineEnded => "ends the guest",
            _ => "hangs",
        };
        return left with { UsedAgain = end, UsedAgainDetail = result.Detail };
    }

    /// <summary>Does something in a fork of the prepared guest.</summary>
    private static T InFork<T>(VirtualMachine prepared, KernelContext ready, StringBuilder? console, Func<KernelContext, T> action)
    {
        using VirtualMachine fork = console is null ? prepared.Fork() : prepared.Fork(value => console.Append((char)value));
        return action(ready.On(new KernelCalls(ready.Kernel.On(fork))));
    }

    private static string WhyNot(FaultedCallResult plain) =>
        !plain.Caller.HasReturned ? $"it does not succeed with nothing wrong: {plain.Caller.Status} {plain.Caller.Detail}".TrimEnd()
        : plain.Conversion is KernelCallResult conversion ? $"its conversion returns {FindingReport.ResultText(conversion)} with nothing wrong"
        : "it converts nothing";

    private static IReadOnlyList<string> FirstLines(StringBuilder console) =>
        [.. console.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(static line => line.TrimEnd('\r')).Take(LinesKept)];
}
