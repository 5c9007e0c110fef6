// SPDX-License-Identifier: Apache-2.0

using System.Collections.Generic;
using System.Linq;
using Liminal.Linux.Symbols;

namespace Liminal.Linux.Recognition;

/// <summary>The conversion protocols that are recognised in kernels, and by which symbols.</summary>
/// <remarks>
/// Recognised means: the functions that make up this protocol are there by name. The instructions are not compared; an
/// altered function of the same name is not noticed.
/// A kernel between two known versions is named after the one whose symbols it has. Only functions are used, so that
/// CONFIG_KALLSYMS_ALL is not needed, and of
/// these only global ones and ones whose address is taken, which a compiler cannot inline away.
/// </remarks>
public static class ConversionCode
{
    /// <summary>One row per protocol.</summary>
    public static IReadOnlyList<CodeMark> All { get; } =
    [
        new("linux-6.1-snp", "SEV-SNP: all pages validated or rescinded, then page-state changes in batches",
            ["snp_set_memory_shared", "snp_set_memory_private"],
            ["snp_issue_svsm_attest_req"],
            "Linux v6.1 arch/x86/kernel/sev.c, set_pages_state()"),
        new("linux-6.1-tdx", "TDX: one MapGPA without retry, then ACCEPT of each page",
            ["tdx_early_init", "tdx_enc_status_change_prepare", "tdx_enc_status_change_finish"],
            ["tdx_kexec_begin"],
            "Linux v6.1.192 arch/x86/coco/tdx/tdx.c, tdx_enc_status_change_prepare()"),
        new("linux-6.1-vtom", "Hyper-V isolation: visibility hypercalls in place of the generic conversion",
            ["hv_set_mem_host_visibility", "hv_isolation_type_snp"],
            ["hv_vtom_init"],
            "Linux v6.1 arch/x86/hyperv/ivm.c, hv_set_mem_host_visibility(), and arch/x86/mm/pat/set_memory.c, __set_memory_enc_dec()"),
        new("linux-6.12-tdx", "TDX: MapGPA with retry, then ACCEPT of each page; conversions stop before kexec",
            ["tdx_early_init", "tdx_enc_status_change_prepare", "tdx_enc_status_change_finish", "tdx_kexec_begin"],
            [],
            "Linux v6.12 arch/x86/coco/tdx/tdx.c, tdx_map_gpa() and tdx_kexec_begin()"),
        new("linux-6.12-snp", "SEV-SNP: validation and page-state change batch by batch, by instruction or through an SVSM",
            ["snp_set_memory_shared", "snp_set_memory_private", "snp_issue_svsm_attest_req"],
            [],
            "Linux v6.12 arch/x86/coco/sev/core.c, set_pages_state() and snp_issue_svsm_attest_req()"),
        new("linux-6.12-vtom", "Hyper-V paravisor on SEV-SNP: not-present while the visibility changes",
            ["hv_vtom_init", "hv_vtom_clear_present", "hv_vtom_set_host_visibility", "hv_ghcb_hypercall"],
            [],
            "Linux v6.12 arch/x86/hyperv/ivm.c, hv_vtom_clear_present()"),
        new("linux-6.12-tdp", "Hyper-V paravisor on TDX: not-present while the visibility changes",
            ["hv_vtom_init", "hv_vtom_clear_present", "hv_vtom_set_host_visibility", "hv_isolation_type_tdx"],
            [],
            "Linux v6.12 arch/x86/hyperv/ivm.c, hv_vtom_init(), case HV_ISOLATION_TYPE_TDX"),
        new("sev", "SEV and SEV-ES: page tables only, and a hypercall where the host asks for it",
            ["amd_enc_status_change_prepare", "amd_enc_status_change_finish"],
            [],
            "Linux v6.12 arch/x86/mm/mem_encrypt_amd.c, amd_enc_status_change_finish() and enc_dec_hypercall()"),
    ];

    /// <summary>The protocols whose mark matches, in the order of <see cref="All"/>.</summary>
    internal static IReadOnlyList<RecognisedCode> Recognise(Kallsyms symbols) =>
        [.. All.Select(mark => mark.In(symbols)).Where(static code => code.IsMatch)];
}
