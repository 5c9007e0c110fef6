// SPDX-License-Identifier: Apache-2.0

namespace Liminal.Linux.Types;

/// <summary>Where a field lies in the structure, union or per-CPU variable that its path begins with.</summary>
/// <param name="BitOffset">Bits from the start.</param>
/// <param name="BitSize">Bits of the field; a whole number of bytes unless it is a bit field.</param>
/// <param name="IsBitField">Whether it was declared with a width in bits.</param>
public readonly record struct KernelField(long BitOffset, long BitSize, bool IsBitField)
{
    /// <summary>Bytes from the start; for a bit field, of the byte that holds its first bit.</summary>
    public int Offset => (int)(BitOffset / 8);

    /// <summary>Size in bytes, rounded up.</summary>
    public int Size => (int)((BitSize + 7) / 8);
}

/// <summary>A field as its structure declares it.</summary>
/// <param name="Name">Its name; empty for an anonymous structure or union.</param>
/// <param name="Field">Where it lies in the structure.</param>
public readonly record struct KernelMember(string Name, KernelField Field);
