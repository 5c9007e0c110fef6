// SPDX-License-Identifier: Apache-2.0

using Liminal.Memory;

namespace Liminal.Linux.Symbols;

/// <summary>One symbol of the kernel's own table.</summary>
/// <param name="Name">The name, printable ASCII. Static functions and compiler clones may share a name.</param>
/// <param name="Type">The letter nm prints: T and t text, D and d data, B and b zeroed data, R and r read-only, W weak,
/// A absolute. Capital: global.</param>
/// <param name="Address">Virtual address as linked, without address randomisation; an offset into the per-CPU area when
/// it lies there.</param>
public readonly record struct KernelSymbol(string Name, char Type, VirtualAddress Address)
{
    /// <summary>Whether the symbol names code.</summary>
    public bool IsText => Type is 'T' or 't' or 'W' or 'w';
}

/// <summary>An address told as a distance from a symbol.</summary>
/// <param name="Symbol">The nearest symbol at or below the address; of several at one address, the kernel's first
/// choice.</param>
/// <param name="Offset">Bytes from the symbol to the address.</param>
/// <param name="Size">Bytes from the symbol to the next one at a higher address, or to the end of its segment.</param>
public readonly record struct SymbolOffset(KernelSymbol Symbol, ulong Offset, ulong Size)
{
    /// <summary>As the kernel prints it: name+0x1a/0x40.</summary>
    public override string ToString() => $"{Symbol.Name}+0x{Offset:x}/0x{Size:x}";
}
