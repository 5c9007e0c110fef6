// SPDX-License-Identifier: Apache-2.0

using System.Linq;
using Liminal.Linux.Calls;
using Liminal.Memory;
using Liminal.Sweep.Recording;

namespace Liminal.Sweep.Conversions;

/// <content>The second, shared view of pages that a kernel converts without touching its page tables.</content>
/// <remarks>
/// Source: Linux v6.1, arch/x86/hyperv/ivm.c, hv_map_memory() and hv_unmap_memory(); drivers/net/hyperv/netvsc.c for who calls them: the view is made
/// after the pages are visible, and removed after they are not.
/// </remarks>
public sealed partial class ConversionCampaign
{
    private const string MapView = "hv_map_memory";
    private const string UnmapView = "hv_unmap_memory";

    private static bool HasViews(KernelContext context) =>
        context.Kernel.FindSymbol(MapView) is not null && context.Kernel.FindSymbol("hv_set_mem_host_visibility") is not null
        && context.Kernel.Machine.Configuration.Confidential!.Platform.Name == "vtom";

    /// <summary>Makes the view that pages have while they are shared; 0 where there is none.</summary>
    private static ulong ViewOf(KernelContext context, ConversionRange range, out string problem)
    {
        problem = "";
        if (!HasViews(context))
            return 0;

        KernelCallResult result = context.Call(MapView, range.Address, (ulong)range.Frames.Count << Page.Shift);
        if (!result.HasReturned || result.Value == 0)
            problem = $"{MapView}(): {result.Status} {result.Value:x} {result.Detail}".TrimEnd();

        return result.Value;
    }

    /// <summary>Lets the caller do what belongs to a conversion there, and adds it to the record.</summary>
    private static ConversionRecord WithView(KernelContext context, ConversionQuestion question, ConversionRange range, ConversionRecord record, ulong view)
    {
        bool isShared = question.Target == PteAttribute.Shared;
        if (!HasViews(context) || record.Result is not { HasReturned: true, Error: 0 } || (!isShared && view == 0))
            return record;

        if (isShared)
            context.Begin(MapView, range.Address, (ulong)range.Frames.Count << Page.Shift);
        else
            context.Begin(UnmapView, view);

        ConversionRecord callers = new RecordedCall(context.Kernel, range.Frames).Run(context, question.Target, question.Limit);
        ObservedStepKind seen = isShared ? ObservedStepKind.Map : ObservedStepKind.Unmap;
        ObservedStepKind meant = isShared ? ObservedStepKind.MapSharedView : ObservedStepKind.UnmapSharedView;
        return record with
        {
            Steps = [.. record.Steps, .. callers.Steps.Select(step => step.Kind == seen ? step with { Kind = meant, Function = isShared ? MapView : UnmapView } : step)],
        };
    }
}
