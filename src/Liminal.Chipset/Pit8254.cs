// SPDX-License-Identifier: Apache-2.0
using System;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Liminal.Chipset;

/// <summary>Programmable interval timer, ports 40h to 43h, and the gate and output of its channel 2 at port 61h.</summary>
/// <remarks>
/// Source: Intel 82C54 data sheet (231244), control word, mode definitions 0, 2 and 3, counter latch and read-back commands, status byte
/// (figures 11 to 14); port 61h as in the IBM PC/AT Technical Reference. Binary counting only; modes 1, 4 and 5 and BCD stop the machine. Channel 0 drives an interrupt
/// input; channel 1 (DRAM refresh) counts and drives nothing; the speaker is silent.
/// </remarks>
public sealed class Pit8254(MachineClock clock, IInterruptController interrupts, int interruptInput, IMachineControl machine)
    : Stateful, IPortDevice, ITimerClient
{
    // Configuration

    /// <summary>First of the four ports.</summary>
    public const ushort FirstPort = 0x40;

    /// <summary>Number of ports.</summary>
    public const int PortCount = 4;

    /// <summary>System control port B: gate (bit 0), speaker (bit 1) and output (bit 5) of channel 2.</summary>
    public const ushort SystemControlPort = 0x61;

    /// <summary>Frequency of the counters in hertz.</summary>
    public const ulong InputHertz = 1_193_182;

    private const byte CountIsLatched = 1;
    private const byte StatusIsLatched = 2;

    private State _state;

    internal struct Channel
    {
        public ulong StartedAt;     // ticks; counting began with Reload
        public uint Reload;         // 1 to 10000h
        public ushort Latch;
        public byte Mode;           // 0, 2 or 3
        public byte Access;         // 1 low byte, 2 high byte, 3 low then high
        public byte WriteHigh;      // the next write is the high byte of Access 3
        public byte ReadHigh;
        public byte PendingLow;
        public byte IsLatched;      // bit 0 the count, bit 1 the status
        public byte StatusLatch;
        public byte IsNull;         // a control word was written, and no count since
        public byte IsCounting;
        public byte Gate;
    }

    [InlineArray(3)]
    internal struct Channels
    {
        private Channel _element;
    }

    internal struct State
    {
        public Channels Channels;
        public ulong InterruptAt;
        public byte SystemControl;
    }

    /// <inheritdoc/>
    public override Span<byte> StateBytes => MemoryMarshal.AsBytes(MemoryMarshal.CreateSpan(ref _state, 1));

    /// <inheritdoc/>
    public ulong NextDeadline => _state.InterruptAt == 0 ? MachineClock.Never : _state.InterruptAt;

    /// <inheritdoc/>
    public void Expire()
    {
        if (clock.Now < NextDeadline)
        {
            return;
        }

        interrupts.SetInput(interruptInput, asserted: false);
        interrupts.SetInput(interruptInput, asserted: true);
        ref Channel channel = ref _state.Channels[0];
        if (channel.Mode == 0)
        {
            _state.InterruptAt = 0;     // The output stays high until the counter is loaded again.
        }
        else
        {
            ulong periods = (Elapsed(channel) / channel.Reload) + 1;
            _state.InterruptAt = channel.StartedAt + TicksFor(periods * channel.Reload);
        }
    }

    /// <inheritdoc/>
    public uint ReadPort(ushort port, int size)
    {
        if (port == SystemControlPort)
        {
            // Bit 4 is the refresh toggle, driven by channel 1 every 15 microseconds.
            uint refresh = (uint)(clock.Now / 15_085 % 2) << 4;
            return (_state.SystemControl & 0x0Fu) | refresh | (Output(_state.Channels[2]) ? 0x20u : 0u);
        }

        int index = port - FirstPort;
        return index < 3 ? ReadCounter(ref _state.Channels[index]) : 0xFFu;
    }

    /// <inheritdoc/>
    public void WritePort(ushort port, int size, uint value)
    {
        byte octet = (byte)value;
        if (port == SystemControlPort)
        {
            _state.SystemControl = (byte)(octet & 0x0F);
            SetGate(ref _state.Channels[2], (octet & 1) != 0);
            return;
        }

        int index = port - FirstPort;
        if (index == 3)
        {
            WriteControl(octet);
            return;
        }

        WriteCounter(index, octet);
    }

    private static ulong TicksFor(ulong periods) =>
        (ulong)((((UInt128)periods * MachineClock.TicksPerSecond) + InputHertz - 1) / InputHertz);

    private ulong Elapsed(Channel channel) =>
        (ulong)((UInt128)(clock.Now - channel.StartedAt) * InputHertz / MachineClock.TicksPerSecond);

    private ushort Count(Channel channel)
    {
        if (channel.IsCounting == 0)
        {
            return (ushort)channel.Reload;
        }

        ulong elapsed = Elapsed(channel);
        return channel.Mode switch
        {
            0 => (ushort)(channel.Reload - elapsed),        // Runs on below zero.
            2 => (ushort)(channel.Reload - (elapsed % channel.Reload)),
            _ => (ushort)((channel.Reload & ~1u) - (2 * elapsed % Math.Max(2, channel.Reload & ~1u))),
        };
    }

    private bool Output(Channel channel) => channel.Mode switch
    {
        0 => channel.IsCounting != 0 && Elapsed(channel) >= channel.Reload,
        2 => channel.IsCounting == 0 || Elapsed(channel) % channel.Reload != channel.Reload - 1,
        _ => channel.IsCounting == 0 || Elapsed(channel) % channel.Reload < (channel.Reload + 1) / 2,
    };

    private uint ReadCounter(ref Channel channel)
    {
        if ((channel.IsLatched & StatusIsLatched) != 0)
        {
            channel.IsLatched &= CountIsLatched;
            return channel.StatusLatch;
        }

        ushort count = channel.IsLatched != 0 ? channel.Latch : Count(channel);
        bool high = channel.Access == 2 || (channel.Access == 3 && channel.ReadHigh != 0);
        if (channel.Access == 3)
        {
            channel.ReadHigh ^= 1;
        }

        if (channel.Access != 3 || channel.ReadHigh == 0)
        {
            channel.IsLatched = 0;
        }

        return high ? (uint)count >> 8 : count & 0xFFu;
    }

    private void WriteControl(byte value)
    {
        int select = value >> 6;
        if (select == 3)
        {
            ReadBack(value);
            return;
        }

        ref Channel channel = ref _state.Channels[select];
        byte access = (byte)((value >> 4) & 3);
        if (access == 0)
        {
            LatchCount(ref channel);
            return;
        }

        int mode = (value >> 1) & 7;
        mode = mode > 5 ? mode - 4 : mode;  // Modes 6 and 7 are 2 and 3.
        if (mode is not (0 or 2 or 3) || (value & 1) != 0)
        {
            machine.NotModelled($"8254 mode {mode}{((value & 1) != 0 ? " in BCD" : "")}, {value:x2}h to port 43h");
            return;
        }

        channel = new Channel { Mode = (byte)mode, Access = access, Gate = channel.Gate, Reload = 0x1_0000, IsNull = 1 };
        if (select == 0)
        {
            _state.InterruptAt = 0;
            interrupts.SetInput(interruptInput, asserted: mode != 0);
        }
    }

    /// <summary>Latches count (bit 5 clear) and status (bit 4 clear) of the counters named in bits 3:1; the status is read first.</summary>
    private void ReadBack(byte value)
    {
        for (int index = 0; index < 3; index++)
        {
            ref Channel channel = ref _state.Channels[index];
            if ((value & (2 << index)) == 0)
            {
                continue;
            }

            if ((value & 0x20) == 0)
            {
                LatchCount(ref channel);
            }

            if ((value & 0x10) == 0 && (channel.IsLatched & StatusIsLatched) == 0)
            {
                channel.StatusLatch = Status(channel);
                channel.IsLatched |= StatusIsLatched;
            }
        }
    }

    /// <summary>Output, null count, access and mode as the control word had them; counting is always binary.</summary>
    private byte Status(Channel channel) =>
        (byte)((Output(channel) ? 0x80 : 0) | (channel.IsNull << 6) | (channel.Access << 4) | (channel.Mode << 1));

    private void LatchCount(ref Channel channel)
    {
        if ((channel.IsLatched & CountIsLatched) == 0)
        {
            channel.Latch = Count(channel);
            channel.IsLatched |= CountIsLatched;
        }
    }

    private void WriteCounter(int index, byte value)
    {
        ref Channel channel = ref _state.Channels[index];
        switch (channel.Access)
        {
            case 1:
                Load(index, value);
                break;
            case 2:
                Load(index, value << 8);
                break;
            case 3 when channel.WriteHigh == 0:
                channel.PendingLow = value;
                channel.WriteHigh = 1;
                break;
            case 3:
                channel.WriteHigh = 0;
                Load(index, channel.PendingLow | (value << 8));
                break;
            default:
                break;  // No control word yet: the data sheet leaves the counter undefined.
        }
    }

    private void Load(int index, int count)
    {
        ref Channel channel = ref _state.Channels[index];
        channel.Reload = count == 0 ? 0x1_0000u : (uint)count;
        channel.IsNull = 0;
        bool gated = index != 2 || channel.Gate != 0;
        channel.IsCounting = (byte)(gated ? 1 : 0);
        channel.StartedAt = clock.Now;
        if (index == 0)
        {
            interrupts.SetInput(interruptInput, asserted: channel.Mode != 0);
            _state.InterruptAt = channel.StartedAt + TicksFor(channel.Reload);
        }
    }

    private void SetGate(ref Channel channel, bool high)
    {
        // A rising gate starts modes 2 and 3 over; mode 0 goes on where the falling gate stopped it.
        if (high && channel.Gate == 0)
        {
            channel.StartedAt = clock.Now;
            channel.IsCounting = 1;
        }
        else if (!high && channel.Gate != 0 && channel.IsCounting != 0)
        {
            if (channel.Mode == 0)
            {
                channel.Reload = Math.Max(1u, Count(channel));
            }

            channel.IsCounting = 0;
        }

        channel.Gate = (byte)(high ? 1 : 0);
    }
}
