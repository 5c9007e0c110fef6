// SPDX-License-Identifier: Apache-2.0

using System.Collections.Generic;
using System.Linq;
using Liminal.Checker.Properties;
using Liminal.Checker.Scenarios;
using Liminal.Platform;
using Liminal.Trace;

namespace Liminal.Protocols.Tests;

/// <summary>What a kernel developer must be able to read off the matrix, sentence by sentence.</summary>
public sealed class WhatTheMatrixSaysTests
{
    private static readonly string[] BothWays = ["decrypt", "encrypt"];

    public static TheoryData<string, string> SnpKernels => Cells(["linux-6.1-snp", "linux-6.12-snp"]);

    public static TheoryData<string, string> Generic => Cells(["rfc-2023", "v1-2023"]);

    public static TheoryData<string> Directions => ["decrypt", "encrypt"];

    // ---- The RFC.

    [Theory]
    [MemberData(nameof(Directions))]
    public void The_order_of_the_RFC_is_safe_for_stray_loads_on_TDX_and_under_a_paravisor(string direction)
    {
        foreach (string platform in (string[])["tdx", "tdp", "vtom"])
        {
            Assert.All(DefaultMatrix.Success("rfc-2023", direction, platform), exploration =>
            {
                Assert.Equal(Verdict.Holds, exploration.On(Property.StrayLoadsSurvive));
                Assert.Equal(Verdict.Holds, exploration.On(Property.StrayLoadsTakePageFaultsOnly));
                Assert.Equal(Verdict.Holds, exploration.On(Property.NoPrivateMappingOfASharedPage));
                Assert.Equal(Verdict.Holds, exploration.On(Property.ConversionEndsAsRequested));
            });
        }
    }

    [Theory]
    [MemberData(nameof(Directions))]
    public void Under_a_paravisor_nothing_at_all_is_wrong_with_the_RFC(string direction)
    {
        DefaultMatrix.Success("rfc-2023", direction, "tdp").Violate();
        DefaultMatrix.Success("rfc-2023", direction, "vtom").Violate();
    }

    [Theory]
    [MemberData(nameof(Generic))]
    public void Not_present_fails_on_SNP_because_PVALIDATE_needs_a_valid_virtual_address(string protocol, string direction)
    {
        Assert.All(DefaultMatrix.Success(protocol, direction, "snp"), exploration =>
            Assert.Equal(Verdict.Violated, exploration.On(Property.ConversionEndsAsRequested)));

        string reason = Ask.Of(protocol, Platforms.Snp, direction).WhyViolated(Property.ConversionEndsAsRequested);

        Assert.Contains("PVALIDATE", reason);
        Assert.Contains("takes a virtual address, and the direct map of page 0 is not present", reason);
    }

    [Theory]
    [MemberData(nameof(Directions))]
    public void The_RFCs_cache_flush_after_clearing_PRESENT_does_nothing_wherever_it_is_needed(string direction)
    {
        Assert.All(DefaultMatrix.Success("rfc-2023", direction, "tdx"), exploration =>
            Assert.Equal(Verdict.Violated, exploration.On(Property.CacheFlushTakesEffect)));
        foreach (string platform in (string[])["snp", "sev"])
        {
            Assert.All(DefaultMatrix.Success("rfc-2023", direction, platform), exploration => Assert.Equal(
                exploration.Has("coherent-caches") ? Verdict.NotApplicable : Verdict.Violated,
                exploration.On(Property.CacheFlushTakesEffect)));
        }

        string reason = Ask.Of("rfc-2023", Platforms.Tdx, direction).WhyViolated(Property.CacheFlushTakesEffect);

        Assert.Contains("not present: cpa_flush() skips it, nothing is flushed", reason);
    }

    // ---- Shutemov's question: which translation works on a page that is not present?

    [Fact]
    public void Vmalloc_to_page_fails_in_the_callback_and_virt_to_phys_names_another_page()
    {
        foreach (string protocol in (string[])["rfc-2023-vmalloc-to-page", "rfc-2023-virt-to-phys"])
        {
            foreach (string platform in (string[])["tdx", "tdp", "vtom", "sev"])
            {
                Assert.All(BothWays.SelectMany(direction => DefaultMatrix.Success(protocol, direction, platform)), exploration => Assert.Equal(
                    exploration.Region == "vmalloc" ? Verdict.Violated : Verdict.Holds,
                    exploration.On(Property.TranslationSucceeds)));
            }
        }
    }

    [Fact]
    public void Slow_virt_to_phys_and_lookup_address_find_the_page_although_it_is_not_present()
    {
        foreach (string protocol in (string[])["rfc-2023", "rfc-2023-lookup-address"])
        {
            foreach (string platform in (string[])["tdx", "snp", "tdp", "vtom", "sev"])
            {
                Assert.All(BothWays.SelectMany(direction => DefaultMatrix.Success(protocol, direction, platform)), exploration =>
                    Assert.Equal(Verdict.Holds, exploration.On(Property.TranslationSucceeds)));
            }
        }
    }

    [Fact]
    public void The_bits_of_a_PTE_that_is_not_present_name_another_page()
    {
        foreach (string platform in (string[])["tdx", "tdp", "vtom", "sev"])
        {
            Assert.All(BothWays.SelectMany(direction => DefaultMatrix.Success("rfc-2023-raw-pte", direction, platform)), exploration =>
                Assert.Equal(Verdict.Violated, exploration.On(Property.TranslationSucceeds)));
        }
    }

    // ---- What became of the series.

    [Theory]
    [MemberData(nameof(Directions))]
    public void Version_2_holds_on_every_platform(string direction)
    {
        foreach (string platform in (string[])["tdx", "snp", "tdp", "vtom", "sev"])
            DefaultMatrix.Success("v2-2023", direction, platform).Violate();
    }

    [Theory]
    [MemberData(nameof(Directions))]
    public void Version_4_and_Linux_6_12_under_a_paravisor_hold_on_the_success_path(string direction)
    {
        DefaultMatrix.Success("v4-2024", direction, "tdp").Violate();
        DefaultMatrix.Success("v4-2024", direction, "vtom").Violate();
        DefaultMatrix.Success("linux-6.12-tdp", direction, "tdp").Violate();
        DefaultMatrix.Success("linux-6.12-vtom", direction, "vtom").Violate();
    }

    [Theory]
    [MemberData(nameof(Directions))]
    public void Linux_6_12_under_a_paravisor_leaves_pages_not_present_when_prepare_fails_whatever_the_caller_does(string direction)
    {
        Assert.All(DefaultMatrix.Failures("linux-6.12-vtom", direction, "vtom"), exploration =>
            Assert.Equal(Verdict.Violated, exploration.On(Property.FailureLeavesNothingUsable)));

        string reason = (Ask.Of("linux-6.12-vtom", Platforms.Vtom, direction) with { Failures = true, Caller = CallerOnFailure.Leaks })
            .WhyViolated(Property.FailureLeavesNothingUsable);

        Assert.EndsWith("the direct map of page 0 stays not present", reason);
    }

    // ---- SNP.

    [Theory]
    [MemberData(nameof(SnpKernels))]
    public void A_stray_load_in_a_mismatch_window_of_SNP_ends_the_guest_under_every_host_and_setting(string kernel, string direction)
    {
        DefaultMatrix.Success(kernel, direction, "snp")
            .Violate(Property.StrayLoadsSurvive, Property.StrayLoadsTakePageFaultsOnly, Property.NoPrivateMappingOfASharedPage);
    }

    [Fact]
    public void On_SNP_it_is_a_VC_for_a_page_that_is_not_validated_and_nothing_repairs_it()
    {
        string reason = Ask.Of("linux-6.12-snp", Platforms.Snp, "decrypt").WhyViolated(Property.StrayLoadsSurvive);

        Assert.Contains("a private access to a page that is Assigned: rmp-not-validated", reason);
    }

    // ---- TDX.

    [Fact]
    public void TDX_before_the_fix_of_6_5_has_a_private_mapping_of_a_shared_page()
    {
        Assert.All(DefaultMatrix.Success("linux-tdx-before-6.5", "encrypt", "tdx"), exploration =>
        {
            Assert.Equal(Verdict.Violated, exploration.On(Property.NoPrivateMappingOfASharedPage));
            Assert.Equal(Verdict.Violated, exploration.On(Property.StrayLoadsSurvive));
        });
        Assert.All(DefaultMatrix.Success("linux-tdx-before-6.5", "decrypt", "tdx"), exploration =>
            Assert.Equal(Verdict.Holds, exploration.On(Property.NoPrivateMappingOfASharedPage)));
    }

    [Fact]
    public void TDX_in_6_12_survives_on_decrypt_where_a_VE_reaches_the_guest_or_the_host_converts()
    {
        Assert.All(DefaultMatrix.Success("linux-6.12-tdx", "decrypt", "tdx"), exploration =>
        {
            bool survives = !exploration.Has("suppress-ve") || exploration.Host == "implicit-convert";
            Assert.Equal(survives ? Verdict.Holds : Verdict.Violated, exploration.On(Property.StrayLoadsSurvive));
            Assert.Equal(Verdict.Violated, exploration.On(Property.StrayLoadsTakePageFaultsOnly));
        });
    }

    [Fact]
    public void TDX_in_6_12_survives_on_encrypt_only_where_a_VE_reaches_the_guest()
    {
        Assert.All(DefaultMatrix.Success("linux-6.12-tdx", "encrypt", "tdx"), exploration => Assert.Equal(
            exploration.Has("suppress-ve") ? Verdict.Violated : Verdict.Holds,
            exploration.On(Property.StrayLoadsSurvive)));
    }

    [Fact]
    public void A_host_that_suppresses_VE_and_converts_implicitly_takes_back_the_page_that_TDX_has_just_accepted()
    {
        Ask scenario = Ask.Of("linux-6.12-tdx", Platforms.Tdx, "encrypt") with
        {
            Host = HostPolicy.ImplicitConvert,
            Switches = PolicySwitches.SeptVeDisable | PolicySwitches.SuppressVe,
        };

        Assert.Contains(
            "tdx-private-not-there, then vmm-converts-to-private, then tdx-pending-exit, then kvm-access-before-accepting",
            scenario.WhyViolated(Property.StrayLoadsSurvive));
        Assert.Contains("page states and page tables disagree at the end", scenario.WhyViolated(Property.ConversionEndsAsRequested));
    }

    [Fact]
    public void Linux_6_1_takes_RETRY_for_a_failure_and_6_12_calls_again()
    {
        foreach (string direction in BothWays)
        {
            IEnumerable<Exploration> before = DefaultMatrix.Success("linux-6.1-tdx", direction, "tdx").Where(exploration => exploration.Host == "retry");
            IEnumerable<Exploration> after = DefaultMatrix.Success("linux-6.12-tdx", direction, "tdx").Where(exploration => exploration.Host == "retry");

            Assert.All(before, exploration => Assert.Equal(Verdict.Violated, exploration.On(Property.ConversionEndsAsRequested)));
            Assert.All(after, exploration => Assert.Equal(Verdict.Holds, exploration.On(Property.ConversionEndsAsRequested)));
        }
    }

    // ---- What has no page state, and what never closes its window.

    [Fact]
    public void Without_an_RMP_no_stray_load_ever_meets_the_platform()
    {
        foreach (string direction in BothWays)
        {
            DefaultMatrix.Success("sev", direction, "sev").Violate();
            DefaultMatrix.Success("rfc-2023", direction, "none").Violate();
        }
    }

    [Fact]
    public void A_host_cannot_fail_a_conversion_by_the_answer_to_a_call_whose_answer_is_ignored()
    {
        foreach (string direction in BothWays)
        {
            Exploration exploration = (Ask.Of("sev", Platforms.Sev, direction) with { Host = HostPolicy.Malicious }).Explore();

            Assert.Equal(Verdict.Holds, exploration.On(Property.FailureLeavesNothingUsable));
        }
    }

    [Theory]
    [MemberData(nameof(Directions))]
    public void Linux_6_1_in_an_isolation_VM_keeps_a_private_mapping_as_long_as_the_page_is_shared(string direction)
    {
        DefaultMatrix.Success("linux-6.1-vtom", direction, "vtom")
            .Violate(Property.StrayLoadsSurvive, Property.StrayLoadsTakePageFaultsOnly, Property.NoPrivateMappingOfASharedPage);
    }

    [Fact]
    public void It_is_there_before_an_encryption_has_done_anything()
    {
        PropertyVerdict verdict = Ask.Of("linux-6.1-vtom", Platforms.Vtom, "encrypt").VerdictOn(Property.NoPrivateMappingOfASharedPage);

        Assert.Single(verdict.Counterexample!.Steps);
    }

    private static TheoryData<string, string> Cells(IEnumerable<string> protocols)
    {
        TheoryData<string, string> cells = [];
        foreach (string protocol in protocols)
        {
            foreach (string direction in BothWays)
                cells.Add(protocol, direction);
        }

        return cells;
    }
}
