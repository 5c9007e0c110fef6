// SPDX-License-Identifier: Apache-2.0
using System;

namespace Liminal.Chipset;

/// <content>The timer: one-shot, periodic and TSC-deadline. It counts periods of the core crystal.</content>
public sealed partial class LocalApic
{
    /// <inheritdoc/>
    public ulong NextDeadline => _state.TimerExpiresAt;

    /// <summary>IA32_TSC_DEADLINE as a time of the machine clock: zero when the timer is not armed or not in that mode.</summary>
    /// <remarks>
    /// A write arms the timer and zero disarms it; in the other modes it is ignored. A time that has passed fires at once.
    /// The time-stamp counter of a processor may differ from the clock by an offset, which the caller takes off.
    /// </remarks>
    public ulong TscDeadline
    {
        get => IsDeadlineMode && _state.TimerExpiresAt != MachineClock.Never ? _state.TimerExpiresAt : 0;
        set
        {
            if (IsDeadlineMode)
            {
                _state.TimerExpiresAt = value == 0 ? MachineClock.Never : value;
            }
        }
    }

    /// <inheritdoc/>
    public void Expire()
    {
        if (_clock.Now < _state.TimerExpiresAt)
        {
            return;
        }

        LocalVectorEntry entry = _state.LocalVectors[(int)LocalVector.Timer];
        _state.TimerExpiresAt = MachineClock.Never;
        if (entry.TimerMode == TimerMode.Periodic && _state.TimerInitialCount != 0)
        {
            ulong missed = (_clock.Now - _state.TimerStartedAt) / TimerPeriod;
            _state.TimerStartedAt += missed * TimerPeriod;
            _state.TimerExpiresAt = _state.TimerStartedAt + TimerPeriod;
        }

        if (!entry.IsMasked)
        {
            AcceptVector(entry.Vector, isLevelTriggered: false);
        }
    }

    private bool IsDeadlineMode => _state.LocalVectors[(int)LocalVector.Timer].TimerMode == TimerMode.TscDeadline;

    /// <summary>The divide configuration register: bits 3, 1 and 0 are log2 of the divisor minus one, and 111b divides by one.</summary>
    private ulong TimerDivisor
    {
        get
        {
            uint code = (_state.TimerDivide & 3) | ((_state.TimerDivide & 8) >> 1);
            return code == 7 ? 1ul : 2ul << (int)code;
        }
    }

    private ulong TicksPerCount => TimerDivisor * MachineClock.TicksPerCrystalPeriod;

    private ulong TimerPeriod => _state.TimerInitialCount * TicksPerCount;

    private uint TimerCurrentCount
    {
        get
        {
            if (IsDeadlineMode || _state.TimerExpiresAt == MachineClock.Never || _clock.Now >= _state.TimerExpiresAt)
            {
                return 0;
            }

            ulong left = _state.TimerExpiresAt - _clock.Now;
            return (uint)((left + TicksPerCount - 1) / TicksPerCount);
        }
    }

    private void StartTimer(uint initialCount)
    {
        if (IsDeadlineMode)
        {
            return;
        }

        _state.TimerInitialCount = initialCount;
        _state.TimerStartedAt = _clock.Now;
        _state.TimerExpiresAt = initialCount == 0 ? MachineClock.Never : _clock.Now + TimerPeriod;
    }

    private void SetTimerEntry(LocalVectorEntry entry)
    {
        TimerMode before = _state.LocalVectors[(int)LocalVector.Timer].TimerMode;
        if (entry.TimerMode == TimerMode.Reserved)
        {
            _bus.Machine.NotModelled($"reserved mode of the local APIC timer, LVT entry {entry.Value:x}h");
            return;
        }

        _state.LocalVectors[(int)LocalVector.Timer] = entry;
        if ((before == TimerMode.TscDeadline) != (entry.TimerMode == TimerMode.TscDeadline))
        {
            // "Transitioning between TSC-deadline mode and other timer modes also disarms the timer."
            _state.TimerInitialCount = 0;
            _state.TimerExpiresAt = MachineClock.Never;
        }
    }

    private void SetTimerDivide(uint value)
    {
        uint left = TimerCurrentCount;
        _state.TimerDivide = value & 0xB;
        if (left != 0)
        {
            _state.TimerExpiresAt = _clock.Now + (left * TicksPerCount);
            _state.TimerStartedAt = _state.TimerExpiresAt - Math.Min(_state.TimerExpiresAt, TimerPeriod);
        }
    }
}
