// SPDX-License-Identifier: Apache-2.0

using System;
using Liminal.Checker.Counterexamples;
using Liminal.Checker.Properties;
using Liminal.Platform;
using Liminal.Sweep.Recording;
using Liminal.Trace;

namespace Liminal.Sweep.Replaying;

/// <summary>Holds a stray load of a counterexample against one that was made in a kernel.</summary>
internal static class LoadComparison
{
    private static readonly StrayLoadEnd[] Fatal = [StrayLoadEnd.Oops, StrayLoadEnd.Panic, StrayLoadEnd.Terminated, StrayLoadEnd.Livelock];

    /// <summary>Compares what the loads met, and how they ended.</summary>
    /// <param name="told">The end in the counterexample.</param>
    /// <param name="situation">What the rulebook says of the load in the kernel; null where it simply completes.</param>
    /// <param name="run">How it went.</param>
    public static (bool IsSame, string Words) Of(TraceLoadEnd told, Situation? situation, StrayLoadRun run)
    {
        AccessOutcome met = situation?.Outcome is null or AccessOutcome.SilentlyWrong ? AccessOutcome.Ok : situation.Value.Outcome;
        bool isSameEnd = told.End switch
        {
            StrayEnd.Completed => run.End is StrayLoadEnd.Completed or StrayLoadEnd.HostVisible,
            StrayEnd.RepairedAfterPageFault or StrayEnd.RepairedAfterVirtualizationException => run.End == StrayLoadEnd.Repaired,
            StrayEnd.HostSuppliedData => run.End == StrayLoadEnd.RepairedWrongly,
            _ => Array.IndexOf(Fatal, run.End) >= 0,
        };

        // A counterexample tells of loads that meet the platform only: where it simply completes, the kernel's does not.
        bool isSame = isSameEnd && met == told.Outcome && situation is not null;
        string kernel = $"the load meets {met} and ends as {run.End} ({run.Detail})";
        return (isSame, isSame ? kernel : $"{kernel} where the trace has {told.Outcome}, {told.Words}");
    }
}
