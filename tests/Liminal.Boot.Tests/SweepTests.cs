// SPDX-License-Identifier: Apache-2.0

using System.Linq;
using System.Threading;
using Liminal.Checker.Properties;
using Liminal.Linux;
using Liminal.Linux.Diagnostics;
using Liminal.Linux.Guest;
using Liminal.Machine.Boot;
using Liminal.Machine.Confidential;
using Liminal.Memory;
using Liminal.Platform;
using Liminal.Sweep.Conversions;
using Liminal.Sweep.Judging;
using Liminal.Trace;

namespace Liminal.Boot.Tests;

public sealed class SweepTests(ITestOutputHelper output)
{
    private const ulong BootLimit = 4_000_000_000;

    [Fact]
    public void Linux_612_as_an_SNP_guest_loses_a_stray_load_in_both_directions()
    {
        using DebianGuest guest = Boot("snp");
        ConversionCampaign campaign = Begin(guest);

        foreach (PteAttribute target in new[] { PteAttribute.Shared, PteAttribute.Private })
        {
            ConversionFinding finding = Sweep(campaign, target, SweepRegion.DirectMap);

            Assert.Equal(0, finding.Record.Result.Error);
            Assert.Equal(Verdict.Violated, VerdictOf(finding, guest, Property.StrayLoadsSurvive).Verdict);
            SweepWindow unvalidated = Assert.Single(finding.Windows, static window => window.Meets == nameof(AccessOutcome.VmmCommunicationException));
            Assert.Equal(StrayLoadEnd.Terminated, unvalidated.End);
            Assert.Contains("error code 404", unvalidated.Conclusion);
            Assert.Equal(Enumerable.Range(0, 16), unvalidated.Pages);
        }
    }

    [Theory]
    [InlineData("vtom")]
    [InlineData("tdp")]
    public void Linux_612_under_a_paravisor_repairs_every_stray_load(string platform)
    {
        using DebianGuest guest = Boot(platform);
        ConversionCampaign campaign = Begin(guest);

        foreach (SweepRegion region in new[] { SweepRegion.DirectMap, SweepRegion.Vmalloc })
        {
            foreach (PteAttribute target in new[] { PteAttribute.Shared, PteAttribute.Private })
            {
                ConversionFinding finding = Sweep(campaign, target, region);

                Assert.Equal(0, finding.Record.Result.Error);
                Assert.NotEmpty(finding.Runs);
                Assert.All(finding.Runs, static run => Assert.Equal(StrayLoadEnd.Repaired, run.End));
                foreach (PropertyVerdict verdict in PropertyJudge.Of(finding, PlatformOf(guest)))
                    Assert.True(verdict.Verdict is Verdict.Holds or Verdict.NotApplicable, $"{region} {target} {verdict.Property}: {verdict.Reason}");
            }
        }
    }

    private static DebianGuest Boot(string platform)
    {
        var guest = new DebianGuest("debian:6.12-cloud", 2, 0, ConfidentialConfiguration.Of(Platforms.All.First(one => one.Name == platform)));
        guest.Log.Watch(UserLand.Mark, () => guest.Machine.RequestEnd("the user land is up"));
        guest.Machine.Run(BootLimit);
        Assert.Contains(UserLand.Mark, guest.Log.Text);
        return guest;
    }

    private static ConversionCampaign Begin(DebianGuest guest)
    {
        DiagnosticBag diagnostics = [];
        KernelKnowledge? knowledge = KernelKnowledge.Of(guest.Image, "kernel", diagnostics);
        Assert.True(knowledge is not null, diagnostics.ToString());
        GuestKernel? kernel = GuestKernel.Attach(guest.Machine, knowledge, out string problem);
        Assert.True(kernel is not null, problem);
        ConversionCampaign? campaign = ConversionCampaign.Begin(kernel, 0, out problem);
        Assert.True(campaign is not null, problem);
        return campaign;
    }

    private ConversionFinding Sweep(ConversionCampaign campaign, PteAttribute target, SweepRegion region)
    {
        ConversionFinding? finding = campaign.Sweep(new ConversionQuestion(target, region, 16), null, CancellationToken.None, out string problem);
        Assert.True(finding is not null, problem);
        foreach (SweepEvent one in finding.Record.Events)
            output.WriteLine($"{one.Instruction - finding.Record.First,8} {one.Lane,-7} {one.Title} [{one.Detail}] {one.Symbol}");

        foreach (SweepWindow window in finding.Windows)
            output.WriteLine($"{window.First - finding.Record.First}..{window.Last - finding.Record.First} {window.Mappings[0]}, {window.PageStates[0]}: {window.Meets}, {window.End}: {window.Conclusion}");

        Assert.True(finding.IsComplete);
        return finding;
    }

    private static ConfidentialPlatform PlatformOf(DebianGuest guest) => guest.Machine.Configuration.Confidential!.Platform;

    private static PropertyVerdict VerdictOf(ConversionFinding finding, DebianGuest guest, Property property) =>
        PropertyJudge.Of(finding, PlatformOf(guest)).Single(verdict => verdict.Property == property.ToString());
}
