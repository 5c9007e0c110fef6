// SPDX-License-Identifier: Apache-2.0

using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.Linq;
using System.Text;

namespace Liminal.Linux.Tests.Synthetic;

/// <summary>Writes ELF files for tests: whatever is asked for, sound or not.</summary>
internal sealed class ElfWriter
{
    private readonly List<(ulong Virtual, ulong Physical, byte[] Contents, long MemorySize)> _segments = [];
    private readonly List<(string Name, ulong Address, int Offset, int Size)> _sections = [];

    public byte Class { get; init; } = 2;

    public ushort Machine { get; init; } = 62;

    public void AddSegment(ulong virtualAddress, ulong physicalAddress, byte[] contents, long memorySize) =>
        _segments.Add((virtualAddress, physicalAddress, contents, memorySize));

    public void AddSection(string name, ulong address, int offset, int size) => _sections.Add((name, address, offset, size));

    /// <summary>The file: headers, then the segments one behind the other from <paramref name="start"/>, then the sections' names and headers.</summary>
    public byte[] Write(int start = 0x1000)
    {
        string names = "\0.shstrtab\0" + string.Concat(_sections.Select(section => section.Name + "\0"));
        int nameTable = start + _segments.Sum(segment => segment.Contents.Length);
        int headers = (nameTable + names.Length + 7) & ~7;
        int sectionCount = _sections.Count == 0 ? 0 : _sections.Count + 2;
        byte[] file = new byte[_sections.Count == 0 ? nameTable : headers + (sectionCount * 64)];

        new byte[] { 0x7F, (byte)'E', (byte)'L', (byte)'F', Class, 1, 1 }.CopyTo(file, 0);
        U16(file, 16, 2);
        U16(file, 18, Machine);
        U64(file, 24, 0x100_0000);
        U64(file, 32, 64);
        U64(file, 40, _sections.Count == 0 ? 0UL : (ulong)headers);
        U16(file, 54, 56);
        U16(file, 56, (ushort)_segments.Count);
        U16(file, 58, 64);
        U16(file, 60, (ushort)sectionCount);
        U16(file, 62, 1);

        int offset = start;
        for (int i = 0; i < _segments.Count; i++)
        {
            var segment = _segments[i];
            int at = 64 + (i * 56);
            U32(file, at, 1);
            U32(file, at + 4, 5);
            U64(file, at + 8, (ulong)offset);
            U64(file, at + 16, segment.Virtual);
            U64(file, at + 24, segment.Physical);
            U64(file, at + 32, (ulong)segment.Contents.Length);
            U64(file, at + 40, (ulong)segment.MemorySize);
            segment.Contents.CopyTo(file, offset);
            offset += segment.Contents.Length;
        }

        if (_sections.Count == 0)
            return file;

        Encoding.ASCII.GetBytes(names).CopyTo(file, nameTable);
        WriteSection(file, headers + 64, 1, 3, 0, nameTable, names.Length);
        int name = "\0.shstrtab\0".Length;
        for (int i = 0; i < _sections.Count; i++)
        {
            WriteSection(file, headers + ((i + 2) * 64), name, 1, _sections[i].Address, _sections[i].Offset, _sections[i].Size);
            name += _sections[i].Name.Length + 1;
        }

        return file;
    }

    private static void WriteSection(byte[] file, int at, int name, uint type, ulong address, int offset, int size)
    {
        U32(file, at, (uint)name);
        U32(file, at + 4, type);
        U64(file, at + 16, address);
        U64(file, at + 24, (ulong)offset);
        U64(file, at + 32, (ulong)size);
    }

    private static void U16(byte[] file, int at, ushort value) => BinaryPrimitives.WriteUInt16LittleEndian(file.AsSpan(at), value);

    private static void U32(byte[] file, int at, uint value) => BinaryPrimitives.WriteUInt32LittleEndian(file.AsSpan(at), value);

    private static void U64(byte[] file, int at, ulong value) => BinaryPrimitives.WriteUInt64LittleEndian(file.AsSpan(at), value);
}
