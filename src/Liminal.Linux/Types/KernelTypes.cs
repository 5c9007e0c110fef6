// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;
using Liminal.Linux.Diagnostics;
using Liminal.Linux.Elf;

namespace Liminal.Linux.Types;

/// <summary>The layout of the kernel's structures, from the type information (BTF) that a distribution's kernel carries for BPF.</summary>
/// <remarks>
/// The information is untrusted: it neither makes this class throw nor run for long. Where two structures share a name the first is taken.
/// Source: Linux v6.12 Documentation/bpf/btf.rst.
/// </remarks>
public sealed class KernelTypes
{
    private const string SectionName = ".BTF";
    private const long MostBits = 1L << 40;

    /// <summary>Longest chain of definitions, qualifiers and nested anonymous structures that is followed.</summary>
    private const int DeepestChain = 32;

    /// <summary>Members that one search may look at; the largest structure of Debian 6.12 has 246 and few anonymous ones inside.</summary>
    private const int MostSteps = 1 << 20;

    private const long MostElements = 1L << 28;

    private readonly TypeTable _table;
    private readonly Dictionary<string, int> _byName = new(StringComparer.Ordinal);

    private KernelTypes(TypeTable table)
    {
        _table = table;
        for (int type = 1; type < table.Count; type++)
        {
            int rank = Rank(table.KindOf(type));
            if (rank == 0 || table.NameOf(type) is not { Length: > 0 } name)
                continue;

            if (!_byName.TryGetValue(name, out int known) || Rank(table.KindOf(known)) < rank)
                _byName[name] = type;
        }
    }

    /// <summary>Number of types.</summary>
    public int Count => _table.Count;

    /// <summary>Reads the types of an image, or adds one diagnostic (LIM1017) and returns null.</summary>
    /// <param name="elf">The image.</param>
    /// <param name="subject">What the diagnostic calls it.</param>
    /// <param name="diagnostics">Receives the failure.</param>
    public static KernelTypes? Read(ElfFile elf, string subject, DiagnosticBag diagnostics)
    {
        ArgumentNullException.ThrowIfNull(elf);
        ArgumentNullException.ThrowIfNull(diagnostics);
        string problem = $"has no section {SectionName}";
        TypeTable? table = elf.FindSection(SectionName) is ElfSection { HasContents: true } section
            ? TypeTable.Read(elf.File.Slice(section.FileOffset, (int)section.Size), out problem)
            : null;
        if (table is not null)
            return new KernelTypes(table);

        diagnostics.Add(ImageDiagnostics.BadTypes, subject, problem);
        return null;
    }

    /// <summary>Finds a field by its path.</summary>
    /// <param name="path">
    /// A structure, union, per-CPU variable or type definition, then members, looked for in anonymous structures too, and elements:
    /// <c>task_struct.comm</c>, <c>pcpu_hot.current_task</c>, <c>x86_platform_ops.guest.enc_status_change_prepare</c>, <c>pt_regs.r15</c>,
    /// <c>mm_struct.context.ctx_id</c>, <c>pglist_data.node_zones[1].name</c>. The name alone stands for the whole. Pointers are not followed.
    /// </param>
    /// <param name="field">Where it lies; default when the method returns false.</param>
    /// <returns>False when there is no such type or member.</returns>
    public bool TryFind(string path, out KernelField field)
    {
        ArgumentNullException.ThrowIfNull(path);
        field = default;
        int end = path.AsSpan().IndexOfAny('.', '[');
        if (!_byName.TryGetValue(end < 0 ? path : path[..end], out int type))
            return false;

        long offset = 0;
        int steps = MostSteps;
        (long Bits, bool IsBitField) size = (BitsOf(type), false);
        ReadOnlySpan<char> rest = end < 0 ? [] : path.AsSpan(end);
        while (!rest.IsEmpty)
        {
            type = Underlying(type);
            char separator = rest[0];
            rest = rest[1..];
            int length = separator == '[' ? rest.IndexOf(']') : rest.IndexOfAny('.', '[') is int next and >= 0 ? next : rest.Length;
            if (length <= 0)
                return false;

            Step step;
            bool isThere = separator == '[' ? TryElement(type, rest[..length], out step) : TryMember(type, rest[..length], 0, ref steps, out step);
            if (!isThere)
                return false;

            type = step.Type;
            offset += step.BitOffset;
            size = step.BitSize is int width ? (width, true) : (BitsOf(type), false);
            rest = rest[(separator == '[' ? length + 1 : length)..];
            if (!rest.IsEmpty && rest[0] is not ('.' or '['))
                return false;
        }

        field = new KernelField(offset, size.Bits, size.IsBitField);
        return offset is >= 0 and < MostBits && size.Bits < MostBits;
    }

    /// <summary>The members of a structure or union as declared; empty for anything else.</summary>
    public IReadOnlyList<KernelMember> MembersOf(string name)
    {
        var members = new List<KernelMember>();
        if (!_byName.TryGetValue(name, out int type) || !IsAggregate(type = Underlying(type)))
            return members;

        for (int i = 0; i < _table.LengthOf(type); i++)
        {
            Step step = MemberAt(type, i);
            var field = new KernelField(step.BitOffset, step.BitSize ?? BitsOf(step.Type), step.BitSize is not null);
            members.Add(new KernelMember(_table.Text(_table.Word(type, i * 3)), field));
        }

        return members;
    }

    /// <summary>The value of an enumerator of any enumeration, such as ___GFP_ZERO_BIT; null when there is none.</summary>
    public long? FindEnumerator(string name)
    {
        for (int type = 1; type < _table.Count; type++)
        {
            TypeKind kind = _table.KindOf(type);
            if (kind is not (TypeKind.Enumeration or TypeKind.Enumeration64))
                continue;

            int words = kind == TypeKind.Enumeration ? 2 : 3;
            for (int i = 0; i < _table.LengthOf(type); i++)
            {
                if (!_table.IsText(_table.Word(type, i * words), name))
                    continue;

                uint low = _table.Word(type, (i * words) + 1);
                return words == 2 ? (int)low : (long)(low | ((ulong)_table.Word(type, (i * words) + 2) << 32));
            }
        }

        return null;
    }

    private bool TryMember(int type, ReadOnlySpan<char> name, int depth, ref int steps, out Step found)
    {
        found = default;
        if (!IsAggregate(type) || depth > DeepestChain)
            return false;

        for (int i = 0; i < _table.LengthOf(type) && steps > 0; i++, steps--)
        {
            Step member = MemberAt(type, i);
            uint nameAt = _table.Word(type, i * 3);
            if (_table.IsText(nameAt, name))
            {
                found = member;
                return true;
            }

            if (_table.IsText(nameAt, []) && TryMember(Underlying(member.Type), name, depth + 1, ref steps, out Step inner))
            {
                found = inner with { BitOffset = inner.BitOffset + member.BitOffset };
                return true;
            }
        }

        return false;
    }

    private Step MemberAt(int type, int index)
    {
        uint offset = _table.Word(type, (index * 3) + 2);
        int memberType = (int)Math.Min(_table.Word(type, (index * 3) + 1), int.MaxValue);
        if (!_table.HasBitFields(type))
            return new Step(memberType, offset, null);

        int width = (int)(offset >> 24);
        return new Step(memberType, offset & 0xFF_FFFF, width == 0 ? null : width);
    }

    private bool TryElement(int type, ReadOnlySpan<char> index, out Step found)
    {
        found = default;
        if (Kind(type) != TypeKind.Array || !uint.TryParse(index, out uint number) || number >= _table.Word(type, 2))
            return false;

        int element = (int)Math.Min(_table.Word(type, 0), int.MaxValue);
        long bits = BitsOf(element);
        if (bits * (double)number >= MostBits)
            return false;

        found = new Step(element, number * bits, null);
        return true;
    }

    /// <summary>The type behind definitions, qualifiers, tags and variables; void when the chain is too long or leads nowhere.</summary>
    private int Underlying(int type)
    {
        for (int depth = 0; depth < DeepestChain; depth++)
        {
            if (Kind(type) is not (TypeKind.Definition or TypeKind.Volatile or TypeKind.Constant or TypeKind.Restrict
                or TypeKind.TypeTag or TypeKind.Variable))
            {
                return type < _table.Count ? type : 0;
            }

            type = (int)Math.Min(_table.SizeOrType(type), int.MaxValue);
        }

        return 0;
    }

    private long BitsOf(int type)
    {
        long elements = 1;
        for (int depth = 0; depth < DeepestChain; depth++)
        {
            type = Underlying(type);
            switch (Kind(type))
            {
                case TypeKind.Pointer:
                    return elements * 64;
                case TypeKind.Integer or TypeKind.Structure or TypeKind.Union or TypeKind.Enumeration or TypeKind.Enumeration64
                    or TypeKind.FloatingPoint:
                    return elements * Math.Min(_table.SizeOrType(type), int.MaxValue) * 8;
                case TypeKind.Array when elements * _table.Word(type, 2) < MostElements:
                    elements *= _table.Word(type, 2);
                    type = (int)Math.Min(_table.Word(type, 0), int.MaxValue);
                    continue;
                default:
                    return 0;
            }
        }

        return 0;
    }

    private bool IsAggregate(int type) => Kind(type) is TypeKind.Structure or TypeKind.Union;

    private TypeKind Kind(int type) => (uint)type < (uint)_table.Count ? _table.KindOf(type) : TypeKind.Void;

    /// <summary>Which of several types of one name a path means: a structure before a variable before a definition.</summary>
    private static int Rank(TypeKind kind) => kind switch
    {
        TypeKind.Structure or TypeKind.Union => 3,
        TypeKind.Variable => 2,
        TypeKind.Definition => 1,
        _ => 0,
    };

    private readonly record struct Step(int Type, long BitOffset, int? BitSize);
}
