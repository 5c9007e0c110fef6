// SPDX-License-Identifier: Apache-2.0
using System;
using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Liminal.Chipset;

/// <summary>The device that QEMU gives to test programs, its pc-testdev: ports and memory that remember, and ISA interrupt lines to set by hand.</summary>
/// <remarks>
/// Source: QEMU hw/misc/pc-testdev.c. Four bytes that read as they were written are at the latch, for accesses of every width, and again where
/// QEMU splits accesses into bytes. A write to the flush port makes QEMU's host unmap and map a page, of which a guest sees nothing. The lines take
/// bytes; a wider access sets several (system/physmem.c splits it by the largest size that a device has).
/// </remarks>
/// <param name="machine">Is told of an access that the device does not have.</param>
/// <param name="interrupts">The ISA interrupt lines.</param>
public sealed class TestDevice(IMachineControl machine, IInterruptController interrupts) : Stateful, IPortDevice, IMmioDevice
{
    // Configuration

    /// <summary>The latch, the flush port four above it, the latch by bytes eight above it.</summary>
    public const ushort FirstPort = 0xE0;

    /// <summary>Ports of the three.</summary>
    public const int PortCount = 12;

    /// <summary>The interrupt lines, one port for each.</summary>
    public const ushort FirstLinePort = 0x2000;

    /// <summary>ISA interrupt lines.</summary>
    public const int LineCount = 16;

    /// <summary>Guest-physical address of the memory.</summary>
    public const ulong MemoryAddress = 0xFF00_0000;

    /// <summary>Bytes of the memory.</summary>
    public const int MemorySize = 0x1_0000;

    private const int RegisterBytes = 4;
    private const int FlushRegister = 1;

    private State _state;

    internal struct State
    {
        public uint Latch;
        public Memory Memory;
    }

    /// <inheritdoc/>
    public override Span<byte> StateBytes => MemoryMarshal.AsBytes(MemoryMarshal.CreateSpan(ref _state, 1));

    /// <inheritdoc/>
    public uint ReadPort(ushort port, int size)
    {
        if (!IsLatch(port, size, out int shift))
        {
            machine.NotModelled($"{size}-byte IN from port {port:X}h of the test device");
            return 0;
        }

        return (_state.Latch >> shift) & Mask(size);
    }

    /// <inheritdoc/>
    public void WritePort(ushort port, int size, uint value)
    {
        int line = port - FirstLinePort;
        if (line >= 0 && line + size <= LineCount)
        {
            for (int index = 0; index < size; index++)
            {
                interrupts.SetInput(line + index, (byte)(value >> (8 * index)) != 0);
            }
        }
        else if (IsLatch(port, size, out int shift))
        {
            _state.Latch = (_state.Latch & ~(Mask(size) << shift)) | (value << shift);
        }
        else if (port != FirstPort + (FlushRegister * RegisterBytes) || size != RegisterBytes)
        {
            machine.NotModelled($"{size}-byte OUT of {value:X}h to port {port:X}h of the test device");
        }
    }

    /// <inheritdoc/>
    public ulong ReadMmio(ulong offset, int size)
    {
        Span<byte> bytes = stackalloc byte[sizeof(ulong)];
        bytes.Clear();
        BytesAt(offset, size).CopyTo(bytes);
        return BinaryPrimitives.ReadUInt64LittleEndian(bytes);
    }

    /// <inheritdoc/>
    public void WriteMmio(ulong offset, int size, ulong value)
    {
        Span<byte> bytes = stackalloc byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, value);
        bytes[..size].CopyTo(BytesAt(offset, size));
    }

    private Span<byte> BytesAt(ulong offset, int size) => ((Span<byte>)_state.Memory).Slice((int)offset, size);

    private static bool IsLatch(ushort port, int size, out int shift)
    {
        int offset = port - FirstPort;
        int place = offset % RegisterBytes;
        shift = place * 8;
        return offset < PortCount && offset / RegisterBytes != FlushRegister && place + size <= RegisterBytes;
    }

    private static uint Mask(int size) => uint.MaxValue >> (32 - (8 * size));

    [InlineArray(MemorySize)]
    internal struct Memory
    {
        private byte _first;
    }
}
