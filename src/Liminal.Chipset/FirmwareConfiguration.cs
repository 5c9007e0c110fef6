// SPDX-License-Identifier: Apache-2.0
using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.Runtime.InteropServices;

namespace Liminal.Chipset;

/// <summary>QEMU's firmware configuration device: where test programs that expect no firmware ask for processors, memory and themselves.</summary>
/// <remarks>
/// Source: QEMU docs/specs/fw_cfg.rst: a write to the selector names an item and goes to its beginning, each read of the data register gives the
/// next byte. Bytes behind the end are zero: hw/nvram/fw_cfg.c, fw_cfg_data_read(). The items are those of the traditional interface that such
/// programs read; selecting another stops the machine. What -kernel started is there too (hw/i386/multiboot.c, load_multiboot()): QEMU's firmware
/// loads the program from these items. Command line and modules, which QEMU appends to it, are not.
/// </remarks>
/// <param name="machine">Is told of an item that is not here.</param>
/// <param name="processorCount">Number of processors.</param>
/// <param name="memorySize">Bytes of RAM.</param>
/// <param name="program">What the machine was started with.</param>
public sealed class FirmwareConfiguration(IMachineControl machine, int processorCount, ulong memorySize, FirmwareProgram program) : Stateful, IPortDevice
{
    // Configuration

    /// <summary>The selector, 16 bits wide, with the data register behind it.</summary>
    public const ushort FirstPort = 0x510;

    /// <summary>Ports of both registers.</summary>
    public const int PortCount = 2;

    private const ushort DataPort = FirstPort + 1;
    private const uint HasTraditionalInterface = 1;

    private readonly Dictionary<ushort, Item> _items = new()
    {
        [0x00] = Item.Of("QEMU"u8),
        [0x01] = Item.Of(HasTraditionalInterface, 4),
        [0x03] = Item.Of(memorySize, 8),
        [0x05] = Item.Of((ulong)processorCount, 2),
        [0x07] = Item.Of(program.LoadAddress, 4),
        [0x08] = Item.Of(program.Size, 4),
        [0x0F] = Item.Of((ulong)processorCount, 2),
        [0x10] = Item.Of(program.EntryPoint, 4),
        [0x11] = new Item(program.Size, program.ByteAt),
    };

    private State _state;

    internal struct State
    {
        public uint Offset;
        public ushort Key;
    }

    /// <inheritdoc/>
    public override Span<byte> StateBytes => MemoryMarshal.AsBytes(MemoryMarshal.CreateSpan(ref _state, 1));

    /// <inheritdoc/>
    public uint ReadPort(ushort port, int size)
    {
        if (port != DataPort || size != 1)
        {
            machine.NotModelled($"{size}-byte IN from port {port:X}h of the firmware configuration device");
            return 0;
        }

        Item item = _items[_state.Key];
        return _state.Offset < item.Length ? item.ByteAt(_state.Offset++) : 0u;
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

    private readonly record struct Item(uint Length, Func<uint, byte> ByteAt)
    {
        public static Item Of(ReadOnlySpan<byte> bytes)
        {
            byte[] copy = bytes.ToArray();
            return new Item((uint)copy.Length, offset => copy[offset]);
        }

        public static Item Of(ulong value, int length)
        {
            Span<byte> bytes = stackalloc byte[sizeof(ulong)];
            BinaryPrimitives.WriteUInt64LittleEndian(bytes, value);
            return Of(bytes[..length]);
        }
    }
}

/// <summary>A program as its loader put it into memory.</summary>
/// <param name="LoadAddress">Physical address of its first byte.</param>
/// <param name="EntryPoint">Physical address of its first instruction.</param>
/// <param name="Size">Bytes from the first to the last.</param>
/// <param name="ByteAt">The byte at an offset below <paramref name="Size"/>.</param>
public sealed record FirmwareProgram(uint LoadAddress, uint EntryPoint, uint Size, Func<uint, byte> ByteAt);
