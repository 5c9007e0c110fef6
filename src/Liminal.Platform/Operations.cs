// SPDX-License-Identifier: Apache-2.0

namespace Liminal.Platform;

/// <summary>What a guest instruction can do to the state of one page.</summary>
public enum GuestOperation : byte
{
    /// <summary>TDG.MEM.PAGE.ACCEPT at 4 KiB.</summary>
    Accept4K,

    /// <summary>TDG.MEM.PAGE.ACCEPT at 2 MiB.</summary>
    Accept2M,

    /// <summary>TDG.MEM.PAGE.RELEASE (TDX Connect), at the size of the page's entry: gives an accepted page back before it becomes shared.</summary>
    Release,

    /// <summary>PVALIDATE with validate = 1 at 4 KiB.</summary>
    Validate4K,

    /// <summary>PVALIDATE with validate = 1 at 2 MiB.</summary>
    Validate2M,

    /// <summary>PVALIDATE with validate = 0 at 4 KiB.</summary>
    Rescind4K,

    /// <summary>PVALIDATE with validate = 0 at 2 MiB.</summary>
    Rescind2M,

    /// <summary>RMPADJUST, at the size of the page's entry, that grants the guest's VMPL all permissions; issued at a more privileged VMPL.</summary>
    RmpAdjustGrant,

    /// <summary>RMPADJUST, likewise, that takes all permissions from the guest's VMPL.</summary>
    RmpAdjustRevoke,

    /// <summary>RMPADJUST at 4 KiB with the VMSA attribute: the page becomes a processor's save area; issued at VMPL0.</summary>
    RmpAdjustVmsa,
}

/// <summary>What a guest asks of its host for one page of a range.</summary>
public enum HostCall : byte
{
    /// <summary>TDVMCALL MapGPA to private.</summary>
    MapGpaPrivate,

    /// <summary>TDVMCALL MapGPA to shared.</summary>
    MapGpaShared,

    /// <summary>GHCB page-state change to private.</summary>
    PageStateChangePrivate,

    /// <summary>GHCB page-state change to shared.</summary>
    PageStateChangeShared,

    /// <summary>HvCallModifySparseGpaPageHostVisibility to private (not visible).</summary>
    VisibilityPrivate,

    /// <summary>HvCallModifySparseGpaPageHostVisibility to shared (visible).</summary>
    VisibilityShared,

    /// <summary>KVM_HC_MAP_GPA_RANGE: a note for migration, encrypted.</summary>
    StatusPrivate,

    /// <summary>KVM_HC_MAP_GPA_RANGE: a note for migration, decrypted.</summary>
    StatusShared,
}

/// <summary>What a host can do to a page by itself, at any time.</summary>
public enum HostOperation : byte
{
    /// <summary>TDH.MEM.PAGE.AUG: add a pending page to a free SEPT entry.</summary>
    Augment,

    /// <summary>TDH.MEM.RANGE.BLOCK: no new translations; those that are cached live on until TLB tracking.</summary>
    Block,

    /// <summary>TDH.MEM.TRACK, its exits, and TDH.MEM.RANGE.UNBLOCK.</summary>
    Unblock,

    /// <summary>TDH.MEM.TRACK, its exits, and TDH.MEM.PAGE.REMOVE.</summary>
    Remove,

    /// <summary>Map the page in the shared EPT, or make it hypervisor-owned so that C=0 accesses reach it.</summary>
    MapShared,

    /// <summary>Remove the page from the shared EPT.</summary>
    UnmapShared,

    /// <summary>RMPUPDATE: assign to the guest, not validated.</summary>
    Assign,

    /// <summary>RMPUPDATE: reclaim from the guest (hypervisor-owned).</summary>
    Reclaim,

    /// <summary>Split a 2 MiB RMP entry into 4 KiB entries (PSMASH), or demote a SEPT entry (TDH.MEM.PAGE.DEMOTE, which also unblocks it).</summary>
    Split,

    /// <summary>Write to the backing that the host can reach; what the guest wrote there is gone.</summary>
    WriteShared,
}

/// <summary>How an operation or call on one page ended, as its caller sees it.</summary>
public enum OperationStatus : byte
{
    /// <summary>Done; the page changed as asked.</summary>
    Done,

    /// <summary>Success, and nothing changed: the page was in that state already (PVALIDATE: CF = 1; ACCEPT: ALREADY_ACCEPTED).</summary>
    Unchanged,

    /// <summary>The sizes of request and entry differ (TDACCEPT_SIZE_MISMATCH, PVALIDATE FAIL_SIZEMISMATCH).</summary>
    SizeMismatch,

    /// <summary>The page is in a state that does not allow it; the guest gets an error code.</summary>
    WrongState,

    /// <summary>The instruction exits to the host first, which decides (EPT violation, #NPF).</summary>
    HostExit,

    /// <summary>The host asks to be called again from this page on (MapGPA RETRY with the failing GPA; PSC that stopped early).</summary>
    Retry,

    /// <summary>The host refuses.</summary>
    Refused,

    /// <summary>This platform has no such operation.</summary>
    NotOnThisPlatform,
}

/// <summary>Answer of the rulebook for one operation on one page.</summary>
/// <param name="Status">What the caller sees.</param>
/// <param name="Change">What becomes of the page; the state is unchanged where the operation failed.</param>
/// <param name="Rule">Stable name of the rule that decided, for traces and tables.</param>
/// <param name="Source">Where the rule is written.</param>
/// <param name="Certainty">How well it is known.</param>
public sealed record OperationRule(
    OperationStatus Status, PageChange Change, string Rule, string Source, Certainty Certainty = Certainty.ReadInSource);
