// SPDX-License-Identifier: Apache-2.0

using System.Collections.Generic;

namespace Liminal.Platform;

/// <summary>How a guest instruction on a page ends, once hardware and host have had their say.</summary>
/// <param name="Outcome">
/// <see cref="AccessOutcome.Ok"/>: the instruction completes with <paramref name="Status"/>. Otherwise it never does:
/// <see cref="AccessOutcome.GuestTerminated"/> or <see cref="AccessOutcome.Livelock"/>.
/// </param>
/// <param name="Status">What the guest sees when the instruction completes; <see cref="OperationStatus.HostExit"/> when it never does.</param>
/// <param name="Change">What became of the page: the changes of all responses and of the instruction together.</param>
/// <param name="HostActed">Whether the instruction exited to the host at least once.</param>
/// <param name="Path">The rules passed, in order.</param>
public sealed record OperationResolution(
    AccessOutcome Outcome, OperationStatus Status, PageChange Change, bool HostActed, IReadOnlyList<RuleStep> Path)
{
    /// <summary>Follows an instruction to the host and back until it completes or never will.</summary>
    public static OperationResolution Of(
        ConfidentialPlatform platform, GuestOperation operation, PageState state, HostPolicy host, PolicySwitches switches)
    {
        List<RuleStep> path = [];
        HashSet<PageState> seen = [];
        PageChange change = new(state);
        while (true)
        {
            OperationRule rule = platform.Apply(operation, change.State, switches);
            path.Add(new RuleStep(rule.Rule, rule.Source, rule.Certainty));
            if (rule.Status != OperationStatus.HostExit)
                return new OperationResolution(AccessOutcome.Ok, rule.Status, change.Then(rule.Change), path.Count > 1, path);

            if (!seen.Add(change.State))
                return new OperationResolution(AccessOutcome.Livelock, OperationStatus.HostExit, change, HostActed: true, path);

            ExitRule exit = platform.RespondToExit(operation, change.State, host, switches);
            path.Add(new RuleStep(exit.Rule, exit.Source, exit.Certainty));
            if (exit.Disposition != ExitDisposition.Resume)
                return new OperationResolution(AccessOutcome.GuestTerminated, OperationStatus.HostExit, change, HostActed: true, path);

            change = change.Then(exit.Change);
        }
    }
}
