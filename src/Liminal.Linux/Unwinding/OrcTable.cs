// SPDX-License-Identifier: Apache-2.0

using System;
using System.Buffers.Binary;
using Liminal.Linux.Diagnostics;
using Liminal.Linux.Elf;
using Liminal.Linux.Types;

namespace Liminal.Linux.Unwinding;

/// <summary>The kernel's unwinding rules (ORC): for each address of its code, how to find the caller.</summary>
/// <remarks>
/// .orc_unwind_ip holds the addresses, each as the distance from its own word and rising since the build; .orc_unwind the rules in the same
/// order. A rule holds from its address to the next. Modules and BPF programs are not covered.
/// Source: Linux v6.12 Documentation/arch/x86/orc-unwinder.rst and arch/x86/kernel/unwind_orc.c, orc_find().
/// </remarks>
public sealed class OrcTable
{
    private const string AddressSection = ".orc_unwind_ip";
    private const string RuleSection = ".orc_unwind";

    private readonly ulong[] _addresses;
    private readonly ReadOnlyMemory<byte> _rules;
    private readonly OrcLayout _layout;
    private readonly ElfFile _elf;

    private OrcTable(ElfFile elf, ulong[] addresses, ReadOnlyMemory<byte> rules, OrcLayout layout)
    {
        _elf = elf;
        _addresses = addresses;
        _rules = rules;
        _layout = layout;
    }

    /// <summary>Number of rules.</summary>
    public int Count => _addresses.Length;

    /// <summary>Reads the rules of an image, or adds one diagnostic (LIM1018) and returns null.</summary>
    /// <param name="elf">The image.</param>
    /// <param name="types">Its types, which say how a rule is laid out.</param>
    /// <param name="subject">What the diagnostic calls it.</param>
    /// <param name="diagnostics">Receives the failure.</param>
    public static OrcTable? Read(ElfFile elf, KernelTypes types, string subject, DiagnosticBag diagnostics)
    {
        ArgumentNullException.ThrowIfNull(elf);
        ArgumentNullException.ThrowIfNull(types);
        ArgumentNullException.ThrowIfNull(diagnostics);
        if (elf.FindSection(AddressSection) is not ElfSection { HasContents: true } places
            || elf.FindSection(RuleSection) is not ElfSection { HasContents: true } rules)
        {
            diagnostics.Add(ImageDiagnostics.BadUnwindTables, subject, $"has no sections {AddressSection} and {RuleSection}");
            return null;
        }

        if (OrcLayout.Of(types) is not OrcLayout layout)
        {
            diagnostics.Add(ImageDiagnostics.BadUnwindTables, subject, "has type information whose orc_entry is of no known form");
            return null;
        }

        long count = places.Size / sizeof(int);
        if (count == 0 || places.Size % sizeof(int) != 0 || rules.Size != count * OrcLayout.EntrySize)
        {
            diagnostics.Add(ImageDiagnostics.BadUnwindTables, subject,
                $"has {AddressSection} of {places.Size:N0} bytes and {RuleSection} of {rules.Size:N0}, which do not belong together");
            return null;
        }

        if (Addresses(elf.ContentsOf(places), places.Address.Value) is not ulong[] addresses)
        {
            diagnostics.Add(ImageDiagnostics.BadUnwindTables, subject, $"has {AddressSection} whose addresses do not rise");
            return null;
        }

        return new OrcTable(elf, addresses, elf.File.Slice(rules.FileOffset, (int)rules.Size), layout);
    }

    /// <summary>The rule for an address as linked, or null when the address is not in the kernel's code.</summary>
    public OrcEntry? Find(ulong address)
    {
        int index = Array.BinarySearch(_addresses, address);
        if (index < 0)
            index = ~index - 1;

        // Of several rules at one address the last one counts, as in the kernel's search.
        while (index >= 0 && index + 1 < _addresses.Length && _addresses[index + 1] == address)
            index++;

        if (index < 0 || _elf.FindSegment(new(address)) is null)
            return null;

        return _layout.Decode(_rules.Span.Slice(index * OrcLayout.EntrySize, OrcLayout.EntrySize));
    }

    private static ulong[]? Addresses(ReadOnlySpan<byte> places, ulong start)
    {
        ulong[] addresses = new ulong[places.Length / sizeof(int)];
        for (int i = 0; i < addresses.Length; i++)
        {
            int at = i * sizeof(int);
            addresses[i] = unchecked(start + (ulong)at + (ulong)(long)BinaryPrimitives.ReadInt32LittleEndian(places[at..]));
            if (i > 0 && addresses[i] < addresses[i - 1])
                return null;
        }

        return addresses;
    }
}
