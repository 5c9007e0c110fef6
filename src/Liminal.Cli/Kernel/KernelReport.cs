// SPDX-License-Identifier: Apache-2.0

using System.Collections.Generic;
using System.Linq;
using Liminal.Linux.Elf;
using Liminal.Linux.Image;
using Liminal.Linux.Recognition;
using Liminal.Linux.Symbols;
using Liminal.Memory;

namespace Liminal.Cli.Kernel;

/// <summary>What <c>liminal kernel info</c> says of an image; the shape of its JSON.</summary>
/// <param name="SchemaVersion">Grows when a reader of the old shape would be misled.</param>
/// <param name="File">The image, as it was named.</param>
/// <param name="Release">As uname -r prints it.</param>
/// <param name="Build">As uname -v prints it.</param>
/// <param name="Banner">The whole version line, with the compiler.</param>
/// <param name="Boot">The boot header; null for a vmlinux.</param>
/// <param name="EntryPoint">Physical address of the first instruction.</param>
/// <param name="Segments">What a loader puts into memory.</param>
/// <param name="Symbols">The kernel's own symbol table.</param>
/// <param name="Exceptions">The kernel's exception table.</param>
/// <param name="Platforms">Every confidential platform, and whether the kernel can be its guest.</param>
/// <param name="Protocols">The conversion protocols that were recognised.</param>
/// <remarks>Addresses are hexadecimal texts with 0x, as the linker has them: numbers of 64 bits do not survive every
/// reader of JSON.</remarks>
internal sealed record KernelReport(
    int SchemaVersion, string File, string Release, string Build, string Banner, BootReport? Boot, string EntryPoint,
    IReadOnlyList<SegmentReport> Segments, SymbolsReport Symbols, ExceptionsReport Exceptions,
    IReadOnlyList<CodeReport> Platforms, IReadOnlyList<CodeReport> Protocols)
{
    private const int CurrentSchema = 1;

    /// <summary>The report of an image.</summary>
    public static KernelReport Of(string file, KernelImage image) => new(
        CurrentSchema,
        file,
        image.Version.Release,
        image.Version.Build,
        image.Version.Banner,
        image.Boot is BzImage boot ? BootReport.Of(boot, image.Elf) : null,
        Hex(image.Elf.EntryPoint.Value),
        [.. image.Elf.Segments.Select(SegmentReport.Of)],
        new SymbolsReport(image.Symbols.Count, image.Symbols.Order, image.Symbols.Addressing),
        ExceptionsReport.Of(image),
        [.. image.Platforms.Select(CodeReport.Of)],
        [.. image.RecognisedProtocols.Select(CodeReport.Of)]);

    internal static string Hex(ulong value) => $"0x{value:x}";

    internal static string Hex(VirtualAddress address) => $"0x{address}";
}

/// <summary>The boot header of a bzImage.</summary>
/// <param name="Protocol">Boot protocol version: 2.15.</param>
/// <param name="Compression">How the kernel is compressed.</param>
/// <param name="CompressedBytes">Size of the payload.</param>
/// <param name="DecompressedBytes">Size of what it becomes.</param>
/// <param name="LoadAddress">Preferred physical load address.</param>
/// <param name="Alignment">Alignment of another load address, in bytes.</param>
/// <param name="InitBytes">Memory needed from the load address on.</param>
internal sealed record BootReport(
    string Protocol, string Compression, int CompressedBytes, int DecompressedBytes, string LoadAddress, uint Alignment, uint InitBytes)
{
    /// <summary>The report of a header.</summary>
    public static BootReport Of(BzImage boot, ElfFile elf) => new(
        $"{boot.ProtocolVersion >> 8}.{boot.ProtocolVersion & 0xFF:d2}",
        boot.Format.Name,
        boot.PayloadLength,
        elf.File.Length,
        KernelReport.Hex(boot.PreferredAddress.Value),
        boot.Alignment,
        boot.InitSize);
}

/// <summary>A part of the kernel's memory.</summary>
/// <param name="Address">Virtual address.</param>
/// <param name="Physical">Physical address.</param>
/// <param name="Bytes">Size in memory.</param>
/// <param name="FileBytes">Size in the file; the rest is zero.</param>
/// <param name="Access">Of r, w and x, or - in their place.</param>
internal sealed record SegmentReport(string Address, string Physical, int Bytes, int FileBytes, string Access)
{
    /// <summary>The report of a segment.</summary>
    public static SegmentReport Of(ElfSegment segment) => new(
        KernelReport.Hex(segment.VirtualAddress),
        KernelReport.Hex(segment.PhysicalAddress.Value),
        segment.MemorySize,
        segment.FileSize,
        $"{((segment.Flags & 4) != 0 ? 'r' : '-')}{((segment.Flags & 2) != 0 ? 'w' : '-')}{((segment.Flags & 1) != 0 ? 'x' : '-')}");
}

/// <summary>The symbol table.</summary>
/// <param name="Count">Number of symbols.</param>
/// <param name="Order">In which order the tables lie in the image.</param>
/// <param name="Addressing">How the addresses are stored.</param>
internal sealed record SymbolsReport(int Count, KallsymsOrder Order, KallsymsAddressing Addressing);

/// <summary>The exception table.</summary>
/// <param name="Count">Number of entries.</param>
/// <param name="Kinds">How many of each kind.</param>
/// <param name="ZeropadSites">The loads of load_unaligned_zeropad().</param>
internal sealed record ExceptionsReport(int Count, IReadOnlyList<KindReport> Kinds, IReadOnlyList<SiteReport> ZeropadSites)
{
    /// <summary>The report of an image's table.</summary>
    public static ExceptionsReport Of(KernelImage image) => new(
        image.ExceptionTable.Entries.Count,
        [.. image.ExceptionTable.CountByFixup().Select(static kind => new KindReport(kind.Fixup, (int)kind.Fixup, kind.Count))],
        [.. image.ExceptionTable.ZeropadSites.Select(site => SiteReport.Of(site, image.Symbols))]);
}

/// <summary>How many entries of a kind there are.</summary>
/// <param name="Kind">Name of the kind.</param>
/// <param name="Number">The kernel's number for it.</param>
/// <param name="Count">How many.</param>
internal sealed record KindReport(ExceptionFixup Kind, int Number, int Count);

/// <summary>One site of load_unaligned_zeropad().</summary>
/// <param name="Address">Address of the load.</param>
/// <param name="Target">Where the kernel goes on after a fixup.</param>
/// <param name="Symbol">The function; null when no symbol is near.</param>
/// <param name="Offset">Bytes from the start of the function.</param>
internal sealed record SiteReport(string Address, string Target, string? Symbol, ulong Offset)
{
    /// <summary>The report of a site.</summary>
    public static SiteReport Of(ExceptionTableEntry site, Kallsyms symbols)
    {
        SymbolOffset? place = symbols.Resolve(site.Instruction);
        return new SiteReport(KernelReport.Hex(site.Instruction), KernelReport.Hex(site.Target), place?.Symbol.Name, place?.Offset ?? 0);
    }
}

/// <summary>Code that was looked for by its symbols.</summary>
/// <param name="Name">Name of the platform or protocol.</param>
/// <param name="Title">What it is.</param>
/// <param name="Found">Whether the kernel has it.</param>
/// <param name="Present">Symbols that were looked for and are there.</param>
/// <param name="Absent">Symbols that were looked for and are not there.</param>
internal sealed record CodeReport(string Name, string Title, bool Found, IReadOnlyList<string> Present, IReadOnlyList<string> Absent)
{
    /// <summary>The report of what a mark said.</summary>
    public static CodeReport Of(RecognisedCode code) => new(
        code.Name,
        code.Mark.Title,
        code.IsMatch,
        [.. code.Evidence.Where(static item => item.IsPresent).Select(static item => item.Symbol)],
        [.. code.Evidence.Where(static item => !item.IsPresent).Select(static item => item.Symbol)]);
}
