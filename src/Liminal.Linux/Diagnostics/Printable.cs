// SPDX-License-Identifier: Apache-2.0

using System;

namespace Liminal.Linux.Diagnostics;

/// <summary>Text from files nobody vouches for.</summary>
internal static class Printable
{
    /// <summary>Bytes as text: printable ASCII as it is, anything else as a question mark.</summary>
    public static string Ascii(ReadOnlySpan<byte> bytes)
    {
        Span<char> line = bytes.Length <= 1024 ? stackalloc char[bytes.Length] : new char[bytes.Length];
        for (int i = 0; i < line.Length; i++)
            line[i] = bytes[i] is >= 0x20 and < 0x7F ? (char)bytes[i] : '?';

        return new string(line);
    }
}
