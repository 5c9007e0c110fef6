// SPDX-License-Identifier: Apache-2.0
using System;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Liminal.Chipset;

/// <summary>Serial port with FIFOs: the guest's console.</summary>
/// <remarks>
/// Source: National Semiconductor PC16550D data sheet, sections 8.1 to 8.11. The line is infinitely fast: a written byte has left
/// before the next instruction, so the transmitter is always empty. Not modelled, because it cannot happen on such a line: break,
/// parity, framing and overrun errors, and DMA mode. Received bytes wait outside until the FIFO has room.
/// As wired in a PC, OUT2 gates the interrupt.
/// </remarks>
public sealed class Uart16550(Action<byte> transmit, IInterruptController interrupts, int interruptInput) : Stateful, IPortDevice
{
    // Configuration

    /// <summary>Number of ports.</summary>
    public const int PortCount = 8;

    private const int FifoSize = 16;

    private State _state = new() { Divisor = 12 };

    [InlineArray(FifoSize)]
    internal struct Fifo
    {
        private byte _element;
    }

    internal struct State
    {
        public ushort Divisor;
        public InterruptEnable Enabled;
        public byte FifoControl;
        public byte LineControl;
        public ModemControl Modem;
        public byte Scratch;
        public byte TransmitterEmptyPending;
        public byte ReceivedFirst;
        public byte ReceivedCount;
        public Fifo Received;
    }

    /// <inheritdoc/>
    public override Span<byte> StateBytes => MemoryMarshal.AsBytes(MemoryMarshal.CreateSpan(ref _state, 1));

    /// <summary>Number of bytes the receiver can take now.</summary>
    public int ReceiverRoom => _state.Modem.Loopback ? 0 : Capacity - _state.ReceivedCount;

    /// <summary>The guest is interrupted when a byte arrives: somebody has opened the port to read from it.</summary>
    public bool ReceivesByInterrupt => _state.Enabled.ReceivedData && _state.Modem.Out2;

    /// <summary>A byte arrives on the line.</summary>
    /// <param name="value">The byte.</param>
    /// <exception cref="InvalidOperationException"><see cref="ReceiverRoom"/> is zero.</exception>
    public void Receive(byte value)
    {
        if (ReceiverRoom == 0)
        {
            throw new InvalidOperationException("The receiver is full; look at ReceiverRoom first.");
        }

        Enqueue(value);
        UpdateInterrupt();
    }

    /// <inheritdoc/>
    public uint ReadPort(ushort port, int size)
    {
        uint value = (Register)(port & 7) switch
        {
            Register.Data when DivisorLatchAccess => _state.Divisor & 0xFFu,
            Register.Data => Dequeue(),
            Register.InterruptEnable when DivisorLatchAccess => (uint)_state.Divisor >> 8,
            Register.InterruptEnable => _state.Enabled.Value,
            Register.InterruptIdentification => IdentifyInterrupt(),
            Register.LineControl => _state.LineControl,
            Register.ModemControl => _state.Modem.Value,
            Register.LineStatus => LineStatus,
            Register.ModemStatus => ModemStatus,
            _ => _state.Scratch,
        };
        UpdateInterrupt();
        return value;
    }

    /// <inheritdoc/>
    public void WritePort(ushort port, int size, uint value)
    {
        byte octet = (byte)value;
        switch ((Register)(port & 7))
        {
            case Register.Data when DivisorLatchAccess:
                _state.Divisor = (ushort)((_state.Divisor & 0xFF00) | octet);
                break;
            case Register.Data:
                Transmit(octet);
                break;
            case Register.InterruptEnable when DivisorLatchAccess:
                _state.Divisor = (ushort)((_state.Divisor & 0x00FF) | (octet << 8));
                break;
            case Register.InterruptEnable:
                EnableInterrupts(new InterruptEnable((byte)(octet & 0x0F)));
                break;
            case Register.InterruptIdentification:
                ControlFifo(octet);
                break;
            case Register.LineControl:
                _state.LineControl = octet;
                break;
            case Register.ModemControl:
                _state.Modem = new ModemControl((byte)(octet & 0x1F));
                break;
            case Register.Scratch:
                _state.Scratch = octet;
                break;
            default:
                break;  // Line and modem status are read-only.
        }

        UpdateInterrupt();
    }

    private bool DivisorLatchAccess => (_state.LineControl & 0x80) != 0;

    private bool FifosEnabled => (_state.FifoControl & 1) != 0;

    private int Capacity => FifosEnabled ? FifoSize : 1;

    private int TriggerLevel => !FifosEnabled ? 1 : (_state.FifoControl >> 6) switch
    {
        0 => 1,
        1 => 4,
        2 => 8,
        _ => 14,
    };

    /// <summary>Transmitter always empty (bits 6 and 5); data ready (bit 0).</summary>
    private uint LineStatus => 0x60u | (_state.ReceivedCount > 0 ? 1u : 0u);

    /// <summary>Carrier, data set ready and clear to send from a terminal that is always there; in loopback the outputs of MCR.</summary>
    private uint ModemStatus => !_state.Modem.Loopback ? 0xB0u :
        (_state.Modem.RequestToSend ? 0x10u : 0) | (_state.Modem.DataTerminalReady ? 0x20u : 0)
        | (_state.Modem.Out1 ? 0x40u : 0) | (_state.Modem.Out2 ? 0x80u : 0);

    private InterruptCause Cause =>
        _state.Enabled.ReceivedData && _state.ReceivedCount >= TriggerLevel ? InterruptCause.ReceivedData
        : _state.Enabled.ReceivedData && _state.ReceivedCount > 0 ? InterruptCause.CharacterTimeout
        : _state.Enabled.TransmitterEmpty && _state.TransmitterEmptyPending != 0 ? InterruptCause.TransmitterEmpty
        : InterruptCause.None;

    private void Transmit(byte value)
    {
        if (_state.Modem.Loopback)
        {
            if (_state.ReceivedCount < Capacity)
            {
                Enqueue(value);
            }
        }
        else
        {
            transmit(value);
        }

        _state.TransmitterEmptyPending = 1;
    }

    private void EnableInterrupts(InterruptEnable enabled)
    {
        // The transmitter is empty, so enabling its interrupt raises it at once (8.6.1 and table II).
        if (enabled.TransmitterEmpty && !_state.Enabled.TransmitterEmpty)
        {
            _state.TransmitterEmptyPending = 1;
        }

        _state.Enabled = enabled;
    }

    private void ControlFifo(byte value)
    {
        bool toggled = ((value ^ _state.FifoControl) & 1) != 0;
        if (toggled || (value & 2) != 0)
        {
            _state.ReceivedFirst = 0;
            _state.ReceivedCount = 0;
        }

        // The other bits are only writable together with the enable bit (8.5).
        _state.FifoControl = (value & 1) != 0 ? (byte)(value & 0xC9) : (byte)0;
    }

    private uint IdentifyInterrupt()
    {
        InterruptCause cause = Cause;
        if (cause == InterruptCause.TransmitterEmpty)
        {
            _state.TransmitterEmptyPending = 0;
        }

        return (uint)cause | (FifosEnabled ? 0xC0u : 0u);
    }

    private void Enqueue(byte value)
    {
        _state.Received[(_state.ReceivedFirst + _state.ReceivedCount) % FifoSize] = value;
        _state.ReceivedCount++;
    }

    private byte Dequeue()
    {
        if (_state.ReceivedCount == 0)
        {
            return 0;
        }

        byte value = _state.Received[_state.ReceivedFirst];
        _state.ReceivedFirst = (byte)((_state.ReceivedFirst + 1) % FifoSize);
        _state.ReceivedCount--;
        return value;
    }

    private void UpdateInterrupt() =>
        interrupts.SetInput(interruptInput, Cause != InterruptCause.None && _state.Modem is { Out2: true, Loopback: false });

    internal readonly record struct InterruptEnable(byte Value)
    {
        public bool ReceivedData => (Value & 1) != 0;

        public bool TransmitterEmpty => (Value & 2) != 0;
    }

    internal readonly record struct ModemControl(byte Value)
    {
        public bool DataTerminalReady => (Value & 1) != 0;

        public bool RequestToSend => (Value & 2) != 0;

        public bool Out1 => (Value & 4) != 0;

        public bool Out2 => (Value & 8) != 0;

        public bool Loopback => (Value & 16) != 0;
    }

    /// <summary>Bits 3:0 of the interrupt identification register.</summary>
    private enum InterruptCause : byte
    {
        None = 0b0001,
        TransmitterEmpty = 0b0010,
        ReceivedData = 0b0100,
        CharacterTimeout = 0b1100,
    }

    private enum Register
    {
        Data = 0,
        InterruptEnable = 1,
        InterruptIdentification = 2,
        LineControl = 3,
        ModemControl = 4,
        LineStatus = 5,
        ModemStatus = 6,
        Scratch = 7,
    }
}
