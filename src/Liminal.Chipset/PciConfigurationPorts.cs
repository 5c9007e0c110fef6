// SPDX-License-Identifier: Apache-2.0
using System;
using System.Runtime.InteropServices;

namespace Liminal.Chipset;

/// <summary>PCI configuration mechanism 1, ports CF8h to CFFh, in front of a bus without devices.</summary>
/// <remarks>
/// Source: PCI Local Bus Specification 3.0, 3.2.2.3.2 (software generation of configuration transactions): the address register
/// takes 32-bit accesses only; a read that no device claims returns all ones. Port CF9h is the reset control register of Intel's
/// chipsets (ICH9 data sheet, 13.7.5): bit 2 going to one resets the processor.
/// </remarks>
public sealed class PciConfigurationPorts(IMachineControl machine) : Stateful, IPortDevice
{
    // Configuration

    /// <summary>The first of the eight ports.</summary>
    public const ushort FirstPort = 0xCF8;

    /// <summary>The reset control register.</summary>
    public const ushort ResetControlPort = 0xCF9;

    /// <summary>Value which resets the machine when written to <see cref="ResetControlPort"/>: hard reset of the processor.</summary>
    public const byte ResetValue = 0x06;

    private const uint ResetCpu = 0x04;

    private State _state;

    internal struct State
    {
        public uint Address;
        public uint ResetControl;
    }

    /// <inheritdoc/>
    public override Span<byte> StateBytes => MemoryMarshal.AsBytes(MemoryMarshal.CreateSpan(ref _state, 1));

    /// <inheritdoc/>
    public uint ReadPort(ushort port, int size) => (port, size) switch
    {
        (FirstPort, 4) => _state.Address,
        (ResetControlPort, 1) => _state.ResetControl,
        _ => uint.MaxValue >> (32 - (8 * size)),
    };

    /// <inheritdoc/>
    public void WritePort(ushort port, int size, uint value)
    {
        if (port == FirstPort && size == 4)
        {
            // Bits 30:24 and 1:0 are reserved and read zero.
            _state.Address = value & 0x80FF_FFFC;
        }
        else if (port == ResetControlPort && size == 1)
        {
            bool rises = (value & ~_state.ResetControl & ResetCpu) != 0;
            _state.ResetControl = value & 0x0E;
            if (rises)
            {
                machine.Reset("reset control register, port CF9h");
            }
        }
    }
}
