// SPDX-License-Identifier: Apache-2.0
using System;
using System.Buffers.Binary;
using System.Collections.Generic;

namespace Liminal.X86.Tests.Vectors;

/// <summary>Tells an event of <see cref="LegacyVectorImage"/> as text.</summary>
internal static class LegacyEvents
{
    private const int RealMark = 23;

    /// <summary>Vector, error code and EAX.</summary>
    public static string Brief(ReadOnlySpan<byte> bytes)
    {
        bool isReal = IsReal(bytes);
        uint vector = isReal ? Word(bytes, 20) : Dword(bytes, 8);
        uint error = isReal ? 0 : Dword(bytes, 9);
        uint eax = isReal ? (uint)(Word(bytes, 18) | (Word(bytes, 19) << 16)) : Dword(bytes, 7);
        return (vector == VectorImage.NoteVector ? "ok" : $"{vector}") + (error == 0 ? "" : $":{error:x}")
            + (eax == 0 || vector != VectorImage.NoteVector ? "" : $"={eax:x}");
    }

    /// <summary>Everything that is not zero.</summary>
    public static string Full(ReadOnlySpan<byte> bytes)
    {
        var parts = new List<string>();
        if (IsReal(bytes))
        {
            Add("v", Word(bytes, 20));
            Add("ip", Word(bytes, 21));
            Add("cs", Word(bytes, 22));
            Add("fl", Word(bytes, 23));
            string[] segments = ["gs", "fs", "es", "ds"];
            for (int i = 0; i < 4; i++)
                Add(segments[i], Word(bytes, i));
            Add("ss", Word(bytes, 24));
            string[] registers = ["edi", "esi", "ebp", "esp", "ebx", "edx", "ecx", "eax"];
            for (int i = 7; i >= 0; i--)
                Add(registers[i], (uint)(Word(bytes, 4 + (2 * i)) | (Word(bytes, 5 + (2 * i)) << 16)));
            return string.Join(' ', parts);
        }

        const uint Virtual8086 = 1 << 17;
        bool isOuter = ((Dword(bytes, 11) & 3) != 0 && (Dword(bytes, 21) & 3) == 0) || (Dword(bytes, 12) & Virtual8086) != 0;
        string[] names =
        [
            "edi", "esi", "ebp", "esp'", "ebx", "edx", "ecx", "eax", "v", "e", "eip", "cs", "fl", "esp", "ss", "ds", "es", "fs", "gs", "ss'", "cr2", "cs'",
        ];
        foreach (int index in (ReadOnlySpan<int>)[8, 9, 10, 11, 12, 13, 14, 3, 19, 21, 15, 16, 17, 18, 20, 7, 6, 5, 4, 2, 1, 0])
        {
            // RF in the image of a fault is left out: the manual sets it, QEMU does not.
            uint value = Dword(bytes, index);
            if (names[index] == "fl" && Dword(bytes, 8) != VectorImage.NoteVector)
                value &= ~0x1_0000u;
            if (isOuter || names[index] is not ("esp" or "ss"))
                Add(names[index], value);
        }

        return string.Join(' ', parts);

        void Add(string name, uint value)
        {
            if (value != 0)
                parts.Add($"{name}={value:x}");
        }
    }

    private static bool IsReal(ReadOnlySpan<byte> bytes) => Dword(bytes, RealMark) != 0;

    private static ushort Word(ReadOnlySpan<byte> bytes, int index) => BinaryPrimitives.ReadUInt16LittleEndian(bytes[(index * 2)..]);

    private static uint Dword(ReadOnlySpan<byte> bytes, int index) => BinaryPrimitives.ReadUInt32LittleEndian(bytes[(index * 4)..]);
}
