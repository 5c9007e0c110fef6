// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;
using System.Linq;
using System.Text;
using Liminal.Linux.Diagnostics;
using Liminal.Linux.Elf;
using Liminal.Linux.Types;

namespace Liminal.Linux.Tests.Synthetic;

/// <summary>Writes a .BTF section: records that a test composes, sound or not.</summary>
internal sealed class SyntheticTypes
{
    private readonly List<byte> _types = [];
    private readonly List<byte> _strings = [0];
    private int _count = 1;

    /// <summary>Adds a record and returns its number.</summary>
    public int Add(int kind, string name, uint sizeOrType, int length = 0, bool flag = false, params uint[] words)
    {
        Word(Name(name));
        Word((flag ? 1u << 31 : 0) | ((uint)kind << 24) | (uint)length);
        Word(sizeOrType);
        foreach (uint word in words)
            Word(word);

        return _count++;
    }

    public uint Name(string text)
    {
        if (text.Length == 0)
            return 0;

        uint offset = (uint)_strings.Count;
        _strings.AddRange(Encoding.ASCII.GetBytes(text));
        _strings.Add(0);
        return offset;
    }

    public byte[] Section() => [.. Header(), .. _types, .. _strings];

    public KernelTypes? Read(DiagnosticBag diagnostics) => Read(Section(), diagnostics);

    public static KernelTypes? Read(byte[] section, DiagnosticBag diagnostics)
    {
        var writer = new ElfWriter();
        writer.AddSegment(SyntheticKernel.Text, 0x100_0000, section, section.Length);
        writer.AddSection(".BTF", SyntheticKernel.Text, 0x1000, section.Length);
        ElfFile elf = ElfFile.Read(writer.Write(), "synthetic", diagnostics)!;
        return KernelTypes.Read(elf, "synthetic", diagnostics);
    }

    private byte[] Header() =>
    [
        0x9F, 0xEB, 1, 0,
        .. new uint[] { 24, 0, (uint)_types.Count, (uint)_types.Count, (uint)_strings.Count }.SelectMany(BitConverter.GetBytes),
    ];

    private void Word(uint word) => _types.AddRange(BitConverter.GetBytes(word));
}
