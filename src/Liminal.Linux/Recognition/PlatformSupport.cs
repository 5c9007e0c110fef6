// SPDX-License-Identifier: Apache-2.0

using System.Collections.Generic;
using System.Linq;
using Liminal.Linux.Symbols;

namespace Liminal.Linux.Recognition;

/// <summary>The confidential platforms a kernel can be a guest of, and by which symbols that is told.</summary>
public static class PlatformSupport
{
    /// <summary>One row per platform, by the platform's name in Liminal.</summary>
    public static IReadOnlyList<CodeMark> All { get; } =
    [
        new("tdx", "TDX guest", ["tdx_early_init"], [],
            "Linux v6.12 arch/x86/coco/tdx/tdx.c (CONFIG_INTEL_TDX_GUEST)"),
        new("snp", "SEV-SNP guest", ["snp_init", "snp_set_memory_shared"], [],
            "Linux v6.12 arch/x86/coco/sev/core.c (CONFIG_AMD_MEM_ENCRYPT)"),
        new("sev", "SEV and SEV-ES guest", ["sme_early_init", "amd_enc_status_change_finish"], [],
            "Linux v6.12 arch/x86/mm/mem_encrypt_amd.c (CONFIG_AMD_MEM_ENCRYPT)"),
        new("vtom", "SEV-SNP in vTOM mode under a Hyper-V paravisor", ["hv_isolation_type_snp", "hv_ghcb_hypercall"], [],
            "Linux v6.12 arch/x86/hyperv/ivm.c (CONFIG_HYPERV, CONFIG_AMD_MEM_ENCRYPT)"),
        new("tdp", "TD Partitioning under a Hyper-V paravisor", ["hv_is_isolation_supported", "hv_vtom_init|hv_set_mem_host_visibility"], [],
            "Linux v6.12 arch/x86/hyperv/ivm.c, hv_vtom_init(); v6.1, hv_set_mem_host_visibility(), which converts under any kind of isolation"),
    ];

    /// <summary>Every platform, whether the kernel supports it or not, in the order of <see cref="All"/>.</summary>
    internal static IReadOnlyList<RecognisedCode> Of(Kallsyms symbols) => [.. All.Select(mark => mark.In(symbols))];
}
