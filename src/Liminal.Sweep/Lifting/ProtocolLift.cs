// SPDX-License-Identifier: Apache-2.0

using System.Collections.Generic;
using System.Linq;
using Liminal.Checker.Vocabulary;
using Liminal.Platform;
using Liminal.Sweep.Recording;

namespace Liminal.Sweep.Lifting;

/// <summary>Turns what a kernel was seen to do into a protocol that the checker explores.</summary>
/// <remarks>
/// What is done to one page after the other becomes one step; flushes of several processors become the flush that was asked for. A step says where it was seen.
/// A recording of the direct map does not show how an address was translated, because every way gives the same frame there; so the protocol is
/// lifted for the direct map only. What a conversion does when something fails is not seen in one that succeeds, and neither are reads of the pages:
/// PVALIDATE is followed by one on processors that need it (CVE-2024-36331). A cache flush is taken for one that is made where it is needed when the
/// platform knows processors that need none: a guest looks at CPUID.
/// </remarks>
public static class ProtocolLift
{
    /// <summary>The protocol.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="release">The kernel, as <c>uname -r</c> prints it.</param>
    /// <param name="platform">Where it was seen.</param>
    /// <param name="decrypt">A successful conversion to shared.</param>
    /// <param name="encrypt">A successful conversion to private.</param>
    public static Protocol Of(string name, string release, ConfidentialPlatform platform, ConversionRecord decrypt, ConversionRecord encrypt) =>
        Protocol.Named(name)
            .Titled($"what Linux {release} did as a {platform.Name} guest")
            .From($"observed in {release}")
            .On(platform.Name)
            .HandledBy(release.StartsWith("6.1.", System.StringComparison.Ordinal) ? GuestKernel.Linux61 : GuestKernel.Linux612) with
        {
            DecryptSteps = Steps(decrypt, platform),
            EncryptSteps = Steps(encrypt, platform),
        };

    /// <summary>The steps of one conversion.</summary>
    /// <param name="record">The conversion.</param>
    /// <param name="platform">Where it was seen.</param>
    public static IReadOnlyList<Step> Steps(ConversionRecord record, ConfidentialPlatform platform)
    {
        When cacheFlush = platform.Switches.Any(static one => one is { Switch: PolicySwitches.CoherentCaches, Explored: SwitchSettings.Both })
            ? When.Needed
            : When.Always;
        StepList steps = new();
        HashSet<int> flushed = [];
        bool isFull = false;
        foreach (ObservedStep one in record.Steps)
        {
            if (one.Kind == ObservedStepKind.TlbFlush)
            {
                flushed.Add(one.Cpu);
                isFull |= one.Page < 0;
                continue;
            }

            Step? step = StepOf(one, cacheFlush);
            if (step is null)
                continue;

            AddFlush(steps, flushed, isFull, record);
            isFull = false;
            if (steps.Steps.Count == 0 || !IsSame(steps.Steps[^1], step))
                steps.Add(step with { Source = one.Function });
        }

        AddFlush(steps, flushed, isFull, record);
        return Tidy(steps.Steps);
    }

    /// <summary>Flushes between two other steps are one: of everything when any of them was.</summary>
    private static void AddFlush(StepList steps, HashSet<int> flushed, bool isFull, ConversionRecord record)
    {
        // A processor that flushes alone does so for itself, at a task switch, say; a conversion asks all of them.
        if (flushed.Count == ProcessorsOf(record))
            steps.FlushTlb(isFull ? FlushScope.All : FlushScope.CallersRange);

        flushed.Clear();
    }

    private static int ProcessorsOf(ConversionRecord record) => record.Steps.Count == 0 ? 1 : record.Steps.Max(static step => step.Cpu) + 1;

    /// <summary>The purge of aliases flushes by itself, and no step follows it twice.</summary>
    private static List<Step> Tidy(IReadOnlyList<Step> steps)
    {
        List<Step> tidy = [];
        foreach (Step step in steps)
        {
            if (step.Kind == StepKind.RemoveAliases && tidy.Exists(static one => one.Kind == StepKind.RemoveAliases))
                continue;

            if (step.Kind == StepKind.FlushTlb && tidy is [.., { Kind: StepKind.FlushTlb } last])
            {
                tidy[^1] = last.Scope == FlushScope.All ? last : step;
                continue;
            }

            tidy.Add(step);
        }

        return tidy;
    }

    private static Step? StepOf(ObservedStep step, When cacheFlush) => step.Kind switch
    {
        ObservedStepKind.RemoveAliases => new Step(StepKind.RemoveAliases),
        ObservedStepKind.ClearPresent => new Step(StepKind.ClearPresent),
        ObservedStepKind.SetPresent => new Step(StepKind.SetPresent),
        ObservedStepKind.SetAttribute => new Step(StepKind.SetAttribute),
        ObservedStepKind.MapSharedView => new Step(StepKind.MapSharedView),
        ObservedStepKind.UnmapSharedView => new Step(StepKind.UnmapSharedView),
        ObservedStepKind.CacheFlush => new Step(StepKind.FlushCache) { When = cacheFlush },
        ObservedStepKind.GuestOperation => Operation(step.Operation),
        ObservedStepKind.HostCall when step.Page >= 0 => Call(step.Call),
        _ => null,
    };

    private static Step? Operation(GuestOperation operation) => operation switch
    {
        GuestOperation.Accept4K or GuestOperation.Accept2M => new Step(StepKind.Accept),
        GuestOperation.Release => new Step(StepKind.Release),
        GuestOperation.Validate4K or GuestOperation.Validate2M => new Step(StepKind.Validate) { TerminatesOnFailure = true },
        GuestOperation.Rescind4K or GuestOperation.Rescind2M => new Step(StepKind.Rescind) { TerminatesOnFailure = true },
        _ => null,
    };

    private static Step? Call(HostCall call) => call switch
    {
        HostCall.MapGpaPrivate or HostCall.MapGpaShared => new Step(StepKind.MapGpa),
        HostCall.PageStateChangePrivate or HostCall.PageStateChangeShared =>
            new Step(StepKind.PageStateChange) { OnRetry = OnRetry.CallAgainForever, TerminatesOnFailure = true },
        HostCall.VisibilityPrivate or HostCall.VisibilityShared =>
            new Step(StepKind.Visibility) { Translation = Translation.SlowVirtToPhys, OnRetry = OnRetry.CallAgainForever },
        _ => null,
    };

    private static bool IsSame(Step last, Step next) => last with { Source = null } == next with { Source = null };
}
