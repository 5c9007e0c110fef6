// SPDX-License-Identifier: Apache-2.0

using Liminal.Memory;

namespace Liminal.Checker.Model;

/// <summary>The changing bits of a leaf PTE in one byte; with the mapping's frame it names the entry bit for bit (<see cref="ToEntry"/>).</summary>
/// <remarks>Source: Linux v6.12, arch/x86/mm/pat/set_memory.c, pgprot_clear_protnone_bits(), and arch/x86/include/asm/pgtable-invert.h.</remarks>
internal static class PteCode
{
    /// <summary>P.</summary>
    public const byte Present = 1;

    /// <summary>The attribute is <see cref="PteAttribute.Shared"/>.</summary>
    public const byte Shared = 2;

    /// <summary>G; lost for good once the entry has been not present.</summary>
    public const byte Global = 4;

    /// <summary>The entry is not zero.</summary>
    public const byte Exists = 8;

    /// <summary>A present, global entry with an attribute.</summary>
    public static byte Of(PteAttribute attribute) => (byte)(Present | Global | Exists | (attribute == PteAttribute.Shared ? Shared : 0));

    /// <summary>The attribute of an entry.</summary>
    public static PteAttribute Attribute(byte code) => (code & Shared) != 0 ? PteAttribute.Shared : PteAttribute.Private;

    /// <summary>Whether a walk through the entry succeeds.</summary>
    public static bool IsPresent(byte code) => (code & Present) != 0;

    /// <summary>What <c>set_memory_np()</c> leaves.</summary>
    public static byte WithoutPresent(byte code) => (code & Exists) == 0 ? code : (byte)(code & ~(Present | Global));

    /// <summary>What <c>set_memory_p()</c> leaves.</summary>
    public static byte WithPresent(byte code) => (code & Exists) == 0 ? code : (byte)(code | Present);

    /// <summary>What an attribute change leaves.</summary>
    public static byte WithAttribute(byte code, PteAttribute attribute) =>
        (code & Exists) == 0 ? code : (byte)((code & ~Shared) | (attribute == PteAttribute.Shared ? Shared : 0));

    /// <summary>The entry itself, with the PFN inverted when it is not present.</summary>
    public static PageTableEntry ToEntry(byte code, PteFormat format, FrameNumber frame)
    {
        if ((code & Exists) == 0)
        {
            return default;
        }

        PageTableEntry entry = format.Leaf(frame, Attribute(code), (code & Global) != 0 ? KernelFlags | PteFlags.Global : KernelFlags);
        return IsPresent(code) ? entry : format.ClearPresent(entry);
    }

    /// <summary>__PAGE_KERNEL without G.</summary>
    private const PteFlags KernelFlags =
        PteFlags.Present | PteFlags.Writable | PteFlags.Accessed | PteFlags.Dirty | PteFlags.NoExecute;
}
