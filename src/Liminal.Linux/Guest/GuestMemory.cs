// SPDX-License-Identifier: Apache-2.0

using System;
using System.Buffers.Binary;
using Liminal.Memory.Ram;
using Liminal.X86;
using Liminal.X86.Paging;
using Liminal.X86.State;

namespace Liminal.Linux.Guest;

/// <summary>One address space of a stopped guest, read and written from outside as a supervisor would see it, without a trace in the guest.</summary>
/// <remarks>
/// Page tables are walked as the processor walks them, without its TLB and without the confidential platform's rules: neither A and D bits nor
/// page states change, and a page that the guest could not touch now can still be read. The attribute of each entry decides from which of the
/// two backings the next table, or the page, is read. Write permissions are ignored.
/// </remarks>
public readonly struct GuestMemory
{
    private const ulong PageMask = GuestRam.PageSize - 1;

    private readonly GuestRam _ram;
    private readonly GuestRam? _sharedRam;
    private readonly PagingRegisters _registers;
    private readonly bool _setMeansShared;
    private readonly bool _tablesArePrivate;

    private GuestMemory(Processor processor, ulong root)
    {
        PagingRegisters registers = processor.PagingRegisters;
        const ulong KeptCr4 = Cr4.PhysicalAddressExtension | Cr4.FiveLevelPaging | Cr4.PageGlobalEnable;
        _registers = registers with
        {
            Cr3 = root,
            Cr0 = registers.Cr0 & ~Cr0.WriteProtect,
            Cr4 = registers.Cr4 & KeptCr4,
        };
        _ram = processor.Ram;
        _sharedRam = processor.SharedRam;
        _setMeansShared = processor.Rules?.AttributeBitMeansShared ?? false;
        _tablesArePrivate = processor.Rules?.CodeAndTablesArePrivate ?? true;
    }

    /// <summary>The root of the tables, as CR3 holds it.</summary>
    public ulong Root => _registers.Cr3;

    /// <summary>Levels of the tables: 4 or 5.</summary>
    public int Levels => (_registers.Cr4 & Cr4.FiveLevelPaging) != 0 ? 5 : 4;

    /// <summary>Mask of the attribute bit in entries and CR3; zero in a plain guest.</summary>
    public ulong AttributeBit => _registers.AttributeBit;

    /// <summary>True when the attribute bit set means shared (TDX, vTOM), false when it means private (C-bit).</summary>
    public bool SetMeansShared => _setMeansShared;

    /// <summary>The address space that a processor is in.</summary>
    public static GuestMemory Of(Processor processor)
    {
        ArgumentNullException.ThrowIfNull(processor);
        return new GuestMemory(processor, processor.State.Cr3);
    }

    /// <summary>The address space with another root, its other registers as on this processor.</summary>
    /// <param name="processor">A processor in long mode.</param>
    /// <param name="root">As CR3 would hold it, attribute bit included.</param>
    public static GuestMemory At(Processor processor, ulong root)
    {
        ArgumentNullException.ThrowIfNull(processor);
        return new GuestMemory(processor, root);
    }

    /// <summary>Translates an address.</summary>
    /// <param name="address">Linear address.</param>
    /// <param name="physical">Guest-physical address, attribute removed.</param>
    /// <param name="isShared">Whether the translation carries the shared attribute.</param>
    /// <returns>False when nothing is mapped there, or a table is not in RAM.</returns>
    public bool TryTranslate(ulong address, out ulong physical, out bool isShared)
    {
        var reader = new TableReader(this);
        WalkResult walk = PageWalk.Walk(_registers, ref reader, address, PageAccess.Read);
        physical = walk.PhysicalAddress;
        isShared = _registers.AttributeBit != 0 && walk.HasAttributeBit == _setMeansShared;
        return walk.Status == WalkStatus.Mapped;
    }

    /// <summary>Reads bytes.</summary>
    /// <returns>False when part of the range is not mapped to RAM; what was read before is in the destination.</returns>
    public bool TryRead(ulong address, Span<byte> destination)
    {
        while (!destination.IsEmpty)
        {
            int length = Math.Min(destination.Length, GuestRam.PageSize - (int)(address & PageMask));
            if (Locate(address, length, out ulong physical) is not GuestRam ram)
                return false;

            ram.Read(physical, destination[..length]);
            destination = destination[length..];
            address += (ulong)length;
        }

        return true;
    }

    /// <summary>Writes bytes; code that they replace is translated anew.</summary>
    /// <returns>False when part of the range is not mapped to RAM; what lies before it has been written.</returns>
    public bool TryWrite(ulong address, ReadOnlySpan<byte> source)
    {
        while (!source.IsEmpty)
        {
            int length = Math.Min(source.Length, GuestRam.PageSize - (int)(address & PageMask));
            if (Locate(address, length, out ulong physical) is not GuestRam ram)
                return false;

            ram.Write(physical, source[..length]);
            source = source[length..];
            address += (ulong)length;
        }

        return true;
    }

    /// <summary>Reads a 64-bit word.</summary>
    public bool TryRead(ulong address, out ulong value)
    {
        Span<byte> bytes = stackalloc byte[sizeof(ulong)];
        bool isThere = TryRead(address, bytes);
        value = isThere ? BinaryPrimitives.ReadUInt64LittleEndian(bytes) : 0;
        return isThere;
    }

    /// <summary>Reads a 32-bit word.</summary>
    public bool TryRead(ulong address, out uint value)
    {
        Span<byte> bytes = stackalloc byte[sizeof(uint)];
        bool isThere = TryRead(address, bytes);
        value = isThere ? BinaryPrimitives.ReadUInt32LittleEndian(bytes) : 0;
        return isThere;
    }

    /// <summary>Writes a 64-bit word.</summary>
    public bool TryWrite(ulong address, ulong value)
    {
        Span<byte> bytes = stackalloc byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, value);
        return TryWrite(address, bytes);
    }

    /// <summary>Reads a whole table of 512 entries.</summary>
    /// <param name="pointer">The entry, or CR3, that leads to it: address and attribute.</param>
    /// <param name="entries">Receives the entries.</param>
    /// <returns>False when the table is not in RAM.</returns>
    internal bool TryReadTable(ulong pointer, Span<byte> entries)
    {
        ulong address = TableAddress(pointer);
        GuestRam ram = BackingOf((pointer & AttributeBit) != 0);
        if (!ram.Contains(address, GuestRam.PageSize))
            return false;

        if (ram.IsTouched(address / GuestRam.PageSize))
            ram.Read(address, entries);
        else
            entries.Clear();

        return true;
    }

    /// <summary>Guest-physical address of the table that an entry or CR3 leads to.</summary>
    internal ulong TableAddress(ulong pointer) =>
        pointer & ((1ul << _registers.PhysicalBits) - 1) & ~PageMask & ~AttributeBit;

    private GuestRam? Locate(ulong address, int length, out ulong physical)
    {
        if (!TryTranslate(address, out physical, out bool isShared))
            return null;

        GuestRam ram = isShared && _sharedRam is not null ? _sharedRam : _ram;
        return ram.Contains(physical, (ulong)length) ? ram : null;
    }

    private GuestRam BackingOf(bool hasAttributeBit) =>
        !_tablesArePrivate && hasAttributeBit == _setMeansShared && _sharedRam is not null ? _sharedRam : _ram;

    private readonly ref struct TableReader(GuestMemory memory) : ITableReader
    {
        public bool TryReadEntry(ulong address, bool hasAttributeBit, int size, out ulong entry)
        {
            entry = 0;
            GuestRam ram = memory.BackingOf(hasAttributeBit);
            if (!ram.Contains(address, (ulong)size))
                return false;

            entry = size == sizeof(ulong) ? ram.Read<ulong>(address) : ram.Read<uint>(address);
            return true;
        }
    }
}
