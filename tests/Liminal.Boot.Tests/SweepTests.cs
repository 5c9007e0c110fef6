// SPDX-License-Identifier: Apache-2.0

using System.Linq;
using Liminal.Checker.Properties;
using Liminal.Machine.Confidential;
using Liminal.Memory;
using Liminal.Platform;
using Liminal.Sweep.Conversions;
using Liminal.Sweep.Judging;
using Liminal.Trace;

namespace Liminal.Boot.Tests;

public sealed class SweepTests(ITestOutputHelper output)
{
    private const string Kernel = "debian:6.12-cloud";

    [Fact]
    public void Linux_612_as_an_SNP_guest_loses_a_stray_load_in_both_directions()
    {
        using var guest = new SweptGuest(Kernel, "snp", output);

        foreach (PteAttribute target in new[] { PteAttribute.Shared, PteAttribute.Private })
        {
            ConversionFinding finding = guest.Sweep(new ConversionQuestion(target, SweepRegion.DirectMap, 16));

            Assert.True(finding.IsComplete);
            Assert.Equal(0, finding.Record.Result.Error);
            Assert.Equal(Verdict.Violated, guest.VerdictOf(finding, Property.StrayLoadsSurvive).Verdict);
            SweepWindow unvalidated = Assert.Single(finding.Windows, static window => window.Meets == nameof(AccessOutcome.VmmCommunicationException));
            Assert.Equal(StrayLoadEnd.Terminated, unvalidated.End);
            Assert.Contains("error code 404", unvalidated.Conclusion);
            Assert.Equal(Enumerable.Range(0, 16), unvalidated.Pages);
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_translation_that_an_SNP_guest_still_holds_gives_a_stray_load_its_data_unless_hardware_drops_it(bool isDropped)
    {
        using var guest = new SweptGuest(Kernel, "snp", output);
        PolicySwitches switches = ConfidentialConfiguration.DefaultSwitches(guest.Platform) & ~PolicySwitches.RmpChangeInvalidatesTlb;

        ConversionFinding finding = guest.Sweep(new ConversionQuestion(PteAttribute.Shared, SweepRegion.DirectMap, 16)
        {
            Switches = isDropped ? switches | PolicySwitches.RmpChangeInvalidatesTlb : switches,
        });

        SweepWindow[] held = [.. finding.Windows.Where(static window => window.Translation == TranslationOrigin.Cached)];
        Assert.Equal(isDropped, held.Length == 0);
        foreach (SweepWindow window in held)
        {
            Assert.Equal((nameof(AccessOutcome.Ok), StrayLoadEnd.Completed), (window.Meets, window.End));
            Assert.NotEmpty(window.Runs);
        }
    }

    [Theory]
    [InlineData("vtom")]
    [InlineData("tdp")]
    public void Linux_612_under_a_paravisor_repairs_every_stray_load(string platform)
    {
        using var guest = new SweptGuest(Kernel, platform, output);

        foreach (SweepRegion region in new[] { SweepRegion.DirectMap, SweepRegion.Vmalloc })
        {
            foreach (PteAttribute target in new[] { PteAttribute.Shared, PteAttribute.Private })
            {
                ConversionFinding finding = guest.Sweep(new ConversionQuestion(target, region, 16));

                Assert.True(finding.IsComplete);
                Assert.Equal(0, finding.Record.Result.Error);
                SweptGuest.AssertRepaired(finding);
                foreach (PropertyVerdict verdict in PropertyJudge.Of(finding, guest.Platform))
                    Assert.True(verdict.Verdict is Verdict.Holds or Verdict.NotApplicable, $"{region} {target} {verdict.Property}: {verdict.Reason}");
            }
        }
    }
}
