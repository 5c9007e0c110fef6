// SPDX-License-Identifier: Apache-2.0

using System;

namespace Liminal.Linux.Image.Decompression;

/// <summary>How much memory an xz file asks for: the decoder allocates the dictionary before it has seen any
/// data.</summary>
/// <remarks>Source: the .xz file format 1.1.0, sections 3.1 (block header) and 5.3.1 (LZMA2). Only the first block is
/// looked at; the kernel's build makes one.</remarks>
internal static class XzDictionary
{
    private const int StreamHeader = 12;
    private const ulong Lzma2 = 0x21;

    /// <summary>Size of the LZMA2 dictionary of the first block in bytes; null when the header is damaged or names no
    /// LZMA2.</summary>
    public static long? SizeIn(ReadOnlySpan<byte> file)
    {
        if (file.Length <= StreamHeader)
            return null;

        int size = (file[StreamHeader] + 1) * 4;
        if (size < 8 || file.Length < StreamHeader + size)
            return null;

        byte flags = file[StreamHeader + 1];
        ReadOnlySpan<byte> rest = file.Slice(StreamHeader + 2, size - 6);
        int optional = ((flags >> 6) & 1) + ((flags >> 7) & 1);
        for (int i = 0; i < optional; i++)
            TakeNumber(ref rest);

        for (int filter = 0; filter <= (flags & 3); filter++)
        {
            ulong id = TakeNumber(ref rest), length = TakeNumber(ref rest);
            if (length > (uint)rest.Length)
                return null;

            if (id == Lzma2)
                return length == 1 ? Decode(rest[0]) : null;

            rest = rest[(int)length..];
        }

        return null;
    }

    /// <summary>2 or 3, shifted: 0 is 4 KiB, 1 is 6 KiB, 39 is 3 GiB, 40 is one byte less than 4 GiB.</summary>
    private static long? Decode(byte bits) => bits switch
    {
        < 40 => (2L | (bits & 1)) << ((bits / 2) + 11),
        40 => uint.MaxValue,
        _ => null,
    };

    /// <summary>Seven bits a byte, lowest first, while the top bit is set. The end of the header ends a number
    /// too.</summary>
    private static ulong TakeNumber(ref ReadOnlySpan<byte> bytes)
    {
        ulong number = 0;
        for (int shift = 0; !bytes.IsEmpty && shift < 63; shift += 7)
        {
            byte part = bytes[0];
            bytes = bytes[1..];
            number |= (ulong)(part & 0x7F) << shift;
            if (part < 0x80)
                break;
        }

        return number;
    }
}
