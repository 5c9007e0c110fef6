// SPDX-License-Identifier: Apache-2.0

using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.Text;
using Liminal.Machine.Boards;
using Liminal.Testing;

namespace Liminal.Machine.Tests.Boards;

public sealed class AcpiTablesTests
{
    [Fact]
    public void The_root_pointer_leads_to_every_table_and_all_checksums_are_zero()
    {
        byte[] area = AcpiTables.Build([0, 1, 2]);
        Assert.Equal("RSD PTR ", Encoding.ASCII.GetString(area, 0, 8));
        Assert.Equal(0, Sum(area.AsSpan(0, 20)));
        Assert.Equal(0, Sum(area.AsSpan(0, 36)));

        ReadOnlySpan<byte> xsdt = TableAt(area, BinaryPrimitives.ReadUInt64LittleEndian(area.AsSpan(24)), "XSDT");
        ReadOnlySpan<byte> fadt = TableAt(area, BinaryPrimitives.ReadUInt64LittleEndian(xsdt[36..]), "FACP");
        TableAt(area, BinaryPrimitives.ReadUInt64LittleEndian(xsdt[44..]), "APIC");
        TableAt(area, BinaryPrimitives.ReadUInt64LittleEndian(fadt[140..]), "DSDT");
        Assert.Equal(BinaryPrimitives.ReadUInt32LittleEndian(fadt[40..]), (uint)BinaryPrimitives.ReadUInt64LittleEndian(fadt[140..]));
        Assert.Equal(276, fadt.Length);
    }

    [Fact]
    public void The_tables_of_two_processors_are_the_accepted_bytes()
    {
        byte[] area = AcpiTables.Build([0, 1]);
        List<string> lines = [];
        for (int offset = 0; offset < area.Length; offset += 16)
        {
            int count = Math.Min(16, area.Length - offset);
            lines.Add($"{offset:x4}  {Convert.ToHexStringLower(area, offset, count)}");
        }

        Snapshot.Match("acpi-two-processors", string.Join('\n', lines));
    }

    private static ReadOnlySpan<byte> TableAt(byte[] area, ulong address, string signature)
    {
        int offset = (int)(address - MemoryMap.AcpiTables);
        int length = (int)BinaryPrimitives.ReadUInt32LittleEndian(area.AsSpan(offset + 4));
        Assert.Equal(signature, Encoding.ASCII.GetString(area, offset, 4));
        Assert.Equal(0, Sum(area.AsSpan(offset, length)));
        return area.AsSpan(offset, length);
    }

    private static byte Sum(ReadOnlySpan<byte> bytes)
    {
        byte sum = 0;
        foreach (byte value in bytes)
        {
            sum += value;
        }

        return sum;
    }
}
