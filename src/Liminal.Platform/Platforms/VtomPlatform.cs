// SPDX-License-Identifier: Apache-2.0

using System.Collections.Generic;
using Liminal.Memory;
using Liminal.Platform.Tables;

namespace Liminal.Platform;

/// <summary>
/// An SEV-SNP guest in vTOM mode under a paravisor (Hyper-V with OpenHCL): the paravisor at VMPL0 owns PVALIDATE and RMPADJUST, the guest at
/// VMPL2 asks it by hypercall, and what the guest cannot handle exits to the paravisor.
/// </summary>
/// <remarks>
/// Source: OpenVMM for the paravisor, Linux as the guest, the thread of 2023 for the paravisor of its day, a translation of AMD's manual for
/// the hardware; the rows name the place. Not modelled: sizes (the paravisor chooses them), VTL1, overlay pages, memory outside RAM, and a paravisor
/// that stops because the hypervisor refused to make a page shared (OpenVMM panics then).
/// </remarks>
public sealed class VtomPlatform : RuledPlatform
{
    private const string Vtom = "APM2 15.36.8 \"Virtual Top-of-Memory\" and 15.36.10, table 15-39";
    private const string Reflect = "APM2 15.36.9 \"Reflect #VC\"";
    private const string Change = "OpenVMM 2026-08, underhill_mem/src/lib.rs, change_host_visibility()";
    private const string Rmpupdate = "APM2 15.36.5 \"Hypervisor RMP management\"";

    /// <summary>What the RMP entry, the guest's VMPL and the paravisor's bitmaps together say of a page.</summary>
    private enum Visibility
    {
        HostVisible,
        Unaccepted,
        Withheld,
        Private,
    }

    // ---- States.

    private static readonly PageStateInfo[] AllStates =
    [
        new(Page(Visibility.HostVisible), "HostVisible", PageSide.Shared,
            "Owned by the hypervisor and mapped at the alias above the boundary.", Change),
        new(Page(Visibility.Unaccepted), "Unaccepted", PageSide.Between,
            "Assigned to the guest, not validated.", Rmpupdate, Certainty.SecondaryText),
        new(Page(Visibility.Withheld), "Withheld", PageSide.Between,
            "Validated by the paravisor, which has not given the guest's VMPL permission.", Change),
        new(Page(Visibility.Private), "Private", PageSide.Private, "Validated, zeroed and granted to the guest's VMPL.", Change),
    ];

    private static readonly StateSet HostVisible = In(Visibility.HostVisible);
    private static readonly StateSet Private = In(Visibility.Private);
    private static readonly StateSet Unaccepted = In(Visibility.Unaccepted);
    private static readonly StateSet Withheld = In(Visibility.Withheld);

    // ---- Switches.

    private static readonly PolicySwitchInfo[] AllSwitches =
    [
        ParavisorSwitches.InjectsMachineCheck,
        ParavisorSwitches.MachineCheckPanics(
            SwitchSettings.Clear, "Debian 6.12 with an AMD id: no bank is valid, the handler returns, the access repeats without a word."),
        new(PolicySwitches.SharedReadExits, "shared-read-exits",
            "A read above the boundary of a page that is not host-visible exits: nothing is mapped there.",
            "It returns ciphertext: a malicious hypervisor has mapped the alias, and there is no RMP check for the read.",
            SwitchSettings.Set,
            "OpenVMM 2026-08, hardware_cvm/mod.rs, check_mem_fault(); " + Vtom + "."),
        new(PolicySwitches.RmpChangeInvalidatesTlb, "rmp-change-invalidates-tlb",
            "What a hypervisor does to an RMP entry by itself invalidates cached translations of the page on every CPU.",
            "It does not. (What the paravisor does is flushed by the paravisor either way.)",
            SwitchSettings.Clear,
            Change + ": hardware is not guaranteed to flush."),
        ParavisorSwitches.CoherentCaches(
            SwitchSettings.Both, "APM2 15.34.7 \"Restrictions\"; Linux v6.12, hyperv/ivm.c, hv_vtom_cache_flush_required() asks for no flush."),
    ];

    // ---- What an access meets. Fetches and page walks are C=1 even above the boundary, where no RMP entry has that address.

    private static readonly AccessRow[] AccessTable =
    [
        new(Private, PteAttributes.Private, AccessKinds.All, Setting.Always,
            new(AccessOutcome.Ok, "vtom-private", Vtom, Certainty.SecondaryText)),
        new(HostVisible, PteAttributes.Private, AccessKinds.All, Setting.Always,
            new(AccessOutcome.HostExit, "vtom-private-not-owned", Vtom, Certainty.SecondaryText)),
        new(Unaccepted, PteAttributes.Private, AccessKinds.All, Setting.Always,
            new(AccessOutcome.HostExit, "vtom-reflected-vc", Reflect, Certainty.SecondaryText)),
        new(Withheld, PteAttributes.Private, AccessKinds.All, Setting.Always,
            new(AccessOutcome.HostExit, "vtom-vmpl", Vtom, Certainty.SecondaryText)),
        new(HostVisible, PteAttributes.Shared, AccessKinds.Data, Setting.Always,
            new(AccessOutcome.Ok, "vtom-shared", Vtom, Certainty.SecondaryText)),
        new(~HostVisible, PteAttributes.Shared, AccessKinds.Write, Setting.Always,
            new(AccessOutcome.HostExit, "vtom-shared-write", Vtom, Certainty.SecondaryText)),
        new(~HostVisible, PteAttributes.Shared, AccessKinds.Read, Setting.When(PolicySwitches.SharedReadExits),
            new(AccessOutcome.HostExit, "vtom-shared-not-mapped", "OpenVMM 2026-08, hardware_cvm/mod.rs, check_mem_fault()")),
        new(~HostVisible, PteAttributes.Shared, AccessKinds.Read, Setting.Unless(PolicySwitches.SharedReadExits),
            new(AccessOutcome.SilentlyWrong, "vtom-shared-read-unchecked", Vtom, Certainty.SecondaryText)),
        new(Everything, PteAttributes.Shared, AccessKinds.FetchAndWalk, Setting.Always,
            new(AccessOutcome.HostExit, "vtom-no-code-above-boundary", Vtom, Certainty.SecondaryText)),
    ];

    // ---- What the paravisor does with an access that exited, whoever the hypervisor is: it has no way to hand #VC on.

    private static readonly ExitRow[] ExitTable =
    [
        new(Everything, PteAttributes.Both, AccessKinds.All, Hosts.All, Setting.When(PolicySwitches.ParavisorInjectsMachineCheck),
            ExitDisposition.InjectMachineCheck, Effects.None, "paravisor-injects-mc", "OpenVMM 2026-08, hardware_cvm/mod.rs, check_mem_fault()"),
        new(Everything, PteAttributes.Both, AccessKinds.All, Hosts.All, Setting.Unless(PolicySwitches.ParavisorInjectsMachineCheck),
            ExitDisposition.Terminate, Effects.None, "paravisor-terminates", ParavisorSwitches.Thread, Certainty.Mail),
    ];

    // ---- What the guest can ask for. The paravisor flushes before it takes a page back, and zeroes before it gives one.

    private static readonly OperationRow<HostCall>[] CallTable =
    [
        new([HostCall.VisibilityShared], ~HostVisible, Setting.Always,
            OperationStatus.Done, MakeVisible, "paravisor-makes-visible", Change),
        new([HostCall.VisibilityShared], HostVisible, Setting.Always,
            OperationStatus.Unchanged, Effects.None, "paravisor-filters", Change + ": pages already there are left out"),
        new([HostCall.VisibilityPrivate], HostVisible, Setting.Always,
            OperationStatus.Done, MakePrivate, "paravisor-makes-private", Change),
        new([HostCall.VisibilityPrivate], ~HostVisible, Setting.Always,
            OperationStatus.Unchanged, Effects.None, "paravisor-filters", Change + ": pages already there are left out"),
    ];

    // ---- What the hypervisor can do behind the paravisor's back.

    private static readonly OperationRow<HostOperation>[] HostTable =
    [
        new([HostOperation.Assign], Everything, Setting.Always, OperationStatus.Done, (_, switches) => Changed(Visibility.Unaccepted, switches),
            "rmpupdate-assign", Rmpupdate, Certainty.SecondaryText),
        new([HostOperation.Reclaim, HostOperation.MapShared], ~HostVisible, Setting.Always,
            OperationStatus.Done, (_, switches) => Changed(Visibility.HostVisible, switches), "rmpupdate-reclaim", Rmpupdate, Certainty.SecondaryText),
        new([HostOperation.Reclaim, HostOperation.MapShared], HostVisible, Setting.Always,
            OperationStatus.Unchanged, Effects.None, "rmpupdate-no-change", Rmpupdate, Certainty.SecondaryText),
        new([HostOperation.WriteShared], HostVisible, Setting.Always,
            OperationStatus.Done, (state, _) => new(state, SharedContents: ContentEffect.Garble), "host-writes-shared", Vtom, Certainty.SecondaryText),
        new([HostOperation.WriteShared], ~HostVisible, Setting.Always,
            OperationStatus.WrongState, Effects.None, "host-write-faults", Vtom + ": host #PF", Certainty.SecondaryText),
    ];

    /// <summary>Builds the tables.</summary>
    public VtomPlatform()
        : base(new Rulebook(AllStates, AllSwitches, AccessTable, ExitTable, [], [], CallTable, HostTable))
    {
    }

    /// <inheritdoc/>
    public override string Name => "vtom";

    /// <inheritdoc/>
    public override string Title => "AMD SEV-SNP guest in vTOM mode under a paravisor";

    /// <inheritdoc/>
    public override PteFormat Format { get; } = PteFormat.Boundary(47, forbiddenCBit: 51);

    /// <inheritdoc/>
    public override PageState PrivateState => Page(Visibility.Private);

    /// <inheritdoc/>
    public override PageState SharedState => Page(Visibility.HostVisible);

    /// <inheritdoc/>
    public override IReadOnlyList<HostPolicy> DocumentedHosts { get; } = [HostPolicy.Cooperative, HostPolicy.Retry];

    // ---- Effects.

    private static PageChange MakeVisible(PageState state, PolicySwitches switches) =>
        new(Page(Visibility.HostVisible), ContentEffect.Garble, ContentEffect.Garble, PteAttributes.Both, PteAttributes.Both);

    private static PageChange MakePrivate(PageState state, PolicySwitches switches) =>
        new(Page(Visibility.Private), ContentEffect.Zero, ContentEffect.Garble, PteAttributes.Both, PteAttributes.Both);

    private static PageChange Changed(Visibility to, PolicySwitches switches) =>
        new(Page(to), ContentEffect.Garble, ContentEffect.Garble,
            switches.HasFlag(PolicySwitches.RmpChangeInvalidatesTlb) ? PteAttributes.Both : PteAttributes.None);

    private static StateSet Everything => HostVisible | ~HostVisible;

    private static PageState Page(Visibility visibility) => new((byte)visibility);

    private static StateSet In(Visibility visibility) => StateSet.Of(Page(visibility));
}
