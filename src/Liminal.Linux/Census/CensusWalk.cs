// SPDX-License-Identifier: Apache-2.0

using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using Liminal.Linux.Guest;
using Liminal.Memory;
using Liminal.X86;

namespace Liminal.Linux.Census;

/// <summary>Reads the tables of all address spaces, table by table.</summary>
internal sealed class CensusWalk
{
    private const int EntriesPerTable = 512;
    private const int TableBytes = EntriesPerTable * sizeof(ulong);

    /// <summary>Most leaves; a guest that has hundreds of processes has about a million.</summary>
    private const int MostLeaves = 16 << 20;

    /// <summary>Most tables; a guest that makes a table its own parent would have billions.</summary>
    private const int MostTables = 1 << 20;

    private const PteFlags ProtectionNone = PteFlags.Global;

    private readonly GuestKernel _kernel;
    private readonly GuestMemory _memory;
    private readonly PteFormat _format;
    private readonly List<CensusLeaf> _leaves = [];
    private readonly List<CensusSpace> _spaces = [];
    private readonly HashSet<ulong> _roots = [];
    private readonly byte[] _kernelRoot = new byte[TableBytes];
    private readonly byte[][] _buffers;
    private int _tables;
    private bool _isComplete = true;

    public CensusWalk(GuestKernel kernel)
    {
        _kernel = kernel;
        _memory = kernel.Memory;
        _format = kernel.Format;
        _buffers = new byte[_memory.Levels + 1][];
        for (int level = 1; level < _buffers.Length; level++)
            _buffers[level] = new byte[TableBytes];
    }

    public PageTableCensus Take()
    {
        _isComplete &= _memory.TryReadTable(_kernel.KernelRoot, _kernelRoot);
        Add(new CensusSpace("kernel", _kernel.KernelRoot), isKernel: true);
        foreach (GuestTask task in _kernel.Tasks)
        {
            if (_kernel.RootOf(task) is ulong root)
                Add(new CensusSpace(task.ToString(), root), isKernel: false);
        }

        foreach (Processor processor in _kernel.Machine.Processors)
        {
            if (GuestMemory.Of(processor).Levels == _memory.Levels && processor.State.Cr3 != 0)
                Add(new CensusSpace($"CR3 of processor {processor.Index}", processor.State.Cr3), isKernel: false);
        }

        return new PageTableCensus([.. _leaves], _spaces, _tables, _isComplete);
    }

    private void Add(CensusSpace space, bool isKernel)
    {
        if (!_roots.Add(_memory.TableAddress(space.Root)))
            return;

        _spaces.Add(space);
        Read(space.Root, _memory.Levels, 0, isKernel);
    }

    /// <summary>Adds the leaves under a table.</summary>
    /// <param name="pointer">The entry, or CR3, that leads to it.</param>
    /// <param name="level">1 for the lowest.</param>
    /// <param name="start">First address under it.</param>
    /// <param name="isKernel">Whether these are the kernel's own tables.</param>
    private void Read(ulong pointer, int level, ulong start, bool isKernel)
    {
        byte[] table = _buffers[level];
        if (_tables >= MostTables || _leaves.Count >= MostLeaves || !_memory.TryReadTable(pointer, table))
        {
            _isComplete = false;
            return;
        }

        _tables++;
        bool isRoot = level == _memory.Levels;
        int shift = Page.Shift + ((level - 1) * 9);
        ulong tableAddress = _memory.TableAddress(pointer);
        for (int index = 0; index < EntriesPerTable; index++)
        {
            ulong raw = Entry(table, index);
            if (raw == 0)
                continue;

            bool isUpperHalf = isRoot ? index >= EntriesPerTable / 2 : (start >> 63) != 0;
            ulong address = start | ((ulong)index << shift);
            if (isRoot && isUpperHalf)
            {
                if (!isKernel && _memory.TableAddress(raw) == _memory.TableAddress(Entry(_kernelRoot, index)))
                    continue;

                address |= ulong.MaxValue << (shift + 9);
            }

            var entry = new PageTableEntry(raw);
            bool isLeaf = level == 1 || (level <= 3 && (entry.IsPresent ? entry.IsLargePage : IsLostLeaf(entry, isUpperHalf)));
            if (isLeaf && (entry.IsPresent || IsLostLeaf(entry, isUpperHalf)))
                AddLeaf(entry, level, address, tableAddress + ((ulong)index * sizeof(ulong)));
            else if (!isLeaf && entry.IsPresent)
                Read(raw, level - 1, address, isKernel);
        }
    }

    /// <summary>Whether a non-present entry still names its page.</summary>
    private static bool IsLostLeaf(PageTableEntry entry, bool isUpperHalf) =>
        !entry.IsPresent && (isUpperHalf || (entry.Raw & (ulong)ProtectionNone) != 0);

    private void AddLeaf(PageTableEntry entry, int level, ulong address, ulong entryAddress)
    {
        var size = (PageSize)(level - 1);
        ulong frame = _format.Frame(entry).Value & ~((ulong)size.Frames() - 1);
        _leaves.Add(new CensusLeaf(
            new VirtualAddress(address), size, entry, new GuestPhysicalAddress(entryAddress), new FrameNumber(frame), _format.Attribute(entry), _spaces.Count - 1));
    }

    private static ulong Entry(byte[] table, int index) => BinaryPrimitives.ReadUInt64LittleEndian(table.AsSpan(index * sizeof(ulong)));
}
