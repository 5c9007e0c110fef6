// SPDX-License-Identifier: Apache-2.0

using System.Collections.Generic;
using Liminal.Memory;
using Liminal.Platform;

namespace Liminal.Checker.Tests;

/// <summary>The smallest platform that a conversion can go wrong on, so that the engine is tested apart from any real rulebook.</summary>
/// <remarks>A page is private, between or shared; an access of the other side raises #VC; PVALIDATE moves between the first two.</remarks>
internal sealed class ToyPlatform : ConfidentialPlatform
{
    private static readonly PageState Private = new(1);
    private static readonly PageState Between = new(2);
    private static readonly PageState Shared = new(3);

    public override string Name => "snp";

    public override string Title => "a toy";

    public override PteFormat Format { get; } = PteFormat.AmdCBit();

    public override IReadOnlyList<PageStateInfo> States { get; } =
    [
        new(Private, "Private", PageSide.Private, "", ""),
        new(Between, "Between", PageSide.Between, "", ""),
        new(Shared, "Shared", PageSide.Shared, "", ""),
    ];

    public override PageState PrivateState => Private;

    public override PageState SharedState => Shared;

    public override IReadOnlyList<PolicySwitchInfo> Switches { get; } =
        [new(PolicySwitches.CoherentCaches, "coherent-caches", "", "", SwitchSettings.Both, "")];

    public override IReadOnlyList<HostPolicy> DocumentedHosts { get; } = [HostPolicy.Cooperative];

    public override AccessRule Access(PageState state, PteAttribute attribute, AccessKind kind, PolicySwitches switches)
    {
        bool fits = state == (attribute == PteAttribute.Private ? Private : Shared);
        return new AccessRule(fits ? AccessOutcome.Ok : AccessOutcome.VmmCommunicationException, fits ? "fits" : "mismatch", "toy");
    }

    public override ExitRule RespondToExit(
        PageState state, PteAttribute attribute, AccessKind kind, HostPolicy host, PolicySwitches switches) =>
        new(ExitDisposition.Terminate, new PageChange(state), "terminate", "toy");

    public override ExitRule RespondToExit(GuestOperation operation, PageState state, HostPolicy host, PolicySwitches switches) =>
        new(ExitDisposition.Terminate, new PageChange(state), "terminate", "toy");

    public override OperationRule Apply(GuestOperation operation, PageState state, PolicySwitches switches) => operation switch
    {
        GuestOperation.Rescind4K when state == Private => Done(Between),
        GuestOperation.Validate4K when state == Between => Done(Private, ContentEffect.Zero),
        _ => new OperationRule(OperationStatus.WrongState, new PageChange(state), "wrong state", "toy"),
    };

    public override OperationRule Apply(HostCall call, PageState state, PolicySwitches switches) => call switch
    {
        HostCall.PageStateChangeShared => Done(Shared, ContentEffect.Garble),
        HostCall.PageStateChangePrivate => Done(Between, ContentEffect.Garble),
        _ => new OperationRule(OperationStatus.NotOnThisPlatform, new PageChange(state), "no such call", "toy"),
    };

    public override OperationRule Apply(HostOperation operation, PageState state, PolicySwitches switches) => operation switch
    {
        HostOperation.Reclaim => Done(Shared, ContentEffect.Garble),
        HostOperation.WriteShared => new OperationRule(OperationStatus.Done, new PageChange(state), "write", "toy"),
        _ => new OperationRule(OperationStatus.NotOnThisPlatform, new PageChange(state), "no such operation", "toy"),
    };

    private static OperationRule Done(PageState state, ContentEffect effect = ContentEffect.Keep) =>
        new(OperationStatus.Done, new PageChange(state, effect, effect), "done", "toy");
}
