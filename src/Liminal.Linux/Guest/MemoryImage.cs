// SPDX-License-Identifier: Apache-2.0

using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using Liminal.Linux.Diagnostics;
using Liminal.Linux.Elf;
using Liminal.Linux.Image;
using Liminal.Linux.Symbols;
using Liminal.Memory;

namespace Liminal.Linux.Guest;

/// <summary>A kernel as it lies in the memory of a running guest, for when there is no file of it, or another one is suspected.</summary>
/// <remarks>
/// What the kernel mapping, the 1 GiB from ffffffff80000000, maps is copied into an ELF file of one segment a run. Addresses in it are those the kernel runs at,
/// address randomisation included, because the kernel has relocated itself; per-CPU symbols stay offsets.
/// </remarks>
public static class MemoryImage
{
    private const int HeaderSize = 64;
    private const int ProgramHeaderSize = 56;

    /// <summary>Most runs; a kernel's mapping is one or two.</summary>
    private const int MostRuns = 32;

    /// <summary>Shortest run that is taken, in bytes: single pages are mapped here and there.</summary>
    private const ulong ShortestRun = 64 << 10;

    /// <summary>The symbols of the kernel that an address space has mapped, at their addresses in the guest.</summary>
    /// <param name="memory">An address space with the kernel in it.</param>
    /// <param name="subject">What diagnostics call the guest.</param>
    /// <param name="diagnostics">Receives one diagnostic when the method returns null: LIM1012, LIM1013 or LIM1014.</param>
    public static Kallsyms? ReadSymbols(GuestMemory memory, string subject, DiagnosticBag diagnostics)
    {
        ArgumentNullException.ThrowIfNull(diagnostics);
        if (Copy(memory, out string problem) is not byte[] file)
        {
            diagnostics.Add(ImageDiagnostics.NoKallsyms, subject, problem);
            return null;
        }

        return ElfFile.Read(file, subject, diagnostics) is ElfFile elf ? KallsymsReader.Find(elf, subject, diagnostics) : null;
    }

    /// <summary>Copies the kernel mapping of an address space, all of it or nothing.</summary>
    /// <param name="memory">The address space.</param>
    /// <param name="problem">Why it cannot be copied, as a clause; empty when it can.</param>
    /// <returns>An ELF file with segments only, or null.</returns>
    public static byte[]? Copy(GuestMemory memory, out string problem)
    {
        List<Run> runs = Runs(memory);
        int headers = HeaderSize + (runs.Count * ProgramHeaderSize);
        int start = (headers + (int)Page.Bytes - 1) & ~((int)Page.Bytes - 1);
        long size = start;
        foreach (Run run in runs)
            size += (long)run.Size;

        problem = runs.Count == 0 ? "has nothing mapped where a kernel is"
            : runs.Count > MostRuns ? $"has its kernel mapped in more than {MostRuns} pieces"
            : size > ImageLimits.DecompressedBytes ? $"has {size:N0} bytes mapped where a kernel is, and at most {ImageLimits.DecompressedBytes:N0} are read"
            : "";
        if (problem.Length > 0)
            return null;

        byte[] file = new byte[size];
        WriteHeader(file, runs.Count);
        int offset = start;
        for (int i = 0; i < runs.Count; i++)
        {
            WriteProgramHeader(file.AsSpan(HeaderSize + (i * ProgramHeaderSize)), runs[i], offset);
            if (!memory.TryRead(runs[i].Address, file.AsSpan(offset, (int)runs[i].Size)))
            {
                problem = $"cannot be read at {runs[i].Address:x16}";
                return null;
            }

            offset += (int)runs[i].Size;
        }

        return file;
    }

    /// <summary>Stretches of pages that follow one another in both address spaces.</summary>
    private static List<Run> Runs(GuestMemory memory)
    {
        List<Run> runs = [];
        Run current = default;
        Span<byte> probe = stackalloc byte[1];
        for (ulong offset = 0; offset <= KernelMapping.Size && runs.Count <= MostRuns; offset += Page.Bytes)
        {
            ulong address = KernelMapping.Start + offset;
            ulong physical = 0;
            bool isMapped = offset < KernelMapping.Size && memory.TryTranslate(address, out physical, out _) && memory.TryRead(address, probe);
            if (isMapped && current.Size != 0 && physical == current.Physical + current.Size)
            {
                current = current with { Size = current.Size + Page.Bytes };
                continue;
            }

            if (current.Size >= ShortestRun)
                runs.Add(current);

            current = isMapped ? new Run(address, physical, Page.Bytes) : default;
        }

        return runs;
    }

    private static void WriteHeader(Span<byte> file, int segments)
    {
        ReadOnlySpan<byte> identification = [0x7F, (byte)'E', (byte)'L', (byte)'F', 2, 1, 1];
        identification.CopyTo(file);
        BinaryPrimitives.WriteUInt16LittleEndian(file[16..], 2);                    // e_type: executable
        BinaryPrimitives.WriteUInt16LittleEndian(file[18..], 62);                   // e_machine: x86-64
        BinaryPrimitives.WriteUInt64LittleEndian(file[32..], HeaderSize);           // e_phoff
        BinaryPrimitives.WriteUInt16LittleEndian(file[52..], HeaderSize);           // e_ehsize
        BinaryPrimitives.WriteUInt16LittleEndian(file[54..], ProgramHeaderSize);    // e_phentsize
        BinaryPrimitives.WriteUInt16LittleEndian(file[56..], (ushort)segments);     // e_phnum
    }

    private static void WriteProgramHeader(Span<byte> header, Run run, int offset)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(header, 1);                        // p_type: PT_LOAD
        BinaryPrimitives.WriteUInt32LittleEndian(header[4..], 7);                   // p_flags: read, write, execute
        BinaryPrimitives.WriteUInt64LittleEndian(header[8..], (ulong)offset);
        BinaryPrimitives.WriteUInt64LittleEndian(header[16..], run.Address);
        BinaryPrimitives.WriteUInt64LittleEndian(header[24..], run.Physical);
        BinaryPrimitives.WriteUInt64LittleEndian(header[32..], run.Size);           // p_filesz
        BinaryPrimitives.WriteUInt64LittleEndian(header[40..], run.Size);           // p_memsz
        BinaryPrimitives.WriteUInt64LittleEndian(header[48..], Page.Bytes);         // p_align
    }

    private readonly record struct Run(ulong Address, ulong Physical, ulong Size);
}
