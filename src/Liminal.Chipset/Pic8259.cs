// SPDX-License-Identifier: Apache-2.0
using System;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Liminal.Chipset;

/// <summary>The cascaded pair of interrupt controllers of a PC, as far as a kernel needs it to switch it off.</summary>
/// <remarks>
/// Source: Intel 8259A data sheet (231468), initialization and operation command words. Registers, masks and requests are there, but
/// the INT output goes to pin LINT0 of a local APIC that delivers nothing from it: interrupts reach processors through the I/O APIC only. A
/// request that is unmasked here after initialization, while the pin is not masked either, stops the machine instead of getting lost.
/// </remarks>
public sealed class Pic8259(IMachineControl machine) : Stateful, IPortDevice, IInterruptController
{
    // Configuration

    /// <summary>First of the two ports of the primary controller.</summary>
    public const ushort PrimaryPort = 0x20;

    /// <summary>First of the two ports of the secondary controller.</summary>
    public const ushort SecondaryPort = 0xA0;

    /// <summary>Number of ports of each controller.</summary>
    public const int PortCount = 2;

    /// <summary>The local APIC whose LINT0 pin the INT output is wired to; null when every request counts as delivered.</summary>
    public LocalApic? Pin { get; init; }

    private State _state;

    internal struct Chip
    {
        public byte Level;
        public byte Request;
        public byte Mask;
        public byte InService;
        public byte VectorBase;
        public byte InitializationStep;
        public byte NeedsWord4;
        public byte SingleMode;
        public byte Initialized;
        public byte ReadsInService;
    }

    [InlineArray(2)]
    internal struct Pair
    {
        private Chip _element;
    }

    internal struct State
    {
        public Pair Chips;
    }

    /// <inheritdoc/>
    public override Span<byte> StateBytes => MemoryMarshal.AsBytes(MemoryMarshal.CreateSpan(ref _state, 1));

    /// <inheritdoc/>
    public void SetInput(int input, bool asserted)
    {
        ref Chip chip = ref _state.Chips[input >> 3];
        byte bit = (byte)(1 << (input & 7));
        if (!asserted)
        {
            chip.Level &= (byte)~bit;
            chip.Request &= (byte)~bit;
            return;
        }

        if ((chip.Level & bit) == 0)
        {
            chip.Level |= bit;
            chip.Request |= bit;
            StopOnUnmaskedRequest(input);
        }
    }

    /// <inheritdoc/>
    public uint ReadPort(ushort port, int size)
    {
        ref Chip chip = ref ChipAt(port);
        if ((port & 1) != 0)
        {
            return chip.Mask;
        }

        return chip.ReadsInService != 0 ? chip.InService : chip.Request;
    }

    /// <inheritdoc/>
    public void WritePort(ushort port, int size, uint value)
    {
        ref Chip chip = ref ChipAt(port);
        if ((port & 1) != 0)
        {
            WriteData(ref chip, (byte)value, port);
        }
        else if ((value & 0x10) != 0)
        {
            chip = new Chip
            {
                Level = chip.Level,
                InitializationStep = 2,
                NeedsWord4 = (byte)(value & 1),
                SingleMode = (byte)((value >> 1) & 1),
            };
        }
        else if ((value & 0x08) != 0)
        {
            WriteOperationWord3(ref chip, (byte)value, port);
        }

        // The rest is operation word 2, end of interrupt: nothing is ever in service here.
    }

    private ref Chip ChipAt(ushort port) => ref _state.Chips[port < SecondaryPort ? 0 : 1];

    private void WriteData(ref Chip chip, byte value, ushort port)
    {
        switch (chip.InitializationStep)
        {
            case 2:
                chip.VectorBase = (byte)(value & 0xF8);
                chip.InitializationStep = (byte)(chip.SingleMode != 0 ? AfterWord3(chip) : 3);
                break;
            case 3:
                chip.InitializationStep = AfterWord3(chip);
                break;
            case 4:
                chip.InitializationStep = 0;
                break;
            default:
                chip.Mask = value;
                StopOnUnmaskedRequest(port < SecondaryPort ? 0 : 8);
                return;
        }

        chip.Initialized = (byte)(chip.InitializationStep == 0 ? 1 : 0);
    }

    private static byte AfterWord3(Chip chip) => (byte)(chip.NeedsWord4 != 0 ? 4 : 0);

    private void WriteOperationWord3(ref Chip chip, byte value, ushort port)
    {
        if ((value & 0x44) != 0)
        {
            machine.NotModelled($"8259A poll or special mask mode, {value:x2}h to port {port:x2}h");
        }
        else if ((value & 2) != 0)
        {
            chip.ReadsInService = (byte)(value & 1);
        }
    }

    private void StopOnUnmaskedRequest(int input)
    {
        ref Chip chip = ref _state.Chips[input >> 3];
        int unmasked = chip.Request & ~chip.Mask;
        if (chip.Initialized != 0 && unmasked != 0 && Pin is null or { IsPin0Open: true })
        {
            machine.NotModelled($"unmasked interrupt request of the 8259A (requests {unmasked:x2}h, inputs {input & 8} and up)");
        }
    }
}
