// SPDX-License-Identifier: Apache-2.0

using System;
using System.Buffers.Binary;
using Liminal.Linux.Diagnostics;

namespace Liminal.Linux.Image;

/// <summary>Says what a file is when it is not a kernel that can be read, so that the message is about that
/// file.</summary>
internal static class ForeignFile
{
    // One row per format: where its magic number is, what it is, and which diagnostic fits. The first match wins.
    private static readonly Format[] Formats =
    [
        new(0x38, "ARMd"u8.ToArray(), "is an arm64 Image", ImageDiagnostics.OtherArchitecture),
        new(0x38, "RSC\x05"u8.ToArray(), "is a RISC-V Image", ImageDiagnostics.OtherArchitecture),
        new(0x04, "zimg"u8.ToArray(), "is a compressed EFI image (arm64, LoongArch or RISC-V)", ImageDiagnostics.OtherArchitecture),
        new(0x24, [0x18, 0x28, 0x6F, 0x01], "is a 32-bit Arm zImage", ImageDiagnostics.OtherArchitecture),
        new(0x00, "MZ"u8.ToArray(), "is a Windows or EFI program without a Linux boot header", ImageDiagnostics.NotAKernel),
        new(0x00, "!<arch>\n"u8.ToArray(), "is a package or an archive; run liminal kernel get on a .deb file", ImageDiagnostics.NotAKernel),
        new(0x00, "070701"u8.ToArray(), "is an initial RAM disk (cpio)", ImageDiagnostics.NotAKernel),
        new(0x00, [0x1F, 0x8B], "is a gzip file without a Linux boot header", ImageDiagnostics.NotAKernel),
        new(0x00, [0xFD, (byte)'7', (byte)'z', (byte)'X', (byte)'Z'], "is an xz file without a Linux boot header", ImageDiagnostics.NotAKernel),
        new(0x00, [0x28, 0xB5, 0x2F, 0xFD], "is a zstd file without a Linux boot header", ImageDiagnostics.NotAKernel),
    ];

    /// <summary>The one diagnostic for a file that has neither a Linux boot header nor an ELF header.</summary>
    public static Diagnostic Describe(ReadOnlySpan<byte> file, string subject)
    {
        foreach (Format format in Formats)
        {
            if (file.Length >= format.Offset + format.Magic.Length && file[format.Offset..].StartsWith(format.Magic))
                return new Diagnostic(format.Kind, subject, format.Description);
        }

        bool isBootSector = file.Length >= 512 && BinaryPrimitives.ReadUInt16LittleEndian(file[510..]) == 0xAA55;
        string description = isBootSector ? "is a boot sector without a Linux boot header"
            : $"has neither a Linux boot header nor an ELF header in its {file.Length:N0} bytes";
        return new Diagnostic(ImageDiagnostics.NotAKernel, subject, description);
    }

    private sealed record Format(int Offset, byte[] Magic, string Description, DiagnosticKind Kind);
}
