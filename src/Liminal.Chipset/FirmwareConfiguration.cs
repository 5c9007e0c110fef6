// SPDX-License-Identifier: Apache-2.0
using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.Runtime.InteropServices;

namespace Liminal.Chipset;

/// <summary>QEMU's firmware configuration device: where test programs that expect no firmware ask for processors and memory.</summary>
/// <remarks>
/// Source: QEMU docs/specs/fw_cfg.rst: a write to the selector names an item and goes to its beginning, each read of the data register gives the
/// next byte. Bytes behind the end are zero: hw/nvram/fw_cfg.c, fw_cfg_data_read(). The items are those of the traditional interface that such
/// programs read; selecting another stops the machine.
/// </remarks>
/// <param name="machine">Is told of an item that is not here.</param>
/// <param name="processorCount">Number of processors.</param>
/// <param name="memorySize">Bytes of RAM.</param>
public sealed class FirmwareConfiguration(IMachineControl machine, int processorCount, ulong memorySize) : IPortDevice, IStateful
{
    // Configuration

    /// <summary>The selector, 16 bits wide, with the data register behind it.</summary>
    public const ushort FirstPort = 0x510;

    /// <summary>Ports of both registers.</summary>
    public const int PortCount = 2;

    private const ushort DataPort = FirstPort + 1;
    private const uint HasTraditionalInterface = 1;

    private readonly Dictionary<ushort, byte[]> _items = new()
    {
        [0x00] = [.. "QEMU"u8],
        [0x01] = Bytes(HasTraditionalInterface, 4),
        [0x03] = Bytes(memorySize, 8),
        [0x05] = Bytes((ulong)processorCount, 2),
        [0x0F] = Bytes((ulong)processorCount, 2),
    };

    private State _state;

    internal struct State
    {
        public ushort Key;
        public ushort Offset;
    }

    /// <inheritdoc/>
    public Span<byte> StateBytes => MemoryMarshal.AsBytes(MemoryMarshal.CreateSpan(ref _state, 1));

    /// <inheritdoc/>
    public uint ReadPort(ushort port, int size)
    {
        if (port != DataPort || size != 1)
        {
            machine.NotModelled($"{size}-byte IN from port {port:X}h of the firmware configuration device");
            return 0;
        }

        byte[] item = _items.GetValueOrDefault(_state.Key, []);
        return _state.Offset < item.Length ? item[_state.Offset++] : 0u;
    }

    /// <inheritdoc/>
    public void WritePort(ushort port, int size, uint value)
    {
        if (port != FirstPort || size != 2 || !_items.ContainsKey((ushort)value))
        {
            machine.NotModelled($"{size}-byte OUT of {value:X}h to port {port:X}h of the firmware configuration device");
            return;
        }

        _state = new State { Key = (ushort)value };
    }

    private static byte[] Bytes(ulong value, int count)
    {
        byte[] bytes = new byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, value);
        return bytes[..count];
    }
}
