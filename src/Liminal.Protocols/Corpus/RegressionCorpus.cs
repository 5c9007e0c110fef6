// SPDX-License-Identifier: Apache-2.0

using System.Collections.Generic;
using Liminal.Checker.Properties;
using Liminal.Checker.Scenarios;
using Liminal.Checker.Vocabulary;
using Liminal.Platform;
using Liminal.Trace;

namespace Liminal.Protocols;

/// <summary>Ordering and conversion bugs that were found in the wild, each with the verdict that shows it.</summary>
/// <remarks>Source: the rows name it.</remarks>
public static class RegressionCorpus
{
    private const PolicySwitches VeReachesGuest = PolicySwitches.SeptVeDisable;
    private const PolicySwitches VeIsSuppressed = PolicySwitches.SeptVeDisable | PolicySwitches.SuppressVe;
    private const PolicySwitches NothingSet = PolicySwitches.None;

    /// <summary>The rows, in the order of their numbers.</summary>
    public static IReadOnlyList<CorpusRow> Rows { get; } =
    [
        new(1, "Linux TDX", "The PTEs become private before the page does: a private mapping of a shared page is a guest shutdown.",
            "Linux, fixes 7dbde7631629 and 195edce08b63",
            [
                Violated("before the fix the PTE is private while the page is shared", Property.NoPrivateMappingOfASharedPage,
                    Tdx(LinuxTdxBefore65.Protocol, Direction.Encrypt)),
                Violated("and a stray load through it ends the guest", Property.StrayLoadsSurvive,
                    Tdx(LinuxTdxBefore65.Protocol, Direction.Encrypt)),
                Holds("after the fix it never is", Property.NoPrivateMappingOfASharedPage,
                    Tdx(Linux612Tdx.Protocol, Direction.Encrypt)),
            ]),
        new(2, "Linux TDX", "A zeropad load that crosses into a shared page is decoded as MMIO, and the host supplies its data.",
            "Linux, \"x86/tdx: Handle load_unaligned_zeropad() page-cross to a shared page\", 2022",
            [
                Violated("before the check the host answers the load", Property.NoHostDataIsTakenForPrivate,
                    Tdx(LinuxTdxBeforePageCrossCheck.Protocol, Direction.Decrypt)),
                Holds("after it the exception table repairs the load", Property.NoHostDataIsTakenForPrivate,
                    Tdx(Linux61Tdx.Protocol, Direction.Decrypt)),
            ]),
        new(3, "Linux, version 1 of Kelley's series", "PRESENT is cleared before PVALIDATE, which takes a virtual address: SNP dies at boot.",
            "LKML 2023-10-02, Lendacky",
            [
                Violated("PVALIDATE takes a #PF", Property.ConversionEndsAsRequested, Snp(KelleyV1.Protocol, Direction.Encrypt)),
                Holds("a temporary address for it, as in version 2, helps", Property.ConversionEndsAsRequested,
                    Snp(KelleyV2.Protocol, Direction.Encrypt)),
            ]),
        new(4, "callers in Linux", "A page is freed and used again after its conversion has failed.",
            "LKML 2023-10-17, Edgecombe, \"Handle set_memory_XXcrypted() errors\"",
            [
                Violated("a freed page is handed out while it is shared", Property.NoPlaintextReachesTheHost,
                    Tdx(Linux612Tdx.Protocol, Direction.Decrypt) with { Failures = true }),
                Holds("a leaked page is not", Property.NoPlaintextReachesTheHost,
                    Tdx(Linux612Tdx.Protocol, Direction.Decrypt) with { Failures = true, Caller = CallerOnFailure.Leaks }),
            ]),
        new(5, "Oak stage0", "The GHCB is corrupted; the order of marking, flushing and sharing differs between components.",
            "Oak, pull request 3844",
            [
                Violated("old private lines may be written over the new GHCB", Property.CacheFlushTakesEffect,
                    Snp(OakGhcb.AttributeFirst, Direction.Decrypt)),
                Holds("marking before sharing is safe for loads where a C=0 read is not checked", Property.StrayLoadsSurvive,
                    Snp(OakGhcb.AttributeFirst, Direction.Decrypt)),
                Violated("sharing before marking is not", Property.StrayLoadsSurvive, Snp(OakGhcb.StateFirst, Direction.Decrypt)),
            ],
            "Registering the GHCB and resetting its bytes are no steps of a conversion here."),
        new(6, "COCONUT-SVSM", "No TLB flush when a GHCB page is dropped: a stale shared translation of a private page.",
            "COCONUT-SVSM, pull request 1188, commit 338cbc2d",
            [
                Violated("the stale translation survives", Property.NoStaleTranslationSurvives, Snp(CoconutGhcb.BeforeFix, Direction.Encrypt)),
                Violated("and the next owner's data goes out through it", Property.NoPlaintextReachesTheHost,
                    Snp(CoconutGhcb.BeforeFix, Direction.Encrypt)),
                Holds("with the flush it does not survive", Property.NoStaleTranslationSurvives, Snp(CoconutGhcb.AfterFix, Direction.Encrypt)),
                Holds("and nothing goes out", Property.NoPlaintextReachesTheHost, Snp(CoconutGhcb.AfterFix, Direction.Encrypt)),
            ]),
        new(7, "COCONUT-SVSM", "PVALIDATE races with CREATE_VCPU and DELETE_VCPU.", "COCONUT-SVSM, commit 994a5590", [],
            "The model has no VMSA pages and no service that makes one of a guest's page while the guest converts it."),
        new(8, "OpenHCL", "Stale cache lines on shared-to-private under SNP.", "OpenVMM pull requests 3806 and 3861",
            [
                Violated("a shared line is written back over the private page", Property.CacheFlushTakesEffect,
                    Snp(OpenHclAcceptance.WithoutFlush, Direction.Encrypt)),
                Holds("not after a flush through the shared mapping", Property.CacheFlushTakesEffect,
                    Snp(OpenHclAcceptance.WithFlush, Direction.Encrypt)),
            ]),
        new(9, "OpenHCL on VBS", "The visibility of pages is changed that were not accepted.", "OpenVMM pull request 1845", [],
            "VBS isolation is no platform of the rulebook; under vTOM the paravisor takes an unaccepted page as it is."),
        new(10, "OpenHCL", "A failing change of visibility crashes the paravisor.", "OpenVMM issue 1312", [],
            "A host that refuses may deny service: a guest or paravisor that ends itself then violates no property."),
        new(11, "TDX live migration", "A page in the REMOVED state cannot be accepted after a conversion.", "TDX-Module issue 18",
            [
                Violated("ACCEPT fails, and the conversion with it", Property.ConversionEndsAsRequested,
                    Tdx(Linux612Tdx.Protocol, Direction.Encrypt) with { InitialState = StateOf(Platforms.Tdx, "Removed+Shared") }),
            ]),
        new(12, "TDX Connect", "A private page must be released before it can be shared.", "OpenVMM pull request 3748; LKML 2026-06-04, Duan",
            [
                Violated("without the release the VMM cannot take the page", Property.ConversionEndsAsRequested,
                    Tdx(Linux612Tdx.Protocol, Direction.Decrypt) with { Switches = VeReachesGuest | PolicySwitches.ReleaseRequired }),
                Holds("with it the VMM can", Property.ConversionEndsAsRequested,
                    Tdx(TdxConnect.Protocol, Direction.Decrypt) with { Switches = VeReachesGuest | PolicySwitches.ReleaseRequired }),
            ],
            "Accepting again the pages released before a failure is left out: a step that cleans up covers the whole range."),
        new(13, "Linux, the RFC", "The cache flush stands after clearing PRESENT, and cpa_flush() skips entries that are not present.",
            "Thread 2023, Kelley, RFC, step 4; Linux v6.12, mm/pat/set_memory.c, cpa_flush(): only present addresses",
            [
                Violated("nothing is flushed", Property.CacheFlushTakesEffect, Tdx(Rfc2023.Protocol, Direction.Decrypt)),
                Holds("flushed first, as in version 2, it is", Property.CacheFlushTakesEffect, Tdx(KelleyV2.Protocol, Direction.Decrypt)),
            ]),
        new(14, "Linux SNP, 6.1 and 6.12", "A stray load in a mismatch window ends in #VC 0x404, which is never repaired.",
            "Linux v6.12, coco/sev/core.c, vc_raw_handle_exception(): the exception table is never asked",
            [
                Violated("6.1, private to shared", Property.StrayLoadsSurvive, Snp(Linux61Snp.Protocol, Direction.Decrypt)),
                Violated("6.1, shared to private", Property.StrayLoadsSurvive, Snp(Linux61Snp.Protocol, Direction.Encrypt)),
                Violated("6.12, private to shared", Property.StrayLoadsSurvive, Snp(Linux612Snp.Protocol, Direction.Decrypt)),
                Violated("6.12, shared to private", Property.StrayLoadsSurvive, Snp(Linux612Snp.Protocol, Direction.Encrypt)),
            ]),
        new(15, "Linux TDX on KVM", "Candidate: with suppress-#VE and implicit conversion a stray load drops the page that was just accepted.",
            "KVM v6.12, mmu/spte.h, SHADOW_NONPRESENT_VALUE; QEMU v9.1, kvm-all.c, kvm_convert_memory()",
            [
                Violated("the conversion returns success, and the page is not private", Property.ConversionEndsAsRequested,
                    Tdx(Linux612Tdx.Protocol, Direction.Encrypt) with { Host = HostPolicy.ImplicitConvert, Switches = VeIsSuppressed }),
                Holds("not where #VE reaches the guest", Property.ConversionEndsAsRequested,
                    Tdx(Linux612Tdx.Protocol, Direction.Encrypt) with { Host = HostPolicy.ImplicitConvert }),
                Holds("not where pages are not present meanwhile", Property.ConversionEndsAsRequested,
                    Tdx(KelleyV2.Protocol, Direction.Encrypt) with { Host = HostPolicy.ImplicitConvert, Switches = VeIsSuppressed }),
            ]),
        new(16, "callers in Linux", "kvmclock and sev-guest free pages after a failed decrypt; swiotlb ignores the failure.",
            "Linux v6.12, kvmclock_init_mem(), sev-guest's alloc_shared_pages(), swiotlb_update_mem_attributes()",
            [
                Violated("sev-guest frees a page in a mixed state", Property.FailureLeavesNothingUsable,
                    Snp(Linux612Snp.Protocol, Direction.Decrypt) with { Failures = true }),
                Violated("swiotlb uses a buffer that is half converted", Property.FailureLeavesNothingUsable,
                    Snp(Linux612Snp.Protocol, Direction.Decrypt) with { Failures = true, Caller = CallerOnFailure.Ignores }),
                Holds("a leaked page does no harm", Property.FailureLeavesNothingUsable,
                    Snp(Linux612Snp.Protocol, Direction.Decrypt) with { Failures = true, Caller = CallerOnFailure.Leaks }),
            ]),
    ];

    private static Scenario Tdx(Protocol protocol, Direction direction) =>
        new(protocol, Platforms.Tdx, direction, HostPolicy.Cooperative, VeReachesGuest);

    private static Scenario Snp(Protocol protocol, Direction direction) =>
        new(protocol, Platforms.Snp, direction, HostPolicy.Cooperative, NothingSet);

    private static CorpusCase Violated(string says, Property property, Scenario scenario) => new(says, scenario, property, Verdict.Violated);

    private static CorpusCase Holds(string says, Property property, Scenario scenario) => new(says, scenario, property, Verdict.Holds);

    private static PageState StateOf(ConfidentialPlatform platform, string name)
    {
        foreach (PageStateInfo info in platform.States)
        {
            if (info.Name == name)
                return info.State;
        }

        throw new System.ArgumentException($"platform {platform.Name} has no page state {name}", nameof(name));
    }
}
