// SPDX-License-Identifier: Apache-2.0
using System;
using System.Runtime.CompilerServices;
using Liminal.X86.State;

namespace Liminal.X86.Paging;

/// <summary>Kind and privilege of an access; bits as in the #PF error code.</summary>
[Flags]
public enum PageAccess : uint
{
    /// <summary>A supervisor-mode data read.</summary>
    Read = 0,

    /// <summary>W: a write.</summary>
    Write = 1 << 1,

    /// <summary>U: at CPL 3, and not one that the processor makes for itself (descriptor tables, TSS).</summary>
    User = 1 << 2,

    /// <summary>I: an instruction fetch.</summary>
    Fetch = 1 << 4,
}

/// <summary>The registers that a page walk depends on.</summary>
/// <param name="Cr0">CR0.</param>
/// <param name="Cr3">CR3.</param>
/// <param name="Cr4">CR4.</param>
/// <param name="Efer">IA32_EFER.</param>
/// <param name="SuspendsSmap">RFLAGS.AC is set and the access is not an implicit one: SMAP does not apply.</param>
/// <param name="PhysicalBits">MAXPHYADDR.</param>
/// <param name="AttributeBit">Mask of the confidential attribute in an entry; zero when there is none.</param>
/// <param name="HasGiantPages">1 GiB pages exist; else bit 7 is reserved where it would make one.</param>
public readonly record struct PagingRegisters(
    ulong Cr0, ulong Cr3, ulong Cr4, ulong Efer, bool SuspendsSmap, int PhysicalBits, ulong AttributeBit, bool HasGiantPages = true)
{
    /// <summary>CR0.PG.</summary>
    public bool IsPaging => (Cr0 & State.Cr0.Paging) != 0;
}

/// <summary>Reads page-table entries for a walk.</summary>
public interface ITableReader
{
    /// <summary>Reads one entry.</summary>
    /// <param name="address">Guest-physical address of the entry, attribute bit removed.</param>
    /// <param name="hasAttributeBit">The attribute bit was set in the entry (or CR3) that points to this table.</param>
    /// <param name="size">Bytes: 4 or 8.</param>
    /// <param name="entry">The entry, zero-extended.</param>
    /// <returns>False when it cannot be read: the walk ends with <see cref="WalkStatus.TableUnreadable"/>.</returns>
    bool TryReadEntry(ulong address, bool hasAttributeBit, int size, out ulong entry);
}

/// <summary>How a walk ended.</summary>
public enum WalkStatus : byte
{
    /// <summary>The access is allowed.</summary>
    Mapped,

    /// <summary>#PF with <see cref="WalkResult.ErrorCode"/>.</summary>
    PageFault,

    /// <summary>The reader could not read the table entry at <see cref="WalkResult.PhysicalAddress"/>.</summary>
    TableUnreadable,
}

/// <summary>One entry that a walk used.</summary>
/// <param name="Address">Guest-physical address of the entry.</param>
/// <param name="Value">As read.</param>
/// <param name="Due">A and D bits that the walk must set.</param>
public readonly record struct WalkStep(ulong Address, ulong Value, ulong Due);

/// <summary>The entries of one walk, root first.</summary>
[InlineArray(5)]
public struct WalkSteps
{
    private WalkStep _first;
}

/// <summary>What a walk found.</summary>
public struct WalkResult
{
    /// <summary>How it ended.</summary>
    public WalkStatus Status;

    /// <summary>For <see cref="WalkStatus.PageFault"/>: the error code to push.</summary>
    public uint ErrorCode;

    /// <summary>Where the address led, attribute bit removed; or the table entry that could not be read.</summary>
    public ulong PhysicalAddress;

    /// <summary>Permissions, size and attribute of the translation, bits as in <see cref="Translation"/>; frame and PCID not filled in.</summary>
    public ulong Permissions;

    /// <summary>True when the leaf carries the attribute bit.</summary>
    public bool HasAttributeBit;

    /// <summary>Entries used: 0 without paging, 1 to 5 with.</summary>
    public int Depth;

    /// <summary>The entries used.</summary>
    public WalkSteps Steps;
}

/// <summary>Translates a linear address as the processor would, without a TLB.</summary>
/// <remarks>
/// Pure: reads tables through its reader, writes nothing; the A and D bits to be set are part of the result. Faults are results.
/// Reserved bits are checked before permissions. Not modelled: protection keys, shadow-stack pages, and the PDPTE registers of PAE paging
/// (the four entries are read at each walk).
/// Source: SDM3A chapter "Paging": "4-level paging and 5-level paging", "32-bit paging", "PAE paging", "Access rights", "Page-fault exceptions".
/// </remarks>
public static class PageWalk
{
    private const ulong Present = 1 << 0;
    private const ulong WritableBit = 1 << 1;
    private const ulong UserBit = 1 << 2;
    private const ulong Accessed = 1 << 5;
    private const ulong DirtyBit = 1 << 6;
    private const ulong LargePage = 1 << 7;
    private const ulong GlobalBit = 1 << 8;
    private const ulong NoExecuteBit = 1ul << 63;
    private const uint ErrorPresent = 1 << 0;
    private const uint ErrorReserved = 1 << 3;

    /// <summary>Walks the tables for one access.</summary>
    /// <param name="registers">Control registers.</param>
    /// <param name="reader">Reads table entries.</param>
    /// <param name="address">Linear address; canonical.</param>
    /// <param name="access">What is asked for.</param>
    public static WalkResult Walk<TReader>(in PagingRegisters registers, ref TReader reader, ulong address, PageAccess access)
        where TReader : ITableReader, allows ref struct
    {
        WalkResult result = default;
        if (!registers.IsPaging)
        {
            result.PhysicalAddress = address;
            result.Permissions = Translation.Writable | Translation.User | Translation.Dirty;
            return result;
        }

        bool isPae = (registers.Cr4 & Cr4.PhysicalAddressExtension) != 0;
        bool isLong = (registers.Efer & Efer.LongModeActive) != 0;
        int entrySize = isPae ? 8 : 4;
        int indexBits = isPae ? 9 : 10;
        int levels = !isPae ? 2 : !isLong ? 3 : (registers.Cr4 & Cr4.FiveLevelPaging) != 0 ? 5 : 4;
        ulong frames = ((1ul << registers.PhysicalBits) - 1) & ~0xffful & ~registers.AttributeBit;
        ulong pointer = registers.Cr3;
        ulong table = isPae && !isLong ? pointer & 0xffff_ffe0 : pointer & frames;
        ulong writable = WritableBit;
        ulong user = UserBit;
        ulong noExecute = 0;

        for (int level = levels; ; level--)
        {
            int shift = 12 + ((level - 1) * indexBits);
            ulong entryAddress = table + (((address >> shift) & ((1ul << indexBits) - 1)) * (ulong)entrySize);
            if (!reader.TryReadEntry(entryAddress, (pointer & registers.AttributeBit) != 0, entrySize, out ulong entry))
            {
                result.Status = WalkStatus.TableUnreadable;
                result.PhysicalAddress = entryAddress;
                return result;
            }

            bool isPointerTable = isPae && !isLong && level == 3;
            bool isLarge = (entry & LargePage) != 0 && IsLargePageLevel(level, isPae, isLong, registers);
            bool isLeaf = level == 1 || isLarge;
            result.Steps[result.Depth++] = new WalkStep(entryAddress, entry, isPointerTable ? 0 : Accessed & ~entry);
            if ((entry & Present) == 0)
                return Fault(result, registers, access, 0);
            if ((entry & ReservedBits(registers, level, isLarge, isPae, isLong)) != 0)
                return Fault(result, registers, access, ErrorPresent | ErrorReserved);
            if (!isPointerTable)
            {
                writable &= entry;
                user &= entry;
                noExecute |= entry & NoExecuteBit;
            }

            pointer = entry;
            table = entry & frames;
            if (!isLeaf)
                continue;

            ulong offsets = (1ul << shift) - 1;
            ulong page = entry & frames & ~offsets;
            if (!isPae && isLarge)
                page |= ((entry >> 13) & 0xff) << 32; // PSE-36
            result.PhysicalAddress = page | (address & offsets);
            result.HasAttributeBit = (entry & registers.AttributeBit) != 0;
            if (!IsAllowed(registers, access, writable != 0, user != 0, noExecute != 0))
                return Fault(result, registers, access, ErrorPresent);

            bool isWrite = (access & PageAccess.Write) != 0;
            if (isWrite && (entry & DirtyBit) == 0)
                result.Steps[result.Depth - 1] = new WalkStep(entryAddress, entry, (Accessed & ~entry) | DirtyBit);
            bool isGlobal = (entry & GlobalBit) != 0 && (registers.Cr4 & Cr4.PageGlobalEnable) != 0;
            result.Permissions = (writable != 0 ? Translation.Writable : 0) | (user != 0 ? Translation.User : 0)
                | (noExecute != 0 ? Translation.NoExecute : 0) | (isGlobal ? Translation.Global : 0)
                | (isWrite || (entry & DirtyBit) != 0 ? Translation.Dirty : 0) | Translation.SizeField(shift);
            return result;
        }
    }

    /// <summary>Decides an access from the permissions along the walk.</summary>
    public static bool IsAllowed(in PagingRegisters registers, PageAccess access, bool isWritable, bool isUser, bool isNoExecute)
    {
        if ((access & PageAccess.Fetch) != 0 && isNoExecute)
            return false;
        if ((access & PageAccess.User) != 0)
            return isUser && (isWritable || (access & PageAccess.Write) == 0);
        if (isUser)
        {
            if ((access & PageAccess.Fetch) != 0)
            {
                if ((registers.Cr4 & Cr4.SupervisorExecutionPrevention) != 0)
                    return false;
            }
            else if ((registers.Cr4 & Cr4.SupervisorAccessPrevention) != 0 && !registers.SuspendsSmap)
            {
                return false;
            }
        }

        return isWritable || (access & PageAccess.Write) == 0 || (registers.Cr0 & Cr0.WriteProtect) == 0;
    }

    private static bool IsLargePageLevel(int level, bool isPae, bool isLong, in PagingRegisters registers) => level switch
    {
        2 => isPae || (registers.Cr4 & Cr4.PageSizeExtensions) != 0,
        3 => isLong && registers.HasGiantPages,
        _ => false,
    };

    private static ulong ReservedBits(in PagingRegisters registers, int level, bool isLarge, bool isPae, bool isLong)
    {
        if (!isPae)
            return isLarge ? (ulong)(1 << 21) : 0;
        ulong reserved = 0x000f_ffff_ffff_ffff & ~((1ul << registers.PhysicalBits) - 1) & ~registers.AttributeBit;
        if ((registers.Efer & Efer.NoExecuteEnable) == 0)
            reserved |= NoExecuteBit;
        if (!isLong)
            reserved |= level == 3 ? 0xfff0_0000_0000_01e6 : 0x7ff0_0000_0000_0000;
        if (isLarge)
            reserved |= (level == 3 ? 0x3fff_e000ul : 0x1f_e000ul) & ~registers.AttributeBit;
        if (level >= 4 || (level == 3 && isLong && !registers.HasGiantPages))
            reserved |= LargePage;
        return reserved;
    }

    private static WalkResult Fault(WalkResult result, in PagingRegisters registers, PageAccess access, uint cause)
    {
        bool tellsFetch = (registers.Efer & Efer.NoExecuteEnable) != 0 || (registers.Cr4 & Cr4.SupervisorExecutionPrevention) != 0;
        result.Status = WalkStatus.PageFault;
        result.ErrorCode = cause | (uint)(tellsFetch ? access : access & ~PageAccess.Fetch);
        return result;
    }
}
