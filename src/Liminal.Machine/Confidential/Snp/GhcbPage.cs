// SPDX-License-Identifier: Apache-2.0
using Liminal.Memory.Ram;

namespace Liminal.Machine.Confidential.Snp;

/// <summary>Offsets of the 8-byte fields of a GHCB that carry something across a VMGEXIT.</summary>
/// <remarks>Source: GHCB 2.0, "GHCB layout"; Linux v6.12, arch/x86/include/asm/svm.h, struct ghcb_save_area.</remarks>
internal enum GhcbField
{
    Xss = 0x140,
    Rax = 0x1F8,
    Rcx = 0x308,
    Rdx = 0x310,
    Rbx = 0x318,
    Rsi = 0x330,
    Rdi = 0x338,
    R8 = 0x340,
    ExitCode = 0x390,
    ExitInfo1 = 0x398,
    ExitInfo2 = 0x3A0,
    Scratch = 0x3A8,
    Xcr0 = 0x3E8,
}

/// <summary>One GHCB page, as the hypervisor sees it: a view, not a copy.</summary>
/// <param name="ram">The shared backing.</param>
/// <param name="address">Guest-physical address of the page; all of it is RAM.</param>
internal readonly struct GhcbPage(GuestRam ram, ulong address)
{
    private const ulong CplOffset = 0xCB;
    private const ulong BitmapOffset = 0x3F0;
    private const ulong VersionOffset = 0xFFA;
    private const ulong UsageOffset = 0xFFC;

    /// <summary>Offset of the buffer that the guest passes lists and data in.</summary>
    public const ulong SharedBufferOffset = 0x800;

    /// <summary>Offset of the first byte behind it.</summary>
    public const ulong SharedBufferEnd = 0xFF0;

    /// <summary>Guest-physical address of the page.</summary>
    public ulong Address => address;

    /// <summary>Version of the protocol that the guest says it speaks.</summary>
    public ushort Version => ram.Read<ushort>(address + VersionOffset);

    /// <summary>Layout of the page: 0 is the standard one.</summary>
    public uint Usage => ram.Read<uint>(address + UsageOffset);

    /// <summary>Privilege level of the guest, when it says so.</summary>
    public byte Cpl => ram.Read<byte>(address + CplOffset);

    /// <summary>Whether the guest marked CPL valid.</summary>
    public bool HasCpl => HasBit(CplOffset);

    /// <summary>A field; the caller looks at <see cref="Has"/> first, or takes zero for one that is not valid.</summary>
    public ulong this[GhcbField field]
    {
        get => ram.Read<ulong>(address + (ulong)field);
        set
        {
            ram.Write(address + (ulong)field, value);
            ulong bit = (ulong)field / 8;
            ulong octet = address + BitmapOffset + (bit / 8);
            ram.Write(octet, (byte)(ram.Read<byte>(octet) | (1 << (int)(bit % 8))));
        }
    }

    /// <summary>Whether a field is marked valid.</summary>
    public bool Has(GhcbField field) => HasBit((ulong)field);

    /// <summary>A field, or zero when it is not marked valid.</summary>
    public ulong ValueOrZero(GhcbField field) => Has(field) ? this[field] : 0;

    /// <summary>Marks every field invalid, as the hypervisor does before it answers.</summary>
    public void ClearValid()
    {
        ram.Write(address + BitmapOffset, 0ul);
        ram.Write(address + BitmapOffset + 8, 0ul);
    }

    private bool HasBit(ulong offset)
    {
        ulong bit = offset / 8;
        return (ram.Read<byte>(address + BitmapOffset + (bit / 8)) & (1 << (int)(bit % 8))) != 0;
    }
}
