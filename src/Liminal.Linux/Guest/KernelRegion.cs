// SPDX-License-Identifier: Apache-2.0

namespace Liminal.Linux.Guest;

/// <summary>A part of the kernel's half of an address space.</summary>
public enum KernelRegion : byte
{
    /// <summary>The lower half: of user land.</summary>
    User,

    /// <summary>The map of all physical memory.</summary>
    DirectMap,

    /// <summary>The area of vmalloc(), vmap() and ioremap().</summary>
    Vmalloc,

    /// <summary>The array of struct page.</summary>
    PageArray,

    /// <summary>The kernel image.</summary>
    Image,

    /// <summary>Modules.</summary>
    Modules,

    /// <summary>Fixed mappings.</summary>
    Fixmap,

    /// <summary>Something else: entry areas of the CPUs, ESPFIX, EFI.</summary>
    Other,
}
