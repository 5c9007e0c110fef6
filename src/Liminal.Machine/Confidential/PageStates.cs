// SPDX-License-Identifier: Apache-2.0
using System;
using Liminal.Memory.Ram;
using Liminal.Platform;

namespace Liminal.Machine.Confidential;

/// <summary>What the host side holds for each 4 KiB page of RAM: one byte a page, shared copy-on-write between forks.</summary>
/// <remarks>
/// A byte is the state's number exclusive-or that of the platform's private and usable state, so that storage which was never touched
/// says what is true of all RAM when a guest starts, and costs nothing.
/// </remarks>
// SAFETY: pointers into the store are used at once; the index is bounded by Contains() of the RAM whose pages are described.
public sealed unsafe class PageStates : IDisposable
{
    private const int PageShift = 12;
    private const ulong RamAbove4G = 1ul << 32;

    private readonly GuestRam _store;
    private readonly byte _atStart;
    private readonly ulong _lowFrames;
    private readonly ulong _holeFrames;

    /// <summary>States of every page of a RAM: private and usable.</summary>
    /// <param name="ram">The RAM; only its size matters.</param>
    /// <param name="platform">The rulebook.</param>
    public PageStates(GuestRam ram, ConfidentialPlatform platform)
        : this(ram, platform, new GuestRam(StoreSize(ram.Size)))
    {
    }

    private PageStates(GuestRam ram, ConfidentialPlatform platform, GuestRam store)
    {
        _store = store;
        _atStart = platform.PrivateState.Value;
        _lowFrames = ram.LowSize >> PageShift;
        _holeFrames = (RamAbove4G - ram.LowSize) >> PageShift;
    }

    /// <summary>The bytes, for a snapshot.</summary>
    internal GuestRam Store => _store;

    /// <summary>The state of a page.</summary>
    /// <param name="frame">Guest-physical address divided by 4096; must be RAM.</param>
    public PageState this[ulong frame]
    {
        get
        {
            ulong index = IndexOf(frame);
            return new PageState((byte)(_store.PageForRead(index >> PageShift)[index & 0xfff] ^ _atStart));
        }

        set
        {
            ulong index = IndexOf(frame);
            _store.PageForWrite(index >> PageShift)[index & 0xfff] = (byte)(value.Value ^ _atStart);
        }
    }

    /// <summary>True when all 512 pages of a 2 MiB page are in the same state.</summary>
    /// <param name="frame">Any page of it; must be RAM.</param>
    internal bool IsLargePageUniform(ulong frame)
    {
        ulong index = IndexOf(frame & ~511ul);
        var states = new ReadOnlySpan<byte>(_store.PageForRead(index >> PageShift) + (index & 0xfff), 512);
        return !states.ContainsAnyExcept(states[0]);
    }

    /// <summary>The same states, in storage that is shared until one of the two writes it.</summary>
    internal PageStates Fork(GuestRam ram, ConfidentialPlatform platform) => new(ram, platform, _store.Fork());

    /// <inheritdoc/>
    public void Dispose() => _store.Dispose();

    private static ulong StoreSize(ulong ramSize) => ((ramSize >> PageShift) + GuestRam.PageSize - 1) & ~(ulong)(GuestRam.PageSize - 1);

    private ulong IndexOf(ulong frame) => frame < _lowFrames ? frame : frame - _holeFrames;
}
