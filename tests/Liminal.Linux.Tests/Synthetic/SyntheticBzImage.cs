// SPDX-License-Identifier: Apache-2.0

using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.IO;
using System.IO.Compression;
using System.IO.Hashing;
using System.Linq;
using System.Text;
using K4os.Compression.LZ4;
using Liminal.Linux.Image.Decompression;
using SharpCompress.Compressors.BZip2;
using SharpCompress.Compressors.LZMA;
using ZstdSharp;

namespace Liminal.Linux.Tests.Synthetic;

/// <summary>A bzImage around a vmlinux, compressed in a format of choice, whose header a test can change.</summary>
internal sealed class SyntheticBzImage
{
    public const string VersionText = "6.99.1-synthetic (builder@host) #1 SMP Synthetic 6.99.1-1";

    private const int SetupSectors = 3;
    private const int Kernel = (SetupSectors + 1) * 512;
    private const int PayloadAt = 0x20;

    public PayloadFormat Format { get; init; } = PayloadFormat.Zstd;

    public ushort Protocol { get; init; } = 0x20F;

    public ushort ExtendedLoadFlags { get; init; } = 0x7F;

    /// <summary>Replaces the size at the end of the payload.</summary>
    public uint? ClaimedSize { get; init; }

    public byte[] Write(byte[] vmlinux) => Wrap([.. Compress(Format, vmlinux)], vmlinux.Length);

    /// <summary>The image around a payload that is there already, without its size at the end.</summary>
    public byte[] Wrap(byte[] compressed, int decompressedSize)
    {
        int size = compressed.Length + (Format == PayloadFormat.Gzip ? 0 : 4);
        int code = (PayloadAt + size + 15) & ~15;
        byte[] file = new byte[Kernel + code];
        file[0x1F1] = SetupSectors;
        BinaryPrimitives.WriteUInt32LittleEndian(file.AsSpan(0x1F4), (uint)code / 16);
        BinaryPrimitives.WriteUInt16LittleEndian(file.AsSpan(0x1FE), 0xAA55);
        file[0x200] = 0xEB;
        file[0x201] = 0x6A;
        "HdrS"u8.CopyTo(file.AsSpan(0x202));
        BinaryPrimitives.WriteUInt16LittleEndian(file.AsSpan(0x206), Protocol);
        BinaryPrimitives.WriteUInt16LittleEndian(file.AsSpan(0x20E), 0x200);
        BinaryPrimitives.WriteUInt32LittleEndian(file.AsSpan(0x230), 0x20_0000);
        BinaryPrimitives.WriteUInt16LittleEndian(file.AsSpan(0x236), ExtendedLoadFlags);
        BinaryPrimitives.WriteUInt32LittleEndian(file.AsSpan(0x248), PayloadAt);
        BinaryPrimitives.WriteUInt32LittleEndian(file.AsSpan(0x24C), (uint)size);
        BinaryPrimitives.WriteUInt64LittleEndian(file.AsSpan(0x258), 0x100_0000);
        BinaryPrimitives.WriteUInt32LittleEndian(file.AsSpan(0x260), 0x200_0000);
        Encoding.ASCII.GetBytes(VersionText).CopyTo(file, 0x400);
        compressed.CopyTo(file, Kernel + PayloadAt);
        BinaryPrimitives.WriteUInt32LittleEndian(file.AsSpan(Kernel + PayloadAt + size - 4), ClaimedSize ?? (uint)decompressedSize);
        return file;
    }

    public static byte[] Compress(PayloadFormat format, byte[] contents) => format.Name switch
    {
        "gzip" => Through(contents, output => new GZipStream(output, CompressionLevel.Fastest, leaveOpen: true)),
        "bzip2" => Through(contents, output => BZip2Stream.Create(output, SharpCompress.Compressors.CompressionMode.Compress, false, leaveOpen: true, false)),
        "lzma" => Lzma(contents),
        "xz" => StoredXz(contents),
        "lz4" => Lz4Legacy(contents),
        "zstd" => Zstd(contents),
        _ => throw new ArgumentException($"no compressor for {format}", nameof(format)),
    };

    private static byte[] Through(byte[] contents, Func<Stream, Stream> compressor)
    {
        using var output = new MemoryStream();
        using (Stream stream = compressor(output))
            stream.Write(contents);

        return output.ToArray();
    }

    private static byte[] Zstd(byte[] contents)
    {
        using var compressor = new Compressor(3);
        return compressor.Wrap(contents).ToArray();
    }

    private static byte[] Lzma(byte[] contents)
    {
        using var output = new MemoryStream();
        byte[] properties;
        using (LzmaStream stream = LzmaStream.Create(new LzmaEncoderProperties(eos: true), false, output))
        {
            stream.Write(contents);
            properties = stream.Properties;
        }

        return [.. properties, .. Enumerable.Repeat((byte)0xFF, 8), .. output.ToArray()];
    }

    private static byte[] Lz4Legacy(byte[] contents)
    {
        List<byte> output = [0x02, 0x21, 0x4C, 0x18];
        foreach (byte[] block in contents.Chunk(8 << 20))
        {
            byte[] compressed = new byte[LZ4Codec.MaximumOutputSize(block.Length)];
            int length = LZ4Codec.Encode(block, compressed);
            output.AddRange(U32((uint)length));
            output.AddRange(compressed.AsSpan(0, length));
        }

        return [.. output];
    }

    /// <summary>An xz file whose LZMA2 chunks are all stored. Source: the .xz file format 1.1.0, sections 2 to 4.</summary>
    public static byte[] StoredXz(byte[] contents, byte dictionary = 0x16)
    {
        byte[] flags = [0x00, 0x01];
        List<byte> data = [];
        bool isFirst = true;
        foreach (byte[] chunk in contents.Chunk(1 << 16))
        {
            int size = chunk.Length - 1;
            data.AddRange([(byte)(isFirst ? 1 : 2), (byte)(size >> 8), (byte)size]);
            data.AddRange(chunk);
            isFirst = false;
        }

        data.Add(0);
        byte[] blockHeader = WithCrc([0x02, 0x00, 0x21, 0x01, dictionary, 0x00, 0x00, 0x00]);
        int unpadded = blockHeader.Length + data.Count + 4;
        byte[] index = WithCrc(Padded([0x00, 0x01, .. Number(unpadded), .. Number(contents.Length)]));
        byte[] footer = [.. U32((uint)(index.Length / 4) - 1), .. flags];
        return
        [
            0xFD, (byte)'7', (byte)'z', (byte)'X', (byte)'Z', 0x00, .. flags, .. Crc32.Hash(flags),
            .. blockHeader, .. Padded([.. data]), .. Crc32.Hash(contents), .. index,
            .. Crc32.Hash(footer), .. footer, (byte)'Y', (byte)'Z',
        ];
    }

    private static byte[] WithCrc(byte[] bytes) => [.. bytes, .. Crc32.Hash(bytes)];

    private static byte[] Padded(byte[] bytes) => [.. bytes, .. new byte[-bytes.Length & 3]];

    private static List<byte> Number(int value)
    {
        List<byte> bytes = [];
        for (; value >= 0x80; value >>= 7)
            bytes.Add((byte)(value | 0x80));

        bytes.Add((byte)value);
        return bytes;
    }

    private static byte[] U32(uint value)
    {
        byte[] bytes = new byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, value);
        return bytes;
    }
}
