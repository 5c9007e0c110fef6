// SPDX-License-Identifier: Apache-2.0

using System.Linq;
using Liminal.Checker.Properties;
using Liminal.Memory;
using Liminal.Platform;
using Liminal.Sweep.Conversions;
using Liminal.Sweep.Recording;
using Liminal.Trace;

namespace Liminal.Boot.Tests;

public sealed class Sweep61Tests(ITestOutputHelper output)
{
    private const string Kernel = "debian:6.1-cloud";

    [Fact]
    public void Linux_61_as_an_SNP_guest_loses_a_stray_load_in_both_directions()
    {
        using var guest = new SweptGuest(Kernel, "snp", output);

        foreach (PteAttribute target in new[] { PteAttribute.Shared, PteAttribute.Private })
        {
            ConversionFinding finding = guest.Sweep(target);

            Assert.True(finding.IsComplete);
            Assert.Equal(0, finding.Record.Result.Error);
            Assert.Equal(Verdict.Violated, guest.VerdictOf(finding, Property.StrayLoadsSurvive).Verdict);
            Assert.Equal(finding.Range.Frames.Count, finding.Record.Steps.Count(static step => step.Kind == ObservedStepKind.GuestOperation));
        }
    }

    [Fact]
    public void Linux_61_under_a_paravisor_keeps_a_private_mapping_of_a_page_for_as_long_as_it_is_shared()
    {
        using var guest = new SweptGuest(Kernel, "vtom", output);

        ConversionFinding decrypt = guest.Sweep(PteAttribute.Shared);
        ConversionFinding encrypt = guest.Sweep(PteAttribute.Private);

        foreach (ConversionFinding finding in new[] { decrypt, encrypt })
        {
            Assert.True(finding.IsComplete);
            Assert.Equal(0, finding.Record.Result.Error);
            Assert.Equal(0, finding.Record.Cost.PteStores);
            Assert.Equal(Verdict.Violated, guest.VerdictOf(finding, Property.NoPrivateMappingOfASharedPage).Verdict);
            Assert.Equal(Verdict.Violated, guest.VerdictOf(finding, Property.StrayLoadsSurvive).Verdict);
        }

        // It is open when the decryption returns, and from the first instruction of the encryption on.
        Assert.Contains(decrypt.Record.PrivateViewsOfShared, static view => view.Closed < 0);
        Assert.Contains(encrypt.Record.PrivateViewsOfShared, static view => view.Opened < 0);
        Assert.Contains("after the conversion has returned", guest.VerdictOf(decrypt, Property.NoPrivateMappingOfASharedPage).Reason);
        Assert.Contains("since before the conversion", guest.VerdictOf(encrypt, Property.NoPrivateMappingOfASharedPage).Reason);
        Assert.Contains(decrypt.Record.Cost.Phases, static phase => phase.Name == "hv_set_mem_host_visibility");
    }

    [Fact]
    public void Linux_61_as_an_SEV_guest_meets_nothing()
    {
        using var guest = new SweptGuest(Kernel, "sev", output);

        foreach (PteAttribute target in new[] { PteAttribute.Shared, PteAttribute.Private })
        {
            ConversionFinding finding = guest.Sweep(target);

            Assert.True(finding.IsComplete);
            Assert.Equal(0, finding.Record.Result.Error);
            Assert.NotEqual(0, finding.Record.Cost.PteStores);
            Assert.DoesNotContain(finding.Windows, static window => window.Meets != nameof(AccessOutcome.Ok));
            Assert.Equal(Verdict.Holds, guest.VerdictOf(finding, Property.StrayLoadsSurvive).Verdict);
        }
    }
}
