// SPDX-License-Identifier: Apache-2.0
using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using Liminal.Chipset;

namespace Liminal.Machine.Boards;

/// <summary>The ACPI tables of the board: RSDP, XSDT, FADT, DSDT and MADT, and nothing else.</summary>
/// <remarks>
/// Source: ACPI 6.5, 5.2.5.3 (RSDP), 5.2.8 (XSDT), 5.2.9 (FADT), 5.2.11.1 (DSDT), 5.2.12 (MADT), 20.2 (AML byte stream).
/// The DSDT has one object, \_S5, so that a kernel can power off. There is no timer block in the FADT: a kernel that sees one compares
/// its time-stamp counter with it, and the counter needs no second opinion here.
/// </remarks>
public static class AcpiTables
{
    private const int HeaderSize = 36;
    private const byte Revision = 6;

    /// <summary>The tables as bytes to be placed at <see cref="MemoryMap.AcpiTables"/>, the root pointer at their start.</summary>
    /// <param name="localApicIds">One local APIC id for each processor, the bootstrap processor first.</param>
    /// <param name="madtEntries">Further entries of the MADT, each with its type and length.</param>
    public static byte[] Build(ReadOnlySpan<uint> localApicIds, params IReadOnlyList<ReadOnlyMemory<byte>> madtEntries)
    {
        var area = new Area();
        int rootPointer = area.Reserve(36);
        ulong dsdt = area.Append(Table("DSDT", 2, SoftOffObject()));
        ulong fadt = area.Append(Fadt(dsdt));
        ulong madt = area.Append(Madt(localApicIds, madtEntries));
        byte[] pointers = new byte[16];
        BinaryPrimitives.WriteUInt64LittleEndian(pointers, fadt);
        BinaryPrimitives.WriteUInt64LittleEndian(pointers.AsSpan(8), madt);
        ulong xsdt = area.Append(Table("XSDT", 1, pointers));
        byte[] bytes = area.ToArray();
        WriteRootPointer(bytes.AsSpan(rootPointer, 36), xsdt);
        return bytes;
    }

    private static void WriteRootPointer(Span<byte> pointer, ulong xsdt)
    {
        "RSD PTR "u8.CopyTo(pointer);
        "LIMNL "u8.CopyTo(pointer[9..]);
        pointer[15] = 2;
        BinaryPrimitives.WriteUInt32LittleEndian(pointer[20..], (uint)pointer.Length);
        BinaryPrimitives.WriteUInt64LittleEndian(pointer[24..], xsdt);
        pointer[8] = Checksum(pointer[..20]);
        pointer[32] = Checksum(pointer);
    }

    /// <summary>Name(\_S5, Package(4) { SLP_TYPa, SLP_TYPb, 0, 0 }).</summary>
    private static byte[] SoftOffObject()
    {
        const byte NameOp = 0x08;
        const byte PackageOp = 0x12;
        const byte BytePrefix = 0x0A;
        const byte SleepType = AcpiPowerManagement.SoftOffSleepType;
        return
        [
            NameOp, (byte)'\\', (byte)'_', (byte)'S', (byte)'5', (byte)'_',
            PackageOp, 10, 4, BytePrefix, SleepType, BytePrefix, SleepType, BytePrefix, 0, BytePrefix, 0,
        ];
    }

    private static byte[] Fadt(ulong dsdt)
    {
        byte[] body = new byte[276 - HeaderSize];
        Span<byte> Field(int offset) => body.AsSpan(offset - HeaderSize);

        BinaryPrimitives.WriteUInt32LittleEndian(Field(40), (uint)dsdt);
        BinaryPrimitives.WriteUInt16LittleEndian(Field(46), MemoryMap.SystemControlInterrupt);
        BinaryPrimitives.WriteUInt32LittleEndian(Field(56), MemoryMap.AcpiPower);
        BinaryPrimitives.WriteUInt32LittleEndian(Field(64), MemoryMap.AcpiPower + 4);
        Field(88)[0] = 4;       // PM1_EVT_LEN
        Field(89)[0] = 2;       // PM1_CNT_LEN
        BinaryPrimitives.WriteUInt16LittleEndian(Field(96), 0xFFF);     // P_LVL2_LAT: no C2
        BinaryPrimitives.WriteUInt16LittleEndian(Field(98), 0xFFF);     // P_LVL3_LAT: no C3
        Field(108)[0] = 0x32;   // century register of the clock chip
        const ushort VgaNotPresent = 1 << 2;
        BinaryPrimitives.WriteUInt16LittleEndian(Field(109), VgaNotPresent);
        const uint Wbinvd = 1;
        const uint C1Supported = 1 << 2;
        const uint NoFixedPowerButton = 1 << 4;
        const uint NoFixedSleepButton = 1 << 5;
        const uint ResetRegisterSupported = 1 << 10;
        BinaryPrimitives.WriteUInt32LittleEndian(
            Field(112),
            Wbinvd | C1Supported | NoFixedPowerButton | NoFixedSleepButton | ResetRegisterSupported);
        Field(116)[0] = 1;      // RESET_REG: system I/O space, 8 bits, byte access
        Field(117)[0] = 8;
        Field(119)[0] = 1;
        BinaryPrimitives.WriteUInt64LittleEndian(Field(120), PciConfigurationPorts.ResetControlPort);
        Field(128)[0] = PciConfigurationPorts.ResetValue;
        Field(131)[0] = 5;      // minor version
        BinaryPrimitives.WriteUInt64LittleEndian(Field(140), dsdt);
        return Table("FACP", Revision, body);
    }

    private static byte[] Madt(ReadOnlySpan<uint> localApicIds, IReadOnlyList<ReadOnlyMemory<byte>> more)
    {
        List<byte> body = [];
        AppendUInt32(body, (uint)MemoryMap.LocalApic);
        AppendUInt32(body, 1);  // PCAT_COMPAT: there is an 8259A pair
        for (int index = 0; index < localApicIds.Length; index++)
        {
            body.AddRange([0, 8, (byte)index, (byte)localApicIds[index]]);
            AppendUInt32(body, 1);
        }

        body.AddRange([1, 12, 0, 0]);   // I/O APIC, id 0
        AppendUInt32(body, (uint)MemoryMap.IoApic);
        AppendUInt32(body, 0);
        body.AddRange([2, 10, 0, MemoryMap.TimerInterrupt]);    // ISA override
        AppendUInt32(body, MemoryMap.TimerIoApicInput);
        body.AddRange([0, 0]);
        foreach (ReadOnlyMemory<byte> entry in more)
        {
            body.AddRange(entry.Span);
        }

        return Table("APIC", 5, [.. body]);
    }

    private static void AppendUInt32(List<byte> bytes, uint value)
    {
        for (int shift = 0; shift < 32; shift += 8)
        {
            bytes.Add((byte)(value >> shift));
        }
    }

    private static byte[] Table(string signature, byte revision, ReadOnlySpan<byte> body)
    {
        byte[] table = new byte[HeaderSize + body.Length];
        Span<byte> header = table;
        for (int index = 0; index < 4; index++)
        {
            header[index] = (byte)signature[index];
        }

        BinaryPrimitives.WriteUInt32LittleEndian(header[4..], (uint)table.Length);
        header[8] = revision;
        "LIMNL "u8.CopyTo(header[10..]);
        "LIMINAL "u8.CopyTo(header[16..]);
        BinaryPrimitives.WriteUInt32LittleEndian(header[24..], 1);
        "LIMN"u8.CopyTo(header[28..]);
        BinaryPrimitives.WriteUInt32LittleEndian(header[32..], 1);
        body.CopyTo(header[HeaderSize..]);
        header[9] = Checksum(table);
        return table;
    }

    /// <summary>The byte that makes the sum of all bytes zero; its own place must hold zero.</summary>
    private static byte Checksum(ReadOnlySpan<byte> bytes)
    {
        int sum = 0;
        foreach (byte value in bytes)
        {
            sum += value;
        }

        return (byte)-sum;
    }

    /// <summary>The memory the tables go to, filled from its start at 16-byte steps.</summary>
    private sealed class Area
    {
        private readonly List<byte> _bytes = [];

        public int Reserve(int size)
        {
            while (_bytes.Count % 16 != 0)
            {
                _bytes.Add(0);
            }

            int start = _bytes.Count;
            _bytes.AddRange(new byte[size]);
            return start;
        }

        public ulong Append(byte[] table)
        {
            int start = Reserve(table.Length);
            for (int index = 0; index < table.Length; index++)
            {
                _bytes[start + index] = table[index];
            }

            return MemoryMap.AcpiTables + (ulong)start;
        }

        public byte[] ToArray() => [.. _bytes];
    }
}
