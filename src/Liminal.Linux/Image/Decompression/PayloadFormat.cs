// SPDX-License-Identifier: Apache-2.0

using System;

namespace Liminal.Linux.Image.Decompression;

/// <summary>A way a kernel payload is compressed, recognised by its first bytes.</summary>
/// <remarks>Source: Linux v6.12 lib/decompress.c (magic numbers) and scripts/Makefile.lib (how each compressor is
/// called).</remarks>
public sealed class PayloadFormat
{
    /// <summary>gzip (CONFIG_KERNEL_GZIP).</summary>
    public static readonly PayloadFormat Gzip = new("gzip", [0x1F, 0x8B], sizeIsAppended: false, Decoders.Gzip);

    /// <summary>xz with the x86 branch filter (CONFIG_KERNEL_XZ).</summary>
    public static readonly PayloadFormat Xz = new("xz", [0xFD, 0x37, 0x7A, 0x58, 0x5A, 0x00], sizeIsAppended: true, Decoders.Xz);

    /// <summary>LZ4 in its legacy frame (CONFIG_KERNEL_LZ4).</summary>
    public static readonly PayloadFormat Lz4 = new("lz4", [0x02, 0x21, 0x4C, 0x18], sizeIsAppended: true, Decoders.Lz4Legacy);

    /// <summary>Zstandard (CONFIG_KERNEL_ZSTD).</summary>
    public static readonly PayloadFormat Zstd = new("zstd", [0x28, 0xB5, 0x2F, 0xFD], sizeIsAppended: true, Decoders.Zstd);

    /// <summary>bzip2 (CONFIG_KERNEL_BZIP2).</summary>
    public static readonly PayloadFormat Bzip2 = new("bzip2", [0x42, 0x5A, 0x68], sizeIsAppended: true, Decoders.Bzip2);

    /// <summary>LZMA without a container (CONFIG_KERNEL_LZMA).</summary>
    public static readonly PayloadFormat Lzma = new("lzma", [0x5D, 0x00, 0x00], sizeIsAppended: true, Decoders.Lzma);

    /// <summary>LZO (CONFIG_KERNEL_LZO): recognised, not read; no maintained library decodes it.</summary>
    public static readonly PayloadFormat Lzo = new("lzo", [0x89, 0x4C, 0x5A], sizeIsAppended: true, decode: null);

    /// <summary>None of them.</summary>
    public static readonly PayloadFormat Unknown = new("unknown", [], sizeIsAppended: true, decode: null);

    private static readonly PayloadFormat[] AllFormats = [Gzip, Xz, Lz4, Zstd, Bzip2, Lzma, Lzo];

    private readonly byte[] _magic;
    private readonly Decoder? _decode;

    private PayloadFormat(string name, byte[] magic, bool sizeIsAppended, Decoder? decode)
    {
        Name = name;
        _magic = magic;
        SizeIsAppended = sizeIsAppended;
        _decode = decode;
    }

    /// <summary>The compressor's usual name, in lower case.</summary>
    public string Name { get; }

    /// <summary>Whether this program can decompress it.</summary>
    public bool IsSupported => _decode is not null;

    /// <summary>Whether the kernel's build appended four bytes with the decompressed size; gzip ends with them by
    /// itself.</summary>
    internal bool SizeIsAppended { get; }

    /// <summary>Length of the magic number, in bytes.</summary>
    internal int MagicLength => _magic.Length;

    /// <summary>The format of a payload, or <see cref="Unknown"/>.</summary>
    public static PayloadFormat Of(ReadOnlySpan<byte> payload)
    {
        foreach (PayloadFormat format in AllFormats)
        {
            if (payload.StartsWith(format._magic))
                return format;
        }

        return Unknown;
    }

    /// <summary>Fills <paramref name="destination"/> exactly; false when the data are damaged or of another
    /// size.</summary>
    internal bool TryDecode(ReadOnlyMemory<byte> compressed, byte[] destination) =>
        _decode!(SizeIsAppended ? compressed[..^sizeof(uint)] : compressed, destination);

    /// <inheritdoc/>
    public override string ToString() => Name;

    /// <summary>Every format that can be recognised, for documentation and tests.</summary>
    public static ReadOnlySpan<PayloadFormat> All => AllFormats;
}

/// <summary>Decompresses into an array that must come out exactly full; returns whether it did.</summary>
internal delegate bool Decoder(ReadOnlyMemory<byte> compressed, byte[] destination);
