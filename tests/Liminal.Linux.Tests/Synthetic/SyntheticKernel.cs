// SPDX-License-Identifier: Apache-2.0

using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.Linq;
using System.Text;
using Liminal.Linux.Symbols;

namespace Liminal.Linux.Tests.Synthetic;

/// <summary>A small vmlinux with a text segment, a per-CPU segment at zero and a zeroed segment, made from parts that a test can change.</summary>
internal sealed class SyntheticKernel
{
    public const ulong Text = 0xFFFF_FFFF_8100_0000;
    public const ulong ZeroedData = 0xFFFF_FFFF_8200_0000;
    public const string Banner = "Linux version 6.99.1-synthetic (builder@host) (gcc 1.0) #1 SMP Synthetic 6.99.1-1";

    private const int TextSize = 0x4000;
    private const int BannerAt = 0x4000;
    private const int ExceptionTableAt = 0x4400;
    private const int TablesAt = 0x5000;
    private const int FileStart = 0x1000;

    public KallsymsTables Tables { get; init; } = new();

    /// <summary>Names of additional functions, such as those that recognition looks for.</summary>
    public IReadOnlyList<string> Functions { get; init; } = [];

    public int FillerFunctions { get; init; } = 600;

    public string BannerText { get; init; } = Banner;

    public bool HasSections { get; init; } = true;

    /// <summary>Whether the exception table is bounded by symbols, as every kernel's is.</summary>
    public bool HasExceptionSymbols { get; init; } = true;

    public IReadOnlyList<ExceptionTableEntry> Exceptions { get; init; } =
    [
        new(new(Text + 0x21), new(Text + 0x30), 1),
        new(new(Text + 0x44), new(Text + 0x48), 20),
        new(new(Text + 0x64), new(Text + 0x68), 20),
    ];

    /// <summary>The symbols by rising address, as the file holds them.</summary>
    public IReadOnlyList<KernelSymbol> Symbols
    {
        get
        {
            List<KernelSymbol> symbols = [];
            if (Tables.Addressing == KallsymsAddressing.AbsolutePerCpu)
            {
                symbols.Add(new("__per_cpu_start", 'A', new(0)));
                symbols.Add(new("cpu_number", 'A', new(0x10)));
            }

            symbols.Add(new("_text", 'T', new(Text)));
            symbols.Add(new("_stext", 'T', new(Text)));
            symbols.AddRange(Enumerable.Range(0, FillerFunctions).Select(i => new KernelSymbol($"function_{i:d4}", 't', new(Text + 0x10 + ((uint)i * 0x10)))));
            symbols.AddRange(Functions.Select((name, i) => new KernelSymbol(name, 'T', new(Text + 0x3000 + ((uint)i * 0x10)))));
            symbols.Add(new("linux_banner", 'D', new(Text + BannerAt)));
            if (HasExceptionSymbols)
            {
                symbols.Add(new("__start___ex_table", 'R', new(Text + ExceptionTableAt)));
                symbols.Add(new("__stop___ex_table", 'R', new(Text + ExceptionTableAt + ((uint)Exceptions.Count * 12))));
            }

            symbols.Add(new("__bss_start", 'B', new(ZeroedData)));
            return symbols;
        }
    }

    public byte[] Write()
    {
        byte[] tables = Tables.Write(Symbols);
        byte[] text = new byte[TablesAt + tables.Length + 0x100];
        for (int i = 0; i < TextSize; i++)
            text[i] = (byte)(i * 7 + (i >> 8));

        Encoding.ASCII.GetBytes(BannerText + "\n\0").CopyTo(text, BannerAt);
        for (int i = 0; i < Exceptions.Count; i++)
        {
            int at = ExceptionTableAt + (i * 12);
            BinaryPrimitives.WriteInt32LittleEndian(text.AsSpan(at), (int)(Exceptions[i].Instruction.Value - (Text + (uint)at)));
            BinaryPrimitives.WriteInt32LittleEndian(text.AsSpan(at + 4), (int)(Exceptions[i].Target.Value - (Text + (uint)at + 4)));
            BinaryPrimitives.WriteUInt32LittleEndian(text.AsSpan(at + 8), Exceptions[i].Data);
        }

        tables.CopyTo(text, TablesAt);

        var elf = new ElfWriter();
        elf.AddSegment(Text, 0x100_0000, text, text.Length);
        elf.AddSegment(0, 0x180_0000, new byte[0x1000], 0x1000);
        elf.AddSegment(ZeroedData, 0x200_0000, [], 0x2000);
        if (HasSections)
        {
            elf.AddSection(".text", Text, FileStart, TextSize);
            elf.AddSection("__ex_table", Text + ExceptionTableAt, FileStart + ExceptionTableAt, Exceptions.Count * 12);
        }

        return elf.Write(FileStart);
    }

    /// <summary>Every symbol as one line, for comparison.</summary>
    public static IEnumerable<string> Lines(IEnumerable<KernelSymbol> symbols) => symbols.Select(symbol => $"{symbol.Address} {symbol.Type} {symbol.Name}");
}
