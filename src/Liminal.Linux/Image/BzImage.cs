// SPDX-License-Identifier: Apache-2.0

using System;
using System.Buffers.Binary;
using Liminal.Linux.Diagnostics;
using Liminal.Linux.Image.Decompression;
using Liminal.Memory;

namespace Liminal.Linux.Image;

/// <summary>The boot header of an x86-64 bzImage, and where its compressed kernel is.</summary>
/// <remarks>
/// Source: Linux v6.12 Documentation/arch/x86/boot.rst, "Details of Header Fields"; field names are that document's.
/// Offsets are from the start of the file.
/// Protocols before 2.12 (Linux 3.8) are refused: they cannot say that the kernel is a 64-bit one.
/// </remarks>
public sealed class BzImage
{
    private const int SectorSize = 512;
    private const int HeaderStart = 0x1F1;
    private const int FixedHeaderEnd = 0x264;
    private const ushort OldestProtocol = 0x20C;

    private readonly ReadOnlyMemory<byte> _file;

    private BzImage(ReadOnlyMemory<byte> file) => _file = file;

    /// <summary>Boot protocol version, high byte major: 0x020F is 2.15.</summary>
    public ushort ProtocolVersion => U16(0x206);

    /// <summary>Sectors of 512 bytes of real-mode code after the boot sector (setup_sects; zero there means
    /// four).</summary>
    public int SetupSectors => _file.Span[HeaderStart] == 0 ? 4 : _file.Span[HeaderStart];

    /// <summary>xloadflags: bit 0 is XLF_KERNEL_64, a 64-bit entry point at 0x200.</summary>
    public ushort ExtendedLoadFlags => U16(0x236);

    /// <summary>Where the protected-mode kernel prefers to be loaded, as a physical address (pref_address).</summary>
    public GuestPhysicalAddress PreferredAddress => new(BinaryPrimitives.ReadUInt64LittleEndian(_file.Span[0x258..]));

    /// <summary>Alignment of the load address of a relocatable kernel, in bytes (kernel_alignment).</summary>
    public uint Alignment => U32(0x230);

    /// <summary>Bytes of contiguous memory the kernel needs from its load address before it can read the memory map
    /// (init_size).</summary>
    public uint InitSize => U32(0x260);

    /// <summary>Longest command line, in bytes without the final zero (cmdline_size).</summary>
    public uint CommandLineSize => U32(0x238);

    /// <summary>The header to copy into boot_params at 0x1F1: up to the end that its jump instruction names.</summary>
    public ReadOnlyMemory<byte> SetupHeader => _file[HeaderStart..(0x202 + _file.Span[0x201])];

    /// <summary>Release, builder and build time, as "file" prints it; empty when the header names none.</summary>
    public string VersionText { get; private init; } = "";

    /// <summary>Offset of the compressed payload in the file, in bytes.</summary>
    public int PayloadOffset { get; private init; }

    /// <summary>Size of the compressed payload in bytes, with the four bytes that name its decompressed size.</summary>
    public int PayloadLength { get; private init; }

    /// <summary>The compressed payload.</summary>
    public ReadOnlyMemory<byte> Payload => _file.Slice(PayloadOffset, PayloadLength);

    /// <summary>How the payload is compressed.</summary>
    public PayloadFormat Format { get; private init; } = PayloadFormat.Unknown;

    /// <summary>Whether the file has the signature "HdrS" and the boot sector's 0xAA55 where a Linux boot header has
    /// them.</summary>
    public static bool IsBzImage(ReadOnlySpan<byte> file) =>
        file.Length >= 0x208 && file[0x202..].StartsWith("HdrS"u8) && BinaryPrimitives.ReadUInt16LittleEndian(file[0x1FE..]) == 0xAA55;

    /// <summary>The header, or null with one diagnostic (LIM1006 to LIM1009).</summary>
    /// <param name="file">The whole file; it must pass <see cref="IsBzImage"/>.</param>
    /// <param name="subject">What the diagnostics call the file.</param>
    /// <param name="diagnostics">Receives the failure.</param>
    public static BzImage? Read(ReadOnlyMemory<byte> file, string subject, DiagnosticBag diagnostics)
    {
        if (file.Length < FixedHeaderEnd)
        {
            diagnostics.Add(ImageDiagnostics.Truncated, subject, $"ends after {file.Length:N0} bytes, inside its boot header");
            return null;
        }

        var header = new BzImage(file);
        if (header.ProtocolVersion < OldestProtocol || (header.ExtendedLoadFlags & 1) == 0)
        {
            diagnostics.Add(ImageDiagnostics.OtherArchitecture, subject, header.ProtocolVersion < OldestProtocol
                ? $"uses boot protocol {header.ProtocolVersion >> 8}.{header.ProtocolVersion & 0xFF:D2}; it is older than Linux 3.8"
                : "is a 32-bit x86 kernel");
            return null;
        }

        long kernel = (header.SetupSectors + 1L) * SectorSize;
        long end = kernel + (header.U32(0x1F4) * 16L);
        if (end > file.Length)
        {
            diagnostics.Add(ImageDiagnostics.Truncated, subject, $"has {file.Length:N0} of {end:N0} bytes");
            return null;
        }

        long payload = kernel + header.U32(0x248);
        long length = header.U32(0x24C);
        if (length < 8 || payload + length > file.Length || header.SetupHeaderEnd < FixedHeaderEnd || header.SetupHeaderEnd > kernel)
        {
            diagnostics.Add(ImageDiagnostics.BadBootHeader, subject,
                $"places a payload of {length:N0} bytes at {payload:N0} and the end of its header at "
                + $"{header.SetupHeaderEnd:N0}, in a file of {file.Length:N0} bytes");
            return null;
        }

        PayloadFormat format = PayloadFormat.Of(file.Span.Slice((int)payload, (int)length));
        if (!format.IsSupported)
        {
            diagnostics.Add(ImageDiagnostics.UnknownCompression, subject, format == PayloadFormat.Unknown
                ? $"has a payload that starts with {Convert.ToHexStringLower(file.Span.Slice((int)payload, 4))}, which is no known compression"
                : $"has a payload compressed with {format.Name}, which is not supported");
            return null;
        }

        return new BzImage(file)
        {
            PayloadOffset = (int)payload,
            PayloadLength = (int)length,
            Format = format,
            VersionText = header.ReadVersionText(kernel),
        };
    }

    private int SetupHeaderEnd => 0x202 + _file.Span[0x201];

    /// <summary>The zero-ended text that kernel_version points to, as an offset less 0x200; only inside the real-mode
    /// code.</summary>
    private string ReadVersionText(long realModeEnd)
    {
        int pointer = U16(0x20E);
        int start = pointer + 0x200;
        if (pointer == 0 || start >= realModeEnd)
            return "";

        ReadOnlySpan<byte> text = _file.Span[start..(int)realModeEnd];
        int length = text.IndexOf((byte)0);
        return length < 0 ? "" : Printable.Ascii(text[..Math.Min(length, 512)]);
    }

    private ushort U16(int offset) => BinaryPrimitives.ReadUInt16LittleEndian(_file.Span[offset..]);

    private uint U32(int offset) => BinaryPrimitives.ReadUInt32LittleEndian(_file.Span[offset..]);
}
