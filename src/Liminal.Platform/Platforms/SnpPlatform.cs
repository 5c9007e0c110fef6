// SPDX-License-Identifier: Apache-2.0

using System.Collections.Generic;
using Liminal.Memory;
using Liminal.Platform.Tables;

namespace Liminal.Platform;

/// <summary>An SEV-SNP guest without a paravisor: one RMP entry per page, checked after every walk, and PVALIDATE in the guest's hands.</summary>
/// <remarks>
/// Source: a translation of AMD's manual for the hardware, Linux as the guest, KVM and QEMU as the host; the rows name the place. The guest is
/// the one at VMPL0, or one under an SVSM that does PVALIDATE and RMPADJUST for it. Not modelled: pages of the AMD-SP (immutable), which
/// a guest never converts; the lock on a save area while its processor runs; a nested page table whose leaf has another size than the RMP
/// entry, which the host repairs unseen; permissions that survive when a page is rescinded and validated again without RMPUPDATE.
/// </remarks>
public sealed class SnpPlatform : RuledPlatform
{
    private const string Checks = "APM2 15.36.10 \"RMP and VMPL access checks\", table 15-39";
    private const string Sizes = "APM2 15.36.11 \"Large page management\", table 15-40";
    private const string Pvalidate = "APM2 15.36.6 \"Page validation\"; Linux v6.12, include/asm/sev.h, pvalidate(): CF becomes an error";
    private const string Implicit = "KVM v6.12, mmu.c, kvm_mmu_faultin_pfn(): memory-fault exit; QEMU v9.1, kvm-all.c, kvm_cpu_exec() and kvm_convert_memory()";
    private const string Unexpected = "KVM v6.12, mmu.c, kvm_mmu_faultin_pfn(): exit to userspace, which here does not convert";
    private const string Smash = "KVM v6.12, sev.c, sev_handle_rmp_fault(): PSMASH when PVALIDATE or RMPADJUST reports SIZEM";
    private const string Psc = "GHCB 2.0, page state change; KVM v6.12, sev.c, rmp_make_private() and rmp_make_shared()";
    private const string Vmsa = "Linux v6.12, coco/sev/core.c, snp_set_vmsa() and wakeup_cpu_via_vmgexit()";
    private const string Rmpupdate = "APM2 15.36.5 \"Hypervisor RMP management\"";

    /// <summary>The RMP entry, as far as it matters to the guest.</summary>
    private enum Rmp
    {
        Hypervisor,
        Assigned,
        Assigned2M,
        Validated,
        Validated2M,
        Withheld,
        Withheld2M,
        Vmsa,
    }

    // ---- States: one RMP entry.

    private static readonly PageStateInfo[] AllStates =
    [
        new(Page(Rmp.Hypervisor), "Hypervisor", PageSide.Shared, "Owned by the hypervisor; host and guest share it.", Rmpupdate, Certainty.SecondaryText),
        new(Page(Rmp.Assigned), "Assigned", PageSide.Between, "Assigned to the guest, not validated.", Rmpupdate, Certainty.SecondaryText),
        new(Page(Rmp.Assigned2M), "Assigned2M", PageSide.Between, "Likewise, as part of a 2 MiB entry.", Rmpupdate, Certainty.SecondaryText),
        new(Page(Rmp.Validated), "Validated", PageSide.Private, "Assigned and validated.", Pvalidate, Certainty.SecondaryText),
        new(Page(Rmp.Validated2M), "Validated2M", PageSide.Private, "Likewise, as part of a 2 MiB entry.", Pvalidate, Certainty.SecondaryText),
        new(Page(Rmp.Withheld), "Withheld", PageSide.Between, "Validated, but the guest's VMPL has no permission.",
            "APM2 15.36.7 \"Virtual Machine Privilege Levels\"", Certainty.SecondaryText),
        new(Page(Rmp.Withheld2M), "Withheld2M", PageSide.Between, "Likewise, as part of a 2 MiB entry.",
            "APM2 15.36.7 \"Virtual Machine Privilege Levels\"", Certainty.SecondaryText),
        new(Page(Rmp.Vmsa), "Vmsa", PageSide.Private, "Validated, and the save area of a processor.", Vmsa),
    ];

    private static readonly StateSet Hypervisor = In(Rmp.Hypervisor);
    private static readonly StateSet Owned = ~Hypervisor;
    private static readonly StateSet Assigned = In(Rmp.Assigned, Rmp.Assigned2M);
    private static readonly StateSet Validated = In(Rmp.Validated, Rmp.Validated2M);
    private static readonly StateSet Withheld = In(Rmp.Withheld, Rmp.Withheld2M);
    private static readonly StateSet SaveArea = In(Rmp.Vmsa);
    private static readonly StateSet Small = In(Rmp.Assigned, Rmp.Validated, Rmp.Withheld) | SaveArea;
    private static readonly StateSet Large = In(Rmp.Assigned2M, Rmp.Validated2M, Rmp.Withheld2M);

    // ---- Switches.

    private static readonly PolicySwitchInfo[] AllSwitches =
    [
        new(PolicySwitches.RmpChangeInvalidatesTlb, "rmp-change-invalidates-tlb",
            "A change of an RMP entry invalidates cached translations of the page on every CPU.",
            "A cached translation is used as it is until the guest flushes it.",
            SwitchSettings.Both,
            "OpenVMM 2026-08, underhill_mem/src/lib.rs, change_host_visibility(): hardware is not guaranteed to flush; not to be seen in Linux."),
        new(PolicySwitches.SharedReadExits, "shared-read-exits",
            "A C=0 read of an assigned page exits, because the nested page table does not map it then.",
            "It returns ciphertext: there is no RMP check for it.",
            SwitchSettings.Both,
            Checks + ", has no row for it; whether the host leaves the page mapped is up to the host."),
        new(PolicySwitches.CoherentCaches, "coherent-caches",
            "Lines of one page under different C-bits are kept coherent (SME_COHERENT).",
            "They are not: software flushes before the C-bit changes.",
            SwitchSettings.Both,
            "APM2 15.34.7 \"Restrictions\"; CPUID 8000_001F EAX[10]; Linux v6.12, mm/mem_encrypt_amd.c, amd_enc_cache_flush_required()."),
    ];

    // ---- What an access meets. Fetches and page walks are C=1 whatever the entry says.

    private static readonly AccessRow[] AccessTable =
    [
        .. Private(Hypervisor, new(AccessOutcome.HostExit, "rmp-not-guest-owned", Checks, Certainty.SecondaryText)),
        .. Private(Assigned, new(AccessOutcome.VmmCommunicationException, "rmp-not-validated", Checks + ": 0x404", Certainty.SecondaryText)),
        .. Private(Validated, new(AccessOutcome.Ok, "rmp-validated", Checks, Certainty.SecondaryText)),
        .. Private(Withheld, new(AccessOutcome.HostExit, "rmp-vmpl", Checks, Certainty.SecondaryText)),
        .. Private(SaveArea, new(AccessOutcome.Ok, "rmp-vmsa",
            Vmsa + ": its comment tells why the guest does not reuse the page of a processor that may run, and not that it could not write it", Certainty.Inferred)),
        new(Hypervisor, PteAttributes.Shared, AccessKinds.Data, Setting.Always,
            new(AccessOutcome.Ok, "rmp-hypervisor-owned", Checks, Certainty.SecondaryText)),
        new(Owned, PteAttributes.Shared, AccessKinds.Write, Setting.Always,
            new(AccessOutcome.HostExit, "rmp-shared-write", Checks, Certainty.SecondaryText)),
        new(Owned, PteAttributes.Shared, AccessKinds.Read, Setting.Unless(PolicySwitches.SharedReadExits),
            new(AccessOutcome.SilentlyWrong, "rmp-shared-read-unchecked", Checks, Certainty.SecondaryText)),
        new(Owned, PteAttributes.Shared, AccessKinds.Read, Setting.When(PolicySwitches.SharedReadExits),
            new(AccessOutcome.HostExit, "npt-shared-read-not-mapped",
                "KVM v6.12, mmu.c: a change of the attribute zaps the mapping", Certainty.Inferred)),
    ];

    // ---- What the host does with an access that exited.

    private static readonly ExitRow[] ExitTable =
    [
        .. PrivateExit(Hypervisor, Hosts.ImplicitConvert, ExitDisposition.Resume, AssignPage, "host-converts-to-private", Implicit),
        .. PrivateExit(Hypervisor, Hosts.NotConverting, ExitDisposition.Terminate, Effects.None,
            "host-does-not-expect-private-access", Unexpected, Certainty.Inferred),
        .. PrivateExit(Withheld, Hosts.All, ExitDisposition.Resume, Effects.None, "host-cannot-grant-vmpl",
            "KVM v6.12, sev.c, sev_handle_rmp_fault() repairs sizes only; the page is mapped, so the guest runs again", Certainty.Inferred),
        new(Owned, PteAttributes.Shared, AccessKinds.Data, Hosts.ImplicitConvert, Setting.Always,
            ExitDisposition.Resume, ReclaimPage, "host-converts-to-shared", Implicit),
        new(Owned, PteAttributes.Shared, AccessKinds.Data, Hosts.NotConverting, Setting.Always,
            ExitDisposition.Terminate, Effects.None, "host-does-not-expect-shared-access", Unexpected, Certainty.Inferred),
    ];

    // ---- What the guest can do. PVALIDATE changes one bit; it flushes neither TLB nor cache, and keeps the contents.

    private static readonly OperationRow<GuestOperation>[] GuestTable =
    [
        new([GuestOperation.Validate4K], In(Rmp.Assigned), Setting.Always,
            OperationStatus.Done, To(Rmp.Validated), "pvalidate", Pvalidate, Certainty.SecondaryText),
        new([GuestOperation.Validate2M], In(Rmp.Assigned2M), Setting.Always,
            OperationStatus.Done, To(Rmp.Validated2M), "pvalidate", Pvalidate, Certainty.SecondaryText),
        new([GuestOperation.Validate4K], In(Rmp.Validated, Rmp.Withheld), Setting.Always,
            OperationStatus.Unchanged, Effects.None, "pvalidate-no-change", Pvalidate, Certainty.SecondaryText),
        new([GuestOperation.Validate4K], SaveArea, Setting.Always,
            OperationStatus.Unchanged, Effects.None, "pvalidate-no-change", Pvalidate + "; taken to hold for a save area", Certainty.Inferred),
        new([GuestOperation.Rescind4K], SaveArea, Setting.Always,
            OperationStatus.Done, To(Rmp.Assigned), "pvalidate-rescind", Pvalidate + "; taken to hold for a save area", Certainty.Inferred),
        new([GuestOperation.Validate2M], In(Rmp.Validated2M, Rmp.Withheld2M), Setting.Always,
            OperationStatus.Unchanged, Effects.None, "pvalidate-no-change", Pvalidate, Certainty.SecondaryText),
        new([GuestOperation.Rescind4K], In(Rmp.Validated, Rmp.Withheld), Setting.Always,
            OperationStatus.Done, To(Rmp.Assigned), "pvalidate-rescind", Pvalidate, Certainty.SecondaryText),
        new([GuestOperation.Rescind2M], In(Rmp.Validated2M, Rmp.Withheld2M), Setting.Always,
            OperationStatus.Done, To(Rmp.Assigned2M), "pvalidate-rescind", Pvalidate, Certainty.SecondaryText),
        new([GuestOperation.Rescind4K], In(Rmp.Assigned), Setting.Always,
            OperationStatus.Unchanged, Effects.None, "pvalidate-no-change", Pvalidate, Certainty.SecondaryText),
        new([GuestOperation.Rescind2M], In(Rmp.Assigned2M), Setting.Always,
            OperationStatus.Unchanged, Effects.None, "pvalidate-no-change", Pvalidate, Certainty.SecondaryText),
        new([GuestOperation.Validate2M, GuestOperation.Rescind2M], Small, Setting.Always,
            OperationStatus.SizeMismatch, Effects.None, "pvalidate-too-large", Sizes + ": FAIL_SIZEMISMATCH", Certainty.SecondaryText),
        new([GuestOperation.Validate4K, GuestOperation.Rescind4K], Large, Setting.Always,
            OperationStatus.HostExit, Effects.None, "pvalidate-too-small", Sizes + ": #VMEXIT(NPF) with SIZEM", Certainty.SecondaryText),
        new([GuestOperation.Validate4K, GuestOperation.Validate2M, GuestOperation.Rescind4K, GuestOperation.Rescind2M], Hypervisor, Setting.Always,
            OperationStatus.HostExit, Effects.None, "pvalidate-not-guest-owned",
            Checks + ", taken to hold for PVALIDATE as for a C=1 access", Certainty.Inferred),

        new([GuestOperation.RmpAdjustGrant], Withheld, Setting.Always,
            OperationStatus.Done, Step(Rmp.Validated - Rmp.Withheld), "rmpadjust",
            "APM2 15.36.7 \"Virtual Machine Privilege Levels\"", Certainty.SecondaryText),
        new([GuestOperation.RmpAdjustGrant], Validated, Setting.Always,
            OperationStatus.Unchanged, Effects.None, "rmpadjust-no-change",
            "APM2 15.36.7 \"Virtual Machine Privilege Levels\"", Certainty.SecondaryText),
        new([GuestOperation.RmpAdjustRevoke], Validated, Setting.Always,
            OperationStatus.Done, Step(Rmp.Withheld - Rmp.Validated), "rmpadjust",
            "APM2 15.36.7 \"Virtual Machine Privilege Levels\", and 15.36.15: it flushes no TLB", Certainty.SecondaryText),
        new([GuestOperation.RmpAdjustRevoke], Withheld, Setting.Always,
            OperationStatus.Unchanged, Effects.None, "rmpadjust-no-change",
            "APM2 15.36.7 \"Virtual Machine Privilege Levels\"", Certainty.SecondaryText),
        new([GuestOperation.RmpAdjustGrant], SaveArea, Setting.Always, OperationStatus.Done, To(Rmp.Validated), "rmpadjust-no-vmsa", Vmsa),
        new([GuestOperation.RmpAdjustRevoke], SaveArea, Setting.Always,
            OperationStatus.Done, To(Rmp.Withheld), "rmpadjust", "APM2 15.36.7 \"Virtual Machine Privilege Levels\"", Certainty.SecondaryText),
        new([GuestOperation.RmpAdjustVmsa], In(Rmp.Validated, Rmp.Withheld), Setting.Always,
            OperationStatus.Done, To(Rmp.Vmsa), "rmpadjust-vmsa", Vmsa),
        new([GuestOperation.RmpAdjustVmsa], SaveArea, Setting.Always, OperationStatus.Unchanged, Effects.None, "rmpadjust-no-change", Vmsa),
        new([GuestOperation.RmpAdjustVmsa], In(Rmp.Validated2M, Rmp.Withheld2M), Setting.Always,
            OperationStatus.HostExit, Effects.None, "rmpadjust-too-small", Sizes + ": #VMEXIT(NPF) with SIZEM", Certainty.SecondaryText),
        new([GuestOperation.RmpAdjustGrant, GuestOperation.RmpAdjustRevoke, GuestOperation.RmpAdjustVmsa], Assigned, Setting.Always,
            OperationStatus.WrongState, Effects.None, "rmpadjust-not-validated", Checks + ", taken to hold for RMPADJUST", Certainty.Inferred),
        new([GuestOperation.RmpAdjustGrant, GuestOperation.RmpAdjustRevoke, GuestOperation.RmpAdjustVmsa], Hypervisor, Setting.Always,
            OperationStatus.HostExit, Effects.None, "rmpadjust-not-guest-owned", Checks + ", taken to hold for RMPADJUST", Certainty.Inferred),
    ];

    private static readonly GuestOperation[] Instructions =
    [
        GuestOperation.Validate4K, GuestOperation.Validate2M, GuestOperation.Rescind4K, GuestOperation.Rescind2M,
        GuestOperation.RmpAdjustGrant, GuestOperation.RmpAdjustRevoke, GuestOperation.RmpAdjustVmsa,
    ];

    private static readonly OperationExitRow[] GuestExitTable =
    [
        new(Instructions, Hypervisor, Hosts.ImplicitConvert, ExitDisposition.Resume, AssignPage, "host-converts-to-private", Implicit),
        new(Instructions, Hypervisor, Hosts.NotConverting, ExitDisposition.Terminate, Effects.None,
            "host-does-not-expect-private-access", Unexpected, Certainty.Inferred),
        new([GuestOperation.Validate4K, GuestOperation.Rescind4K, GuestOperation.RmpAdjustVmsa], Large, Hosts.All,
            ExitDisposition.Resume, Smashed, "host-psmash", Smash),
    ];

    // ---- What the guest can ask for.

    private static readonly OperationRow<HostCall>[] CallTable =
    [
        new([HostCall.PageStateChangePrivate], Hypervisor, Setting.Always, OperationStatus.Done, AssignPage, "psc-private", Psc),
        new([HostCall.PageStateChangePrivate], Owned, Setting.Always, OperationStatus.Unchanged, Effects.None, "psc-already-private", Psc),
        new([HostCall.PageStateChangeShared], Owned, Setting.Always, OperationStatus.Done, ReclaimPage, "psc-shared", Psc),
        new([HostCall.PageStateChangeShared], Hypervisor, Setting.Always, OperationStatus.Unchanged, Effects.None, "psc-already-shared", Psc),
        new([HostCall.StatusPrivate, HostCall.StatusShared], Hypervisor | Owned, Setting.Always, OperationStatus.Done, Effects.None, "kvm-notes-status",
            "Linux v6.12, mm/mem_encrypt_amd.c, enc_dec_hypercall(): a note for migration"),
    ];

    // ---- What the host can do by itself.

    private static readonly OperationRow<HostOperation>[] HostTable =
    [
        new([HostOperation.Assign], Hypervisor | Owned, Setting.Always, OperationStatus.Done, AssignPage, "rmpupdate-assign",
            Rmpupdate + ": clears Validated, and may put another page there", Certainty.SecondaryText),
        new([HostOperation.Reclaim, HostOperation.MapShared], Owned, Setting.Always, OperationStatus.Done, ReclaimPage, "rmpupdate-reclaim",
            Rmpupdate, Certainty.SecondaryText),
        new([HostOperation.Reclaim, HostOperation.MapShared], Hypervisor, Setting.Always, OperationStatus.Unchanged, Effects.None, "rmpupdate-no-change",
            Rmpupdate, Certainty.SecondaryText),
        new([HostOperation.Split], Large, Setting.Always, OperationStatus.Done, Smashed, "psmash", Sizes, Certainty.SecondaryText),
        new([HostOperation.Split], ~Large, Setting.Always, OperationStatus.WrongState, Effects.None, "psmash-not-large", Sizes, Certainty.SecondaryText),
        new([HostOperation.WriteShared], Hypervisor, Setting.Always,
            OperationStatus.Done, (state, _) => new(state, SharedContents: ContentEffect.Garble), "host-writes-shared", Checks, Certainty.SecondaryText),
        new([HostOperation.WriteShared], Owned, Setting.Always,
            OperationStatus.WrongState, Effects.None, "host-write-faults", Checks + ": host #PF", Certainty.SecondaryText),
    ];

    /// <summary>Builds the tables.</summary>
    public SnpPlatform()
        : base(new Rulebook(AllStates, AllSwitches, AccessTable, ExitTable, GuestTable, GuestExitTable, CallTable, HostTable))
    {
    }

    /// <inheritdoc/>
    public override string Name => "snp";

    /// <inheritdoc/>
    public override string Title => "AMD SEV-SNP guest";

    /// <inheritdoc/>
    public override PteFormat Format { get; } = PteFormat.AmdCBit(51);

    /// <inheritdoc/>
    public override PageState PrivateState => Page(Rmp.Validated);

    /// <inheritdoc/>
    public override PageState SharedState => Page(Rmp.Hypervisor);

    /// <inheritdoc/>
    public override IReadOnlyList<HostPolicy> DocumentedHosts { get; } =
        [HostPolicy.Cooperative, HostPolicy.ImplicitConvert, HostPolicy.Retry];

    // ---- Effects that several rows share. Every change of an RMP entry asks the switch what becomes of cached translations.

    private static PageChange Changed(
        Rmp to, PolicySwitches switches, ContentEffect privateContents = ContentEffect.Keep, ContentEffect sharedContents = ContentEffect.Keep) =>
        new(Page(to), privateContents, sharedContents,
            switches.HasFlag(PolicySwitches.RmpChangeInvalidatesTlb) ? PteAttributes.Both : PteAttributes.None);

    private static PageChange AssignPage(PageState state, PolicySwitches switches) =>
        Changed(Rmp.Assigned, switches, ContentEffect.Garble, ContentEffect.Garble);

    private static PageChange ReclaimPage(PageState state, PolicySwitches switches) =>
        Changed(Rmp.Hypervisor, switches, ContentEffect.Garble, ContentEffect.Garble);

    private static PageChange Smashed(PageState state, PolicySwitches switches) => Changed((Rmp)state.Value - 1, switches);

    private static Effect To(Rmp rmp) => (_, switches) => Changed(rmp, switches);

    private static Effect Step(int step) => (state, switches) => Changed((Rmp)state.Value + step, switches);

    // ---- Rows for an effective C=1: data through a private mapping, fetches and walks through any.

    private static AccessRow[] Private(StateSet states, AccessRule rule) =>
    [
        new(states, PteAttributes.Private, AccessKinds.All, Setting.Always, rule),
        new(states, PteAttributes.Shared, AccessKinds.FetchAndWalk, Setting.Always, rule),
    ];

    private static ExitRow[] PrivateExit(
        StateSet states, Hosts by, ExitDisposition then, Effect effect, string rule, string source,
        Certainty certainty = Certainty.ReadInSource) =>
    [
        new(states, PteAttributes.Private, AccessKinds.All, by, Setting.Always, then, effect, rule, source, certainty),
        new(states, PteAttributes.Shared, AccessKinds.FetchAndWalk, by, Setting.Always, then, effect, rule, source, certainty),
    ];

    private static PageState Page(Rmp rmp) => new((byte)rmp);

    private static StateSet In(params Rmp[] entries)
    {
        var set = default(StateSet);
        foreach (Rmp entry in entries)
            set |= StateSet.Of(Page(entry));

        return set;
    }
}
