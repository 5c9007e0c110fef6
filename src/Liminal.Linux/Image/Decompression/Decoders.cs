// SPDX-License-Identifier: Apache-2.0

using System;
using System.Buffers.Binary;
using System.IO;
using System.IO.Compression;
using System.Runtime.InteropServices;
using K4os.Compression.LZ4;
using SharpCompress.Compressors.BZip2;
using SharpCompress.Compressors.LZMA;
using SharpCompress.Compressors.Xz;
using ZstdSharp;
using CompressionMode = System.IO.Compression.CompressionMode;

namespace Liminal.Linux.Image.Decompression;

/// <summary>One <see cref="Decoder"/> per format, each on top of a library.</summary>
internal static class Decoders
{
    // lz4 -l cuts its input into blocks of 8 MiB. Source: LZ4 frame format description, "Legacy frame".
    private const int Lz4LegacyBlock = 8 << 20;
    private const int LzmaProperties = 5;
    private const int LzmaHeader = LzmaProperties + sizeof(long);

    public static bool Gzip(ReadOnlyMemory<byte> compressed, byte[] destination)
    {
        using var stream = new GZipStream(StreamOf(compressed), CompressionMode.Decompress);
        return FillsExactly(stream, destination);
    }

    public static bool Xz(ReadOnlyMemory<byte> compressed, byte[] destination)
    {
        if (XzDictionary.SizeIn(compressed.Span) is not <= ImageLimits.DecompressedBytes)
            return false;

        using var stream = new XZStream(StreamOf(compressed));
        return FillsExactly(stream, destination);
    }

    public static bool Bzip2(ReadOnlyMemory<byte> compressed, byte[] destination)
    {
        using var stream = BZip2Stream.Create(StreamOf(compressed), SharpCompress.Compressors.CompressionMode.Decompress, false, false, false);
        return FillsExactly(stream, destination);
    }

    /// <summary>Header: five bytes of properties, eight of size; the kernel's build pipes its input, so the size is -1
    /// and an end marker follows.</summary>
    public static bool Lzma(ReadOnlyMemory<byte> compressed, byte[] destination)
    {
        if (compressed.Length < LzmaHeader)
            return false;

        // No match reaches back further than the output is long, so a larger dictionary would only cost memory.
        byte[] properties = compressed[..LzmaProperties].ToArray();
        uint dictionary = BinaryPrimitives.ReadUInt32LittleEndian(properties.AsSpan(1));
        BinaryPrimitives.WriteUInt32LittleEndian(properties.AsSpan(1), Math.Min(dictionary, (uint)destination.Length));
        ReadOnlyMemory<byte> data = compressed[LzmaHeader..];
        using LzmaStream stream = LzmaStream.Create(properties, StreamOf(data), data.Length, leaveOpen: false);
        return FillsExactly(stream, destination);
    }

    /// <summary>In one piece: the window of 128 MiB that the kernel's build uses then needs no buffer of its
    /// own.</summary>
    public static bool Zstd(ReadOnlyMemory<byte> compressed, byte[] destination)
    {
        using var decompressor = new Decompressor();
        return decompressor.TryUnwrap(compressed.Span, destination, out int written) && written == destination.Length;
    }

    public static bool Lz4Legacy(ReadOnlyMemory<byte> compressed, byte[] destination)
    {
        ReadOnlySpan<byte> rest = compressed.Span[PayloadFormat.Lz4.MagicLength..];
        Span<byte> free = destination;
        while (rest.Length >= sizeof(uint))
        {
            uint size = BinaryPrimitives.ReadUInt32LittleEndian(rest);
            rest = rest[sizeof(uint)..];
            if (size == 0 || size > rest.Length)
                return false;

            int written = LZ4Codec.Decode(rest[..(int)size], free[..Math.Min(free.Length, Lz4LegacyBlock)]);
            if (written <= 0)
                return false;

            rest = rest[(int)size..];
            free = free[written..];
        }

        return rest.IsEmpty && free.IsEmpty;
    }

    private static bool FillsExactly(Stream stream, byte[] destination)
    {
        int read = stream.ReadAtLeast(destination, destination.Length, throwOnEndOfStream: false);
        return read == destination.Length && stream.ReadByte() < 0;
    }

    private static MemoryStream StreamOf(ReadOnlyMemory<byte> memory) =>
        MemoryMarshal.TryGetArray(memory, out ArraySegment<byte> array)
            ? new MemoryStream(array.Array!, array.Offset, array.Count, writable: false)
            : new MemoryStream(memory.ToArray(), writable: false);
}
