// SPDX-License-Identifier: Apache-2.0

using System.Collections.Generic;
using Liminal.Linux.Guest;
using Liminal.Memory;
using Liminal.Memory.Ram;
using Liminal.X86.Observation;

namespace Liminal.Sweep.Recording;

/// <summary>The kernel's page tables as far as they matter for a few pages: which leaves map them, kept up with every store.</summary>
/// <remarks>
/// All tables of the kernel's half of the address space are watched, so a leaf that appears anywhere in it is seen, and so are
/// tables that a split puts in. User halves are not followed: the observed pages belong to the kernel.
/// A leaf with P clear keeps its page number inverted; <see cref="PteFormat"/> reads it.
/// </remarks>
internal sealed class KernelTables
{
    private const int FirstKernelEntry = 256;
    private const int EntriesPerTable = 512;
    private const int MostTables = 1 << 16;

    private readonly GuestKernel _kernel;
    private readonly GuestRam _ram;
    private readonly PteFormat _format;
    private readonly int _processors;
    private readonly Dictionary<ulong, int> _pageOfFrame = [];
    private readonly Dictionary<ulong, Table> _tables = [];
    private readonly Dictionary<ulong, List<TrackedMapping>> _byEntry = [];
    private readonly Dictionary<(int Page, ulong Address), TrackedMapping> _byPlace = [];
    private readonly List<TrackedMapping> _mappings = [];
    private readonly List<TrackedMapping>[] _ofPage;

    /// <summary>Reads the tables of a stopped guest.</summary>
    /// <param name="kernel">The guest.</param>
    /// <param name="frames">The pages, in the order of the range.</param>
    public KernelTables(GuestKernel kernel, IReadOnlyList<FrameNumber> frames)
    {
        _kernel = kernel;
        _ram = kernel.Machine.Ram;
        _format = kernel.Machine.Configuration.Confidential?.Platform.Format ?? PteFormat.Plain;
        _processors = kernel.Machine.Processors.Length;
        _ofPage = new List<TrackedMapping>[frames.Count];
        for (int page = 0; page < frames.Count; page++)
        {
            _pageOfFrame[frames[page].Value] = page;
            _ofPage[page] = [];
        }

        int levels = kernel.Memory.Levels;
        AddTable(_format.Frame(new PageTableEntry(kernel.KernelRoot | 1)).Value, levels, 0, FirstKernelEntry);
    }

    private readonly record struct Table(int Level, ulong Base);

    /// <summary>Every mapping that was seen, those that are gone included.</summary>
    public IReadOnlyList<TrackedMapping> Mappings => _mappings;

    /// <summary>Those of one page.</summary>
    public IReadOnlyList<TrackedMapping> MappingsOf(int page) => _ofPage[page];

    /// <summary>The pages that hold the tables.</summary>
    public IEnumerable<ulong> TableFrames => _tables.Keys;

    /// <summary>Takes up a store to one of the tables.</summary>
    /// <param name="store">The store; memory holds the new value.</param>
    /// <param name="changed">Gets the mappings whose leaf is another one now, with what it was before.</param>
    /// <param name="newTables">Gets the pages of tables that were put in.</param>
    public void Take(in WatchedStore store, List<(TrackedMapping Mapping, PageTableEntry Before)> changed, List<ulong> newTables)
    {
        if (!_tables.TryGetValue(store.PhysicalAddress >> Page.Shift, out Table table))
            return;

        ulong address = store.PhysicalAddress & ~7ul;
        if (_byEntry.Remove(address, out List<TrackedMapping>? mappings))
        {
            foreach (TrackedMapping mapping in mappings)
            {
                changed.Add((mapping, mapping.Entry));
                mapping.Entry = default;
            }
        }

        int known = _tables.Count;
        AddEntry(table, address);
        if (_tables.Count > known)
        {
            int index = 0;
            foreach (ulong frame in _tables.Keys)
            {
                if (index++ >= known)
                    newTables.Add(frame);
            }
        }

        if (_byEntry.TryGetValue(address, out List<TrackedMapping>? present))
        {
            foreach (TrackedMapping mapping in present)
            {
                if (!Contains(changed, mapping))
                    changed.Add((mapping, default));
            }
        }

        changed.RemoveAll(static change => change.Before == change.Mapping.Entry);
    }

    private static bool Contains(List<(TrackedMapping Mapping, PageTableEntry Before)> changed, TrackedMapping mapping)
    {
        foreach ((TrackedMapping one, _) in changed)
        {
            if (one == mapping)
                return true;
        }

        return false;
    }

    private void AddTable(ulong frame, int level, ulong start, int firstEntry)
    {
        if (_tables.Count >= MostTables || !_ram.Contains(frame << Page.Shift, Page.Bytes) || !_tables.TryAdd(frame, new Table(level, start)))
            return;

        for (int entry = firstEntry; entry < EntriesPerTable; entry++)
            AddEntry(new Table(level, start), (frame << Page.Shift) + ((ulong)entry * sizeof(ulong)));
    }

    private void AddEntry(Table table, ulong address)
    {
        var entry = new PageTableEntry(_ram.Read<ulong>(address));
        if (entry.IsZero)
            return;

        int shift = Page.Shift + ((table.Level - 1) * 9);
        ulong start = SignExtend(table.Base + (((address >> 3) & (EntriesPerTable - 1)) << shift));
        bool isPointer = table.Level > 1 && entry.IsPresent && !entry.IsLargePage;
        if (isPointer)
        {
            AddTable(_format.Frame(entry).Value, table.Level - 1, start, 0);
            return;
        }

        PageSize? size = table.Level switch { 1 => PageSize.Size4K, 2 => PageSize.Size2M, 3 => PageSize.Size1G, _ => null };
        if (size is not PageSize known)
            return;

        ulong first = _format.Frame(entry).Value & ~((ulong)known.Frames() - 1);
        foreach ((ulong frame, int page) in PagesIn(first, known))
            AddMapping(page, start + ((frame - first) << Page.Shift), entry, known, address);
    }

    private List<(ulong Frame, int Page)> PagesIn(ulong first, PageSize size)
    {
        List<(ulong, int)> found = [];
        if (size == PageSize.Size4K)
        {
            if (_pageOfFrame.TryGetValue(first, out int page))
                found.Add((first, page));

            return found;
        }

        ulong count = (ulong)size.Frames();
        foreach ((ulong frame, int page) in _pageOfFrame)
        {
            if (frame - first < count)
                found.Add((frame, page));
        }

        return found;
    }

    private void AddMapping(int page, ulong address, PageTableEntry entry, PageSize size, ulong entryAddress)
    {
        if (!_byPlace.TryGetValue((page, address), out TrackedMapping? mapping))
        {
            mapping = new TrackedMapping(_mappings.Count, page, new VirtualAddress(address), RegionName(_kernel.RegionOf(address)), _processors);
            _mappings.Add(mapping);
            _ofPage[page].Add(mapping);
            _byPlace.Add((page, address), mapping);
        }

        mapping.Entry = entry;
        mapping.Size = size;
        mapping.EntryAddress = entryAddress;
        mapping.Attribute = _format.Attribute(entry);
        if (!_byEntry.TryGetValue(entryAddress, out List<TrackedMapping>? mappings))
            _byEntry[entryAddress] = mappings = [];

        mappings.Add(mapping);
    }

    private static string RegionName(KernelRegion region) => region switch
    {
        KernelRegion.DirectMap => "direct map",
        KernelRegion.Image => "image",
        KernelRegion.Vmalloc => "vmalloc",
        _ => "kernel",
    };

    private static ulong SignExtend(ulong address) => (ulong)((long)(address << 16) >> 16);
}
