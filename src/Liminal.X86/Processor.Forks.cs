// SPDX-License-Identifier: Apache-2.0
using System;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Liminal.Memory.Ram;
using Liminal.X86.Execution;
using Liminal.X86.Paging;
using Liminal.X86.State;

namespace Liminal.X86;

/// <content>How a processor of a fork becomes its original again, at the cost of what it did.</content>
/// <remarks>
/// Links between blocks are the dear part: a fork of 500 instructions would spend more time on finding its blocks again than on running them. A
/// fork may follow the links that it made when it was attached before, as long as three things hold: neither it nor its original gained or lost
/// a code translation or a page with code since (<see cref="_codeChanges"/>), and it executed nothing from a page that only it had, or that its
/// original had replaced already. Of the TLBs, which are most of the state, only the places that the fork filled are copied, as long as its
/// original has not changed its own and the fork has dropped nothing; then host pointers stay as well, but for those of these places and those
/// that <see cref="ForgetOwnPages"/> dropped.
/// </remarks>
public sealed unsafe partial class Processor
{
    private const int MostNotedFills = 256;

    private readonly ushort[] _filledSlots = new ushort[MostNotedFills];
    private int _filledCount;
    private ulong _tlbFlushes;
    private ulong _tlbChanges;
    private ulong _tlbFlushesAtTakeOver = ulong.MaxValue;
    private ulong _tlbChangesOfOriginal;
    private ulong _codeChangesOfOriginal;
    private ulong _codeChangesAtTakeOver;
    private bool _hasFetchedFromPrivatePage = true;

    internal MachineCode MachineCode => _machineCode;

    /// <summary>Takes over the whole state of the processor that this one is forked from; hooks, observers and what was asked of it are gone.</summary>
    /// <param name="original">Between two runs, with the same index, and always the same one.</param>
    public void TakeOver(Processor original)
    {
        ArgumentNullException.ThrowIfNull(original);
        bool keepsLinks = !_hasFetchedFromPrivatePage
            && _codeChanges == _codeChangesAtTakeOver && original._codeChanges == _codeChangesOfOriginal;
        bool keepsPointers = State.Cr3 == original.State.Cr3 && Ram.HasSamePages && SharedRam?.HasSamePages != false;
        keepsPointers &= TryKeepTlb(original);
        _retiredAtEnd = State.InstructionsRetired;
        _retiredAtReport = ulong.MaxValue;
        _core->Hook.Target = null;
        _hookKind = 0;
        Observer = null;
        _watched = null;
        _core->Remaining = 0;
        _core->Op = null;
        _core->Exit = BlockExit.Lookup;
        _core->Attention = Attention.None;
        if (!keepsPointers)
            ForgetFastEntries();
        if (!keepsLinks)
            ForgetCodeLinks();
        RefreshMode();
        _codeChangesAtTakeOver = _codeChanges;
        _codeChangesOfOriginal = original._codeChanges;
        _hasFetchedFromPrivatePage = false;
    }

    /// <summary>Called when a block is looked up, with the host address of its code.</summary>
    internal void NoteFetch(byte* host)
    {
        PageHeader* header = GuestRam.HeaderOf(host);
        _hasFetchedFromPrivatePage |= header->IsSuperseded || Ram.HasMade(header) || SharedRam?.HasMade(header) == true;
    }

    /// <summary>A place of the data TLB has changed.</summary>
    private void NoteTlbFill(int slot)
    {
        _tlbChanges++;
        if (_filledCount < MostNotedFills)
            _filledSlots[_filledCount++] = (ushort)slot;
        else
            _tlbFlushes++;
    }

    /// <summary>Any place of the TLBs may have changed.</summary>
    private void NoteTlbFlush()
    {
        _tlbChanges++;
        _tlbFlushes++;
    }

    /// <summary>Copies the state; true when the TLBs were the original's, but for places that were filled and now are again what they were.</summary>
    private bool TryKeepTlb(Processor original)
    {
        bool keepsTlb = _tlbFlushes == _tlbFlushesAtTakeOver && original._tlbChanges == _tlbChangesOfOriginal;
        if (keepsTlb)
        {
            // The TLBs stand in one piece at the end of the state.
            int head = (int)Unsafe.ByteOffset(
                ref Unsafe.As<VcpuState, byte>(ref State), ref Unsafe.As<DataTlb, byte>(ref State.DataTlb));
            MemoryMarshal.AsBytes(new Span<VcpuState>(ref original.State))[..head].CopyTo(MemoryMarshal.AsBytes(new Span<VcpuState>(ref State)));
            foreach (ushort slot in _filledSlots.AsSpan(0, _filledCount))
            {
                State.DataTlb[slot] = original.State.DataTlb[slot];
                ForgetFast(slot);
            }
        }
        else
        {
            State = original.State;
            original._localSlots.CopyTo(_localSlots, 0);
        }

        // For forks of this one, which were attached when its TLBs were others.
        if (!keepsTlb || _filledCount > 0)
            _tlbChanges++;
        _filledCount = 0;
        _tlbFlushesAtTakeOver = _tlbFlushes;
        _tlbChangesOfOriginal = original._tlbChanges;
        return keepsTlb;
    }
}
