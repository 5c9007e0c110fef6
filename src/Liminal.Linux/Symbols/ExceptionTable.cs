// SPDX-License-Identifier: Apache-2.0

using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.Linq;
using Liminal.Linux.Diagnostics;
using Liminal.Linux.Elf;
using Liminal.Memory;

namespace Liminal.Linux.Symbols;

/// <summary>One instruction that may fault, and what then happens.</summary>
/// <param name="Instruction">Virtual address of the instruction, as linked.</param>
/// <param name="Target">Virtual address to go on at (the entry's fixup field), as linked.</param>
/// <param name="Data">The data word: bits 7:0 the kind of fixup, 11:8 a register, 15:12 flags, 31:16 a signed
/// immediate.</param>
public readonly record struct ExceptionTableEntry(VirtualAddress Instruction, VirtualAddress Target, uint Data)
{
    /// <summary>The kind of fixup.</summary>
    public ExceptionFixup Fixup => (ExceptionFixup)(byte)Data;

    /// <summary>Number of the register the fixup sets, in the order of the kernel's pt_regs; its meaning depends on the
    /// kind.</summary>
    public int Register => (int)(Data >> 8) & 0xF;

    /// <summary>Flags; their meaning depends on the kind.</summary>
    public int Flags => (int)(Data >> 12) & 0xF;

    /// <summary>The signed immediate.</summary>
    public short Immediate => (short)(Data >> 16);
}

/// <summary>The kernel's exception table, __ex_table: which instructions may fault, by rising address.</summary>
/// <remarks>
/// Twelve bytes an entry: the distance of the instruction from the first word, of the target from the second, and a
/// data word. Both are signed and relative to their own word.
/// Kernels before 5.17 have the distance of a handler in the third word; they are refused.
/// Source: Linux v6.12 arch/x86/include/asm/extable.h, arch/x86/include/asm/extable_fixup_types.h and
/// scripts/sorttable.c.
/// </remarks>
public sealed class ExceptionTable
{
    private const int EntrySize = 12;
    private const string SectionName = "__ex_table";

    private readonly ExceptionTableEntry[] _entries;

    private ExceptionTable(ExceptionTableEntry[] entries)
    {
        _entries = entries;
        ZeropadSites = [.. entries.Where(static entry => entry.Fixup == ExceptionFixup.Zeropad)];
    }

    /// <summary>All entries by rising address of the instruction.</summary>
    public IReadOnlyList<ExceptionTableEntry> Entries => _entries;

    /// <summary>The loads of load_unaligned_zeropad(), by rising address: 11 in Debian 6.1, 12 in Debian
    /// 6.12.</summary>
    public IReadOnlyList<ExceptionTableEntry> ZeropadSites { get; }

    /// <summary>The entry for the instruction at an address, or null when the kernel does not expect it to
    /// fault.</summary>
    public ExceptionTableEntry? Find(VirtualAddress instruction)
    {
        int low = 0, high = _entries.Length - 1;
        while (low <= high)
        {
            int middle = low + ((high - low) / 2);
            if (_entries[middle].Instruction == instruction)
                return _entries[middle];

            if (_entries[middle].Instruction.Value < instruction.Value)
                low = middle + 1;
            else
                high = middle - 1;
        }

        return null;
    }

    /// <summary>How many entries there are of each kind, by rising number of the kind; kinds without entries are left
    /// out.</summary>
    public IReadOnlyList<(ExceptionFixup Fixup, int Count)> CountByFixup() =>
    [
        .. from entry in _entries
           group entry by entry.Fixup into kind
           orderby kind.Key
           select (kind.Key, kind.Count()),
    ];

    /// <summary>The table of an image, or null with one diagnostic (LIM1015).</summary>
    internal static ExceptionTable? Read(ElfFile elf, Kallsyms symbols, string subject, DiagnosticBag diagnostics)
    {
        if (Locate(elf, symbols) is not (VirtualAddress address, long size)
            || size <= 0 || size % EntrySize != 0 || elf.ContentsFrom(address).Length < size)
        {
            diagnostics.Add(ImageDiagnostics.BadExceptionTable, subject,
                $"has no {SectionName} of whole entries, neither as a section nor between its symbols");
            return null;
        }

        ReadOnlySpan<byte> bytes = elf.ContentsFrom(address)[..(int)size];
        var entries = new ExceptionTableEntry[size / EntrySize];
        for (int i = 0; i < entries.Length; i++)
        {
            int at = i * EntrySize;
            VirtualAddress here = address.Add((uint)at);
            entries[i] = new ExceptionTableEntry(
                here.Add((ulong)BinaryPrimitives.ReadInt32LittleEndian(bytes[at..])),
                here.Add(4 + (ulong)BinaryPrimitives.ReadInt32LittleEndian(bytes[(at + 4)..])),
                BinaryPrimitives.ReadUInt32LittleEndian(bytes[(at + 8)..]));

            if (Fault(elf, entries, i) is string fault)
            {
                diagnostics.Add(ImageDiagnostics.BadExceptionTable, subject, $"has an {SectionName} whose entry {i} of {entries.Length} {fault}");
                return null;
            }
        }

        return new ExceptionTable(entries);
    }

    private static string? Fault(ElfFile elf, ReadOnlySpan<ExceptionTableEntry> entries, int index)
    {
        ExceptionTableEntry entry = entries[index];
        if (entry.Fixup > ExceptionFixup.Eretu)
            return $"is of the unknown kind {(byte)entry.Fixup}";

        if (elf.FindSegment(entry.Instruction) is null || elf.FindSegment(entry.Target) is null)
            return "points outside the kernel";

        return index > 0 && entry.Instruction.Value < entries[index - 1].Instruction.Value ? "is out of order" : null;
    }

    /// <summary>The section of that name, or what lies between the symbols that the linker script puts around
    /// it.</summary>
    private static (VirtualAddress Address, long Size)? Locate(ElfFile elf, Kallsyms symbols)
    {
        if (elf.FindSection(SectionName) is ElfSection { HasContents: true } section)
            return (section.Address, section.Size);

        return symbols.TryFind("__start___ex_table", out KernelSymbol start) && symbols.TryFind("__stop___ex_table", out KernelSymbol stop)
            ? (start.Address, (long)(stop.Address.Value - start.Address.Value))
            : null;
    }
}
