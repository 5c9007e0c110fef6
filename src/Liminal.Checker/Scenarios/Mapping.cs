// SPDX-License-Identifier: Apache-2.0

using System.Collections.Generic;
using Liminal.Checker.Vocabulary;

namespace Liminal.Checker.Scenarios;

/// <summary>One virtual address through which one page of the model can be reached.</summary>
/// <param name="Page">Index of the page.</param>
/// <param name="Kind">What the address is.</param>
/// <param name="IsPrimary">It is the address that the caller converts.</param>
/// <param name="IsKnownAlias">CPA changes it together with the primary one.</param>
/// <param name="ExistsAtStart">Its PTE is there before the conversion begins.</param>
public sealed record Mapping(int Page, MappingKind Kind, bool IsPrimary, bool IsKnownAlias, bool ExistsAtStart)
{
    /// <summary>The mappings of a scenario, page by page, the primary one of each page first.</summary>
    /// <remarks>Source: Linux v6.12, arch/x86/mm/pat/set_memory.c, cpa_process_alias() and vm_unmap_aliases().</remarks>
    public static IReadOnlyList<Mapping> Layout(Scenario scenario)
    {
        bool hasView = Uses(scenario.Protocol.DecryptSteps, StepKind.MapSharedView) || Uses(scenario.Protocol.EncryptSteps, StepKind.UnmapSharedView);
        List<Mapping> all = [];
        for (int page = 0; page < scenario.Pages; page++)
        {
            all.Add(new Mapping(page, PrimaryKind(scenario.Region), IsPrimary: true, IsKnownAlias: false, ExistsAtStart: true));
            if (hasView)
            {
                all.Add(new Mapping(page, MappingKind.SharedView, false, false, ExistsAtStart: scenario.Direction == Direction.Encrypt));
            }
            else if (scenario.Region == Region.DirectMap && scenario.Protocol.HasStaleAliases)
            {
                all.Add(new Mapping(page, MappingKind.StaleVmap, false, false, ExistsAtStart: true));
            }
            else if (scenario.Region != Region.DirectMap)
            {
                all.Add(new Mapping(page, MappingKind.DirectMap, false, IsKnownAlias: true, ExistsAtStart: true));
            }

            if (scenario.LiveAlias)
            {
                all.Add(new Mapping(page, MappingKind.LiveVmap, false, false, ExistsAtStart: true));
            }
        }

        return all;
    }

    /// <summary>The kind of the mapping that a caller names in a region.</summary>
    public static MappingKind PrimaryKind(Region region) => region switch
    {
        Region.Vmalloc => MappingKind.Vmalloc,
        Region.KernelImage => MappingKind.KernelImage,
        _ => MappingKind.DirectMap,
    };

    internal static bool Uses(IReadOnlyList<Step> steps, StepKind kind)
    {
        foreach (Step step in steps)
        {
            if (step.Kind == kind || Uses(step.Inner, kind) || Uses(step.OnFailure, kind))
            {
                return true;
            }
        }

        return false;
    }
}
