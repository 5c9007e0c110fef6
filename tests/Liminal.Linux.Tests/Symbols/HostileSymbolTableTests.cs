// SPDX-License-Identifier: Apache-2.0

using System;
using System.Buffers.Binary;
using System.Linq;
using Liminal.Linux.Tests.Synthetic;

namespace Liminal.Linux.Tests.Symbols;

/// <summary>Images that are full of what the search for symbol tables looks for. Each took minutes before the search had a limit; none takes a second now.</summary>
public sealed class HostileSymbolTableTests
{
    private const int Size = 64 << 20;

    [Fact]
    public void Token_tables_without_end_are_given_up_on()
    {
        byte[] tokens = Tokens();
        byte[] segment = new byte[Size];
        for (int i = 0; i + tokens.Length <= Size; i += tokens.Length)
            tokens.CopyTo(segment, i);

        Image.BadImageTests.Refused(Kernel(segment), "LIM1014", "contradict");
    }

    [Theory]
    [InlineData(new uint[] { 0 })]
    [InlineData(new uint[] { 0, 600 })]
    [InlineData(new uint[] { 0, 600, 1200, 1800 })]
    [InlineData(new uint[] { 0, 130_000 })]
    [InlineData(new uint[] { 0, 512, 257, 0 })]
    public void Markers_without_end_are_given_up_on(uint[] pattern)
    {
        byte[] segment = new byte[Size];
        for (int i = 0; i < Size / 4; i++)
            BinaryPrimitives.WriteUInt32LittleEndian(segment.AsSpan(i * 4), pattern[i % pattern.Length]);

        byte[] tokens = Tokens();
        tokens.CopyTo(segment, Size - tokens.Length);

        Image.BadImageTests.Refused(Kernel(segment), "LIM1014", "contradict");
    }

    private static byte[] Kernel(byte[] segment)
    {
        var elf = new ElfWriter();
        elf.AddSegment(SyntheticKernel.Text, 0x100_0000, segment, segment.Length);
        return elf.Write();
    }

    /// <summary>A sound token table, with its index, of 256 texts of one letter.</summary>
    private static byte[] Tokens() =>
    [
        .. Enumerable.Range(0, 256).SelectMany(i => new[] { (byte)('!' + (i % 90)), (byte)0 }),
        .. Enumerable.Range(0, 256).SelectMany(i => BitConverter.GetBytes((ushort)(i * 2))),
    ];
}
