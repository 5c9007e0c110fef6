// SPDX-License-Identifier: Apache-2.0

using System.Collections.Generic;

namespace Liminal.Checker.Vocabulary;

/// <summary>What a step of a conversion does.</summary>
public enum StepKind : byte
{
    /// <summary>Remove lazily freed vmap aliases and flush them (<c>vm_unmap_aliases()</c>).</summary>
    RemoveAliases,

    /// <summary>Clear PRESENT in the PTEs of each page and its known aliases; the PFN is inverted.</summary>
    ClearPresent,

    /// <summary>Set PRESENT again.</summary>
    SetPresent,

    /// <summary>Set or clear the encryption attribute in the PTEs of each page and its known aliases.</summary>
    SetAttribute,

    /// <summary>Flush the TLB: a request, one flush per CPU, a wait.</summary>
    FlushTlb,

    /// <summary>CLFLUSH each page through the caller's address; a non-present PTE is skipped silently.</summary>
    FlushCache,

    /// <summary>Tell the hypervisor, in the platform's own way (see <see cref="Notification"/>).</summary>
    NotifyHypervisor,

    /// <summary>TDVMCALL MapGPA.</summary>
    MapGpa,

    /// <summary>TDG.MEM.PAGE.ACCEPT of each page.</summary>
    Accept,

    /// <summary>TDG.MEM.PAGE.RELEASE of each page (TDX Connect).</summary>
    Release,

    /// <summary>PVALIDATE with validate = 1 of each page.</summary>
    Validate,

    /// <summary>PVALIDATE with validate = 0 of each page.</summary>
    Rescind,

    /// <summary>GHCB page-state change.</summary>
    PageStateChange,

    /// <summary>Hyper-V visibility hypercall.</summary>
    Visibility,

    /// <summary>KVM_HC_MAP_GPA_RANGE: a note for migration.</summary>
    StatusCall,

    /// <summary>Read first and last byte of each page through its mapping (cache eviction, CVE-2024-36331).</summary>
    ReadBack,

    /// <summary>Map the shared view at GPA + shared_gpa_boundary (Linux 6.1 on Hyper-V).</summary>
    MapSharedView,

    /// <summary>Remove that view.</summary>
    UnmapSharedView,

    /// <summary>The inner steps for one batch of pages after the other.</summary>
    PerBatch,
}

/// <summary>One step of a protocol: data that can be printed, permuted and exported.</summary>
/// <param name="Kind">What it does.</param>
public sealed record Step(StepKind Kind)
{
    /// <summary>How addresses are translated, for steps that name pages to the host.</summary>
    public Translation Translation { get; init; } = Translation.VirtToPhys;

    /// <summary>Through which address, for PVALIDATE and read-back.</summary>
    public Through Through { get; init; } = Through.CallersMapping;

    /// <summary>What a TLB flush covers.</summary>
    public FlushScope Scope { get; init; } = FlushScope.All;

    /// <summary>When a cache flush is made.</summary>
    public When When { get; init; } = When.Needed;

    /// <summary>The reaction to RETRY.</summary>
    public OnRetry OnRetry { get; init; } = OnRetry.CallAgain;

    /// <summary>Why this step may fail inside the guest, before any page of it (explored with failures on); null: it cannot.</summary>
    public string? MayFail { get; init; }

    /// <summary>Steps taken after a failure of this step, before the conversion returns its error.</summary>
    public IReadOnlyList<Step> OnFailure { get; init; } = [];

    /// <summary>The guest ends itself when this step fails (Linux SNP: <c>sev_es_terminate()</c>).</summary>
    public bool TerminatesOnFailure { get; init; }

    /// <summary>The inner steps of <see cref="StepKind.PerBatch"/>.</summary>
    public IReadOnlyList<Step> Inner { get; init; } = [];

    /// <summary>Pages per batch of <see cref="StepKind.PerBatch"/>, as explored.</summary>
    public int BatchPages { get; init; } = 1;

    /// <summary>Kernel function or message this step is taken from; null where the protocol's own source says it.</summary>
    public string? Source { get; init; }
}
