// SPDX-License-Identifier: Apache-2.0

using System.Collections.Generic;
using Liminal.Checker.Model;
using Liminal.Checker.Vocabulary;
using Liminal.Memory;
using Liminal.Platform;

namespace Liminal.Checker.Counterexamples;

/// <summary>Steps and operations in the words of the manuals and of the thread.</summary>
public static class StepNames
{
    /// <summary>A step of a protocol, as in the list of the thread.</summary>
    public static string Of(Step step) => step.Kind switch
    {
        StepKind.RemoveAliases => "remove aliasing mappings",
        StepKind.ClearPresent => "clear PRESENT",
        StepKind.SetPresent => "set PRESENT",
        StepKind.SetAttribute => "set or clear the encryption attribute",
        StepKind.FlushTlb => step.Scope == FlushScope.All ? "flush the TLB globally" : "flush the TLB for the caller's range",
        StepKind.FlushCache => step.When == When.Always ? "flush the data cache" : "flush the data cache if needed",
        StepKind.NotifyHypervisor => "notify the hypervisor",
        StepKind.MapGpa => "MapGPA",
        StepKind.Accept => "accept the pages",
        StepKind.Release => "release the pages",
        StepKind.Validate => "PVALIDATE(1)",
        StepKind.Rescind => "PVALIDATE(0)",
        StepKind.PageStateChange => "page-state change",
        StepKind.Visibility => "visibility hypercall",
        StepKind.StatusCall => "KVM_HC_MAP_GPA_RANGE",
        StepKind.ReadBack => "read first and last byte",
        StepKind.MapSharedView => "map the shared view",
        StepKind.UnmapSharedView => "unmap the shared view",
        _ => "batch by batch",
    };

    /// <summary>One atomic operation of a compiled protocol.</summary>
    internal static string Of(MicroOp op, IReadOnlyList<Step> steps) => op.Kind switch
    {
        MicroOpKind.ReturnSuccess => "return success",
        MicroOpKind.ReturnFailure => "return an error",
        MicroOpKind.Terminate => "end the guest",
        MicroOpKind.RequestFlush => $"{Of(steps[op.Step])}: ask every CPU",
        MicroOpKind.AwaitFlush => $"{Of(steps[op.Step])}: wait",
        _ => $"{Of(steps[op.Step])}, page {op.Page}",
    };

    /// <summary>A host call in the words of its interface.</summary>
    internal static string Of(HostCall call) => call switch
    {
        HostCall.MapGpaPrivate => "MapGPA(private)",
        HostCall.MapGpaShared => "MapGPA(shared)",
        HostCall.PageStateChangePrivate => "PSC to private",
        HostCall.PageStateChangeShared => "PSC to shared",
        HostCall.VisibilityPrivate => "HvCallModifySparseGpaPageHostVisibility(private)",
        HostCall.VisibilityShared => "HvCallModifySparseGpaPageHostVisibility(visible)",
        HostCall.StatusPrivate => "KVM_HC_MAP_GPA_RANGE(encrypted)",
        _ => "KVM_HC_MAP_GPA_RANGE(decrypted)",
    };

    /// <summary>A guest instruction in the words of its manual.</summary>
    internal static string Of(GuestOperation operation) => operation switch
    {
        GuestOperation.Accept4K or GuestOperation.Accept2M => "TDG.MEM.PAGE.ACCEPT",
        GuestOperation.Release => "TDG.MEM.PAGE.RELEASE",
        GuestOperation.Validate4K or GuestOperation.Validate2M => "PVALIDATE(1)",
        GuestOperation.Rescind4K or GuestOperation.Rescind2M => "PVALIDATE(0)",
        _ => "RMPADJUST",
    };

    /// <summary>How an address becomes a frame, by the kernel's own name.</summary>
    public static string Of(Translation translation) => translation switch
    {
        Translation.VirtToPhys => "virt_to_phys",
        Translation.VmallocToPage => "vmalloc_to_page",
        Translation.SlowVirtToPhys => "slow_virt_to_phys",
        Translation.LookupAddress => "lookup_address",
        _ => "raw-pte-bits",
    };

    /// <summary>What a PTE write does.</summary>
    internal static string OfWrite(MicroOp op) => op.Kind switch
    {
        MicroOpKind.ClearEntry => "zeroes the PTE of the",
        MicroOpKind.CreateEntry => "creates the PTE of the",
        MicroOpKind.ClearPresent => "clears PRESENT in the PTE of the",
        MicroOpKind.SetPresent => "sets PRESENT in the PTE of the",
        _ => op.Attribute == PteAttribute.Shared ? "makes the mapping shared in the PTE of the" : "makes the mapping private in the PTE of the",
    };
}
