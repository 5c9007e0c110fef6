// SPDX-License-Identifier: Apache-2.0

namespace Liminal.Protocols;

/// <summary>What the protocols of Linux share: the skeleton of __set_memory_enc_pgtable(), its places, and why its steps fail inside the guest.</summary>
/// <remarks>Source: Linux v6.12, arch/x86/mm/pat/set_memory.c, __set_memory_enc_pgtable() and split_large_page().</remarks>
internal static class LinuxConversion
{
    /// <summary>Why CPA fails.</summary>
    public const string Split = "a large page must be split, and there is no memory for the page table (-ENOMEM)";

    /// <summary>Why a callback that asks a VMM fails.</summary>
    public const string Refused = "the VMM refuses a page (-EIO)";

    /// <summary>Micro-step 1 of __set_memory_enc_pgtable().</summary>
    public const string PurgeAliases = "set_memory.c, __set_memory_enc_pgtable(): vm_unmap_aliases()";

    /// <summary>Micro-step 2.</summary>
    public const string FirstFlush = "set_memory.c, __set_memory_enc_pgtable(): cpa_flush() before the prepare callback";

    /// <summary>Micro-step 4.</summary>
    public const string ChangeAttribute = "set_memory.c, __set_memory_enc_pgtable(): __change_page_attr_set_clr()";

    /// <summary>Micro-step 5, done even when step 4 has failed.</summary>
    public const string SecondFlush = "set_memory.c, __set_memory_enc_pgtable(): cpa_flush() after the attribute";
}
