// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;
using System.Linq;
using Liminal.Linux.Guest;
using Liminal.Memory;
using Liminal.Platform;
using Liminal.Sweep.Recording;
using Liminal.Trace;

namespace Liminal.Sweep.Failures;

/// <summary>In which condition pages are left: the facts behind the table of failures and behind FailureLeavesNothingUsable.</summary>
public static class PagesAfterwards
{
    /// <summary>What a leaf and the state of its page make together.</summary>
    /// <param name="mapping">The leaf.</param>
    /// <param name="state">The state of its page.</param>
    /// <param name="platform">The rulebook.</param>
    public static PageCondition Of(TrackedMapping mapping, PageState state, ConfidentialPlatform platform)
    {
        ArgumentNullException.ThrowIfNull(mapping);
        ArgumentNullException.ThrowIfNull(platform);
        if (!mapping.Entry.IsPresent)
            return PageCondition.NotPresent;

        PageSide mapped = mapping.Attribute == PteAttribute.Shared ? PageSide.Shared : PageSide.Private;
        PageSide side = platform.StatesMatter(PolicySwitches.None) ? platform.States[state.Value].Side : mapped;
        return side != mapped ? PageCondition.Mixed : mapped == PageSide.Shared ? PageCondition.Shared : PageCondition.Private;
    }

    /// <summary>What is left of pages in a stopped guest, without what a new owner would meet.</summary>
    internal static List<PagesLeft> Of(GuestKernel kernel, IReadOnlyList<FrameNumber> frames)
    {
        ConfidentialPlatform platform = kernel.Machine.Confidential!.Platform;
        ILookup<int, TrackedMapping> mappings = new KernelTables(kernel, frames).Mappings.ToLookup(static mapping => mapping.Page);
        List<PagesLeft> left = [];
        for (int page = 0; page < frames.Count; page++)
        {
            PagesLeft one = Of(page, mappings[page], kernel.Machine.PageStates![frames[page].Value], platform);
            if (left.Count > 0 && IsSame(left[^1], one))
                left[^1] = left[^1] with { Last = page };
            else
                left.Add(one);
        }

        return left;
    }

    /// <summary>One page; the worst of its leaves decides.</summary>
    internal static PagesLeft Of(int page, IEnumerable<TrackedMapping> mappings, PageState state, ConfidentialPlatform platform)
    {
        List<TrackedMapping> leaves = [.. mappings.Where(static mapping => !mapping.Entry.IsZero)];
        return new PagesLeft(
            page, page, platform.States[state.Value].Name, [.. leaves.Select(Text)],
            leaves.Select(mapping => Of(mapping, state, platform)).DefaultIfEmpty(PageCondition.NotPresent).Max(), null, "");
    }

    private static bool IsSame(PagesLeft one, PagesLeft other) =>
        one.Condition == other.Condition && one.State == other.State && one.Mappings.SequenceEqual(other.Mappings);

    private static string Text(TrackedMapping mapping)
    {
        string attribute = mapping.Attribute == PteAttribute.Shared ? "shared" : "private";
        return $"{mapping.Region}: {(mapping.Entry.IsPresent ? attribute : $"not present ({attribute})")}";
    }
}
