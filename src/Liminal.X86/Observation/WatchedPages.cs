// SPDX-License-Identifier: Apache-2.0
using System;
using System.Numerics;

namespace Liminal.X86.Observation;

/// <summary>The guest-physical frames whose stores an observer wants to see: a bit per frame. Shared by the processors of a machine.</summary>
/// <remarks>A watched page never gets a fast write translation, so its stores take the slow path, which looks here; others pay nothing.</remarks>
public sealed class WatchedPages
{
    private readonly ulong[] _bits;

    /// <summary>Watches nothing.</summary>
    /// <param name="frames">Number of frames, from 0, that can be watched.</param>
    public WatchedPages(ulong frames)
    {
        _bits = new ulong[(frames + 63) / 64];
        FrameLimit = frames;
    }

    /// <summary>First frame that cannot be watched.</summary>
    public ulong FrameLimit { get; }

    /// <summary>Number of watched frames.</summary>
    public int Count { get; private set; }

    /// <summary>True when stores to a frame are reported.</summary>
    public bool Contains(ulong frame) => frame < FrameLimit && (_bits[frame >> 6] >> (int)(frame & 63) & 1) != 0;

    /// <summary>Watches a frame. Every processor that shares this must then call <see cref="Processor.WatchedPagesChanged"/>.</summary>
    /// <returns>False when it was watched already.</returns>
    public bool Add(ulong frame)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(frame, FrameLimit);
        if (Contains(frame))
            return false;
        _bits[frame >> 6] |= 1ul << (int)(frame & 63);
        Count++;
        return true;
    }

    /// <summary>Watches a frame no longer.</summary>
    /// <returns>False when it was not watched.</returns>
    public bool Remove(ulong frame)
    {
        if (!Contains(frame))
            return false;
        _bits[frame >> 6] &= ~(1ul << (int)(frame & 63));
        Count--;
        return true;
    }

    /// <summary>Watches nothing any more.</summary>
    public void Clear()
    {
        Array.Clear(_bits);
        Count = 0;
    }

    /// <summary>The watched frames, ascending.</summary>
    public ulong[] ToArray()
    {
        ulong[] frames = new ulong[Count];
        int next = 0;
        for (int word = 0; word < _bits.Length; word++)
        {
            for (ulong left = _bits[word]; left != 0; left &= left - 1)
                frames[next++] = ((ulong)word * 64) + (ulong)BitOperations.TrailingZeroCount(left);
        }

        return frames;
    }
}
