// SPDX-License-Identifier: Apache-2.0

using System.Collections.Generic;
using System.Linq;
using Liminal.Linux.Guest;
using Liminal.Linux.Symbols;
using Liminal.Memory;
using Liminal.Platform;

namespace Liminal.Linux.Census;

/// <summary>How many pages a part of the kernel's address space, or of user land, maps in one way.</summary>
/// <param name="Region">The part.</param>
/// <param name="Attribute">What the leaves say.</param>
/// <param name="IsPresent">Whether the processor may use them.</param>
/// <param name="Leaves">Number of leaves.</param>
/// <param name="Pages">Number of 4 KiB pages.</param>
public readonly record struct CensusCount(KernelRegion Region, PteAttribute Attribute, bool IsPresent, int Leaves, long Pages);

/// <summary>A run of pages whose mappings contradict what the platform holds for them.</summary>
/// <param name="Address">Where the first page is mapped.</param>
/// <param name="Region">The part of the address space.</param>
/// <param name="Space">Name of the address space.</param>
/// <param name="First">The first page.</param>
/// <param name="Pages">Number of pages, consecutive in both.</param>
/// <param name="Attribute">What the mappings say.</param>
/// <param name="Side">What the platform holds.</param>
/// <param name="Symbol">What of the kernel image lies at the first page; null when it is not the image's.</param>
public sealed record CensusFinding(
    VirtualAddress Address, KernelRegion Region, string Space, FrameNumber First, long Pages, PteAttribute Attribute, PageSide Side, SymbolOffset? Symbol);

/// <summary>What a census comes to: counts, and every contradiction between page tables and platform.</summary>
public sealed class CensusSummary
{
    private CensusSummary(IReadOnlyList<CensusCount> counts, IReadOnlyList<CensusFinding> findings, IReadOnlyDictionary<PageSide, long> sides)
    {
        Counts = counts;
        Findings = findings;
        Sides = sides;
    }

    /// <summary>Pages by region, attribute and presence; rows without pages are left out.</summary>
    public IReadOnlyList<CensusCount> Counts { get; }

    /// <summary>The contradictions, by address space and rising address.</summary>
    public IReadOnlyList<CensusFinding> Findings { get; }

    /// <summary>All pages of RAM by what the platform holds for them.</summary>
    public IReadOnlyDictionary<PageSide, long> Sides { get; }

    /// <summary>Sums up a census.</summary>
    /// <param name="kernel">The guest, in the state in which the census was taken.</param>
    /// <param name="census">The census.</param>
    public static CensusSummary Of(GuestKernel kernel, PageTableCensus census) =>
        new(Count(kernel, census), Merge(kernel, census), CountSides(kernel));

    private static List<CensusCount> Count(GuestKernel kernel, PageTableCensus census)
    {
        SortedDictionary<(KernelRegion, PteAttribute, bool), (int Leaves, long Pages)> counts = [];
        foreach (CensusLeaf leaf in census.Leaves)
        {
            (KernelRegion, PteAttribute, bool) key = (kernel.RegionOf(leaf.Address.Value), leaf.Attribute, leaf.IsPresent);
            (int leaves, long pages) = counts.GetValueOrDefault(key);
            counts[key] = (leaves + 1, pages + leaf.Size.Frames());
        }

        return [.. counts.Select(static row => new CensusCount(row.Key.Item1, row.Key.Item2, row.Key.Item3, row.Value.Leaves, row.Value.Pages))];
    }

    private static List<CensusFinding> Merge(GuestKernel kernel, PageTableCensus census)
    {
        List<CensusFinding> findings = [];
        foreach (CensusMismatch mismatch in census.FindMismatches(kernel.SideOf))
        {
            CensusLeaf leaf = mismatch.Leaf;
            VirtualAddress address = leaf.AddressOf(mismatch.First);
            string space = census.Spaces[leaf.Space].Name;
            if (findings.Count > 0 && findings[^1] is { } last
                && last.Space == space && last.Attribute == leaf.Attribute && last.Side == mismatch.Side
                && last.Address.Add((ulong)last.Pages * Page.Bytes) == address && last.First.Add((ulong)last.Pages) == mismatch.First)
            {
                findings[^1] = last with { Pages = last.Pages + mismatch.Count };
                continue;
            }

            findings.Add(new CensusFinding(
                address, kernel.RegionOf(address.Value), space, mismatch.First, mismatch.Count, leaf.Attribute, mismatch.Side, kernel.SymbolOf(mismatch.First)));
        }

        return findings;
    }

    private static Dictionary<PageSide, long> CountSides(GuestKernel kernel)
    {
        Dictionary<PageSide, long> sides = new() { [PageSide.Private] = 0, [PageSide.Shared] = 0, [PageSide.Between] = 0 };
        for (FrameNumber frame = default; frame.Start.Value < kernel.Machine.Ram.EndAddress; frame = frame.Add(1))
        {
            if (kernel.SideOf(frame) is PageSide side)
                sides[side]++;
        }

        return sides;
    }
}
