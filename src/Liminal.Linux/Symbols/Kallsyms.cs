// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;
using Liminal.Linux.Elf;
using Liminal.Memory;

namespace Liminal.Linux.Symbols;

/// <summary>In which order the linker laid the tables out.</summary>
public enum KallsymsOrder
{
    /// <summary>Addresses before names, as in Linux 6.1.</summary>
    AddressesFirst,

    /// <summary>Names before addresses, as in Linux 6.12.</summary>
    NamesFirst,
}

/// <summary>How an address is stored in 32 bits.</summary>
public enum KallsymsAddressing
{
    /// <summary>Not negative: the address itself, in the per-CPU area. Negative: relative base - 1 - value
    /// (CONFIG_KALLSYMS_ABSOLUTE_PERCPU).</summary>
    AbsolutePerCpu,

    /// <summary>Unsigned distance from the relative base.</summary>
    BaseRelative,
}

/// <summary>The kernel's own symbol table, which every distribution kernel carries.</summary>
/// <remarks>
/// Addresses are those of the linker; a kernel that runs with address randomisation moves all of them but the per-CPU
/// ones by one distance.
/// Source: Linux v6.1 and v6.12, scripts/kallsyms.c, write_src(), and kernel/kallsyms.c.
/// </remarks>
public sealed class Kallsyms
{
    private readonly KernelSymbol[] _byAddress;
    private readonly Dictionary<string, int> _firstByName;
    private readonly int[] _nextOfName;
    private readonly ElfFile _elf;

    internal Kallsyms(ElfFile elf, KernelSymbol[] byAddress, KallsymsOrder order, KallsymsAddressing addressing)
    {
        _elf = elf;
        _byAddress = byAddress;
        Order = order;
        Addressing = addressing;
        _firstByName = new Dictionary<string, int>(byAddress.Length, StringComparer.Ordinal);
        _nextOfName = new int[byAddress.Length];
        for (int i = byAddress.Length - 1; i >= 0; i--)
        {
            _nextOfName[i] = _firstByName.TryGetValue(byAddress[i].Name, out int next) ? next : -1;
            _firstByName[byAddress[i].Name] = i;
        }
    }

    /// <summary>In which order the tables lie in the image.</summary>
    public KallsymsOrder Order { get; }

    /// <summary>How the addresses are stored.</summary>
    public KallsymsAddressing Addressing { get; }

    /// <summary>Number of symbols.</summary>
    public int Count => _byAddress.Length;

    /// <summary>All symbols by rising address; those at one address in the kernel's order of preference.</summary>
    public IReadOnlyList<KernelSymbol> All => _byAddress;

    /// <summary>Whether at least one symbol has exactly this name.</summary>
    public bool Contains(string name) => _firstByName.ContainsKey(name);

    /// <summary>The one symbol of this name.</summary>
    /// <param name="name">Exact and case-sensitive.</param>
    /// <param name="symbol">The symbol; default when the method returns false.</param>
    /// <returns>False when there is none, or more than one, so that nobody takes the wrong one by accident.</returns>
    public bool TryFind(string name, out KernelSymbol symbol)
    {
        bool isUnique = _firstByName.TryGetValue(name, out int index) && _nextOfName[index] < 0;
        symbol = isUnique ? _byAddress[index] : default;
        return isUnique;
    }

    /// <summary>Every symbol of this name, by rising address.</summary>
    public IReadOnlyList<KernelSymbol> FindAll(string name)
    {
        var found = new List<KernelSymbol>();
        for (int i = _firstByName.GetValueOrDefault(name, -1); i >= 0; i = _nextOfName[i])
            found.Add(_byAddress[i]);

        return found;
    }

    /// <summary>Every symbol at exactly this address, in the kernel's order of preference.</summary>
    public IReadOnlyList<KernelSymbol> AliasesAt(VirtualAddress address)
    {
        var found = new List<KernelSymbol>();
        for (int i = FirstAt(address.Value); i < _byAddress.Length && _byAddress[i].Address == address; i++)
            found.Add(_byAddress[i]);

        return found;
    }

    /// <summary>The symbol an address belongs to, or null when the address lies outside the kernel or before its first
    /// symbol.</summary>
    public SymbolOffset? Resolve(VirtualAddress address)
    {
        if (_elf.FindSegment(address) is not ElfSegment segment)
            return null;

        int after = FirstAt(address.Value + 1);
        if (after == 0)
            return null;

        int first = FirstAt(_byAddress[after - 1].Address.Value);
        KernelSymbol symbol = _byAddress[first];
        if (!segment.Contains(symbol.Address))
            return null;

        ulong end = segment.VirtualEnd.Value;
        if (after < _byAddress.Length)
            end = Math.Min(_byAddress[after].Address.Value, end);

        return new SymbolOffset(symbol, address.Value - symbol.Address.Value, end - symbol.Address.Value);
    }

    /// <summary>Index of the first symbol at or above an address.</summary>
    private int FirstAt(ulong address)
    {
        int low = 0, high = _byAddress.Length;
        while (low < high)
        {
            int middle = low + ((high - low) / 2);
            if (_byAddress[middle].Address.Value < address)
                low = middle + 1;
            else
                high = middle;
        }

        return low;
    }
}
