// SPDX-License-Identifier: Apache-2.0

using System;
using System.Buffers.Binary;
using Liminal.Linux.Diagnostics;
using Liminal.Linux.Elf;
using Liminal.Linux.Image;
using Liminal.Memory;

namespace Liminal.Linux.Symbols;

/// <summary>Finds the tables of kallsyms in an image by their structure, in either order.</summary>
/// <remarks>
/// No symbol, section or address leads to them, but they hold on to each other. Every table is aligned to eight bytes:
/// <code>
/// Linux 6.1:   offsets  relative_base  num_syms  names  markers  seqs_of_names  token_table  token_index
/// Linux 6.12:                          num_syms  names  markers                 token_table  token_index  offsets  relative_base  seqs_of_names
/// </code>
/// The token table is found first (<see cref="TokenTable"/>). The markers end where it starts, or where three bytes per
/// symbol start that end there. They hold the offset of every
/// 256th name, so the last of them tells nearly how long the names are, and num_syms stands before the names. All names
/// are then walked: they must pass
/// every marker and end where the markers start. Addresses must rise. At least 257 symbols are needed, for two markers.
/// Source: Linux v6.1 and v6.12, scripts/kallsyms.c, write_src().
/// </remarks>
internal ref struct KallsymsReader
{
    private const int NamesPerMarker = 256;
    private const int ShortestEntry = 2;
    private const int LongestEntry = 2 + ImageLimits.SymbolNameLength;

    /// <summary>From the start of the markers to the token table: the markers, and three bytes for each
    /// symbol.</summary>
    private const int FarthestMarkers = (ImageLimits.Symbols / NamesPerMarker * sizeof(uint)) + (ImageLimits.Symbols * 3) + 16;

    /// <summary>Names, markers and places that may be tried in all attempts together, before the search is given up:
    /// well under a second.</summary>
    private const long MostSteps = 32_000_000;

    private readonly ReadOnlySpan<byte> _bytes;
    private readonly TokenTable _tokens;
    private long _steps;

    private KallsymsReader(ReadOnlySpan<byte> bytes, TokenTable tokens, long steps)
    {
        _bytes = bytes;
        _tokens = tokens;
        _steps = steps;
    }

    /// <summary>The symbol table of an image, or null with one diagnostic (LIM1013 or LIM1014).</summary>
    public static Kallsyms? Find(ElfFile elf, string subject, DiagnosticBag diagnostics)
    {
        long steps = 0;
        bool foundTokens = false;
        foreach (ElfSegment segment in elf.Segments)
        {
            int misaligned = (int)(segment.VirtualAddress.Value & 7);
            ReadOnlySpan<byte> contents = elf.ContentsOf(segment);
            if (misaligned != 0 || contents.IsEmpty)
                continue;

            int from = 0;
            while (steps < MostSteps && TokenTable.FindNext(contents, ref from, ref steps, MostSteps) is TokenTable tokens)
            {
                foundTokens = true;
                var reader = new KallsymsReader(contents, tokens, steps);
                if (reader.Read(out KallsymsOrder order, out KallsymsAddressing addressing) is KernelSymbol[] symbols)
                    return new Kallsyms(elf, symbols, order, addressing);

                steps = reader._steps;
            }
        }

        if (foundTokens)
            diagnostics.Add(ImageDiagnostics.BadKallsyms, subject, "has a symbol table whose parts contradict each other");
        else
            diagnostics.Add(ImageDiagnostics.NoKallsyms, subject, "holds no kallsyms token table");

        return null;
    }

    private KernelSymbol[]? Read(out KallsymsOrder order, out KallsymsAddressing addressing)
    {
        order = default;
        addressing = default;
        int farthest = Math.Max(0, _tokens.Start - FarthestMarkers);
        for (int markers = _tokens.Start - 8; markers >= farthest && _steps < MostSteps; markers -= 8, _steps++)
        {
            int run = MarkersAt(markers);
            for (int count = run; count >= Math.Max(2, run - 2); count--)
            {
                if (FindNames(markers, count) is (int names, int symbols)
                    && FindAddresses(names, symbols, out order, out addressing) is ulong[] addresses)
                {
                    return Expand(names, addresses);
                }
            }
        }

        return null;
    }

    /// <summary>Length of the run of offsets at a place, or zero: from zero upwards in steps that 256 names can
    /// take.</summary>
    private int MarkersAt(int place)
    {
        if (U32(place) != 0)
            return 0;

        int count = 1;
        uint previous = 0;
        for (int at = place + sizeof(uint); at + sizeof(uint) <= _tokens.Start; at += sizeof(uint), count++)
        {
            uint marker = U32(at);
            if (marker - (long)previous is < NamesPerMarker * ShortestEntry or > NamesPerMarker * LongestEntry)
                break;

            previous = marker;
        }

        _steps += count;
        return count < 2 ? 0 : count;
    }

    /// <summary>Where the names start that end at the markers, and how many there are.</summary>
    private (int Names, int Symbols)? FindNames(int markers, int count)
    {
        int gap = _tokens.Start - TokenTable.Align8(markers + (count * sizeof(uint)));
        int fewest = ((count - 1) * NamesPerMarker) + 1;
        int most = count * NamesPerMarker;
        if (gap < 0 || most > ImageLimits.Symbols || (gap > 0 && (gap < fewest * 3 || gap > TokenTable.Align8(most * 3))))
            return null;

        uint lastMarker = U32(markers + ((count - 1) * sizeof(uint)));
        long nearest = markers - (long)lastMarker - ShortestEntry;
        long farthest = markers - (long)lastMarker - (NamesPerMarker * LongestEntry) - 8;
        for (long names = nearest & ~7L; names >= Math.Max(8, farthest); names -= 8, _steps++)
        {
            uint symbols = U32((int)names - 8);
            if (symbols >= fewest && symbols <= most && U32((int)names - 4) == 0
                && (gap == 0 || TokenTable.Align8((int)symbols * 3) == gap) && NamesFit((int)names, (int)symbols, markers))
            {
                return ((int)names, (int)symbols);
            }
        }

        return null;
    }

    /// <summary>Whether so many names from a place on pass every marker and end at the markers.</summary>
    private bool NamesFit(int names, int symbols, int markers)
    {
        int at = names;
        for (int i = 0; i < symbols; i++, _steps++)
        {
            if (i % NamesPerMarker == 0 && U32(markers + (i / NamesPerMarker * sizeof(uint))) != at - names)
                return false;

            int length = NameLength(ref at);
            at += length;
            if (length == 0 || at > markers)
                return false;
        }

        return TokenTable.Align8(at) == markers && !_bytes[at..markers].ContainsAnyExcept((byte)0);
    }

    /// <summary>Number of tokens of the name at a place, which moves to the first of them: one byte, or two when the
    /// top bit of the first is set.</summary>
    private readonly int NameLength(ref int at)
    {
        int length = _bytes[at++];
        return length < 0x80 ? length : (length & 0x7F) | (_bytes[at++] << 7);
    }

    /// <summary>The addresses of all symbols, behind the token index or before the number of symbols; null when neither
    /// place holds rising ones.</summary>
    private readonly ulong[]? FindAddresses(int names, int symbols, out KallsymsOrder order, out KallsymsAddressing addressing)
    {
        int size = TokenTable.Align8(symbols * sizeof(uint));

        order = KallsymsOrder.NamesFirst;
        if (ReadAddresses(_tokens.End, _tokens.End + size, symbols, out addressing) is ulong[] behind)
            return behind;

        order = KallsymsOrder.AddressesFirst;
        return ReadAddresses(names - 16 - size, names - 16, symbols, out addressing);
    }

    private readonly ulong[]? ReadAddresses(int offsets, int relativeBase, int symbols, out KallsymsAddressing addressing)
    {
        addressing = default;
        if (offsets < 0 || relativeBase > _bytes.Length - sizeof(ulong))
            return null;

        ulong start = BinaryPrimitives.ReadUInt64LittleEndian(_bytes[relativeBase..]);
        ReadOnlySpan<byte> values = _bytes.Slice(offsets, symbols * sizeof(uint));
        if (start < KernelMapping.Start)
            return null;

        addressing = KallsymsAddressing.BaseRelative;
        for (int i = 0; i < values.Length; i += sizeof(uint))
        {
            if ((sbyte)values[i + 3] < 0)
                addressing = KallsymsAddressing.AbsolutePerCpu;
        }

        ulong[] addresses = new ulong[symbols];
        for (int i = 0; i < symbols; i++)
        {
            int value = BinaryPrimitives.ReadInt32LittleEndian(values[(i * sizeof(uint))..]);
            addresses[i] = addressing == KallsymsAddressing.BaseRelative ? start + (uint)value
                : value >= 0 ? (uint)value : start - 1 - (ulong)(long)value;
            if (i > 0 && addresses[i] < addresses[i - 1])
                return null;
        }

        return addresses;
    }

    /// <summary>The symbols with their names in full; the first character of a name is the symbol's type. Null when a
    /// name is too long.</summary>
    private readonly KernelSymbol[]? Expand(int names, ulong[] addresses)
    {
        var symbols = new KernelSymbol[addresses.Length];
        Span<char> name = stackalloc char[1 + ImageLimits.SymbolNameLength];
        long characters = 0;
        int at = names;
        for (int i = 0; i < symbols.Length; i++)
        {
            int length = NameLength(ref at);
            int used = 0;
            foreach (byte code in _bytes.Slice(at, length))
            {
                string token = _tokens[code];
                if (!token.TryCopyTo(name[used..]))
                    return null;

                used += token.Length;
            }

            at += length;
            characters += used;
            if (used < 2 || characters > ImageLimits.SymbolCharacters)
                return null;

            symbols[i] = new KernelSymbol(new string(name[1..used]), name[0], new VirtualAddress(addresses[i]));
        }

        return symbols;
    }

    private readonly uint U32(int offset) => BinaryPrimitives.ReadUInt32LittleEndian(_bytes[offset..]);
}
