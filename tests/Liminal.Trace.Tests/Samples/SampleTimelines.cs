// SPDX-License-Identifier: Apache-2.0

namespace Liminal.Trace.Tests;

/// <summary>Two counterexamples as the checker tells them, written by hand.</summary>
internal static class SampleTimelines
{
    private const string DirectMap = "direct map of page 0";

    private static readonly Lane[] Lanes =
    [
        new("converter", "converter", LaneKind.Converter),
        new("cpu0", "CPU 0", LaneKind.Cpu),
        new("cpu1", "CPU 1", LaneKind.Cpu),
        new("host", "host", LaneKind.Host),
        new("page0", "page 0", LaneKind.Page),
    ];

    /// <summary>The seven steps of 2023 on SEV-SNP: PVALIDATE needs the translation that step 2 has taken away.</summary>
    public static Timeline PvalidateFaults { get; } =
        new TimelineSketch("rfc-2023, decrypt, snp: TranslationSucceeds", Lanes)
            .Table("Page tables", "P", "attribute", "PFN field")
            .Row(DirectMap, "1", "private", "0x3bef7")
            .Table("TLBs", "page 0")
            .Row("CPU 0", "-")
            .Row("CPU 1", "-")
            .Table("Pages", "state", "private contents", "shared contents")
            .Row("page 0", "Validated", "guest data", "undefined")
            .Start("The page is private and in use. Nobody has cached a translation of it.")
            .Step("cpu1", "caches the private translation of page 0, speculatively", "The walker finds a present entry and caches it.", "APM2 7.1, Speculative reads",
                StepTone.Normal, ("TLBs", "CPU 1", "page 0", "private"))
            .Step("converter", "removes aliasing mappings", "vm_unmap_aliases(): no lazily freed alias of the page is left.", "Linux v6.12 mm/vmalloc.c, vm_unmap_aliases()")
            .Step("converter", "clears PRESENT of page 0", "The entry is non-zero and not present, so Linux stores its PFN field inverted.",
                "Linux v6.12 arch/x86/include/asm/pgtable-invert.h", StepTone.Notable,
                ("Page tables", DirectMap, "P", "0"), ("Page tables", DirectMap, "PFN field", "0xffffffffc4108"))
            .Step("converter", "asks every CPU to flush its TLB", "An IPI to CPU 0 and CPU 1; the converter waits for both.", "Linux v6.12 arch/x86/mm/tlb.c, flush_tlb_all()")
            .Step("cpu0", "flushes its TLB", "Nothing of the page was cached here.", "Linux v6.12 arch/x86/mm/tlb.c, do_flush_tlb_all()")
            .Step("cpu1", "flushes its TLB", "The cached translation of page 0 is gone.", "Linux v6.12 arch/x86/mm/tlb.c, do_flush_tlb_all()",
                StepTone.Normal, ("TLBs", "CPU 1", "page 0", "-"))
            .Step("converter", "flushes the data cache of page 0", "cpa_flush() looks the entry up, finds PRESENT clear and flushes nothing.",
                "Linux v6.12 arch/x86/mm/pat/set_memory.c, cpa_flush()", StepTone.Notable)
            .Step("converter", "clears the C-bit of page 0", "The attribute changes in an entry that is not present.", "Linux v6.12 arch/x86/coco/core.c, cc_mkdec()",
                StepTone.Normal, ("Page tables", DirectMap, "attribute", "shared"))
            .Step("converter", "executes PVALIDATE(0) on page 0", "The instruction names the page by its virtual address. The address has no translation: #PF in the kernel.",
                "APM3 PVALIDATE; Lendacky, 2 October 2023", StepTone.Violation)
            .End("PVALIDATE of page 0 takes #PF: its operand is a virtual address, and PRESENT has been cleared.");

    /// <summary>TDX in Linux 6.12 under a host that converts a page on access: a stray load takes an accepted page away.</summary>
    public static Timeline ImplicitConversion { get; } =
        new TimelineSketch("linux-6.12-tdx, encrypt, tdx: StrayLoadsSurvive", Lanes)
            .Table("Page tables", "P", "attribute", "PFN field")
            .Row(DirectMap, "1", "shared", "0x12345")
            .Table("TLBs", "page 0")
            .Row("CPU 0", "-")
            .Row("CPU 1", "-")
            .Table("Pages", "state", "private contents", "shared contents")
            .Row("page 0", "Shared", "undefined", "driver data")
            .Start("The page is shared; the conversion to private begins.")
            .Step("host", "carries out MapGPA(private) for page 0", "The shared mapping is removed and a pending page is added.", "GHCI 3.2 TDG.VP.VMCALL<MapGPA>",
                StepTone.Notable, ("Pages", "page 0", "state", "Pending"))
            .Step("converter", "executes TDG.MEM.PAGE.ACCEPT on page 0", "The page is mapped and zeroed.", "TDX-Module-ABI TDG.MEM.PAGE.ACCEPT",
                StepTone.Normal, ("Pages", "page 0", "state", "Mapped"), ("Pages", "page 0", "private contents", "zero"))
            .Step("cpu1", "makes a stray load through the shared mapping of page 0",
                "The shared EPT entry is not present and suppresses #VE: the access leaves the guest.", "Linux v6.12 arch/x86/kvm/mmu/spte.h, SHADOW_NONPRESENT_VALUE",
                StepTone.Notable, ("TLBs", "CPU 1", "page 0", "shared"))
            .Step("host", "converts page 0 to shared", "The host takes the access for a wish and drops the accepted page.",
                "Linux v6.12 arch/x86/kvm/mmu/mmu.c, kvm_faultin_pfn()", StepTone.Notable,
                ("Pages", "page 0", "state", "Shared"), ("Pages", "page 0", "private contents", "undefined"))
            .Step("converter", "clears the shared bit of page 0", "The conversion goes on: nobody told it.", "Linux v6.12 arch/x86/coco/core.c, cc_mkenc()",
                StepTone.Normal, ("Page tables", DirectMap, "attribute", "private"))
            .Step("cpu1", "flushes its TLB", "", "Linux v6.12 arch/x86/mm/tlb.c, do_flush_tlb_all()", StepTone.Normal, ("TLBs", "CPU 1", "page 0", "-"))
            .Step("cpu0", "makes a stray load through the private mapping of page 0", "The page is shared on the host's side: the access leaves the guest.",
                "TDX-Module-ABI, EPT violation on a private GPA", StepTone.Normal)
            .Step("host", "converts page 0 to private", "The page is added again, and is pending again.", "Linux v6.12 arch/x86/kvm/mmu/mmu.c, kvm_faultin_pfn()",
                StepTone.Normal, ("Pages", "page 0", "state", "Pending"))
            .Step("cpu0", "tries the load again", "A pending page with SEPT_VE_DISABLE: exit to the host, which cannot serve it. The guest is terminated.",
                "TDX-Module-ABI ATTRIBUTES.SEPT_VE_DISABLE", StepTone.Violation)
            .End("A stray load terminates the guest: the host converted the accepted page on access, and the guest never accepts it again.");
}
