// SPDX-License-Identifier: Apache-2.0

namespace Liminal.Linux.Image;

/// <summary>How much a file may ask of this program. An image beyond a limit is refused with a diagnostic.</summary>
/// <remarks>
/// The largest Debian image measured, 6.1 for 64-bit PCs, is 8 MiB and expands 8.1-fold to 63 MiB.
/// docs/reference/kernel-images.md lists these limits.
/// </remarks>
public static class ImageLimits
{
    /// <summary>Largest image or package file, in bytes: 512 MiB.</summary>
    public const int FileBytes = 512 << 20;

    /// <summary>Largest decompressed kernel, in bytes: 512 MiB.</summary>
    public const int DecompressedBytes = 512 << 20;

    /// <summary>Largest ratio of decompressed to compressed size; it keeps a small file from asking for much
    /// memory.</summary>
    public const int Expansion = 100;

    /// <summary>Most symbols in a symbol table. Debian 6.12 has 154,686.</summary>
    public const int Symbols = 1 << 21;

    /// <summary>Longest symbol name, in characters. Linux allows 511 since 6.1.</summary>
    public const int SymbolNameLength = 1023;

    /// <summary>Most characters in all symbol names together. Debian 6.12 has 3.4 million.</summary>
    public const int SymbolCharacters = 64 << 20;
}
