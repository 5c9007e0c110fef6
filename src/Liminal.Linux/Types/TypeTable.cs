// SPDX-License-Identifier: Apache-2.0

using System;
using System.Buffers.Binary;
using System.Text;

namespace Liminal.Linux.Types;

/// <summary>The records of a .BTF section, by number. Every record lies inside the section; what a record refers to is checked where it is followed.</summary>
/// <remarks>
/// Source: Linux v6.12 Documentation/bpf/btf.rst, "BTF Type and String Encoding", and include/uapi/linux/btf.h.
/// Only the form of a vmlinux is read: little-endian, no base BTF.
/// </remarks>
internal sealed class TypeTable
{
    private const ushort Magic = 0xEB9F;
    private const int HeaderSize = 24;
    private const int RecordSize = 12;

    /// <summary>Most records; Debian 6.12 has 152 thousand.</summary>
    private const int MostTypes = 1 << 21;

    /// <summary>Longest name that is turned into a string.</summary>
    private const int LongestName = 512;

    private readonly ReadOnlyMemory<byte> _types;
    private readonly ReadOnlyMemory<byte> _strings;
    private readonly int[] _places;

    private TypeTable(ReadOnlyMemory<byte> types, ReadOnlyMemory<byte> strings, int[] places)
    {
        _types = types;
        _strings = strings;
        _places = places;
    }

    /// <summary>Number of records, the void type 0 included.</summary>
    public int Count => _places.Length;

    /// <summary>The records of a section, or null and what is wrong with it, as a clause.</summary>
    public static TypeTable? Read(ReadOnlyMemory<byte> section, out string problem)
    {
        ReadOnlySpan<byte> bytes = section.Span;
        problem = "has type information without a BTF header";
        if (bytes.Length < HeaderSize || BinaryPrimitives.ReadUInt16LittleEndian(bytes) != Magic)
            return null;

        uint header = U32(bytes, 4), typesAt = U32(bytes, 8), typesSize = U32(bytes, 12), stringsAt = U32(bytes, 16), stringsSize = U32(bytes, 20);
        problem = "has type information whose header points outside it";
        if (header < HeaderSize || header > bytes.Length
            || (ulong)header + typesAt + typesSize > (ulong)bytes.Length || (ulong)header + stringsAt + stringsSize > (ulong)bytes.Length)
        {
            return null;
        }

        ReadOnlyMemory<byte> types = section.Slice((int)(header + typesAt), (int)typesSize);
        ReadOnlyMemory<byte> strings = section.Slice((int)(header + stringsAt), (int)stringsSize);
        return PlacesOf(types.Span, out problem) is int[] places ? new TypeTable(types, strings, places) : null;
    }

    public TypeKind KindOf(int type) => type == 0 ? TypeKind.Void : Kind(Record(type));

    /// <summary>The number of members, enumerators or parameters.</summary>
    public int LengthOf(int type) => (int)(U32(Record(type), 4) & 0xFFFF);

    /// <summary>Whether member offsets carry the width of a bit field.</summary>
    public bool HasBitFields(int type) => U32(Record(type), 4) >> 31 != 0;

    /// <summary>Size in bytes, or the number of the type referred to; which of the two depends on the kind.</summary>
    public uint SizeOrType(int type) => U32(Record(type), 8);

    /// <summary>A word behind the record.</summary>
    public uint Word(int type, int index) => U32(Record(type), RecordSize + (index * sizeof(uint)));

    public string NameOf(int type) => type == 0 ? "void" : Text(U32(Record(type), 0));

    /// <summary>A name by its offset; empty when it lies outside, does not end or is no plain text.</summary>
    public string Text(uint offset)
    {
        ReadOnlySpan<byte> name = NameBytes(offset);
        return name.ContainsAnyExceptInRange((byte)0x20, (byte)0x7E) ? "" : Encoding.ASCII.GetString(name);
    }

    /// <summary>Whether the name at an offset is this one.</summary>
    public bool IsText(uint offset, ReadOnlySpan<char> name)
    {
        ReadOnlySpan<byte> bytes = NameBytes(offset);
        if (bytes.Length != name.Length)
            return false;

        for (int i = 0; i < bytes.Length; i++)
        {
            if (bytes[i] != name[i])
                return false;
        }

        return true;
    }

    private ReadOnlySpan<byte> NameBytes(uint offset)
    {
        ReadOnlySpan<byte> strings = _strings.Span;
        if (offset >= strings.Length)
            return [];

        ReadOnlySpan<byte> rest = strings[(int)offset..Math.Min(strings.Length, (int)offset + LongestName)];
        int end = rest.IndexOf((byte)0);
        return end < 0 ? [] : rest[..end];
    }

    private ReadOnlySpan<byte> Record(int type) => _types.Span[_places[type]..];

    private static int[]? PlacesOf(ReadOnlySpan<byte> types, out string problem)
    {
        int count = 1;
        problem = "";
        for (int pass = 0; ; pass++)
        {
            int[] places = pass == 0 ? [] : new int[count];
            int number = 1;
            for (int at = 0; at < types.Length; number++)
            {
                int size = types.Length - at < RecordSize ? 0 : SizeOf(types[at..]);
                if (size == 0 || size > types.Length - at || number >= MostTypes)
                {
                    problem = $"has type information whose record {number:N0} is damaged";
                    return null;
                }

                if (pass == 1)
                    places[number] = at;

                at += size;
            }

            if (pass == 1)
                return places;

            count = number;
        }
    }

    /// <summary>Bytes of a record with what belongs to it; zero for a kind that is not known.</summary>
    private static int SizeOf(ReadOnlySpan<byte> record)
    {
        int length = (int)(U32(record, 4) & 0xFFFF);
        return RecordSize + Kind(record) switch
        {
            TypeKind.Integer or TypeKind.Variable or TypeKind.DeclarationTag => 4,
            TypeKind.Array => 12,
            TypeKind.Structure or TypeKind.Union or TypeKind.DataSection or TypeKind.Enumeration64 => length * 12,
            TypeKind.Enumeration or TypeKind.FunctionPrototype => length * 8,
            TypeKind.Void or > TypeKind.Enumeration64 => -RecordSize,
            _ => 0,
        };
    }

    private static TypeKind Kind(ReadOnlySpan<byte> record) => (TypeKind)(U32(record, 4) >> 24 & 0x1F);

    private static uint U32(ReadOnlySpan<byte> bytes, int offset) => BinaryPrimitives.ReadUInt32LittleEndian(bytes[offset..]);
}
