// SPDX-License-Identifier: Apache-2.0

using System;
using Liminal.Linux.Diagnostics;
using Liminal.Linux.Elf;
using Liminal.Linux.Symbols;

namespace Liminal.Linux.Image;

/// <summary>What a kernel says of itself when it boots.</summary>
/// <param name="Release">As uname -r prints it: 6.12.117+deb12-cloud-amd64.</param>
/// <param name="Build">As uname -v prints it, with the distribution's package version in Debian: #1 SMP PREEMPT_DYNAMIC
/// Debian 6.12.117-1~deb12u1 (2026-11-14).</param>
/// <param name="Banner">The whole line, with the builder and the compiler.</param>
public sealed record KernelVersion(string Release, string Build, string Banner)
{
    private const int LongestBanner = 1024;

    /// <summary>Reads linux_banner; null with LIM1016 when it is not there or not a banner.</summary>
    /// <remarks>Source: Linux v6.12 init/version-timestamp.c: "Linux version RELEASE (BUILDER) (COMPILER)
    /// BUILD".</remarks>
    internal static KernelVersion? Read(ElfFile elf, Kallsyms symbols, string subject, DiagnosticBag diagnostics)
    {
        ReadOnlySpan<byte> text = symbols.TryFind("linux_banner", out KernelSymbol symbol) ? elf.ContentsFrom(symbol.Address) : [];
        text = text[..Math.Min(text.Length, LongestBanner)];
        int end = text.IndexOfAny((byte)0, (byte)'\n');
        string banner = end < 0 ? "" : Printable.Ascii(text[..end]);
        string[] words = banner.Split(' ', 4);
        int build = banner.LastIndexOf('#');
        if (words.Length == 4 && banner.StartsWith("Linux version ", StringComparison.Ordinal) && words[2].Length > 0)
            return new KernelVersion(words[2], build < 0 ? "" : banner[build..], banner);

        diagnostics.Add(ImageDiagnostics.NoVersion, subject, "has no linux_banner that starts with \"Linux version\"");
        return null;
    }
}
