// SPDX-License-Identifier: Apache-2.0
using System;
using Liminal.Memory.Ram;
using Liminal.X86.Execution;
using Liminal.X86.Paging;
using Liminal.X86.State;

namespace Liminal.X86;

/// <content>Accesses that the fast path could not serve: TLB misses, page edges, devices, pages with translated code.</content>
public sealed unsafe partial class Processor
{
    /// <summary>Loads up to 8 bytes for the present instruction.</summary>
    /// <returns>False with the fault or stop set; nothing has changed.</returns>
    internal bool Load(ulong address, int size, out ulong value)
    {
        value = 0;
        return (_core->Checks == AccessChecks.None || CheckAccess(address, size, isWrite: false)) && Load(address, size, Privilege, out value);
    }

    /// <summary>Loads with supervisor privilege at any CPL: descriptor tables and TSS.</summary>
    internal bool LoadSystem(ulong address, int size, out ulong value) => Load(address, size, PageAccess.Read, out value);

    /// <summary>Stores up to 8 bytes for the present instruction, all or nothing.</summary>
    internal bool Store(ulong address, int size, ulong value)
        => (_core->Checks == AccessChecks.None || CheckAccess(address, size, isWrite: true)) && Store(address, size, Privilege, value);

    /// <summary>Stores with supervisor privilege at any CPL.</summary>
    internal bool StoreSystem(ulong address, int size, ulong value) => Store(address, size, PageAccess.Read, value);

    /// <summary>Loads for an instruction that will store to the same place: faults as the store would.</summary>
    internal bool LoadForModify(ulong address, int size, out ulong value)
    {
        value = 0;
        return (_core->Checks == AccessChecks.None || CheckAccess(address, size, isWrite: true))
            && Probe(address, size, Privilege | PageAccess.Write) && Load(address, size, Privilege, out value);
    }

    /// <summary>Loads any number of bytes up to a page; devices see 8-byte loads.</summary>
    internal bool Load(ulong address, Span<byte> destination)
    {
        if (_core->Checks != AccessChecks.None && !CheckAccess(address, destination.Length, isWrite: false))
            return false;
        if (!Probe(address, destination.Length, Privilege))
            return false;
        for (int i = 0; i < destination.Length;)
        {
            int size = Math.Min(8, destination.Length - i);
            if (!Load(address + (ulong)i, size, Privilege, out ulong value))
                return false;
            for (int j = 0; j < size; j++)
                destination[i++] = (byte)(value >> (8 * j));
        }

        return true;
    }

    /// <summary>Stores any number of bytes up to a page, all or nothing; devices see 8-byte stores.</summary>
    internal bool Store(ulong address, ReadOnlySpan<byte> source)
    {
        if (_core->Checks != AccessChecks.None && !CheckAccess(address, source.Length, isWrite: true))
            return false;
        if (!Probe(address, source.Length, Privilege | PageAccess.Write))
            return false;
        for (int i = 0; i < source.Length;)
        {
            int size = Math.Min(8, source.Length - i);
            ulong value = 0;
            for (int j = 0; j < size; j++)
                value |= (ulong)source[i + j] << (8 * j);
            if (!Store(address + (ulong)i, size, Privilege, value))
                return false;
            i += size;
        }

        return true;
    }

    /// <summary>Checks that an access of up to a page would not fault.</summary>
    internal bool Probe(ulong address, int size, PageAccess access)
    {
        if (!TryTranslate(address, access, out _))
            return false;
        ulong last = address + (ulong)(size - 1);
        return ((address ^ last) & PageMask) == 0 || TryTranslate(last & PageMask, access, out _);
    }

    /// <summary>Host address of a range inside one page for bulk loads, or null when it is a device's or a debugger watches the page; false on a fault.</summary>
    internal bool TryHostForLoad(ulong address, out byte* host)
    {
        host = null;
        if (!TryTranslate(address, Privilege, out ulong data))
            return false;
        if (IsDebugged(address))
            return true;
        host = HostAddress(data, address, forWrite: false);
        if (host != null)
            FillFast(data, address, host, Privilege);
        return true;
    }

    /// <summary>Host address of a range inside one page for a bulk store, or null when it is a device's or a debugger watches the page; false on a fault.</summary>
    /// <remarks>Translated code is forgotten at once, so whether a page holds some never shows. The store must follow, and then <see cref="AfterBulkStore"/>.</remarks>
    internal bool TryHostForStore(ulong address, int length, out byte* host)
    {
        PageAccess access = Privilege | PageAccess.Write;
        host = null;
        if (!TryTranslate(address, access, out ulong data))
            return false;
        if (IsDebugged(address))
            return true;
        host = HostAddress(data, address, forWrite: true);
        if (host == null)
            return true;
        NotePhysicalWrite(host - (address & ~PageMask), (int)(address & ~PageMask), length);
        FillFast(data, address, host, access);
        BeforeBulkStore(data, host, length);
        return true;
    }

    /// <summary>Called before RAM is written past the fast path: translated code of these bytes is forgotten.</summary>
    internal void NotePhysicalWrite(byte* page, int offset, int length)
    {
        if (GuestRam.HeaderOf(page)->CodeMask != 0 && _machineCode.Overwrite(page, offset, length))
            _core->Attention |= Attention.CodeChanged;
    }

    private bool Load(ulong address, int size, PageAccess access, out ulong value)
    {
        value = 0;
        int inPage = GuestRam.PageSize - (int)(address & ~PageMask);
        if (inPage < size)
        {
            ulong second = (address | ~PageMask) + 1;
            if (!TryTranslate(address, access, out _) || !TryTranslate(second, access, out _)
                || !Load(address, inPage, access, out ulong low) || !Load(second, size - inPage, access, out ulong high))
            {
                return false;
            }

            value = low | (high << (8 * inPage));
            return true;
        }

        if (!TryTranslate(address, access, out ulong data))
            return false;
        byte* host = HostAddress(data, address, forWrite: false);
        if (host == null)
            return LoadDevice((data & Translation.FrameMask) | (address & ~PageMask), size, out value);
        FillFast(data, address, host, access);
        value = size switch
        {
            1 => *host,
            2 => *(ushort*)host,
            4 => *(uint*)host,
            8 => *(ulong*)host,
            _ => LoadOdd(host, size),
        };
        NoteAccess(address, size, WatchKind.Read);
        return true;
    }

    private bool Store(ulong address, int size, PageAccess access, ulong value)
    {
        access |= PageAccess.Write;
        int inPage = GuestRam.PageSize - (int)(address & ~PageMask);
        if (inPage < size)
        {
            ulong second = (address | ~PageMask) + 1;
            return TryTranslate(address, access, out _) && TryTranslate(second, access, out _)
                && Store(address, inPage, access, value) && Store(second, size - inPage, access, value >> (8 * inPage));
        }

        if (!TryTranslate(address, access, out ulong data))
            return false;
        byte* host = HostAddress(data, address, forWrite: true);
        if (host == null)
            return StoreDevice((data & Translation.FrameMask) | (address & ~PageMask), size, value);
        NotePhysicalWrite(host - (address & ~PageMask), (int)(address & ~PageMask), size);
        FillFast(data, address, host, access);
        bool isWatched = IsWatched(data & Translation.FrameMask);
        ulong old = isWatched ? LoadOdd(host, size) : 0;
        switch (size)
        {
            case 1:
                *host = (byte)value;
                break;
            case 2:
                *(ushort*)host = (ushort)value;
                break;
            case 4:
                *(uint*)host = (uint)value;
                break;
            case 8:
                *(ulong*)host = value;
                break;
            default:
                StoreOdd(host, size, value);
                break;
        }

        if (isWatched)
            ReportStore(data, address, size, old, value);
        NoteAccess(address, size, WatchKind.Write);
        return true;
    }

    private bool LoadDevice(ulong physical, int size, out ulong value)
    {
        _core->Attention |= Attention.Device;
        BusOutcome outcome = Bus.ReadMemory(this, physical, size, out value);
        return outcome == BusOutcome.Done || RefuseDevice(outcome, "load from", physical, size);
    }

    private bool StoreDevice(ulong physical, int size, ulong value)
    {
        _core->Attention |= Attention.Device;
        BusOutcome outcome = Bus.WriteMemory(this, physical, size, value);
        return outcome == BusOutcome.Done || RefuseDevice(outcome, $"store of 0x{value:x} to", physical, size);
    }

    private bool RefuseDevice(BusOutcome outcome, string what, ulong physical, int size) => outcome == BusOutcome.GeneralProtection
        ? Raise(ExceptionVector.GeneralProtection)
        : StopNotModelled($"{size}-byte {what} physical 0x{physical:x}, where nothing is");

    private static ulong LoadOdd(byte* host, int size)
    {
        ulong value = 0;
        for (int i = 0; i < size; i++)
            value |= (ulong)host[i] << (8 * i);
        return value;
    }

    private static void StoreOdd(byte* host, int size, ulong value)
    {
        for (int i = 0; i < size; i++)
            host[i] = (byte)(value >> (8 * i));
    }
}
