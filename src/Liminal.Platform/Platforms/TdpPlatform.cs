// SPDX-License-Identifier: Apache-2.0

using System.Collections.Generic;
using Liminal.Memory;
using Liminal.Platform.Tables;

namespace Liminal.Platform;

/// <summary>
/// An L2 guest under TD Partitioning: the paravisor is L1 of the TD and owns ACCEPT and the L2 permissions; the guest asks it by hypercall. No #VE reaches
/// the guest.
/// </summary>
/// <remarks>
/// Source: the TDX module's code for the exits, OpenVMM for the paravisor, Linux as the guest, the thread of 2023; the rows name the place. Not
/// modelled: sizes (the paravisor chooses them), live migration, and how Hyper-V hands an exit that reaches it to L1: the table gives the end of that
/// way as OpenHCL shows it.
/// </remarks>
public sealed class TdpPlatform : RuledPlatform
{
    private const string L2Violation = "TDX-Module 1.5, td_l2_ept_violation.c, td_l2_ept_violation_exit()";
    private const string Lookup = "TDX-Module 1.5, sept_state_lookup.c";
    private const string Tracked = "TDX-Module 1.5, tdh_mem_page_remove.c and tdh_mem_range_unblock.c: both demand TLB tracking";
    private const string Change = "OpenVMM 2026-08, underhill_mem/src/lib.rs, change_host_visibility()";
    private const string MemFault = "OpenVMM 2026-08, hardware_cvm/mod.rs, check_mem_fault()";

    /// <summary>The page's SEPT entry, and whether L1 lets L2 use it.</summary>
    private enum Sept
    {
        Free,
        Pending,
        PendingBlocked,
        Withheld,
        WithheldBlocked,
        Mapped,
        MappedBlocked,
    }

    // ---- States: the SEPT entry, and whether the shared EPT maps the page.

    private static readonly (Sept Sept, string Meaning)[] SeptStates =
    [
        (Sept.Free, "No private page is there"),
        (Sept.Pending, "A private page is there and waits for L1 to accept it"),
        (Sept.PendingBlocked, "Pending, and blocked by the VMM"),
        (Sept.Withheld, "Accepted by L1, which has not given L2 permission"),
        (Sept.WithheldBlocked, "Likewise, and blocked by the VMM"),
        (Sept.Mapped, "Accepted, and L2 may use it"),
        (Sept.MappedBlocked, "Likewise, and blocked by the VMM"),
    ];

    private static readonly StateSet Shared = InSharedEpt();
    private static readonly StateSet Free = In(Sept.Free);
    private static readonly StateSet Pending = In(Sept.Pending);
    private static readonly StateSet Withheld = In(Sept.Withheld);
    private static readonly StateSet Mapped = In(Sept.Mapped);
    private static readonly StateSet Blocked = In(Sept.PendingBlocked, Sept.WithheldBlocked, Sept.MappedBlocked);
    private static readonly StateSet Anywhere = Shared | ~Shared;

    // ---- Switches.

    private static readonly PolicySwitchInfo[] AllSwitches =
    [
        ParavisorSwitches.InjectsMachineCheck,
        ParavisorSwitches.MachineCheckPanics(
            SwitchSettings.Set, "Debian 6.12 with an Intel id: \"Fatal machine check from unknown source\"; before mcheck_cpu_init() it returns instead."),
        ParavisorSwitches.CoherentCaches(
            SwitchSettings.Clear, "Linux v6.12, coco/tdx/tdx.c, tdx_cache_flush_required(), and hyperv/ivm.c, hv_vtom_cache_flush_required()."),
    ];

    // ---- What an access meets: who gets the exit is decided by the module.

    private static readonly AccessRow[] AccessTable =
    [
        new(Mapped, PteAttributes.Private, AccessKinds.All, Setting.Always,
            new(AccessOutcome.Ok, "tdp-mapped", L2Violation)),
        new(Withheld, PteAttributes.Private, AccessKinds.All, Setting.Always,
            new(AccessOutcome.HostExit, "tdp-exit-to-l1", L2Violation)),
        new(Pending, PteAttributes.Private, AccessKinds.All, Setting.Always,
            new(AccessOutcome.HostExit, "tdp-pending-exit-to-l1", L2Violation + ": whatever SEPT_VE_DISABLE says")),
        new(Free | Blocked, PteAttributes.Private, AccessKinds.All, Setting.Always,
            new(AccessOutcome.HostExit, "tdp-exit-to-vmm", L2Violation)),
        new(Shared, PteAttributes.Shared, AccessKinds.Data, Setting.Always,
            new(AccessOutcome.Ok, "tdp-shared", "TDX-Module 1.5, helpers.c: a GPA with the shared bit uses the VMM's EPT")),
        new(~Shared, PteAttributes.Shared, AccessKinds.Data, Setting.Always,
            new(AccessOutcome.HostExit, "tdp-shared-exit-to-vmm", L2Violation)),
        new(Anywhere, PteAttributes.Shared, AccessKinds.FetchAndWalk, Setting.Always,
            new(AccessOutcome.PageFault, "tdx-no-code-in-shared-memory",
                "KVM v6.16, tdx.c, tdx_handle_ept_violation(): such a fetch never arrives; that it is #PF is a guess", Certainty.Inferred)),
    ];

    // ---- What becomes of an access that exited. Both ways end at the paravisor, except while the VMM is busy with the page.

    private static readonly StateSet Unblocked = ~Blocked;

    private static readonly ExitRow[] ExitTable =
    [
        new(Blocked, PteAttributes.Private, AccessKinds.All, Hosts.All, Setting.Always,
            ExitDisposition.Resume, Effects.None, "vmm-runs-guest-again-while-blocked",
            "KVM v6.16, tdx.c, tdx_handle_ept_violation(), taken to hold for any VMM", Certainty.Inferred),
        .. Paravisor(Unblocked, PteAttributes.Private),
        .. Paravisor(~Shared, PteAttributes.Shared),
    ];

    // ---- What the guest can ask for.

    private static readonly OperationRow<HostCall>[] CallTable =
    [
        new([HostCall.VisibilityShared], ~(Free & Shared), Setting.Always, OperationStatus.Done, MakeVisible, "paravisor-makes-visible",
            Change + "; the caches are the host's business, as Linux v6.12, hyperv/ivm.c, does not flush"),
        new([HostCall.VisibilityShared], Free & Shared, Setting.Always, OperationStatus.Unchanged, Effects.None, "paravisor-filters",
            Change + ": pages already there are left out"),
        new([HostCall.VisibilityPrivate], Shared | Free, Setting.Always, OperationStatus.Done, MakePrivate, "paravisor-makes-private",
            Change + "; the TDX module zeroes"),
        new([HostCall.VisibilityPrivate], ~Shared & ~Free, Setting.Always, OperationStatus.Unchanged, Effects.None, "paravisor-filters",
            Change + ": pages already there are left out"),
    ];

    // ---- What the VMM can do by itself.

    private static readonly OperationRow<HostOperation>[] HostTable =
    [
        new([HostOperation.Augment], Free, Setting.Always,
            OperationStatus.Done, (state, _) => new(To(state, Sept.Pending), ContentEffect.Garble), "tdx-aug", Lookup),
        new([HostOperation.Augment], ~Free, Setting.Always, OperationStatus.WrongState, Effects.None, "tdx-aug-occupied", Lookup),

        new([HostOperation.Block], Pending | Withheld | Mapped, Setting.Always,
            OperationStatus.Done, (state, _) => new(To(state, SeptOf(state) + 1)), "tdx-block", Lookup),
        new([HostOperation.Block], Free | Blocked, Setting.Always, OperationStatus.WrongState, Effects.None, "tdx-block-nothing", Lookup),

        new([HostOperation.Unblock], Blocked, Setting.Always,
            OperationStatus.Done, (state, _) => new(To(state, SeptOf(state) - 1), DroppedTranslations: PteAttributes.Private), "tdx-unblock", Tracked),
        new([HostOperation.Unblock], ~Blocked, Setting.Always, OperationStatus.WrongState, Effects.None, "tdx-unblock-nothing", Lookup),

        new([HostOperation.Remove], Blocked, Setting.Always,
            OperationStatus.Done,
            (state, _) => new(To(state, Sept.Free), ContentEffect.Garble, DroppedTranslations: PteAttributes.Private), "tdx-remove", Tracked),
        new([HostOperation.Remove], ~Blocked, Setting.Always,
            OperationStatus.WrongState, Effects.None, "tdx-remove-not-blocked", Tracked + "; GPA_RANGE_NOT_BLOCKED"),

        new([HostOperation.MapShared], ~Shared, Setting.Always,
            OperationStatus.Done, (state, _) => new(Page(SeptOf(state), true), SharedContents: ContentEffect.Garble), "vmm-maps-shared",
            "TDX-Module 1.5: the shared EPT belongs to the VMM"),
        new([HostOperation.MapShared], Shared, Setting.Always, OperationStatus.Unchanged, Effects.None, "vmm-maps-shared",
            "TDX-Module 1.5: the shared EPT belongs to the VMM"),
        new([HostOperation.UnmapShared], Shared, Setting.Always,
            OperationStatus.Done, (state, _) => new(Page(SeptOf(state), false)), "vmm-unmaps-shared",
            "TDX-Module 1.5: the shared EPT belongs to the VMM, and so does its flushing"),
        new([HostOperation.UnmapShared], ~Shared, Setting.Always, OperationStatus.Unchanged, Effects.None, "vmm-unmaps-shared",
            "TDX-Module 1.5: the shared EPT belongs to the VMM"),

        new([HostOperation.WriteShared], Anywhere, Setting.Always,
            OperationStatus.Done, (state, _) => new(state, SharedContents: ContentEffect.Garble), "vmm-writes-shared",
            "TDX-Module 1.5: the shared backing is ordinary memory of the VMM"),
    ];

    /// <summary>Builds the tables.</summary>
    public TdpPlatform()
        : base(new Rulebook([.. AllStates()], AllSwitches, AccessTable, ExitTable, [], [], CallTable, HostTable))
    {
    }

    /// <inheritdoc/>
    public override string Name => "tdp";

    /// <inheritdoc/>
    public override string Title => "Intel TDX L2 guest under a paravisor (TD Partitioning)";

    /// <inheritdoc/>
    public override PteFormat Format { get; } = PteFormat.Boundary(47);

    /// <inheritdoc/>
    public override PageState PrivateState => Page(Sept.Mapped, false);

    /// <inheritdoc/>
    public override PageState SharedState => Page(Sept.Free, true);

    /// <inheritdoc/>
    public override IReadOnlyList<HostPolicy> DocumentedHosts { get; } = [HostPolicy.Cooperative, HostPolicy.Retry];

    // ---- Effects and rows that several tables share.

    private static PageChange MakeVisible(PageState state, PolicySwitches switches) => new(
        Page(Sept.Free, true),
        Free.Contains(state) ? ContentEffect.Keep : ContentEffect.Garble,
        Shared.Contains(state) ? ContentEffect.Keep : ContentEffect.Garble,
        PteAttributes.Private,
        PteAttributes.Private);

    private static PageChange MakePrivate(PageState state, PolicySwitches switches)
    {
        bool accepts = !Mapped.Contains(state);
        bool takes = Shared.Contains(state);
        return new(
            Page(Sept.Mapped, false),
            accepts ? ContentEffect.Zero : ContentEffect.Keep,
            takes ? ContentEffect.Garble : ContentEffect.Keep,
            takes ? PteAttributes.Shared : PteAttributes.None,
            takes ? PteAttributes.Shared : PteAttributes.None);
    }

    private static ExitRow[] Paravisor(StateSet states, PteAttributes through) =>
    [
        new(states, through, AccessKinds.All, Hosts.All, Setting.When(PolicySwitches.ParavisorInjectsMachineCheck),
            ExitDisposition.InjectMachineCheck, Effects.None, "paravisor-injects-mc", MemFault),
        new(states, through, AccessKinds.All, Hosts.All, Setting.Unless(PolicySwitches.ParavisorInjectsMachineCheck),
            ExitDisposition.Terminate, Effects.None, "paravisor-terminates", ParavisorSwitches.Thread, Certainty.Mail),
    ];

    private static PageState Page(Sept sept, bool shared) => new((byte)(((int)sept << 1) | (shared ? 1 : 0)));

    private static Sept SeptOf(PageState state) => (Sept)(state.Value >> 1);

    private static PageState To(PageState state, Sept sept) => Page(sept, (state.Value & 1) != 0);

    private static StateSet In(params Sept[] septs)
    {
        var set = default(StateSet);
        foreach (Sept sept in septs)
            set |= StateSet.Of(Page(sept, false), Page(sept, true));

        return set;
    }

    private static StateSet InSharedEpt()
    {
        var set = default(StateSet);
        foreach ((Sept sept, _) in SeptStates)
            set |= StateSet.Of(Page(sept, true));

        return set;
    }

    private static IEnumerable<PageStateInfo> AllStates()
    {
        foreach ((Sept sept, string meaning) in SeptStates)
        {
            bool usable = sept == Sept.Mapped;
            yield return new(
                Page(sept, false), sept.ToString(), usable ? PageSide.Private : PageSide.Between,
                $"{meaning}; the shared EPT does not map it.", Lookup);
            yield return new(
                Page(sept, true), $"{sept}+Shared", usable ? PageSide.Private : PageSide.Shared,
                $"{meaning}; the shared EPT maps the page.", Lookup);
        }
    }
}
