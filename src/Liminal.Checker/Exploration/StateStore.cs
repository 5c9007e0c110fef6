// SPDX-License-Identifier: Apache-2.0

using System;
using System.Runtime.InteropServices;
using System.Threading;
using Liminal.Checker.Model;

namespace Liminal.Checker.Exploration;

/// <summary>The visited set: every state found so far, whole, and an index to find one again. Exact: no state is ever taken for another.</summary>
/// <remarks>
/// States stand in native memory in the order in which they were found, in segments of 4 MiB. The index is an open-addressing table of
/// 64-bit words (24 bits of the hash, 40 bits of the position + 1), claimed by compare-and-swap; so several threads may add at once,
/// and all that depends on timing is the position of a state. docs/design has the measurements behind this choice.
/// </remarks>
// SAFETY: a pointer is either a slot of the table, masked by its size, or a position that Reserve() gave out, whose segment lives until Dispose().
public sealed unsafe class StateStore : IDisposable
{
    private const int SegmentShift = 16;
    private const int SegmentStates = 1 << SegmentShift;
    private const int PositionBits = 40;
    private const ulong PositionMask = (1UL << PositionBits) - 1;
    private const ulong Hole = ulong.MaxValue;

    private readonly nint[] _segments = new nint[1 << 15];
    private readonly Lock _growth = new();
    private ulong* _table;
    private ulong _tableMask;
    private Counter _positions;
    private long _holes;
    private bool _isDisposed;

    /// <summary>An empty store.</summary>
    public StateStore()
    {
        const ulong InitialSlots = 1 << 14;
        _table = AllocateTable(InitialSlots);
        _tableMask = InitialSlots - 1;
    }

    /// <summary>States in the store, when no worker is adding.</summary>
    public long Count => Positions - Interlocked.Read(ref _holes);

    /// <summary>Positions handed out; some hold no state (<see cref="IsHole"/>).</summary>
    public long Positions => Interlocked.Read(ref _positions.Value);

    /// <summary>Bytes of native memory in use.</summary>
    public long Bytes
    {
        get
        {
            long segments = (Positions + SegmentStates - 1) >> SegmentShift;
            return ((long)(_tableMask + 1) * sizeof(ulong)) + (segments * SegmentStates * ModelState.Size);
        }
    }

    /// <summary>How many states may still be added before <see cref="Grow"/> is needed.</summary>
    public long Room => (long)((_tableMask + 1) / 4 * 3) - Positions;

    /// <summary>A position that a worker fills before it knows whether the state is new; kept for the next state when it was not.</summary>
    public struct Reservation
    {
        /// <summary>A reservation that holds no position yet.</summary>
        public static Reservation None => new() { Position = -1 };

        internal long Position { get; set; }
    }

    /// <summary>Adds a state unless it is there already. Whoever calls it keeps <see cref="Room"/> above zero by <see cref="Grow"/>.</summary>
    /// <param name="state">The state.</param>
    /// <param name="reservation">The worker's spare position.</param>
    /// <returns>True when it was new.</returns>
    public bool Add(in ModelState state, ref Reservation reservation)
    {
        ulong hash = StateHash.Of(in state);
        ulong tag = hash & ~PositionMask;
        ulong slot = hash & _tableMask;
        ulong claim = 0;
        while (true)
        {
            // SAFETY: slot is masked by the size of the table, which is not replaced while workers add.
            ref ulong word = ref _table[slot];
            ulong seen = Volatile.Read(ref word);
            if (seen == 0)
            {
                if (claim == 0)
                    claim = tag | (Fill(in state, ref reservation) + 1);

                seen = Interlocked.CompareExchange(ref word, claim, 0);
                if (seen == 0)
                {
                    reservation.Position = -1;
                    return true;
                }
            }

            if ((seen & ~PositionMask) == tag && At((long)(seen & PositionMask) - 1).Equals(state))
                return false;

            slot = (slot + 1) & _tableMask;
        }
    }

    /// <summary>The state at a position.</summary>
    public ref readonly ModelState At(long position) => ref *Slot(position);

    /// <summary>Whether a position was reserved and never used.</summary>
    public bool IsHole(long position) => ((ulong*)Slot(position))[7] == Hole;

    /// <summary>Gives a worker's spare position back at the end of a level.</summary>
    public void Release(ref Reservation reservation)
    {
        if (reservation.Position < 0)
            return;

        // SAFETY: the position was reserved by this worker and is not in the table.
        ((ulong*)Slot(reservation.Position))[7] = Hole;
        Interlocked.Increment(ref _holes);
        reservation.Position = -1;
    }

    /// <summary>Makes room for more states. No worker may be adding.</summary>
    /// <param name="room">States to make room for.</param>
    public void Grow(long room)
    {
        ulong slots = _tableMask + 1;
        while ((long)(slots / 4 * 3) - Positions < room)
            slots *= 2;

        if (slots == _tableMask + 1)
            return;

        ulong* larger = AllocateTable(slots);
        ulong mask = slots - 1;
        for (ulong i = 0; i <= _tableMask; i++)
        {
            // SAFETY: i and slot are inside the old and the new table.
            ulong word = _table[i];
            if (word == 0)
                continue;

            ulong slot = StateHash.Of(in At((long)(word & PositionMask) - 1)) & mask;
            while (larger[slot] != 0)
                slot = (slot + 1) & mask;

            larger[slot] = word;
        }

        LargeMemory.Free(_table);
        _table = larger;
        _tableMask = mask;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_isDisposed)
            return;

        _isDisposed = true;

        // SAFETY: each pointer came from NativeMemory and is freed once.
        LargeMemory.Free(_table);
        foreach (nint segment in _segments)
            LargeMemory.Free((void*)segment);
    }

    private ulong Fill(in ModelState state, ref Reservation reservation)
    {
        if (reservation.Position < 0)
            reservation.Position = Reserve();

        // SAFETY: Reserve() made sure of the segment; nobody else knows the position yet.
        *Slot(reservation.Position) = state;
        return (ulong)reservation.Position;
    }

    private long Reserve()
    {
        long position = Interlocked.Increment(ref _positions.Value) - 1;
        int segment = (int)(position >> SegmentShift);
        if (Volatile.Read(ref _segments[segment]) != 0)
            return position;

        lock (_growth)
        {
            if (_segments[segment] == 0)
                Volatile.Write(ref _segments[segment], (nint)LargeMemory.Allocate(SegmentStates * ModelState.Size));
        }

        return position;
    }

    private ModelState* Slot(long position) =>
        (ModelState*)Volatile.Read(ref _segments[(int)(position >> SegmentShift)]) + (position & (SegmentStates - 1));

    private static ulong* AllocateTable(ulong slots)
    {
        nuint bytes = (nuint)slots * sizeof(ulong);
        ulong* table = (ulong*)LargeMemory.Allocate(bytes);
        NativeMemory.Clear(table, bytes);
        return table;
    }

    /// <summary>A number that every thread writes, on cache lines of its own: what stands beside it is read for every state.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 256)]
    private struct Counter
    {
        [FieldOffset(128)]
        public long Value;
    }
}
