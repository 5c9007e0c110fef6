// SPDX-License-Identifier: Apache-2.0

using Liminal.Memory;

namespace Liminal.Linux.Elf;

/// <summary>A loadable part of an ELF file (PT_LOAD).</summary>
/// <param name="VirtualAddress">Where the kernel is linked to run; zero for the per-CPU area of an SMP kernel before
/// Linux 6.15.</param>
/// <param name="PhysicalAddress">Where a loader puts it.</param>
/// <param name="FileOffset">Where its bytes start in the file.</param>
/// <param name="FileSize">Bytes in the file.</param>
/// <param name="MemorySize">Bytes in memory; those beyond <paramref name="FileSize"/> are zero.</param>
/// <param name="Flags">Permissions: 1 execute, 2 write, 4 read.</param>
public readonly record struct ElfSegment(
    VirtualAddress VirtualAddress, GuestPhysicalAddress PhysicalAddress, int FileOffset, int FileSize, int MemorySize, uint Flags)
{
    /// <summary>First address after the segment.</summary>
    public VirtualAddress VirtualEnd => VirtualAddress.Add((uint)MemorySize);

    /// <summary>First physical address after the segment.</summary>
    public GuestPhysicalAddress PhysicalEnd => PhysicalAddress.Add((uint)MemorySize);

    /// <summary>Whether the address lies in the segment.</summary>
    public bool Contains(VirtualAddress address) => address.Value - VirtualAddress.Value < (uint)MemorySize;

    /// <summary>Whether the two share a byte of virtual or of physical memory.</summary>
    internal bool Overlaps(ElfSegment other) =>
        (VirtualAddress.Value < other.VirtualEnd.Value && other.VirtualAddress.Value < VirtualEnd.Value)
        || (PhysicalAddress.Value < other.PhysicalEnd.Value && other.PhysicalAddress.Value < PhysicalEnd.Value);
}

/// <summary>A named part of an ELF file.</summary>
/// <param name="Name">Such as ".rodata"; empty when the file carries no names.</param>
/// <param name="Address">Virtual address, or zero when it is not loaded.</param>
/// <param name="FileOffset">Where its bytes start in the file.</param>
/// <param name="Size">Size in bytes.</param>
/// <param name="HasContents">False for a section such as .bss, which has a size and no bytes in the file.</param>
public readonly record struct ElfSection(string Name, VirtualAddress Address, int FileOffset, long Size, bool HasContents);
