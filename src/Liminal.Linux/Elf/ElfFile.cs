// SPDX-License-Identifier: Apache-2.0

using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using Liminal.Linux.Diagnostics;
using Liminal.Linux.Image;
using Liminal.Memory;

namespace Liminal.Linux.Elf;

/// <summary>A 64-bit x86 vmlinux: its segments and sections, and its memory as the linker laid it out.</summary>
/// <remarks>
/// Source: System V Application Binary Interface, chapters "ELF Header", "Section Header" and "Program Header".
/// Every offset and size is held against the file before it is used. Relocations, symbols and notes of the ELF file are
/// not read:
/// a distribution's kernel has none that matter here, its own symbol table is kallsyms. Why there is no library:
/// docs/design/0030-kernel-images.md.
/// </remarks>
public sealed class ElfFile
{
    private const int HeaderSize = 64;
    private const int ProgramHeaderSize = 56;
    private const int SectionHeaderSize = 64;
    private const int MostSegments = 64;
    private const int MostSections = 4096;
    private const ushort MachineX64 = 62;

    private readonly ReadOnlyMemory<byte> _file;
    private readonly ElfSegment[] _segments;
    private readonly ElfSection[] _sections;

    private ElfFile(ReadOnlyMemory<byte> file, ElfSegment[] segments, ElfSection[] sections)
    {
        _file = file;
        _segments = segments;
        _sections = sections;
        EntryPoint = new GuestPhysicalAddress(BinaryPrimitives.ReadUInt64LittleEndian(file.Span[24..]));
    }

    /// <summary>e_entry; a kernel names a physical address here.</summary>
    public GuestPhysicalAddress EntryPoint { get; }

    /// <summary>The loadable segments in the file's order. No two overlap, neither by virtual nor by physical
    /// address.</summary>
    public IReadOnlyList<ElfSegment> Segments => _segments;

    /// <summary>The sections in the file's order; empty when the file has no section headers.</summary>
    public IReadOnlyList<ElfSection> Sections => _sections;

    /// <summary>The whole file.</summary>
    public ReadOnlyMemory<byte> File => _file;

    /// <summary>Whether the bytes start as an ELF file does.</summary>
    public static bool IsElf(ReadOnlySpan<byte> file) => file.StartsWith("\x7F"u8) && file[1..].StartsWith("ELF"u8);

    /// <summary>The file's layout, or null with one diagnostic (LIM1005, LIM1006, LIM1007 or LIM1012).</summary>
    /// <param name="file">The bytes; they must pass <see cref="IsElf"/>. More may follow the ELF file proper.</param>
    /// <param name="subject">What the diagnostics call the file.</param>
    /// <param name="diagnostics">Receives the failure.</param>
    public static ElfFile? Read(ReadOnlyMemory<byte> file, string subject, DiagnosticBag diagnostics)
    {
        ReadOnlySpan<byte> bytes = file.Span;
        if (bytes.Length < HeaderSize)
        {
            diagnostics.Add(ImageDiagnostics.Truncated, subject, $"ends after {bytes.Length:N0} bytes, inside its ELF header");
            return null;
        }

        if (OtherArchitecture(bytes) is string architecture)
        {
            diagnostics.Add(ImageDiagnostics.OtherArchitecture, subject, architecture);
            return null;
        }

        var problems = new Problems(subject, diagnostics);
        ElfSegment[]? segments = ReadSegments(bytes, problems);
        ElfSection[]? sections = segments is null ? null : ReadSections(bytes, problems);
        return sections is null ? null : new ElfFile(file, segments!, sections);
    }

    /// <summary>The first section of that name.</summary>
    public ElfSection? FindSection(string name)
    {
        foreach (ElfSection section in _sections)
        {
            if (section.Name == name)
                return section;
        }

        return null;
    }

    /// <summary>The segment that holds a virtual address.</summary>
    public ElfSegment? FindSegment(VirtualAddress address)
    {
        foreach (ElfSegment segment in _segments)
        {
            if (segment.Contains(address))
                return segment;
        }

        return null;
    }

    /// <summary>The bytes of a segment that are in the file.</summary>
    public ReadOnlySpan<byte> ContentsOf(ElfSegment segment) => _file.Span.Slice(segment.FileOffset, segment.FileSize);

    /// <summary>The bytes of a section; empty for one without contents.</summary>
    public ReadOnlySpan<byte> ContentsOf(ElfSection section) =>
        section.HasContents ? _file.Span.Slice(section.FileOffset, (int)section.Size) : [];

    /// <summary>The bytes in the file from a virtual address to the end of the file's part of its segment; empty when
    /// there are none.</summary>
    public ReadOnlySpan<byte> ContentsFrom(VirtualAddress address)
    {
        if (FindSegment(address) is not ElfSegment segment)
            return [];

        ulong offset = address.Value - segment.VirtualAddress.Value;
        return offset < (uint)segment.FileSize ? ContentsOf(segment)[(int)offset..] : [];
    }

    /// <summary>Copies memory as it is before the kernel has run, with zeros where the file has no bytes.</summary>
    /// <param name="address">First address, as linked: without the kernel's own address randomisation.</param>
    /// <param name="destination">Receives the bytes; all of them must lie in one segment.</param>
    /// <returns>False when they do not; nothing is copied then.</returns>
    public bool TryRead(VirtualAddress address, Span<byte> destination)
    {
        if (FindSegment(address) is not ElfSegment segment || segment.VirtualEnd.Value - address.Value < (uint)destination.Length)
            return false;

        ReadOnlySpan<byte> contents = ContentsFrom(address);
        int copied = Math.Min(contents.Length, destination.Length);
        contents[..copied].CopyTo(destination);
        destination[copied..].Clear();
        return true;
    }

    private static string? OtherArchitecture(ReadOnlySpan<byte> header)
    {
        ushort machine = U16(header, 18);
        if (header[4] == 1)
            return machine == 3 ? "is a 32-bit x86 kernel or program" : "is a 32-bit ELF file";

        if (header[4] != 2 || header[5] != 1 || machine != MachineX64)
            return machine == 183 ? "is an arm64 kernel or program" : $"is an ELF file for machine {machine}, and x86-64 is {MachineX64}";

        return null;
    }

    private static ElfSegment[]? ReadSegments(ReadOnlySpan<byte> file, Problems problems)
    {
        ulong table = U64(file, 32);
        int count = U16(file, 56);
        if (count == 0)
            return problems.NotAKernel("is an ELF file without loadable segments, such as a kernel module");

        if (U16(file, 54) != ProgramHeaderSize || count > MostSegments)
        {
            return problems.Bad(
                $"has {count:N0} program headers of {U16(file, 54)} bytes; a kernel has at most {MostSegments} of {ProgramHeaderSize}");
        }

        if (!Fits(file, table, (ulong)(count * ProgramHeaderSize)))
            return problems.Truncated("its program headers");

        var segments = new List<ElfSegment>();
        long memory = 0;
        for (int i = 0; i < count; i++)
        {
            ReadOnlySpan<byte> header = file.Slice((int)table + (i * ProgramHeaderSize), ProgramHeaderSize);
            if (U32(header, 0) != 1)
                continue;

            ulong offset = U64(header, 8), address = U64(header, 16), physical = U64(header, 24);
            ulong fileSize = U64(header, 32), memorySize = U64(header, 40);
            if (memorySize > ImageLimits.DecompressedBytes || fileSize > memorySize
                || address + memorySize < address || physical + memorySize < physical)
            {
                return problems.Bad($"has a segment {i} of {memorySize:N0} bytes in memory and {fileSize:N0} in the file, at {address:x16}");
            }

            if (!Fits(file, offset, fileSize))
                return problems.Truncated($"its segment {i}");

            memory += (long)memorySize;
            segments.Add(new ElfSegment(
                new VirtualAddress(address), new GuestPhysicalAddress(physical),
                (int)offset, (int)fileSize, (int)memorySize, U32(header, 4)));
        }

        if (memory > ImageLimits.DecompressedBytes)
            return problems.Bad($"asks for {memory:N0} bytes of memory; at most {ImageLimits.DecompressedBytes:N0} are given");

        if (!segments.Exists(static segment => segment.VirtualAddress.Value >= KernelMapping.Start))
            return problems.NotAKernel("is an ELF program that is not linked where a kernel is, in the top 2 GiB");

        return Overlap(segments) is string overlap ? problems.Bad(overlap) : [.. segments];
    }

    private static string? Overlap(List<ElfSegment> segments)
    {
        for (int i = 0; i < segments.Count; i++)
        {
            for (int j = 0; j < i; j++)
            {
                if (segments[i].Overlaps(segments[j]))
                    return $"has overlapping segments at {segments[j].VirtualAddress} and {segments[i].VirtualAddress}";
            }
        }

        return null;
    }

    private static ElfSection[]? ReadSections(ReadOnlySpan<byte> file, Problems problems)
    {
        ulong table = U64(file, 40);
        int count = U16(file, 60);
        if (table == 0 || count == 0)
            return [];

        if (U16(file, 58) != SectionHeaderSize || count > MostSections)
        {
            return problems.BadSections(
                $"has {count:N0} section headers of {U16(file, 58)} bytes; a kernel has at most {MostSections} of {SectionHeaderSize}");
        }

        if (!Fits(file, table, (ulong)(count * SectionHeaderSize)))
            return problems.TruncatedSections();

        ReadOnlySpan<byte> headers = file.Slice((int)table, count * SectionHeaderSize);
        ReadOnlySpan<byte> names = NameTable(file, headers, U16(file, 62));
        var sections = new ElfSection[count];
        for (int i = 0; i < count; i++)
        {
            ReadOnlySpan<byte> header = headers.Slice(i * SectionHeaderSize, SectionHeaderSize);
            bool hasContents = U32(header, 4) is not (0 or 8);
            ulong offset = U64(header, 24), size = U64(header, 32);
            string name = NameAt(names, U32(header, 0));
            if (hasContents ? !Fits(file, offset, size) : size > ImageLimits.DecompressedBytes)
                return problems.BadSections($"has a section {i} \"{name}\" of {size:N0} bytes, beyond the end of the file");

            sections[i] = new ElfSection(name, new VirtualAddress(U64(header, 16)), hasContents ? (int)offset : 0, (long)size, hasContents);
        }

        return sections;
    }

    private static ReadOnlySpan<byte> NameTable(ReadOnlySpan<byte> file, ReadOnlySpan<byte> headers, int index)
    {
        if ((index + 1) * SectionHeaderSize > headers.Length)
            return [];

        ReadOnlySpan<byte> header = headers.Slice(index * SectionHeaderSize, SectionHeaderSize);
        ulong offset = U64(header, 24), size = U64(header, 32);
        return Fits(file, offset, size) ? file.Slice((int)offset, (int)size) : [];
    }

    private static string NameAt(ReadOnlySpan<byte> names, uint offset)
    {
        if (offset >= names.Length)
            return "";

        ReadOnlySpan<byte> name = names.Slice((int)offset, Math.Min(names.Length - (int)offset, 256));
        int end = name.IndexOf((byte)0);
        return Printable.Ascii(end < 0 ? name : name[..end]);
    }

    private static bool Fits(ReadOnlySpan<byte> file, ulong offset, ulong size) =>
        offset <= (uint)file.Length && size <= (uint)file.Length - offset;

    private static ushort U16(ReadOnlySpan<byte> bytes, int offset) => BinaryPrimitives.ReadUInt16LittleEndian(bytes[offset..]);

    private static uint U32(ReadOnlySpan<byte> bytes, int offset) => BinaryPrimitives.ReadUInt32LittleEndian(bytes[offset..]);

    private static ulong U64(ReadOnlySpan<byte> bytes, int offset) => BinaryPrimitives.ReadUInt64LittleEndian(bytes[offset..]);

    /// <summary>Adds a diagnostic about one file and answers null, so that a failure is one return statement.</summary>
    private readonly record struct Problems(string Subject, DiagnosticBag Diagnostics)
    {
        public ElfSegment[]? Bad(string detail) => Add<ElfSegment>(ImageDiagnostics.BadElf, detail);

        public ElfSegment[]? NotAKernel(string detail) => Add<ElfSegment>(ImageDiagnostics.NotAKernel, detail);

        public ElfSegment[]? Truncated(string part) => Add<ElfSegment>(ImageDiagnostics.Truncated, $"ends before the end of {part}");

        public ElfSection[]? BadSections(string detail) => Add<ElfSection>(ImageDiagnostics.BadElf, detail);

        public ElfSection[]? TruncatedSections() => Add<ElfSection>(ImageDiagnostics.Truncated, "ends before the end of its section headers");

        private T[]? Add<T>(DiagnosticKind kind, string detail)
        {
            Diagnostics.Add(kind, Subject, detail);
            return null;
        }
    }
}
