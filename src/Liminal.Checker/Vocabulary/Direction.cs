// SPDX-License-Identifier: Apache-2.0

namespace Liminal.Checker.Vocabulary;

/// <summary>Which way a conversion goes.</summary>
public enum Direction : byte
{
    /// <summary>Private to shared: <c>set_memory_decrypted()</c>.</summary>
    Decrypt,

    /// <summary>Shared to private: <c>set_memory_encrypted()</c>.</summary>
    Encrypt,
}

/// <summary>Which kernel mapping the caller of a conversion names.</summary>
/// <remarks>Source: Linux v6.12, arch/x86/mm/pat/set_memory.c, cpa_process_alias() (CPA follows the direct map and the image map; it knows no live vmalloc alias).</remarks>
public enum Region : byte
{
    /// <summary>An address of the direct map; a lazily freed vmap alias of each page may still exist.</summary>
    DirectMap,

    /// <summary>An address from vmalloc; the direct map is an alias that CPA follows.</summary>
    Vmalloc,

    /// <summary>An address in the kernel image (<c>.bss..decrypted</c>); the direct map is an alias that CPA follows.</summary>
    KernelImage,
}

/// <summary>What a virtual address range of the kernel is, seen from one page.</summary>
public enum MappingKind : byte
{
    /// <summary>The direct map.</summary>
    DirectMap,

    /// <summary>The kernel image mapping.</summary>
    KernelImage,

    /// <summary>A vmalloc mapping that is the address being converted.</summary>
    Vmalloc,

    /// <summary>A vmap alias that was freed lazily: still in the page tables until <c>vm_unmap_aliases()</c>.</summary>
    StaleVmap,

    /// <summary>A live vmap alias, which nothing in a conversion looks for.</summary>
    LiveVmap,

    /// <summary>The second, shared mapping at GPA + shared_gpa_boundary of Linux 6.1 on Hyper-V.</summary>
    SharedView,
}
