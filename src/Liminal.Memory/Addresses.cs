// SPDX-License-Identifier: Apache-2.0

using System;

namespace Liminal.Memory;

/// <summary>A guest linear address. Canonicality is not checked here: it depends on the paging mode.</summary>
/// <param name="Value">The address in bytes, all 64 bits.</param>
public readonly record struct VirtualAddress(ulong Value)
{
    /// <summary>The bytes from the start of the 4 KiB page, 0 to 4095.</summary>
    public int PageOffset => (int)(Value & (Page.Bytes - 1));

    /// <summary>The first byte of the 4 KiB page that holds this address.</summary>
    public VirtualAddress PageStart => new(Value & ~(Page.Bytes - 1));

    /// <summary>The address <paramref name="bytes"/> further; wraps around at 2^64, as address arithmetic does.</summary>
    public VirtualAddress Add(ulong bytes) => new(unchecked(Value + bytes));

    /// <summary>Sixteen hexadecimal digits, as in a kernel log.</summary>
    public override string ToString() => Value.ToString("x16");
}

/// <summary>A guest physical address without any attribute: no C-bit, no shared bit, below vTOM.</summary>
/// <param name="Value">The address in bytes, below 2^52.</param>
public readonly record struct GuestPhysicalAddress(ulong Value)
{
    /// <summary>The bytes from the start of the 4 KiB page, 0 to 4095.</summary>
    public int PageOffset => (int)(Value & (Page.Bytes - 1));

    /// <summary>The 4 KiB page that holds this address.</summary>
    public FrameNumber Frame => new(Value >> Page.Shift);

    /// <summary>The address <paramref name="bytes"/> further.</summary>
    public GuestPhysicalAddress Add(ulong bytes) => new(checked(Value + bytes));

    /// <summary>Hexadecimal, without leading zeros.</summary>
    public override string ToString() => Value.ToString("x");
}

/// <summary>A guest physical page of 4 KiB: the guest physical address divided by 4096. Linux calls it PFN, Hyper-V GFN.</summary>
/// <param name="Value">The number, below 2^40.</param>
public readonly record struct FrameNumber(ulong Value)
{
    /// <summary>The first byte of the page.</summary>
    public GuestPhysicalAddress Start => new(Value << Page.Shift);

    /// <summary>The page <paramref name="frames"/> further.</summary>
    public FrameNumber Add(ulong frames) => new(checked(Value + frames));

    /// <summary>Whether a leaf of this size can begin at this page.</summary>
    public bool IsAligned(PageSize size) => (Value & ((ulong)size.Frames() - 1)) == 0;

    /// <summary>Hexadecimal, without leading zeros.</summary>
    public override string ToString() => Value.ToString("x");
}

/// <summary>What one leaf of a page table maps.</summary>
public enum PageSize : byte
{
    /// <summary>4 KiB, by an entry of the lowest level.</summary>
    Size4K = 0,

    /// <summary>2 MiB, by an entry of the second level.</summary>
    Size2M = 1,

    /// <summary>1 GiB, by an entry of the third level.</summary>
    Size1G = 2,
}

/// <summary>The 4 KiB page, the unit of every page state, and the sizes of leaves in it.</summary>
public static class Page
{
    /// <summary>log2 of the page size in bytes.</summary>
    public const int Shift = 12;

    /// <summary>The page size in bytes.</summary>
    public const ulong Bytes = 1UL << Shift;

    /// <summary>How many 4 KiB pages a leaf of this size maps: 1, 512 or 262144.</summary>
    public static int Frames(this PageSize size) => 1 << (size.Log2() - Shift);

    /// <summary>log2 of the leaf's size in bytes: 12, 21 or 30.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Not one of the three sizes.</exception>
    public static int Log2(this PageSize size) => size switch
    {
        PageSize.Size4K => 12,
        PageSize.Size2M => 21,
        PageSize.Size1G => 30,
        _ => throw new ArgumentOutOfRangeException(nameof(size), size, "A leaf maps 4 KiB, 2 MiB or 1 GiB."),
    };

    /// <summary>The leaf's size in bytes.</summary>
    public static ulong SizeInBytes(this PageSize size) => 1UL << size.Log2();
}
