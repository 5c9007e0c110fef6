// SPDX-License-Identifier: Apache-2.0
using System;
using Liminal.Memory.Ram;
using Liminal.X86.Execution;
using Liminal.X86.Paging;
using Liminal.X86.State;

namespace Liminal.X86;

/// <content>Watchpoints, and guest memory as a debugger sees it.</content>
public sealed unsafe partial class Processor
{
    /// <summary>Whose loads and stores stop the processor with <see cref="StopKind.Watchpoint"/>, behind the instruction; null for none.</summary>
    public WatchpointSet? Watchpoints { get; set; }

    /// <summary>The watchpoint that <see cref="StopKind.Watchpoint"/> last reported.</summary>
    public Watchpoint LastWatchpoint { get; private set; }

    /// <summary>Reads guest memory by linear address without side effects: no rule is asked, no A bit set, no device read, no TLB used.</summary>
    /// <remarks>The walk is that of a supervisor without SMAP. In a confidential guest the attribute of the mapping names the backing.</remarks>
    /// <returns>Bytes read, from the first on; fewer than asked when something is not mapped to RAM.</returns>
    public int Peek(ulong linearAddress, Span<byte> destination)
    {
        int done = 0;
        while (done < destination.Length && TryFindForDebugger(linearAddress + (ulong)done, out GuestRam ram, out ulong physical))
        {
            int length = Math.Min(destination.Length - done, GuestRam.PageSize - (int)(physical & ~PageMask));
            ram.Read(physical, destination.Slice(done, length));
            done += length;
        }

        return done;
    }

    /// <summary>Writes guest memory by linear address, read-only pages too, with no side effect but that translated code is forgotten.</summary>
    /// <returns>False, with nothing written, when something is not mapped to RAM.</returns>
    public bool Poke(ulong linearAddress, ReadOnlySpan<byte> source)
    {
        for (int isWriting = 0; isWriting < 2; isWriting++)
        {
            for (int done = 0; done < source.Length;)
            {
                if (!TryFindForDebugger(linearAddress + (ulong)done, out GuestRam ram, out ulong physical))
                    return false;
                int length = Math.Min(source.Length - done, GuestRam.PageSize - (int)(physical & ~PageMask));
                if (isWriting != 0)
                    ram.Write(physical, source.Slice(done, length));
                done += length;
            }
        }

        return true;
    }

    private bool TryFindForDebugger(ulong address, out GuestRam ram, out ulong physical)
    {
        ram = Ram;
        physical = 0;
        if (_core->IsLongMode ? !IsCanonical(address) : address > uint.MaxValue)
            return false;
        var reader = new PlainTableReader(this);
        WalkResult walk = PageWalk.Walk(PagingRegisters with { SuspendsSmap = true }, ref reader, address, PageAccess.Read);
        if (walk.Status != WalkStatus.Mapped)
            return false;
        bool hasAttribute = Rules != null && walk.Depth != 0 && (State.Cr4 & Cr4.PhysicalAddressExtension) != 0;
        if (hasAttribute && walk.HasAttributeBit == Rules!.AttributeBitMeansShared && SharedRam != null)
            ram = SharedRam;
        physical = walk.PhysicalAddress;
        return ram.Contains(physical, 1);
    }

    /// <summary>True when accesses to a page must be looked at one by one.</summary>
    private bool IsDebugged(ulong address) => Watchpoints is { Count: > 0 } watchpoints && watchpoints.CoversPage(address);

    /// <summary>Called for each load and store that does not take the fast path.</summary>
    private void NoteAccess(ulong address, int size, WatchKind kind)
    {
        if (Watchpoints is { Count: > 0 } watchpoints && (_core->Attention & Attention.Watch) == 0
            && watchpoints.Find(address, size, kind) is Watchpoint hit)
        {
            LastWatchpoint = hit;
            _core->Attention |= Attention.Watch;
        }
    }
}
