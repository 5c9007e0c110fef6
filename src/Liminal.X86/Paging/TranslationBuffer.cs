// SPDX-License-Identifier: Apache-2.0
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Liminal.X86.Paging;

/// <summary>One translation that the processor holds: architectural state, valid until invalidated or replaced.</summary>
/// <param name="Tag">Linear page address with bit 0 set; zero when empty.</param>
/// <param name="Data">Bits 51:12 guest-physical page; 63:52 PCID; low bits as in <see cref="Translation"/>.</param>
public readonly record struct TlbEntry(ulong Tag, ulong Data)
{
    /// <summary>True when this entry translates a page in an address space.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool Matches(ulong linearPage, ulong pcid)
        => Tag == (linearPage | 1) && ((Data & Translation.Global) != 0 || (Data >> Translation.PcidShift) == pcid);

    /// <summary>True when the page that this entry was cut from holds an address.</summary>
    public bool Covers(ulong linearAddress)
        => Tag != 0 && ((Tag ^ linearAddress) & ~((1ul << Translation.PageShift(Data)) - 1)) == 0;
}

/// <summary>Bits of <see cref="TlbEntry.Data"/>.</summary>
public static class Translation
{
    /// <summary>Writable at every level.</summary>
    public const ulong Writable = 1 << 0;

    /// <summary>User page at every level.</summary>
    public const ulong User = 1 << 1;

    /// <summary>Not executable at some level.</summary>
    public const ulong NoExecute = 1 << 2;

    /// <summary>The leaf's D bit was set when the translation was made.</summary>
    public const ulong Dirty = 1 << 3;

    /// <summary>Survives a change of address space.</summary>
    public const ulong Global = 1 << 4;

    /// <summary>The attribute of the confidential platform is "shared".</summary>
    public const ulong Shared = 1 << 5;

    /// <summary>Bits 51:12.</summary>
    public const ulong FrameMask = 0x000f_ffff_ffff_f000;

    /// <summary>Position of the PCID.</summary>
    public const int PcidShift = 52;

    private const int SizeShift = 6;

    /// <summary>Size field for a page of 2^<paramref name="pageShift"/> bytes: 4 KiB, 2 MiB, 4 MiB or 1 GiB.</summary>
    public static ulong SizeField(int pageShift) => (pageShift switch { 12 => 0ul, 21 => 1, 22 => 2, _ => 3 }) << SizeShift;

    /// <summary>Log2 of the bytes of the page that the translation was cut from.</summary>
    public static int PageShift(ulong data) => ((data >> SizeShift) & 3) switch { 0 => 12, 1 => 21, 2 => 22, _ => 30 };
}

/// <summary>Data translations: direct-mapped by linear page, so capacity and replacement are the same everywhere.</summary>
[InlineArray(Capacity)]
public struct DataTlb
{
    /// <summary>Entries.</summary>
    public const int Capacity = 1024;

    private TlbEntry _first;
}

/// <summary>Code translations of 4 KiB pages, kept apart so that data accesses do not evict the code that makes them.</summary>
[InlineArray(Capacity)]
public struct CodeTlb
{
    /// <summary>Entries.</summary>
    public const int Capacity = 256;

    private TlbEntry _first;
}

/// <summary>Code translations of larger pages, cut to 2 MiB: a kernel's text takes a handful and stays.</summary>
[InlineArray(Capacity)]
public struct LargeCodeTlb
{
    /// <summary>Entries.</summary>
    public const int Capacity = 32;

    /// <summary>Log2 of the bytes that an entry translates.</summary>
    public const int PageShift = 21;

    private TlbEntry _first;
}

/// <summary>A data translation as handlers use it: host pointers for one kind of privilege. Derived from <see cref="DataTlb"/>, never state.</summary>
// SAFETY: the tables belong to a processor and an index is masked by Count. An addend is used only when its tag matches and the access ends on the page.
[StructLayout(LayoutKind.Sequential, Size = 32)]
internal struct FastEntry
{
    /// <summary>Linear page that may be read; all ones when none.</summary>
    public ulong ReadTag;

    /// <summary>Linear page that may be written: dirty, not shared with a fork, without translated code.</summary>
    public ulong WriteTag;

    /// <summary>Host address minus linear address.</summary>
    public ulong Addend;

    /// <summary>Non-zero while the entry is on its processor's list of entries that may be in use.</summary>
    public ulong IsListed;

    /// <summary>Entries in one table.</summary>
    public const int Count = DataTlb.Capacity;

    /// <summary>A tag that no page-aligned address equals.</summary>
    public const ulong NoPage = ulong.MaxValue;
}
