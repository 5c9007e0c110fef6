// SPDX-License-Identifier: Apache-2.0

using System.Linq;
using System.Threading;
using Liminal.Checker.Properties;
using Liminal.Checker.Vocabulary;
using Liminal.Linux;
using Liminal.Linux.Diagnostics;
using Liminal.Machine.Boot;
using Liminal.Machine.Confidential;
using Liminal.Memory;
using Liminal.Platform;
using Liminal.Protocols;
using Liminal.Sweep.Conversions;
using Liminal.Sweep.Judging;
using Liminal.Sweep.Lifting;
using Liminal.Sweep.Recording;
using Liminal.Trace;
using GuestKernel = Liminal.Linux.Guest.GuestKernel;

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

    [Theory]
    [InlineData("tdx", "linux-6.12-tdx")]
    [InlineData("snp", "linux-6.12-snp")]
    [InlineData("vtom", "linux-6.12-vtom")]
    [InlineData("tdp", "linux-6.12-tdp")]
    public void A_conversion_that_was_seen_has_the_verdicts_of_the_built_in_protocol(string name, string builtIn)
    {
        using DebianGuest guest = Boot(name);
        ConversionCampaign campaign = Begin(guest);
        Protocol observed = ProtocolLift.Of(
            "observed", guest.Image.Version.Release, PlatformOf(guest), Record(campaign, PteAttribute.Shared), Record(campaign, PteAttribute.Private));
        output.WriteLine(ProtocolText.Of(observed));

        Assert.Equal(Verdicts(BuiltIn.All.Single(one => one.Name == builtIn), PlatformOf(guest)), Verdicts(observed, PlatformOf(guest)));
    }

    private static ConversionRecord Record(ConversionCampaign campaign, PteAttribute target)
    {
        ConversionRecord? record = campaign.Record(new ConversionQuestion(target, SweepRegion.DirectMap, 2), out string problem);
        Assert.True(record is not null, problem);
        Assert.Equal(0, record.Result.Error);
        return record;
    }

    /// <summary>Every verdict of the success path on the direct map, one line each.</summary>
    private static string Verdicts(Protocol protocol, ConfidentialPlatform platform)
    {
        var request = new CheckRequest { Protocols = [protocol], Platforms = [platform], Regions = [Region.DirectMap] };
        CheckReport report = CheckRun.Execute(request, "", "", static _ => { }, CancellationToken.None);
        return string.Join('\n',
            from cell in report.Cells
            from run in cell.Explorations
            from verdict in run.Properties
            select $"{cell.Direction} {run.Host} {string.Join(' ', run.Switches)} {verdict.Property}: {verdict.Verdict}");
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
