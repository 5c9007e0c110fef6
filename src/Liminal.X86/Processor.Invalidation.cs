// SPDX-License-Identifier: Apache-2.0
using System;
using System.Numerics;
using Liminal.Memory;
using Liminal.X86.Observation;
using Liminal.X86.Paging;

namespace Liminal.X86;

/// <content>What drops translations, and with them what was derived from them.</content>
public sealed unsafe partial class Processor
{
    /// <summary>Slots of the data TLB that may hold translations which a change of address space drops. Derived.</summary>
    private readonly ulong[] _localSlots = new ulong[DataTlb.Capacity / 64];

    /// <summary>Drops every translation that leads to a page, as the machine must when the host changed it and hardware forgets it.</summary>
    /// <param name="frame">Guest-physical address divided by 4096.</param>
    /// <param name="attributes">Which translations of the page.</param>
    public void FlushFrame(ulong frame, PteAttributes attributes)
    {
        if (FlushFrame(State.DataTlb, frame, attributes, 1) | FlushFrame(State.CodeTlb, frame, attributes, 1)
            | FlushFrame(State.LargeCodeTlb, frame, attributes, 512))
        {
            NoteTlbFlush();
            ForgetHostPointers();
        }
    }

    /// <summary>
    /// Makes the data TLB hold a translation to read a page by, as the processor could have looked it up while the page tables still said so.
    /// </summary>
    /// <param name="page">Linear address of the page.</param>
    /// <param name="frame">Guest-physical address of the page, divided by 4096.</param>
    /// <param name="attribute">What the page tables said about the page.</param>
    /// <param name="isGlobal">Whether it survives a change of address space.</param>
    /// <remarks>It allows reading by the supervisor and nothing else: any other access walks. Until it is invalidated or replaced, no rule is asked about
    /// a read, as for each translation that is held.</remarks>
    public void HoldTranslation(ulong page, ulong frame, PteAttribute attribute, bool isGlobal)
    {
        int slot = (int)(page >> 12) & (DataTlb.Capacity - 1);
        State.DataTlb[slot] = new TlbEntry(
            (page & PageMask) | 1,
            ((frame << 12) & Translation.FrameMask) | Translation.NoExecute | (isGlobal ? Translation.Global : 0)
                | (attribute == PteAttribute.Shared ? Translation.Shared : 0) | (Pcid << Translation.PcidShift));
        NoteTlbFill(slot);
        if (!isGlobal)
            _localSlots[slot >> 6] |= 1ul << slot;
        ForgetFast(slot);
    }

    /// <summary>Makes the data TLB hold no translation of a page, as a processor may forget any at any time: the next access to it walks.</summary>
    /// <param name="page">Linear address of the page.</param>
    public void ForgetTranslation(ulong page)
    {
        int slot = (int)(page >> 12) & (DataTlb.Capacity - 1);
        if (State.DataTlb[slot].Tag != ((page & PageMask) | 1))
            return;

        State.DataTlb[slot] = default;
        NoteTlbFill(slot);
        ForgetFast(slot);
    }

    /// <summary>Makes every link between blocks invalid.</summary>
    internal void ForgetCodeLinks()
    {
        _codeChanges++;
        Array.Clear(_keys);
        _core->Key = KeyOf(_core->Mode);
    }

    /// <summary>Drops translations of all address spaces, or all but global ones.</summary>
    /// <remarks>A kernel that patches itself changes its address space twice for each patch, so the usual case costs only what it drops:
    /// host pointers and links of global pages stay.</remarks>
    internal void FlushTlb(InvalidationCause cause, bool keepGlobal, int pcid = -1)
    {
        bool anyCode = Flush(State.CodeTlb, keepGlobal, pcid) | Flush(State.LargeCodeTlb, keepGlobal, pcid);
        NoteTlbFlush();
        if (keepGlobal && pcid < 0)
        {
            FlushLocalData();
            if (anyCode)
                ForgetCodeLinks();
        }
        else
        {
            Flush(State.DataTlb, keepGlobal, pcid);
            ForgetHostPointers();
        }

        Observer?.OnInvalidation(this, new TlbInvalidation(cause, null, keepGlobal, pcid));
    }

    /// <summary>INVLPG: drops the translations of one page, whatever its size and address space.</summary>
    internal void FlushPage(InvalidationCause cause, ulong address, int pcid = -1, bool keepGlobal = false)
    {
        DropPage(address, pcid, keepGlobal);
        Observer?.OnInvalidation(this, new TlbInvalidation(cause, address, keepGlobal, pcid));
    }

    /// <summary>A page fault drops what the TLBs hold for the address, all pieces of a large page included.</summary>
    /// <remarks>
    /// Source: Intel SDM vol. 3A, 4.10.4.1 "Operations that Invalidate TLBs and Paging-Structure Caches". Looked for only when they hold the
    /// address itself, which is rare and cheap to see; observers are not told.
    /// </remarks>
    private void DropAfterPageFault(ulong address)
    {
        TlbEntry data = State.DataTlb[(int)(address >> 12) & (DataTlb.Capacity - 1)];
        TlbEntry small = State.CodeTlb[(int)(address >> 12) & (CodeTlb.Capacity - 1)];
        TlbEntry large = State.LargeCodeTlb[(int)(address >> LargeCodeTlb.PageShift) & (LargeCodeTlb.Capacity - 1)];
        if (data.Covers(address) || small.Covers(address) || large.Covers(address))
            DropPage(address, pcid: -1, keepGlobal: false);
    }

    private void DropPage(ulong address, int pcid, bool keepGlobal)
    {
        FlushPage(State.DataTlb, address, pcid, keepGlobal);
        if (FlushPage(State.CodeTlb, address, pcid, keepGlobal) | FlushPage(State.LargeCodeTlb, address, pcid, keepGlobal))
            ForgetCodeLinks();
    }

    private void FlushLocalData()
    {
        Span<TlbEntry> entries = State.DataTlb;
        for (int word = 0; word < _localSlots.Length; word++)
        {
            for (ulong left = _localSlots[word]; left != 0; left &= left - 1)
            {
                int slot = (word * 64) + BitOperations.TrailingZeroCount(left);
                if ((entries[slot].Data & Translation.Global) != 0)
                    continue;
                entries[slot] = default;
                ForgetFast(slot);
            }

            _localSlots[word] = 0;
        }
    }

    /// <summary>Drops the host pointers that a place of the data TLB stands behind.</summary>
    private void ForgetFast(int slot)
    {
        for (FastEntry* entry = _fastTables + slot; entry < _fastTables + (FastTableCount * FastEntry.Count); entry += FastEntry.Count)
            entry->ReadTag = entry->WriteTag = FastEntry.NoPage;
    }

    /// <summary>Drops what is not kept; true when there was any.</summary>
    private static bool Flush(Span<TlbEntry> entries, bool keepGlobal, int pcid)
    {
        bool any = false;
        foreach (ref TlbEntry entry in entries)
        {
            bool isKept = entry.Tag == 0 || (keepGlobal && (entry.Data & Translation.Global) != 0)
                || (pcid >= 0 && (entry.Data >> Translation.PcidShift) != (ulong)pcid);
            if (isKept)
                continue;
            entry = default;
            any = true;
        }

        return any;
    }

    private bool FlushPage(Span<TlbEntry> entries, ulong address, int pcid, bool keepGlobal)
    {
        bool isData = entries.Length == DataTlb.Capacity;
        bool any = false;
        for (int slot = 0; slot < entries.Length; slot++)
        {
            TlbEntry entry = entries[slot];
            bool isGlobal = (entry.Data & Translation.Global) != 0;
            bool isOtherSpace = pcid >= 0 && !isGlobal && (entry.Data >> Translation.PcidShift) != (ulong)pcid;
            if (!entry.Covers(address) || isOtherSpace || (keepGlobal && isGlobal))
                continue;
            any = true;
            NoteTlbFlush();
            entries[slot] = default;
            if (isData)
                ForgetFast(slot);
        }

        return any;
    }

    private static bool FlushFrame(Span<TlbEntry> entries, ulong frame, PteAttributes attributes, ulong pages)
    {
        bool any = false;
        foreach (ref TlbEntry entry in entries)
        {
            PteAttributes named = (entry.Data & Translation.Shared) != 0 ? PteAttributes.Shared : PteAttributes.Private;
            if (entry.Tag == 0 || frame - ((entry.Data & Translation.FrameMask) >> 12) >= pages || (attributes & named) == 0)
                continue;
            any = true;
            entry = default;
        }

        return any;
    }
}
