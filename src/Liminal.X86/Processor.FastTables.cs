// SPDX-License-Identifier: Apache-2.0
using System;
using Liminal.Memory.Ram;
using Liminal.X86.Execution;
using Liminal.X86.Paging;

namespace Liminal.X86;

/// <content>Host pointers for data accesses: what the fast path looks at. Derived from the data TLB, never state.</content>
/// <remarks>Entries in use are listed, so that to drop them, or to find those of a page, costs what is in use and not what there could be.</remarks>
public sealed unsafe partial class Processor
{
    private readonly ushort[] _listed = new ushort[FastTableCount * FastEntry.Count];
    private readonly ushort[] _writable = new ushort[(FastTableCount * FastEntry.Count) + 1];
    private int _listedCount;
    private int _writableCount;

    /// <summary>Makes the next access to a page take the fast path.</summary>
    internal void FillFast(ulong data, ulong address, byte* host, PageAccess access)
    {
        if ((access & PageAccess.User) != Privilege || _core->Checks != AccessChecks.None || IsDebugged(address))
            return;
        bool isWrite = (access & PageAccess.Write) != 0;
        byte* page = host - (address & ~PageMask);
        FastEntry* entry = Core.Entry(_core, address);
        if (entry->IsListed == 0)
        {
            entry->IsListed = 1;
            _listed[_listedCount++] = (ushort)(entry - _fastTables);
        }

        entry->ReadTag = address & PageMask;
        bool wasWritable = entry->WriteTag != FastEntry.NoPage;
        entry->WriteTag = isWrite && GuestRam.HeaderOf(page)->CodeMask == 0 && !IsWatched(data & Translation.FrameMask)
            ? address & PageMask
            : FastEntry.NoPage;
        entry->Addend = (ulong)page - (address & PageMask);
        if (!wasWritable && entry->WriteTag != FastEntry.NoPage)
        {
            // An entry that lost its tag and got it again is listed twice; a full list is rare and simply begun anew.
            if (_writableCount == _writable.Length)
                ListWritable();
            _writable[_writableCount++] = (ushort)(entry - _fastTables);
        }
    }

    /// <summary>Drops host pointers; translations stay.</summary>
    internal void ForgetHostPointers()
    {
        ForgetFastEntries();
        ForgetCodeLinks();
    }

    /// <summary>Drops host pointers to data; links between blocks stay.</summary>
    private void ForgetFastEntries()
    {
        foreach (ushort index in _listed.AsSpan(0, _listedCount))
        {
            FastEntry* entry = _fastTables + index;
            entry->ReadTag = entry->WriteTag = FastEntry.NoPage;
            entry->IsListed = 0;
        }

        _listedCount = 0;
        _writableCount = 0;
    }

    /// <summary>Sends every first write to a page to the slow path: pages have become shared with a fork.</summary>
    public void ForgetWritePointers()
    {
        foreach (ushort index in _writable.AsSpan(0, _writableCount))
            (_fastTables + index)->WriteTag = FastEntry.NoPage;
        _writableCount = 0;
    }

    /// <summary>Drops host pointers to pages that only this fork has, before it gives them back.</summary>
    public void ForgetOwnPages()
    {
        ForgetWritePointers();
        foreach (ushort index in _listed.AsSpan(0, _listedCount))
        {
            FastEntry* entry = _fastTables + index;
            if (entry->ReadTag == FastEntry.NoPage)
                continue;
            PageHeader* header = GuestRam.HeaderOf((byte*)(entry->ReadTag + entry->Addend));
            if (Ram.HasMade(header) || SharedRam?.HasMade(header) == true)
                entry->ReadTag = FastEntry.NoPage;
        }
    }

    private void ListWritable()
    {
        _writableCount = 0;
        foreach (ushort index in _listed.AsSpan(0, _listedCount))
        {
            if ((_fastTables + index)->WriteTag != FastEntry.NoPage)
                _writable[_writableCount++] = index;
        }
    }

    /// <summary>Drops host pointers to a page that another has replaced in this machine.</summary>
    internal void ForgetPage(byte* page)
    {
        foreach (ushort index in _listed.AsSpan(0, _listedCount))
        {
            FastEntry* entry = _fastTables + index;
            if (entry->ReadTag != FastEntry.NoPage && entry->ReadTag + entry->Addend == (ulong)page)
                entry->ReadTag = entry->WriteTag = FastEntry.NoPage;
        }

        if (GuestRam.HeaderOf(page)->CodeMask != 0)
            ForgetCodeLinks();
    }

    /// <summary>Sends writes to a page that has been translated to code to the slow path.</summary>
    internal void ForgetWritable(byte* page)
    {
        foreach (ushort index in _listed.AsSpan(0, _listedCount))
        {
            FastEntry* entry = _fastTables + index;
            if (entry->WriteTag != FastEntry.NoPage && entry->WriteTag + entry->Addend == (ulong)page)
                entry->WriteTag = FastEntry.NoPage;
        }
    }

    private FastEntry* FastTable(int table) => _fastTables + (table * FastEntry.Count);
}
