// SPDX-License-Identifier: Apache-2.0
using Liminal.Memory.Ram;

namespace Liminal.Machine.Confidential.Snp;

/// <summary>What an entry of a page-state-change list asks for.</summary>
/// <remarks>Source: GHCB 2.0, "SNP page state change".</remarks>
internal enum PageOperation
{
    Private = 1,
    Shared = 2,
    Smash = 3,
    Unsmash = 4,
}

/// <summary>One entry: current page 11:0, frame 51:12, operation 55:52, size bit 56.</summary>
internal readonly record struct PageStateChangeEntry(ulong Value)
{
    private const ulong PagesInLarge = 512;

    /// <summary>Pages of the entry that are done.</summary>
    public ulong Done => Value & 0xFFF;

    /// <summary>First frame.</summary>
    public ulong Frame => (Value >> 12) & ((1ul << 40) - 1);

    /// <summary>What is asked for; other values than those of the enumeration are passed over.</summary>
    public PageOperation Operation => (PageOperation)((Value >> 52) & 0xF);

    /// <summary>4 KiB pages that the entry covers.</summary>
    public ulong Pages => (Value & (1ul << 56)) != 0 ? PagesInLarge : 1;

    /// <summary>False when more pages are done than there are, or the frame is not aligned to the size.</summary>
    public bool IsValid => Done <= Pages && Frame % Pages == 0;

    /// <summary>The entry with another count of pages done.</summary>
    public PageStateChangeEntry WithDone(ulong pages) => new((Value & ~0xFFFul) | pages);
}

/// <summary>A list of page-state changes in the guest's shared memory; a view, not a copy.</summary>
/// <param name="ram">The shared backing.</param>
/// <param name="address">Guest-physical address of the header.</param>
internal readonly struct PageStateChangeList(GuestRam ram, ulong address)
{
    /// <summary>Most entries: what fits into the shared buffer of a GHCB.</summary>
    /// <remarks>Source: Linux v6.12, arch/x86/include/asm/sev-common.h, VMGEXIT_PSC_MAX_COUNT.</remarks>
    public const ushort MostEntries = 253;

    /// <summary>Answers in SW_EXITINFO2.</summary>
    public const ulong ErrorInvalidHeader = (1ul << 32) | 1;

    /// <inheritdoc cref="ErrorInvalidHeader"/>
    public const ulong ErrorInvalidEntry = (1ul << 32) | 2;

    /// <inheritdoc cref="ErrorInvalidHeader"/>
    public const ulong ErrorGeneric = 4ul << 32;

    /// <summary>Bytes of the header and one entry.</summary>
    public const ulong SmallestSize = 16;

    /// <summary>Entry to go on with.</summary>
    public ushort Current
    {
        get => ram.Read<ushort>(address);
        set => ram.Write(address, value);
    }

    /// <summary>Last entry.</summary>
    public ushort End => ram.Read<ushort>(address + 2);

    /// <summary>An entry.</summary>
    public PageStateChangeEntry this[int index]
    {
        get => new(ram.Read<ulong>(address + 8 + ((ulong)index * 8)));
        set => ram.Write(address + 8 + ((ulong)index * 8), value.Value);
    }
}
