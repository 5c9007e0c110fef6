// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;
using Liminal.Linux.Guest;
using Liminal.Memory;
using Liminal.Platform;

namespace Liminal.Linux.Census;

/// <summary>Every leaf of every page table of a stopped guest, by the page it maps.</summary>
/// <remarks>
/// Read are the kernel's own tables, those of every process, and those in CR3 of each processor; what several share is counted once, in the
/// first. Non-present leaves are those that Linux leaves when it clears P (the page number inverted), and PROTNONE ones; entries of user mappings that
/// were swapped out or are migrating name no page and are left out, and so are the second roots of page-table isolation, which map the same pages.
/// A snapshot: it does not change when the guest runs on.
/// </remarks>
public sealed class PageTableCensus
{
    private readonly CensusLeaf[] _leaves;
    private readonly BySize[] _index;

    internal PageTableCensus(CensusLeaf[] leaves, IReadOnlyList<CensusSpace> spaces, int tableCount, bool isComplete)
    {
        _leaves = leaves;
        Spaces = spaces;
        TableCount = tableCount;
        IsComplete = isComplete;
        _index = [new BySize(leaves, PageSize.Size4K), new BySize(leaves, PageSize.Size2M), new BySize(leaves, PageSize.Size1G)];
    }

    /// <summary>The address spaces; the kernel's own is the first.</summary>
    public IReadOnlyList<CensusSpace> Spaces { get; }

    /// <summary>Every leaf, by address space and rising address.</summary>
    public ReadOnlySpan<CensusLeaf> Leaves => _leaves;

    /// <summary>Tables that were read.</summary>
    public int TableCount { get; }

    /// <summary>False when the tables hold more leaves than are counted, or lead outside RAM.</summary>
    public bool IsComplete { get; }

    /// <summary>Reads all page tables of a guest.</summary>
    public static PageTableCensus Take(GuestKernel kernel)
    {
        ArgumentNullException.ThrowIfNull(kernel);
        return new CensusWalk(kernel).Take();
    }

    /// <summary>Every leaf that maps a page, or would: 4 KiB leaves first, then larger ones, each by address space and rising address.</summary>
    public IReadOnlyList<CensusLeaf> Of(FrameNumber frame)
    {
        List<CensusLeaf> found = [];
        foreach (BySize size in _index)
            size.Find(frame, _leaves, found);

        return found;
    }

    /// <summary>Present leaves whose attribute is not what the platform holds for their pages, in the order of <see cref="Leaves"/>.</summary>
    /// <param name="side">What the platform holds for a page; null for a page that it does not count, such as one of a device.</param>
    public IReadOnlyList<CensusMismatch> FindMismatches(Func<FrameNumber, PageSide?> side)
    {
        ArgumentNullException.ThrowIfNull(side);
        List<CensusMismatch> found = [];
        foreach (CensusLeaf leaf in _leaves)
        {
            if (leaf.IsPresent)
                AddMismatches(leaf, side, found);
        }

        return found;
    }

    private static void AddMismatches(in CensusLeaf leaf, Func<FrameNumber, PageSide?> side, List<CensusMismatch> found)
    {
        PageSide claimed = leaf.Attribute == PteAttribute.Shared ? PageSide.Shared : PageSide.Private;
        int frames = leaf.Size.Frames();
        int start = 0;
        PageSide? held = null;
        for (int i = 0; i <= frames; i++)
        {
            PageSide? next = i < frames ? side(leaf.Frame.Add((ulong)i)) : null;
            if (next == claimed)
                next = null;

            if (next == held && i < frames)
                continue;

            if (held is PageSide wrong)
                found.Add(new CensusMismatch(leaf, leaf.Frame.Add((ulong)start), i - start, wrong));

            start = i;
            held = next;
        }
    }

    /// <summary>The leaves of one size, sorted by their page.</summary>
    private readonly struct BySize
    {
        private readonly ulong[] _frames;
        private readonly int[] _leaves;
        private readonly PageSize _size;

        public BySize(CensusLeaf[] leaves, PageSize size)
        {
            int count = 0;
            foreach (ref readonly CensusLeaf leaf in leaves.AsSpan())
                count += leaf.Size == size ? 1 : 0;

            _size = size;
            _frames = new ulong[count];
            _leaves = new int[count];
            int at = 0;
            for (int i = 0; i < leaves.Length; i++)
            {
                if (leaves[i].Size != size)
                    continue;

                _frames[at] = leaves[i].Frame.Value;
                _leaves[at++] = i;
            }

            Array.Sort(_frames, _leaves);
        }

        public void Find(FrameNumber frame, CensusLeaf[] leaves, List<CensusLeaf> found)
        {
            ulong first = frame.Value & ~((ulong)_size.Frames() - 1);
            int at = Array.BinarySearch(_frames, first);
            if (at < 0)
                return;

            while (at > 0 && _frames[at - 1] == first)
                at--;

            List<int> order = [];
            for (; at < _frames.Length && _frames[at] == first; at++)
                order.Add(_leaves[at]);

            order.Sort();
            foreach (int leaf in order)
                found.Add(leaves[leaf]);
        }
    }
}
