// SPDX-License-Identifier: Apache-2.0

using System;
using System.Security.Cryptography;
using Liminal.Linux.Diagnostics;

namespace Liminal.Linux.Image;

/// <summary>The file of a kernel image, which is unpacked and read once somebody asks what is in it.</summary>
/// <remarks>Unpacking a kernel takes longer than resuming a machine that has booted it, and a machine that resumes needs no more of the kernel than its hash.</remarks>
public sealed class KernelFile
{
    private readonly ReadOnlyMemory<byte> _contents;
    private readonly Lazy<byte[]> _sha256;
    private KernelImage? _image;

    private KernelFile(string path, ReadOnlyMemory<byte> contents)
    {
        Path = path;
        _contents = contents;
        _sha256 = new Lazy<byte[]>(() => SHA256.HashData(_contents.Span));
    }

    /// <summary>As the user wrote it.</summary>
    public string Path { get; }

    /// <summary>SHA-256 of the whole file, 32 bytes.</summary>
    public ReadOnlySpan<byte> Sha256 => _sha256.Value;

    /// <summary>Reads a file, whatever it turns out to be.</summary>
    /// <param name="path">A bzImage or a vmlinux; links are followed.</param>
    /// <param name="diagnostics">Receives one of LIM1001 to LIM1004 when the method returns null.</param>
    public static KernelFile? Open(string path, DiagnosticBag diagnostics)
    {
        ArgumentNullException.ThrowIfNull(path);
        ArgumentNullException.ThrowIfNull(diagnostics);
        return ImageFile.Read(path, diagnostics) is byte[] contents ? new KernelFile(path, contents) : null;
    }

    /// <summary>What is in the file; read on the first call.</summary>
    /// <param name="diagnostics">Receives one of LIM1005 to LIM1016 when the method returns null.</param>
    public KernelImage? Read(DiagnosticBag diagnostics) => _image ??= KernelImage.Read(_contents, Path, diagnostics);
}
