// SPDX-License-Identifier: Apache-2.0

using Liminal.Sweep.Recording;

namespace Liminal.Sweep.Replaying;

/// <summary>Observed steps in words, and the names that mappings have in traces and in recordings.</summary>
internal static class ObservedWords
{
    /// <summary>What a recording calls a mapping of a trace.</summary>
    /// <returns>Null when recordings have no such mapping.</returns>
    public static string? RegionOf(string mapping) => mapping switch
    {
        "direct map" => "direct map",
        "image map" => "image",
        "vmalloc map" or "shared view" => "vmalloc",
        _ => null,
    };

    /// <summary>A step that goes on from "the kernel".</summary>
    public static string Of(in ObservedStep step)
    {
        string page = step.Page >= 0 ? $"page {step.Page}" : "the pages";
        string where = step.Region.Length > 0 ? $" in the {step.Region}" : "";
        return step.Kind switch
        {
            ObservedStepKind.ClearPresent => $"clears PRESENT of {page}{where}",
            ObservedStepKind.SetPresent => $"sets PRESENT of {page}{where}",
            ObservedStepKind.SetAttribute => $"changes the attribute of {page}{where}",
            ObservedStepKind.Unmap => $"unmaps {page}{where}",
            ObservedStepKind.Map => $"maps {page}{where}",
            ObservedStepKind.MapSharedView => $"maps the shared view of {page}",
            ObservedStepKind.UnmapSharedView => $"unmaps the shared view of {page}",
            ObservedStepKind.TlbFlush => $"flushes the TLB of CPU {step.Cpu}",
            ObservedStepKind.CacheFlush => $"flushes the data cache of {page}",
            ObservedStepKind.GuestOperation => $"executes {step.Operation} on {page}: {step.Status}",
            ObservedStepKind.HostCall when step.Page == -2 => $"calls {step.Call} for a page outside the range: {step.Status}",
            ObservedStepKind.HostCall => $"calls {step.Call} for {page}: {step.Status}",
            ObservedStepKind.RemoveAliases => "purges lazily freed aliases",
            ObservedStepKind.FlushRequest => "asks every CPU to flush its TLB",
            _ => $"rewrites the entry of {page}{where}",
        };
    }
}
