// SPDX-License-Identifier: Apache-2.0
using System;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Liminal.Chipset;

/// <summary>I/O APIC with 24 inputs.</summary>
/// <remarks>
/// Source: Intel 82093AA data sheet (290566), section 3 (register description). An edge on a masked input is lost, a level is not.
/// The polarity bit is stored and has no effect: inputs are logical levels here.
/// </remarks>
public sealed class IoApic(ApicBus bus) : Stateful, IMmioDevice, IInterruptController
{
    // Configuration

    /// <summary>Number of interrupt inputs.</summary>
    public const int InputCount = 24;

    /// <summary>Bytes of the register window.</summary>
    public const ulong WindowSize = 0x1000;

    private const uint Version = 0x11 | ((InputCount - 1) << 16);

    private State _state = InitialState();

    [InlineArray(InputCount)]
    internal struct RedirectionTable
    {
        private RedirectionEntry _element;
    }

    internal struct State
    {
        public RedirectionTable Entries;
        public uint Levels;
        public uint Id;
        public uint Select;
    }

    /// <inheritdoc/>
    public override Span<byte> StateBytes => MemoryMarshal.AsBytes(MemoryMarshal.CreateSpan(ref _state, 1));

    /// <inheritdoc/>
    public void SetInput(int input, bool asserted)
    {
        uint bit = 1u << input;
        bool rises = asserted && (_state.Levels & bit) == 0;
        _state.Levels = asserted ? _state.Levels | bit : _state.Levels & ~bit;
        if (rises && !_state.Entries[input].IsLevelTriggered)
        {
            Deliver(input);
        }
        else
        {
            ServeLevel(input);
        }
    }

    /// <inheritdoc/>
    public ulong ReadMmio(ulong offset, int size) => offset switch
    {
        (ulong)Window.Select => _state.Select,
        (ulong)Window.Data => ReadRegister(),
        _ => Unknown(offset, "read"),
    };

    /// <inheritdoc/>
    public void WriteMmio(ulong offset, int size, ulong value)
    {
        switch ((Window)offset)
        {
            case Window.Select:
                _state.Select = (uint)value & 0xFF;
                break;
            case Window.Data:
                WriteRegister((uint)value);
                break;
            default:
                Unknown(offset, "written");
                break;
        }
    }

    /// <summary>A processor ended the level-triggered interrupt with this vector.</summary>
    internal void EndOfInterrupt(byte vector)
    {
        for (int input = 0; input < InputCount; input++)
        {
            ref RedirectionEntry entry = ref _state.Entries[input];
            if (entry.IsLevelTriggered && entry.RemoteRequest && entry.Vector == vector)
            {
                entry = entry.WithRemoteRequest(false);
                ServeLevel(input);
            }
        }
    }

    private static State InitialState()
    {
        var state = default(State);
        for (int input = 0; input < InputCount; input++)
        {
            state.Entries[input] = new RedirectionEntry(RedirectionEntry.MaskBit);
        }

        return state;
    }

    private uint ReadRegister()
    {
        switch (_state.Select)
        {
            case (uint)Register.Id:
            case (uint)Register.Arbitration:
                return _state.Id;
            case (uint)Register.Version:
                return Version;
            case >= (uint)Register.FirstEntry and < (uint)Register.FirstEntry + (2 * InputCount):
                ulong entry = _state.Entries[(int)(_state.Select - (uint)Register.FirstEntry) / 2].Value;
                return (uint)((_state.Select & 1) != 0 ? entry >> 32 : entry);
            default:
                return 0;
        }
    }

    private void WriteRegister(uint value)
    {
        if (_state.Select == (uint)Register.Id)
        {
            _state.Id = value & 0x0F00_0000;
            return;
        }

        uint index = _state.Select - (uint)Register.FirstEntry;
        if (_state.Select < (uint)Register.FirstEntry || index >= 2 * InputCount)
        {
            return;     // Version and arbitration are read-only, the rest does not exist.
        }

        int input = (int)index / 2;
        ref RedirectionEntry entry = ref _state.Entries[input];
        entry = (index & 1) != 0 ? entry.WithHigh(value) : entry.WithLow(value);
        ServeLevel(input);
    }

    private void ServeLevel(int input)
    {
        RedirectionEntry entry = _state.Entries[input];
        if (entry is { IsLevelTriggered: true, RemoteRequest: false } && (_state.Levels & (1u << input)) != 0)
        {
            Deliver(input);
        }
    }

    private void Deliver(int input)
    {
        ref RedirectionEntry entry = ref _state.Entries[input];
        if (entry.IsMasked)
        {
            return;
        }

        if (entry.IsLevelTriggered)
        {
            entry = entry.WithRemoteRequest(true);
        }

        bus.Send(
            new InterruptMessage(entry.Destination, entry.IsLogical, entry.Mode, entry.Vector, entry.IsLevelTriggered),
            isXapic: true);
    }

    private ulong Unknown(ulong offset, string what)
    {
        bus.Machine.NotModelled($"I/O APIC window offset {offset:x}h {what}");
        return 0;
    }

    /// <summary>One redirection table entry.</summary>
    internal readonly record struct RedirectionEntry(ulong Value)
    {
        public const ulong MaskBit = 1 << 16;
        private const ulong RemoteRequestBit = 1 << 14;
        private const ulong ReadOnlyBits = RemoteRequestBit | (1 << 12);

        public byte Vector => (byte)Value;

        public DeliveryMode Mode => (DeliveryMode)((Value >> 8) & 7);

        public bool IsLogical => (Value & (1 << 11)) != 0;

        public bool RemoteRequest => (Value & RemoteRequestBit) != 0;

        public bool IsLevelTriggered => (Value & (1 << 15)) != 0;

        public bool IsMasked => (Value & MaskBit) != 0;

        public uint Destination => (uint)(Value >> 56);

        public RedirectionEntry WithRemoteRequest(bool set) => new(set ? Value | RemoteRequestBit : Value & ~RemoteRequestBit);

        public RedirectionEntry WithHigh(uint high) => new((Value & uint.MaxValue) | ((ulong)high << 32));

        public RedirectionEntry WithLow(uint low)
        {
            ulong value = (Value & (0xFFFF_FFFF_0000_0000 | ReadOnlyBits)) | (low & 0x1_FFFF & ~ReadOnlyBits);

            // An edge-triggered entry has no remote request to wait for.
            return new((value & (1 << 15)) != 0 ? value : value & ~RemoteRequestBit);
        }
    }

    private enum Window : ulong
    {
        Select = 0x00,
        Data = 0x10,
    }

    private enum Register : uint
    {
        Id = 0x00,
        Version = 0x01,
        Arbitration = 0x02,
        FirstEntry = 0x10,
    }
}
