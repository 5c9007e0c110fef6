// SPDX-License-Identifier: Apache-2.0

using System;
using System.Buffers.Binary;
using Liminal.Linux.Diagnostics;

namespace Liminal.Linux.Symbols;

/// <summary>The 256 pieces of text that symbol names are composed of, and where they were found.</summary>
/// <remarks>
/// In the image: 256 zero-ended texts, filled to a multiple of eight bytes; then 256 unsigned 16-bit offsets of these
/// texts. The offsets rise from zero, and each of
/// them must point just behind a zero: that is how the table is found without knowing its address. A text holds no
/// reference to another one, so expansion cannot run in circles.
/// </remarks>
internal sealed class TokenTable
{
    private const int Tokens = 256;
    private const int LongestToken = 512;

    /// <summary>What a token costs in the measure of <see cref="KallsymsReader"/>: it becomes a string.</summary>
    private const int StepsPerToken = 8;

    private readonly string[] _tokens;

    private TokenTable(string[] tokens, int start, int end)
    {
        _tokens = tokens;
        Start = start;
        End = end;
    }

    /// <summary>Offset of the first text, in the bytes that were searched.</summary>
    public int Start { get; }

    /// <summary>Offset just behind the index.</summary>
    public int End { get; }

    /// <summary>The text for one byte of a compressed name; never empty.</summary>
    public string this[byte code] => _tokens[code];

    /// <summary>The first token table at or behind an offset, or null.</summary>
    /// <param name="bytes">Contents of a segment; its first byte is aligned to eight.</param>
    /// <param name="from">Offset to start at, aligned to eight; on return, where to go on for the next one.</param>
    /// <param name="steps">Counts the work done.</param>
    /// <param name="mostSteps">Where to give up.</param>
    public static TokenTable? FindNext(ReadOnlySpan<byte> bytes, ref int from, ref long steps, long mostSteps)
    {
        for (; from <= bytes.Length - (Tokens * sizeof(ushort)) && steps < mostSteps; from += 8)
        {
            // The first offset is zero and the second is the length of the first text with its zero.
            uint firstTwo = BinaryPrimitives.ReadUInt32LittleEndian(bytes[from..]);
            if ((firstTwo & 0xFFFF) != 0 || firstTwo >> 16 is < 2 or > LongestToken)
                continue;

            TokenTable? table = TryRead(bytes, from, ref steps);
            if (table is not null)
            {
                from += 8;
                return table;
            }
        }

        return null;
    }

    private static TokenTable? TryRead(ReadOnlySpan<byte> bytes, int index, ref long steps)
    {
        Span<int> offsets = stackalloc int[Tokens];
        for (int i = 0; i < Tokens; i++)
        {
            offsets[i] = BinaryPrimitives.ReadUInt16LittleEndian(bytes[(index + (i * sizeof(ushort)))..]);
            if (i > 0 && (offsets[i] - offsets[i - 1]) is < 2 or > LongestToken)
                return null;
        }

        // The length of the last text is not in the index: try each start that the alignment allows.
        for (int last = 2; last <= LongestToken; last += 8)
        {
            int start = index - Align8(offsets[^1] + last);
            if (start < 0)
                return null;

            steps += Tokens * StepsPerToken;
            if (ReadTexts(bytes[start..index], offsets) is string[] tokens)
                return new TokenTable(tokens, start, index + (Tokens * sizeof(ushort)));
        }

        return null;
    }

    private static string[]? ReadTexts(ReadOnlySpan<byte> texts, ReadOnlySpan<int> offsets)
    {
        string[] tokens = new string[Tokens];
        for (int i = 0; i < Tokens; i++)
        {
            ReadOnlySpan<byte> rest = texts[offsets[i]..];
            int length = rest.IndexOf((byte)0);
            int expected = i + 1 < Tokens ? offsets[i + 1] - offsets[i] - 1 : length;
            if (length <= 0 || length != expected || rest[..length].ContainsAnyExceptInRange((byte)'!', (byte)'~'))
                return null;

            tokens[i] = Printable.Ascii(rest[..length]);
        }

        int end = offsets[^1] + tokens[^1].Length + 1;
        return texts.Length - end < 8 && !texts[end..].ContainsAnyExcept((byte)0) ? tokens : null;
    }

    internal static int Align8(int value) => (value + 7) & ~7;
}
