// SPDX-License-Identifier: Apache-2.0

using System.Collections.Generic;
using Liminal.Memory;

namespace Liminal.Platform;

/// <summary>The rules of one confidential technology, as pure functions: no I/O, no clock, no randomness, no state.</summary>
public abstract class ConfidentialPlatform
{
    /// <summary>Short name on the command line: <c>tdx</c>, <c>snp</c>, <c>tdp</c>, <c>vtom</c>, <c>sev</c>, <c>none</c>.</summary>
    public abstract string Name { get; }

    /// <summary>Full name, one line.</summary>
    public abstract string Title { get; }

    /// <summary>Where the attribute stands in a page-table entry, and its sense.</summary>
    public abstract PteFormat Format { get; }

    /// <summary>Every page state, in the order of the printed table.</summary>
    public abstract IReadOnlyList<PageStateInfo> States { get; }

    /// <summary>The state of a page that is private and usable.</summary>
    public abstract PageState PrivateState { get; }

    /// <summary>The state of a page that is shared and usable.</summary>
    public abstract PageState SharedState { get; }

    /// <summary>The switches this platform consults.</summary>
    public abstract IReadOnlyList<PolicySwitchInfo> Switches { get; }

    /// <summary>Host policies that the platform's documentation allows; explored when the user names none.</summary>
    public abstract IReadOnlyList<HostPolicy> DocumentedHosts { get; }

    /// <summary>What hardware does with an access, before any host has its say.</summary>
    /// <returns><see cref="AccessOutcome.Ok"/>, <see cref="AccessOutcome.SilentlyWrong"/>, an exception, or <see cref="AccessOutcome.HostExit"/>.</returns>
    public abstract AccessRule Access(PageState state, PteAttribute attribute, AccessKind kind, PolicySwitches switches);

    /// <summary>Whether what a read meets depends on the state of the page at all; with SEV, say, the state is a note that nobody needs.</summary>
    public bool StatesMatter(PolicySwitches switches)
    {
        foreach (PageStateInfo info in States)
        {
            if (Access(info.State, PteAttribute.Private, AccessKind.Read, switches).Outcome != AccessOutcome.Ok
                || Access(info.State, PteAttribute.Shared, AccessKind.Read, switches).Outcome != AccessOutcome.Ok)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>What the host does with an exit that <see cref="Access"/> reported.</summary>
    public abstract ExitRule RespondToExit(
        PageState state, PteAttribute attribute, AccessKind kind, HostPolicy host, PolicySwitches switches);

    /// <summary>What the host does with a guest instruction that exited: one for which <see cref="Apply(GuestOperation, PageState, PolicySwitches)"/> says <see cref="OperationStatus.HostExit"/>.</summary>
    public abstract ExitRule RespondToExit(GuestOperation operation, PageState state, HostPolicy host, PolicySwitches switches);

    /// <summary>A guest instruction on one page.</summary>
    /// <remarks>
    /// How a virtual address is translated is the caller's business: PVALIDATE and RMPADJUST take one and raise #PF when it is not
    /// present (LKML 2023-10-02, Lendacky's oops) [M]; that a mapping with C=0 raises #PF with RSVD is read in an emulator [I]. ACCEPT takes a guest
    /// physical address and needs no mapping.
    /// </remarks>
    public abstract OperationRule Apply(GuestOperation operation, PageState state, PolicySwitches switches);

    /// <summary>What a cooperating host does for one page of a call.</summary>
    public abstract OperationRule Apply(HostCall request, PageState state, PolicySwitches switches);

    /// <summary>What a host can do by itself.</summary>
    public abstract OperationRule Apply(HostOperation operation, PageState state, PolicySwitches switches);
}

/// <summary>What hardware does with an access.</summary>
/// <param name="Outcome">The outcome.</param>
/// <param name="Rule">Stable name of the rule.</param>
/// <param name="Source">Where it is written.</param>
/// <param name="Certainty">How well it is known.</param>
public sealed record AccessRule(
    AccessOutcome Outcome, string Rule, string Source, Certainty Certainty = Certainty.ReadInSource);

/// <summary>What the host does after an exit.</summary>
public enum ExitDisposition : byte
{
    /// <summary>Changes the page (or not) and lets the guest execute the access again.</summary>
    Resume,

    /// <summary>Ends the VM.</summary>
    Terminate,

    /// <summary>Injects #MC.</summary>
    InjectMachineCheck,
}

/// <summary>What the host does after an exit, and with which effect on the page.</summary>
/// <param name="Disposition">How it goes on.</param>
/// <param name="Change">What becomes of the page before the guest runs again; unchanged unless the host resumes it.</param>
/// <param name="Rule">Stable name of the rule.</param>
/// <param name="Source">Where it is written.</param>
/// <param name="Certainty">How well it is known.</param>
public sealed record ExitRule(
    ExitDisposition Disposition, PageChange Change, string Rule, string Source, Certainty Certainty = Certainty.ReadInSource);
