// SPDX-License-Identifier: Apache-2.0
using System;
using System.Runtime.InteropServices;

namespace Liminal.Chipset;

/// <summary>Real-time clock and CMOS RAM, ports 70h and 71h.</summary>
/// <remarks>
/// Source: Motorola MC146818A data sheet, address map and registers A to D; register 32h is the PC's century byte.
/// The date at power-on is fixed, and the machine clock drives it, so a run says the same date everywhere. An update never is in progress.
/// Alarm, periodic interrupt and setting the clock are not modelled: registers keep what is written and no interrupt comes.
/// </remarks>
public sealed class CmosRtc(MachineClock clock, DateTime dateAtPowerOn) : Stateful, IPortDevice
{
    // Configuration

    /// <summary>The index port; the data port follows it.</summary>
    public const ushort FirstPort = 0x70;

    private State _state = new() { StatusB = StatusB.Hours24 };

    internal struct State
    {
        public byte Index;
        public byte StatusB;
    }

    /// <inheritdoc/>
    public override Span<byte> StateBytes => MemoryMarshal.AsBytes(MemoryMarshal.CreateSpan(ref _state, 1));

    /// <inheritdoc/>
    public uint ReadPort(ushort port, int size) => port == FirstPort ? 0xFFu : ReadRegister((Register)_state.Index);

    /// <inheritdoc/>
    public void WritePort(ushort port, int size, uint value)
    {
        if (port == FirstPort)
        {
            // Bit 7 of the index port is the NMI mask of the PC; no NMI source is modelled.
            _state.Index = (byte)(value & 0x7F);
        }
        else if ((Register)_state.Index == Register.B)
        {
            _state.StatusB = (byte)value;
        }
    }

    private uint ReadRegister(Register register)
    {
        DateTime now = dateAtPowerOn + TimeSpan.FromSeconds(clock.Now / MachineClock.TicksPerSecond);
        return register switch
        {
            Register.Seconds => Encode(now.Second),
            Register.Minutes => Encode(now.Minute),
            Register.Hours => EncodeHour(now.Hour),
            Register.DayOfWeek => Encode((int)now.DayOfWeek + 1),
            Register.DayOfMonth => Encode(now.Day),
            Register.Month => Encode(now.Month),
            Register.Year => Encode(now.Year % 100),
            Register.Century => Encode(now.Year / 100),
            Register.A => 0x26,     // 32.768 kHz divider, 1024 Hz rate, no update in progress.
            Register.B => _state.StatusB,
            Register.C => 0,        // No interrupt flag is ever set.
            Register.D => 0x80,     // The battery is good.
            _ => 0,                 // Battery-backed RAM that nobody has filled.
        };
    }

    private uint EncodeHour(int hour) => (_state.StatusB & StatusB.Hours24) != 0
        ? Encode(hour)
        : Encode(((hour + 11) % 12) + 1) | (hour >= 12 ? 0x80u : 0u);

    private uint Encode(int value) => (uint)((_state.StatusB & StatusB.Binary) != 0 ? value : ((value / 10) << 4) | (value % 10));

    private static class StatusB
    {
        public const byte Hours24 = 0x02;
        public const byte Binary = 0x04;
    }

    private enum Register : byte
    {
        Seconds = 0x00,
        Minutes = 0x02,
        Hours = 0x04,
        DayOfWeek = 0x06,
        DayOfMonth = 0x07,
        Month = 0x08,
        Year = 0x09,
        A = 0x0A,
        B = 0x0B,
        C = 0x0C,
        D = 0x0D,
        Century = 0x32,
    }
}
