// SPDX-License-Identifier: Apache-2.0
using System;
using System.Runtime.InteropServices;

namespace Liminal.Chipset;

/// <summary>The one clock of a machine: time is a number of ticks since power-on, and a tick is a nanosecond.</summary>
/// <remarks>
/// Nothing in a machine knows another time. The scheduler moves the clock by retired instructions, and forward to the next
/// deadline when every processor is idle. The time-stamp counter runs at the clock's own rate.
/// </remarks>
public sealed class MachineClock : Stateful
{
    // Configuration

    /// <summary>Ticks in a second, which is also the frequency of the time-stamp counter in hertz.</summary>
    public const ulong TicksPerSecond = 1_000_000_000;

    /// <summary>Frequency of the core crystal, which drives the local APIC timers, in hertz.</summary>
    public const ulong CrystalHertz = 25_000_000;

    /// <summary>Ticks in one period of the core crystal.</summary>
    public const ulong TicksPerCrystalPeriod = TicksPerSecond / CrystalHertz;

    /// <summary>A deadline that never comes.</summary>
    public const ulong Never = ulong.MaxValue;

    private State _state;

    internal struct State
    {
        public ulong Now;
    }

    /// <inheritdoc/>
    public override Span<byte> StateBytes => MemoryMarshal.AsBytes(MemoryMarshal.CreateSpan(ref _state, 1));

    /// <summary>Ticks since power-on.</summary>
    public ulong Now => _state.Now;

    /// <summary>Moves the clock forward.</summary>
    /// <param name="now">The new time in ticks; an earlier time than <see cref="Now"/> is an error of the caller.</param>
    public void MoveTo(ulong now)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(now, _state.Now);
        _state.Now = now;
    }
}
