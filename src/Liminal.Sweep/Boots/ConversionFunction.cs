// SPDX-License-Identifier: Apache-2.0

using System.Collections.Generic;
using Liminal.Memory;
using Liminal.X86;

namespace Liminal.Sweep.Boots;

/// <summary>How a conversion function is told what to convert, in the registers of the System V ABI.</summary>
internal enum RangeArguments
{
    /// <summary>Virtual address, number of pages.</summary>
    AddressAndPages,

    /// <summary>Virtual address, size in bytes; both need not be whole pages.</summary>
    AddressAndBytes,

    /// <summary>Virtual address, physical address, number of pages.</summary>
    AddressTwiceAndPages,

    /// <summary>Physical address of the first byte, and of the first one behind the range.</summary>
    PhysicalStartAndEnd,
}

/// <summary>A function of the kernel that converts pages, by its symbol.</summary>
/// <param name="Name">Symbol; a function may have several of that name.</param>
/// <param name="Range">How it is told the pages.</param>
/// <param name="Target">What they become; null when the third argument says it.</param>
/// <param name="ThirdMeansShared">For a null target: whether a third argument that is not zero means shared.</param>
/// <param name="ReturnsError">Whether it returns 0 or a negative errno.</param>
/// <param name="Source">Where that is written.</param>
internal sealed record ConversionFunction(
    string Name, RangeArguments Range, PteAttribute? Target, bool ThirdMeansShared, bool ReturnsError, string Source)
{
    private const int Rdx = 2;
    private const int Rsi = 6;
    private const int Rdi = 7;

    /// <summary>
    /// The functions that kernels convert pages with. One may call another: the outermost is the conversion. What converts pages besides is
    /// told by its own symbol.
    /// </summary>
    public static IReadOnlyList<ConversionFunction> All { get; } =
    [
        new("set_memory_decrypted", RangeArguments.AddressAndPages, PteAttribute.Shared, false, true, SetMemory),
        new("set_memory_encrypted", RangeArguments.AddressAndPages, PteAttribute.Private, false, true, SetMemory),
        new("__set_memory_enc_pgtable", RangeArguments.AddressAndPages, null, false, true, SetMemory),
        new("hv_set_mem_host_visibility", RangeArguments.AddressAndPages, null, true, true, "Linux v6.1 arch/x86/hyperv/ivm.c"),
        new("early_set_memory_decrypted", RangeArguments.AddressAndBytes, PteAttribute.Shared, false, true, Early),
        new("early_set_memory_encrypted", RangeArguments.AddressAndBytes, PteAttribute.Private, false, true, Early),
        new("early_snp_set_memory_shared", RangeArguments.AddressTwiceAndPages, PteAttribute.Shared, false, false, Snp),
        new("early_snp_set_memory_private", RangeArguments.AddressTwiceAndPages, PteAttribute.Private, false, false, Snp),
        new("snp_set_memory_shared", RangeArguments.AddressAndPages, PteAttribute.Shared, false, false, Snp),
        new("snp_set_memory_private", RangeArguments.AddressAndPages, PteAttribute.Private, false, false, Snp),
        new("snp_accept_memory", RangeArguments.PhysicalStartAndEnd, PteAttribute.Private, false, false, Snp),
        new("tdx_accept_memory", RangeArguments.PhysicalStartAndEnd, PteAttribute.Private, false, false, "Linux v6.12 arch/x86/coco/tdx/tdx-shared.c"),
    ];

    private const string SetMemory = "Linux v6.1 and v6.12 arch/x86/mm/pat/set_memory.c";
    private const string Early = "Linux v6.1 and v6.12 arch/x86/mm/mem_encrypt_amd.c, early_set_memory_enc_dec()";
    private const string Snp = "Linux v6.1 arch/x86/kernel/sev.c and v6.12 arch/x86/coco/sev/core.c";

    /// <summary>The range that a processor at the function's first instruction names.</summary>
    /// <param name="processor">The processor.</param>
    /// <param name="isPhysical">Whether the address is a guest-physical one.</param>
    /// <returns>First byte, and pages that the range touches.</returns>
    public (ulong Address, long Pages) RangeOf(Processor processor, out bool isPhysical)
    {
        ulong first = processor.Gpr(Rdi);
        isPhysical = Range == RangeArguments.PhysicalStartAndEnd;
        return Range switch
        {
            RangeArguments.AddressAndPages => (first, (int)processor.Gpr(Rsi)),
            RangeArguments.AddressTwiceAndPages => (first, (uint)processor.Gpr(Rdx)),
            RangeArguments.AddressAndBytes => (first, PagesBetween(first, first + processor.Gpr(Rsi))),
            _ => (first, PagesBetween(first, processor.Gpr(Rsi))),
        };
    }

    /// <summary>What the pages become.</summary>
    /// <param name="processor">A processor at the function's first instruction.</param>
    public PteAttribute TargetOf(Processor processor) =>
        Target ?? (((byte)processor.Gpr(Rdx) != 0) == ThirdMeansShared ? PteAttribute.Shared : PteAttribute.Private);

    private static long PagesBetween(ulong start, ulong end) => (long)((end + Page.Bytes - 1) >> Page.Shift) - (long)(start >> Page.Shift);
}
