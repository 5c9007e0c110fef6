// SPDX-License-Identifier: Apache-2.0

using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.IO;
using Iced.Intel;

namespace Liminal.Machine.Tests.Boot.Multiboot;

/// <summary>Writes Multiboot images: an ELF of 32 bits whose first segment begins with the header, or a bare image with address fields.</summary>
internal static class MultibootElf
{
    public const uint Address = 0x10_0000;
    public const uint Entry = Address + 0x40;
    private const uint Magic = 0x1BADB002;
    private const int FileOffset = 0x1000;

    /// <summary>Code for 32-bit protected mode at <see cref="Entry"/>, and other parts at addresses of their own.</summary>
    public static byte[] Build(Action<Assembler> code, params (uint Address, byte[] Bytes)[] others) =>
        Build(Assemble(32, Entry, code), flags: 0, others);

    public static byte[] Build(byte[] code, uint flags, params (uint Address, byte[] Bytes)[] others)
    {
        byte[] first = new byte[(int)(Entry - Address) + code.Length];
        WriteHeader(first, flags);
        code.CopyTo(first, Entry - Address);
        List<(uint Address, byte[] Bytes)> parts = [(Address, first), .. others];
        using var file = new MemoryStream();
        file.Write([0x7f, (byte)'E', (byte)'L', (byte)'F', 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        Words(file, 0x0003_0002, 1, Entry, 52, 0, 0, 0x0020_0034, (uint)parts.Count, 0);
        uint offset = FileOffset;
        foreach ((uint address, byte[] bytes) in parts)
        {
            Words(file, 1, offset, address, address, (uint)bytes.Length, (uint)bytes.Length + 0x100, 7, 0x1000);
            offset += ((uint)bytes.Length + 0xfff) & ~0xfffu;
        }

        offset = FileOffset;
        foreach ((uint _, byte[] bytes) in parts)
        {
            file.SetLength(offset);
            file.Position = offset;
            file.Write(bytes);
            offset += ((uint)bytes.Length + 0xfff) & ~0xfffu;
        }

        return file.ToArray();
    }

    /// <summary>An image without an ELF around it, whose header has the address fields of an a.out.</summary>
    public static byte[] BuildBare(Action<Assembler> code)
    {
        byte[] bytes = Assemble(32, Entry, code);
        byte[] image = new byte[0x20 + (int)(Entry - Address) + bytes.Length];
        Span<byte> header = image.AsSpan(0x20);
        WriteHeader(header, 1 << 16);
        ReadOnlySpan<uint> fields = [Address, Address, 0, Address + 0x8000, Entry];
        for (int index = 0; index < fields.Length; index++)
            BinaryPrimitives.WriteUInt32LittleEndian(header[(12 + (index * 4))..], fields[index]);

        bytes.CopyTo(header[(int)(Entry - Address)..]);
        return image;
    }

    public static byte[] Assemble(int bitness, ulong address, Action<Assembler> code)
    {
        var assembler = new Assembler(bitness);
        code(assembler);
        using var stream = new MemoryStream();
        assembler.Assemble(new StreamCodeWriter(stream), address);
        return stream.ToArray();
    }

    private static void WriteHeader(Span<byte> destination, uint flags)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(destination, Magic);
        BinaryPrimitives.WriteUInt32LittleEndian(destination[4..], flags);
        BinaryPrimitives.WriteUInt32LittleEndian(destination[8..], unchecked(0u - Magic - flags));
    }

    private static void Words(Stream file, params ReadOnlySpan<uint> words)
    {
        Span<byte> bytes = stackalloc byte[4];
        foreach (uint word in words)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(bytes, word);
            file.Write(bytes);
        }
    }
}
