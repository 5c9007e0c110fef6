// SPDX-License-Identifier: Apache-2.0

using System.Collections.Generic;
using System.Diagnostics;
using Liminal.Memory;

namespace Liminal.Platform;

/// <summary>One rule that decided something, for traces.</summary>
/// <param name="Rule">Stable name of the rule.</param>
/// <param name="Source">Where it is written.</param>
/// <param name="Certainty">How well it is known.</param>
public sealed record RuleStep(string Rule, string Source, Certainty Certainty = Certainty.ReadInSource);

/// <summary>How an access ends, once hardware and host have had their say.</summary>
/// <param name="Outcome">Never <see cref="AccessOutcome.HostExit"/>.</param>
/// <param name="Change">What became of the page: the changes of all responses together.</param>
/// <param name="HostActed">Whether the access exited to the host at least once.</param>
/// <param name="Path">The rules passed, in order.</param>
public sealed record AccessResolution(AccessOutcome Outcome, PageChange Change, bool HostActed, IReadOnlyList<RuleStep> Path)
{
    /// <summary>
    /// Follows an access from the hardware to the host and back until it completes, raises an exception or ends the guest; an exit
    /// that leaves the page as it was repeats for ever and is a <see cref="AccessOutcome.Livelock"/>.
    /// </summary>
    /// <remarks>
    /// A #MC is final only where the guest's handler panics (<see cref="PolicySwitches.MachineCheckPanics"/>): a handler that returns
    /// makes the access repeat. Source: Debian 6.12, seen under a paravisor that injects #MC, once with each end.
    /// </remarks>
    public static AccessResolution Of(
        ConfidentialPlatform platform, PageState state, PteAttribute attribute, AccessKind kind, HostPolicy host, PolicySwitches switches)
    {
        List<RuleStep> path = [];
        HashSet<PageState> seen = [];
        PageChange change = new(state);
        while (true)
        {
            AccessRule access = platform.Access(change.State, attribute, kind, switches);
            path.Add(new RuleStep(access.Rule, access.Source, access.Certainty));
            if (access.Outcome != AccessOutcome.HostExit)
                return new AccessResolution(access.Outcome, change, path.Count > 1, path);

            if (!seen.Add(change.State))
                return new AccessResolution(AccessOutcome.Livelock, change, HostActed: true, path);

            ExitRule exit = platform.RespondToExit(change.State, attribute, kind, host, switches);
            path.Add(new RuleStep(exit.Rule, exit.Source, exit.Certainty));
            if (exit.Disposition != ExitDisposition.Resume)
                return new AccessResolution(End(exit.Disposition, switches), change, HostActed: true, path);

            change = change.Then(exit.Change);
        }
    }

    private static AccessOutcome End(ExitDisposition disposition, PolicySwitches switches) => disposition switch
    {
        ExitDisposition.Terminate => AccessOutcome.GuestTerminated,
        ExitDisposition.InjectMachineCheck when switches.HasFlag(PolicySwitches.MachineCheckPanics) => AccessOutcome.MachineCheck,
        ExitDisposition.InjectMachineCheck => AccessOutcome.Livelock,
        _ => throw new UnreachableException($"{disposition} does not end an access."),
    };
}
