// SPDX-License-Identifier: Apache-2.0

using System.Collections.Generic;
using Liminal.Memory;
using Liminal.Platform.Tables;

namespace Liminal.Platform;

/// <summary>A TDX guest: private pages are mapped by the secure EPT, which only the TDX module writes; shared ones by the VMM's own EPT.</summary>
/// <remarks>
/// Source: the TDX module's code, Linux as the guest, KVM and QEMU as the host; the rows name the place. Not modelled: a SEPT entry in a state
/// of live migration other than REMOVED, 1 GiB entries, integrity failures after a host wrote to private memory, the throttling of repeated
/// EPT violations (zero-step mitigation).
/// </remarks>
public sealed class TdxPlatform : RuledPlatform
{
    private const string EptViolation = "TDX-Module 1.5, td_ept_violation.c, td_ept_violation_exit()";
    private const string Accept = "TDX-Module 1.5, tdg_mem_page_accept.c, check_tdaccept_failure()";
    private const string Lookup = "TDX-Module 1.5, sept_state_lookup.c";
    private const string Remove = "TDX-Module 1.5, tdh_mem_page_remove.c and tdh_mem_range_unblock.c: both demand TLB tracking";
    private const string Pinned = "LKML 2025-07-21, Xu Yilun, on guest_memfd conversion; OpenVMM pull request 3748";
    private const string Implicit = "KVM v6.16, mmu.c, kvm_mmu_faultin_pfn(): memory-fault exit; QEMU v9.1, kvm-all.c, kvm_cpu_exec() and kvm_convert_memory()";
    private const string Unexpected = "KVM v6.16, mmu.c, kvm_mmu_faultin_pfn(): exit to userspace, which here does not convert";
    private const string HostFlushes = "Linux v6.12, coco/tdx/tdx.c, tdx_tlb_flush_required(): the VMM flushes on shared to private";
    private const string Zap = "KVM v6.16, tdx.c, tdx_sept_zap_private_spte() and tdx_sept_remove_private_spte(): block, track, remove";
    private const string NotAsked = "KVM v6.16, kvm_main.c, kvm_vm_set_mem_attributes(): an attribute that is set already changes nothing";

    /// <summary>The state of the page's leaf entry in the secure EPT; the size is that of the leaf.</summary>
    private enum Sept
    {
        Free,
        Removed,
        Pending,
        Pending2M,
        PendingBlocked,
        PendingBlocked2M,
        Mapped,
        Mapped2M,
        Blocked,
        Blocked2M,
    }

    // ---- States: the SEPT entry, and whether the shared EPT maps the page.

    private static readonly (Sept Sept, string Meaning)[] SeptStates =
    [
        (Sept.Free, "no private page is there"),
        (Sept.Removed, "a private page was removed while the TD was imported by live migration"),
        (Sept.Pending, "a private page is there and waits for the guest to accept it"),
        (Sept.Pending2M, "likewise, as part of a 2 MiB leaf"),
        (Sept.PendingBlocked, "pending, and blocked by the VMM on its way out"),
        (Sept.PendingBlocked2M, "likewise, as part of a 2 MiB leaf"),
        (Sept.Mapped, "accepted by the guest"),
        (Sept.Mapped2M, "likewise, as part of a 2 MiB leaf"),
        (Sept.Blocked, "accepted, and blocked by the VMM on its way out"),
        (Sept.Blocked2M, "likewise, as part of a 2 MiB leaf"),
    ];

    private static readonly StateSet Anywhere = In(
        Sept.Free, Sept.Removed, Sept.Pending, Sept.Pending2M, Sept.PendingBlocked, Sept.PendingBlocked2M,
        Sept.Mapped, Sept.Mapped2M, Sept.Blocked, Sept.Blocked2M);

    private static readonly StateSet Shared = InSharedEpt();
    private static readonly StateSet NoPrivatePage = In(Sept.Free, Sept.Removed);
    private static readonly StateSet Pending = In(Sept.Pending, Sept.Pending2M);
    private static readonly StateSet Mapped = In(Sept.Mapped, Sept.Mapped2M);
    private static readonly StateSet Blocked = In(Sept.Blocked, Sept.Blocked2M, Sept.PendingBlocked, Sept.PendingBlocked2M);

    // ---- Switches.

    private static readonly PolicySwitchInfo[] AllSwitches =
    [
        new(PolicySwitches.SeptVeDisable, "sept-ve-disable",
            "An access to a pending page exits to the VMM.",
            "An access to a pending page raises #VE in the guest.",
            SwitchSettings.Set,
            "Linux v6.12, coco/tdx/tdx.c, disable_sept_ve(): boots without it only as a debug TD; v6.1 never does."),
        new(PolicySwitches.SuppressVe, "suppress-ve",
            "A shared access to a page that the shared EPT does not map exits to the VMM (KVM).",
            "It raises #VE in the guest (what Linux's comments assume).",
            SwitchSettings.Both,
            "Linux v6.12, kvm/mmu/spte.h, SHADOW_NONPRESENT_VALUE has bit 63 set; coco/tdx/tdx.c, comment in tdx_enc_status_change_prepare()."),
        new(PolicySwitches.CoherentCaches, "coherent-caches",
            "Lines of one page under different attributes are kept coherent.",
            "They are not: the guest flushes before it gives a page away, the VMM before it gives one back.",
            SwitchSettings.Clear,
            "Linux v6.12, coco/tdx/tdx.c, tdx_cache_flush_required(): TDX has no such capability."),
        new(PolicySwitches.ReleaseRequired, "release-required",
            "TDX Connect: the VMM cannot block an accepted page until the guest has released it.",
            "The VMM can block an accepted page at any time.",
            SwitchSettings.Clear,
            Pinned + "."),
    ];

    // ---- What an access meets.

    private static readonly AccessRow[] AccessTable =
    [
        new(Mapped, PteAttributes.Private, AccessKinds.All, Setting.Always,
            new(AccessOutcome.Ok, "tdx-accepted", Lookup + ": guest-accessible leaf")),
        new(Pending, PteAttributes.Private, AccessKinds.All, Setting.Unless(PolicySwitches.SeptVeDisable),
            new(AccessOutcome.VirtualizationException, "tdx-pending-ve", EptViolation)),
        new(Pending, PteAttributes.Private, AccessKinds.All, Setting.When(PolicySwitches.SeptVeDisable),
            new(AccessOutcome.HostExit, "tdx-pending-exit", EptViolation)),
        new(NoPrivatePage | Blocked, PteAttributes.Private, AccessKinds.All, Setting.Always,
            new(AccessOutcome.HostExit, "tdx-private-not-there", EptViolation)),
        new(Shared, PteAttributes.Shared, AccessKinds.Data, Setting.Always,
            new(AccessOutcome.Ok, "tdx-shared", "TDX-Module 1.5, helpers.c: a GPA with the shared bit uses the VMM's EPT")),
        new(~Shared, PteAttributes.Shared, AccessKinds.Data, Setting.Unless(PolicySwitches.SuppressVe),
            new(AccessOutcome.VirtualizationException, "tdx-shared-ve",
                "Linux v5.19, \"x86/tdx: Handle load_unaligned_zeropad() page-cross to a shared page\": a VMM may configure a shared page so")),
        new(~Shared, PteAttributes.Shared, AccessKinds.Data, Setting.When(PolicySwitches.SuppressVe),
            new(AccessOutcome.HostExit, "tdx-shared-exit", EptViolation)),
        new(Anywhere, PteAttributes.Shared, AccessKinds.FetchAndWalk, Setting.Always,
            new(AccessOutcome.PageFault, "tdx-no-code-in-shared-memory",
                "KVM v6.16, tdx.c, tdx_handle_ept_violation(): such a fetch never arrives; that it is #PF is a guess", Certainty.Inferred)),
    ];

    // ---- What the VMM does with an access that exited.

    private static readonly ExitRow[] ExitTable =
    [
        new(Pending, PteAttributes.Private, AccessKinds.All, Hosts.All, Setting.Always,
            ExitDisposition.Terminate, Effects.None, "kvm-access-before-accepting",
            "KVM v6.16, tdx.c, tdx_handle_ept_violation(): the VM is dead"),
        new(Blocked, PteAttributes.Private, AccessKinds.All, Hosts.All, Setting.Always,
            ExitDisposition.Resume, Effects.None, "vmm-runs-guest-again-while-blocked",
            "KVM v6.16, tdx.c, tdx_handle_ept_violation(): retries until the zapping is over", Certainty.Inferred),
        new(NoPrivatePage & ~Shared, PteAttributes.Private, AccessKinds.All, Hosts.All, Setting.Always,
            ExitDisposition.Resume, AddPage, "vmm-adds-page",
            "KVM v6.16, tdx.c: a private fault ends in TDH.MEM.PAGE.AUG; " + Lookup + ": AUG from FREE and REMOVED"),
        new(NoPrivatePage & Shared, PteAttributes.Private, AccessKinds.All, Hosts.ImplicitConvert, Setting.Always,
            ExitDisposition.Resume, AddPage, "vmm-converts-to-private", Implicit),
        new(NoPrivatePage & Shared, PteAttributes.Private, AccessKinds.All, Hosts.NotConverting, Setting.Always,
            ExitDisposition.Terminate, Effects.None, "guest-shutdown",
            "Linux v6.12, coco/tdx/tdx.c, tdx_enc_status_change_prepare(): private mapping of a shared page is a guest shutdown"),
        new(~Shared, PteAttributes.Shared, AccessKinds.Data, Hosts.ImplicitConvert, Setting.Always,
            ExitDisposition.Resume, TakePrivatePage, "vmm-converts-to-shared", Implicit),
        new(~Shared, PteAttributes.Shared, AccessKinds.Data, Hosts.NotConverting, Setting.Always,
            ExitDisposition.Terminate, Effects.None, "vmm-does-not-expect-shared-access", Unexpected, Certainty.Inferred),
    ];

    // ---- What the guest can do.

    private static readonly OperationRow<GuestOperation>[] GuestTable =
    [
        new([GuestOperation.Accept4K], In(Sept.Pending), Setting.Always,
            OperationStatus.Done, AcceptPage, "tdx-accept", Accept + "; init_sept_4k_page() zeroes"),
        new([GuestOperation.Accept2M], In(Sept.Pending2M), Setting.Always,
            OperationStatus.Done, AcceptPage, "tdx-accept", Accept + "; init_sept_4k_page() zeroes"),
        new([GuestOperation.Accept4K], Mapped, Setting.Always,
            OperationStatus.Unchanged, Effects.None, "tdx-already-accepted", Accept),
        new([GuestOperation.Accept2M], In(Sept.Mapped2M), Setting.Always,
            OperationStatus.Unchanged, Effects.None, "tdx-already-accepted", Accept),
        new([GuestOperation.Accept2M], In(Sept.Pending, Sept.PendingBlocked, Sept.Mapped, Sept.Blocked), Setting.Always,
            OperationStatus.SizeMismatch, Effects.None, "tdx-accept-too-large", Accept + ", case 3"),
        new([GuestOperation.Accept4K, GuestOperation.Accept2M], In(Sept.Removed), Setting.Always,
            OperationStatus.SizeMismatch, Effects.None, "tdx-accept-removed", "TDX-Module issue 18, and " + Accept + ", case 3", Certainty.Mail),
        new([GuestOperation.Accept4K], In(Sept.Free, Sept.Pending2M) | Blocked, Setting.Always,
            OperationStatus.HostExit, Effects.None, "tdx-accept-exits", Accept + ", cases 1.2 and 2"),
        new([GuestOperation.Accept2M], In(Sept.Free, Sept.PendingBlocked2M, Sept.Blocked2M), Setting.Always,
            OperationStatus.HostExit, Effects.None, "tdx-accept-exits", Accept + ", cases 1.2 and 2"),

        new([GuestOperation.Release], Mapped, Setting.Always,
            OperationStatus.Done, ReleasePage, "tdx-release",
            "LKML 2026-06-23, Zhenzhong Duan: back to PENDING; that it flushes no TLB is a guess", Certainty.Inferred),
        new([GuestOperation.Release], NoPrivatePage | Pending, Setting.Always,
            OperationStatus.WrongState, Effects.None, "tdx-release-not-accepted",
            "OpenVMM 2026-08, tdcall/src/lib.rs, TdgPageReleaseError: EPT_ENTRY_FREE, EPT_ENTRY_STATE_INCORRECT"),
        new([GuestOperation.Release], Blocked, Setting.Always,
            OperationStatus.WrongState, Effects.None, "tdx-release-blocked",
            "OpenVMM 2026-08, tdcall/src/lib.rs, TdgPageReleaseError", Certainty.Inferred),
    ];

    private static readonly OperationExitRow[] GuestExitTable =
    [
        new([GuestOperation.Accept4K, GuestOperation.Accept2M], In(Sept.Free) & ~Shared, Hosts.All,
            ExitDisposition.Resume, AddPage, "vmm-adds-page", "KVM v6.16, tdx.c: ACCEPT of a free entry arrives as an EPT violation"),
        new([GuestOperation.Accept4K, GuestOperation.Accept2M], In(Sept.Free) & Shared, Hosts.ImplicitConvert,
            ExitDisposition.Resume, AddPage, "vmm-converts-to-private", Implicit),
        new([GuestOperation.Accept4K, GuestOperation.Accept2M], In(Sept.Free) & Shared, Hosts.NotConverting,
            ExitDisposition.Terminate, Effects.None, "vmm-does-not-expect-accept", Unexpected, Certainty.Inferred),
        new([GuestOperation.Accept4K], In(Sept.Pending2M), Hosts.All,
            ExitDisposition.Resume, SplitPage, "vmm-demotes",
            "TDX-Module 1.5, tdg_mem_page_accept.c: the exit carries the level; that the VMM then demotes is a guess", Certainty.Inferred),
        new([GuestOperation.Accept4K, GuestOperation.Accept2M], Blocked, Hosts.All,
            ExitDisposition.Resume, Effects.None, "vmm-runs-guest-again-while-blocked",
            "KVM v6.16, tdx.c, tdx_handle_ept_violation(): retries until the zapping is over", Certainty.Inferred),
    ];

    // ---- What the guest can ask for.

    private static readonly OperationRow<HostCall>[] CallTable =
    [
        new([HostCall.MapGpaShared], ~(NoPrivatePage & Shared) & ~Mapped, Setting.Always,
            OperationStatus.Done, TakePrivatePage, "tdx-map-gpa-shared", Zap),
        new([HostCall.MapGpaShared], Mapped, Setting.Unless(PolicySwitches.ReleaseRequired),
            OperationStatus.Done, TakePrivatePage, "tdx-map-gpa-shared", Zap),
        new([HostCall.MapGpaShared], Mapped, Setting.When(PolicySwitches.ReleaseRequired),
            OperationStatus.Refused, Effects.None, "tdx-connect-pins", Pinned, Certainty.Mail),
        new([HostCall.MapGpaShared], NoPrivatePage & Shared, Setting.Always,
            OperationStatus.Unchanged, Effects.None, "tdx-already-shared", NotAsked),

        new([HostCall.MapGpaPrivate], Shared | In(Sept.Free), Setting.Always,
            OperationStatus.Done, GivePrivatePage, "tdx-map-gpa-private",
            HostFlushes + "; KVM adds the page only when ACCEPT exits, which a guest cannot tell apart, except from REMOVED"),
        new([HostCall.MapGpaPrivate], ~Shared & ~In(Sept.Free), Setting.Always,
            OperationStatus.Unchanged, Effects.None, "tdx-already-private", NotAsked),
    ];

    // ---- What the VMM can do by itself.

    private static readonly OperationRow<HostOperation>[] HostTable =
    [
        new([HostOperation.Augment], NoPrivatePage, Setting.Always,
            OperationStatus.Done, (state, _) => new(To(state, Sept.Pending), ContentEffect.Garble), "tdx-aug", Lookup),
        new([HostOperation.Augment], ~NoPrivatePage, Setting.Always,
            OperationStatus.WrongState, Effects.None, "tdx-aug-occupied", Lookup),

        new([HostOperation.Block], Pending, Setting.Always,
            OperationStatus.Done, (state, _) => new(Next(state, Sept.PendingBlocked - Sept.Pending)), "tdx-block", Lookup),
        new([HostOperation.Block], Mapped, Setting.Unless(PolicySwitches.ReleaseRequired),
            OperationStatus.Done, (state, _) => new(Next(state, Sept.Blocked - Sept.Mapped)), "tdx-block", Lookup),
        new([HostOperation.Block], Mapped, Setting.When(PolicySwitches.ReleaseRequired),
            OperationStatus.WrongState, Effects.None, "tdx-connect-pins", Pinned, Certainty.Mail),
        new([HostOperation.Block], NoPrivatePage | Blocked, Setting.Always,
            OperationStatus.WrongState, Effects.None, "tdx-block-nothing", Lookup),

        new([HostOperation.Unblock], In(Sept.PendingBlocked, Sept.PendingBlocked2M), Setting.Always,
            OperationStatus.Done,
            (state, _) => new(Next(state, Sept.Pending - Sept.PendingBlocked), DroppedTranslations: PteAttributes.Private),
            "tdx-unblock", Remove),
        new([HostOperation.Unblock], In(Sept.Blocked, Sept.Blocked2M), Setting.Always,
            OperationStatus.Done,
            (state, _) => new(Next(state, Sept.Mapped - Sept.Blocked), DroppedTranslations: PteAttributes.Private),
            "tdx-unblock", Remove),
        new([HostOperation.Unblock], ~Blocked, Setting.Always,
            OperationStatus.WrongState, Effects.None, "tdx-unblock-nothing", Lookup),

        new([HostOperation.Remove], Blocked, Setting.Always,
            OperationStatus.Done,
            (state, _) => new(To(state, Sept.Free), ContentEffect.Garble, DroppedTranslations: PteAttributes.Private), "tdx-remove", Remove),
        new([HostOperation.Remove], ~Blocked, Setting.Always,
            OperationStatus.WrongState, Effects.None, "tdx-remove-not-blocked", Remove + "; GPA_RANGE_NOT_BLOCKED"),

        new([HostOperation.MapShared], ~Shared, Setting.Always,
            OperationStatus.Done, (state, _) => new(WithShared(state, true), SharedContents: ContentEffect.Garble), "vmm-maps-shared",
            "TDX-Module 1.5: the shared EPT belongs to the VMM"),
        new([HostOperation.MapShared], Shared, Setting.Always,
            OperationStatus.Unchanged, Effects.None, "vmm-maps-shared", "TDX-Module 1.5: the shared EPT belongs to the VMM"),
        new([HostOperation.UnmapShared], Shared, Setting.Always,
            OperationStatus.Done, (state, _) => new(WithShared(state, false)), "vmm-unmaps-shared",
            "TDX-Module 1.5: the shared EPT belongs to the VMM, and so does its flushing"),
        new([HostOperation.UnmapShared], ~Shared, Setting.Always,
            OperationStatus.Unchanged, Effects.None, "vmm-unmaps-shared", "TDX-Module 1.5: the shared EPT belongs to the VMM"),

        new([HostOperation.Split], In(Sept.PendingBlocked2M, Sept.Blocked2M), Setting.Always,
            OperationStatus.Done, (state, switches) => SplitPage(state, switches) with { DroppedTranslations = PteAttributes.Private }, "tdx-demote",
            "TDX-Module 1.5, tdh_mem_page_demote.c: blocked, tracked, and unblocked by the way"),
        new([HostOperation.Split], ~In(Sept.PendingBlocked2M, Sept.Blocked2M), Setting.Always,
            OperationStatus.WrongState, Effects.None, "tdx-demote-not-blocked", "TDX-Module 1.5, tdh_mem_page_demote.c"),

        new([HostOperation.WriteShared], Anywhere, Setting.Always,
            OperationStatus.Done, (state, _) => new(state, SharedContents: ContentEffect.Garble), "vmm-writes-shared",
            "KVM v6.16: the shared backing is ordinary memory of the VMM"),
    ];

    /// <summary>Builds the tables.</summary>
    public TdxPlatform()
        : base(new Rulebook(
            [.. AllStates()], AllSwitches, AccessTable, ExitTable, GuestTable, GuestExitTable, CallTable, HostTable))
    {
    }

    /// <inheritdoc/>
    public override string Name => "tdx";

    /// <inheritdoc/>
    public override string Title => "Intel TDX guest";

    /// <inheritdoc/>
    public override PteFormat Format { get; } = PteFormat.TdxSharedBit(51);

    /// <inheritdoc/>
    public override PageState PrivateState => Page(Sept.Mapped, false);

    /// <inheritdoc/>
    public override PageState SharedState => Page(Sept.Free, true);

    /// <inheritdoc/>
    public override IReadOnlyList<HostPolicy> DocumentedHosts { get; } =
        [HostPolicy.Cooperative, HostPolicy.ImplicitConvert, HostPolicy.Retry];

    // ---- Effects that several rows share.

    private static PageChange AcceptPage(PageState state, PolicySwitches switches) =>
        new(Next(state, Sept.Mapped - Sept.Pending), ContentEffect.Zero);

    private static PageChange ReleasePage(PageState state, PolicySwitches switches) =>
        new(Next(state, Sept.Pending - Sept.Mapped), ContentEffect.Garble);

    /// <summary>The VMM adds a private page; a shared one that was there is gone, and its translations and lines with it.</summary>
    private static PageChange AddPage(PageState state, PolicySwitches switches) => Shared.Contains(state)
        ? new(Page(Sept.Pending, false), ContentEffect.Garble, ContentEffect.Garble, PteAttributes.Shared, PteAttributes.Shared)
        : new(Page(Sept.Pending, false), ContentEffect.Garble);

    /// <summary>The VMM removes the private page, if any, after TLB tracking, and maps a shared one.</summary>
    private static PageChange TakePrivatePage(PageState state, PolicySwitches switches) => new(
        Page(SeptOf(state) == Sept.Removed ? Sept.Removed : Sept.Free, true),
        NoPrivatePage.Contains(state) ? ContentEffect.Keep : ContentEffect.Garble,
        Shared.Contains(state) ? ContentEffect.Keep : ContentEffect.Garble,
        NoPrivatePage.Contains(state) ? PteAttributes.None : PteAttributes.Private);

    /// <summary>The VMM unmaps the shared page, flushes, and adds a private one where the entry is free.</summary>
    private static PageChange GivePrivatePage(PageState state, PolicySwitches switches)
    {
        bool adds = SeptOf(state) == Sept.Free;
        bool takes = Shared.Contains(state);
        return new(
            adds ? Page(Sept.Pending, false) : WithShared(state, false),
            adds ? ContentEffect.Garble : ContentEffect.Keep,
            takes ? ContentEffect.Garble : ContentEffect.Keep,
            takes ? PteAttributes.Shared : PteAttributes.None,
            takes ? PteAttributes.Shared : PteAttributes.None);
    }

    private static PageChange SplitPage(PageState state, PolicySwitches switches) => new(To(state, SeptOf(state) switch
    {
        Sept.Blocked2M => Sept.Mapped,
        _ => Sept.Pending,
    }));

    // ---- A state is a SEPT state and a bit for the shared EPT.

    private static PageState Page(Sept sept, bool shared) => new((byte)(((int)sept << 1) | (shared ? 1 : 0)));

    private static Sept SeptOf(PageState state) => (Sept)(state.Value >> 1);

    private static PageState To(PageState state, Sept sept) => Page(sept, (state.Value & 1) != 0);

    private static PageState Next(PageState state, int step) => To(state, SeptOf(state) + step);

    private static PageState WithShared(PageState state, bool shared) => Page(SeptOf(state), shared);

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
            bool accepted = sept is Sept.Mapped or Sept.Mapped2M;
            yield return new(
                Page(sept, false), sept.ToString(), accepted ? PageSide.Private : PageSide.Between,
                $"{Capital(meaning)}; the shared EPT does not map it.", Lookup);
            yield return new(
                Page(sept, true), $"{sept}+Shared", accepted ? PageSide.Private : PageSide.Shared,
                $"{Capital(meaning)}; the shared EPT maps the page.", Lookup);
        }
    }

    private static string Capital(string sentence) => char.ToUpperInvariant(sentence[0]) + sentence[1..];
}
