// SPDX-License-Identifier: Apache-2.0

using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text;
using Liminal.Linux.Symbols;

namespace Liminal.Linux.Tests.Synthetic;

/// <summary>Writes symbol tables as the kernel's build does, from the description of their format and not from the reader's code.</summary>
internal sealed class KallsymsTables
{
    private readonly string[] _tokens = Tokens();

    public KallsymsOrder Order { get; init; }

    public KallsymsAddressing Addressing { get; init; }

    /// <summary>Whether seqs_of_names is there; older kernels have none.</summary>
    public bool HasSequence { get; init; } = true;

    public ulong RelativeBase { get; init; } = 0xFFFF_FFFF_8100_0000;

    /// <summary>The tables, to be placed at an address aligned to eight.</summary>
    /// <param name="symbols">By rising address.</param>
    public byte[] Write(IReadOnlyList<KernelSymbol> symbols)
    {
        using var names = new MemoryStream();
        List<uint> markers = [];
        for (int i = 0; i < symbols.Count; i++)
        {
            if (i % 256 == 0)
                markers.Add((uint)names.Length);

            byte[] codes = Compress(symbols[i].Type + symbols[i].Name);
            if (codes.Length < 0x80)
            {
                names.WriteByte((byte)codes.Length);
            }
            else
            {
                names.WriteByte((byte)(codes.Length | 0x80));
                names.WriteByte((byte)(codes.Length >> 7));
            }

            names.Write(codes);
        }

        byte[] offsets = [.. symbols.SelectMany(symbol => Bytes((uint)OffsetOf(symbol)))];
        byte[] relativeBase = [.. Bytes((uint)RelativeBase), .. Bytes((uint)(RelativeBase >> 32))];
        byte[] count = Bytes((uint)symbols.Count);
        byte[] sequence = HasSequence ? [.. Enumerable.Range(0, symbols.Count).SelectMany(i => new[] { (byte)(i >> 16), (byte)(i >> 8), (byte)i })] : [];
        byte[] texts = [.. _tokens.SelectMany(token => Encoding.ASCII.GetBytes(token + "\0"))];
        byte[] index = new byte[512];
        int at = 0;
        for (int i = 0; i < 256; i++)
        {
            BinaryPrimitives.WriteUInt16LittleEndian(index.AsSpan(i * 2), (ushort)at);
            at += _tokens[i].Length + 1;
        }

        byte[] markerBytes = [.. markers.SelectMany(Bytes)];
        byte[][] parts = Order == KallsymsOrder.AddressesFirst
            ? [offsets, relativeBase, count, names.ToArray(), markerBytes, sequence, texts, index]
            : [count, names.ToArray(), markerBytes, texts, index, offsets, relativeBase, sequence];
        return [.. parts.SelectMany(part => part.Concat(new byte[-part.Length & 7]))];
    }

    private long OffsetOf(KernelSymbol symbol) => Addressing switch
    {
        KallsymsAddressing.BaseRelative => (long)(symbol.Address.Value - RelativeBase),
        _ when symbol.Address.Value < 0x8000_0000 => (long)symbol.Address.Value,
        _ => (long)(RelativeBase - symbol.Address.Value - 1),
    };

    /// <summary>Two characters at a time where a token stands for them, one otherwise.</summary>
    private byte[] Compress(string text)
    {
        List<byte> codes = [];
        for (int i = 0; i < text.Length; i++)
        {
            int pair = i + 1 < text.Length ? Array.IndexOf(_tokens, text.Substring(i, 2)) : -1;
            codes.Add((byte)(pair >= 0 ? pair : Array.IndexOf(_tokens, text[i].ToString())));
            if (pair >= 0)
                i++;
        }

        return [.. codes];
    }

    /// <summary>Every printable character stands for itself; the other codes for pairs of letters.</summary>
    private static string[] Tokens()
    {
        string[] tokens = new string[256];
        int pair = 0;
        for (int i = 0; i < tokens.Length; i++)
            tokens[i] = i is > ' ' and < 127 ? ((char)i).ToString() : $"{(char)('a' + (pair / 26))}{(char)('a' + (pair++ % 26))}";

        return tokens;
    }

    private static byte[] Bytes(uint value)
    {
        byte[] bytes = new byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, value);
        return bytes;
    }
}
