// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using Liminal.Checker.Properties;
using Liminal.Checker.Vocabulary;
using Liminal.Linux;
using Liminal.Linux.Diagnostics;
using Liminal.Machine;
using Liminal.Machine.Boot;
using Liminal.Machine.Confidential;
using Liminal.Memory;
using Liminal.Platform;
using Liminal.Protocols;
using Liminal.Sweep.Applying;
using Liminal.Sweep.Conversions;
using Liminal.Sweep.Judging;
using Liminal.Trace;
using GuestKernel = Liminal.Linux.Guest.GuestKernel;

namespace Liminal.Boot.Tests;

/// <summary>Protocols that make the conversions of a real kernel in its place.</summary>
[Trait("Category", "Slow")]
public sealed class AppliedProtocolTests(ITestOutputHelper output)
{
    private const string Kernel = "debian:6.12-cloud";
    private const ulong BootLimit = 4_000_000_000;

    /// <summary>Contents, and what a failure leaves, need actors or failures that a sweep of one success has not.</summary>
    private static readonly Property[] Compared =
    [
        Property.StrayLoadsSurvive, Property.StrayLoadsTakePageFaultsOnly, Property.NoPrivateMappingOfASharedPage, Property.TranslationSucceeds,
        Property.CacheFlushTakesEffect, Property.NoStaleTranslationSurvives, Property.ConversionEndsAsRequested, Property.ConversionTerminates,
    ];

    [Theory]
    [InlineData("tdx", "rfc-2023")]
    [InlineData("vtom", "rfc-2023")]
    [InlineData("tdp", "rfc-2023")]
    [InlineData("snp", "v2-2023")]
    public void A_guest_boots_and_passes_its_script_when_every_conversion_takes_the_steps_of_a_protocol(string platform, string protocol)
    {
        using var guest = new DebianGuest(Kernel, 2, 0, ConfidentialConfiguration.Of(Platforms.All.Single(one => one.Name == platform)));
        ProtocolExecutor executor = ProtocolExecutor.Install(guest.Machine, Knowledge(guest), 0, BuiltIn.Find(protocol)!);
        MachineEnd end = guest.Machine.Run(BootLimit);

        Assert.True(end.Kind == MachineEndKind.PoweredOff, $"{end}\n{string.Join('\n', guest.Log.LastLines(30))}");
        Assert.Contains(" passed, 0 failed", guest.Log.Text, StringComparison.Ordinal);
        Assert.Equal(0, executor.Unfinished);
        Assert.All(executor.Conversions, static one => Assert.Equal(0, one.Result));

        // swiotlb, then one atomic DMA pool for each of DMA, DMA32 and Normal.
        Assert.Equal([16384, 32, 32, 32], executor.Conversions.Where(static one => one.Target == PteAttribute.Shared).Select(static one => one.Pages));
    }

    [Theory]
    [InlineData("tdx", "rfc-2023,linux-6.12-tdx")]
    [InlineData("vtom", "rfc-2023,linux-6.12-vtom")]
    [InlineData("snp", "rfc-2023,v2-2023,linux-6.12-snp")]
    public void A_protocol_in_a_kernel_has_the_verdicts_that_the_checker_gives_it(string platform, string protocols)
    {
        using DebianGuest guest = Boot(platform);
        ConversionCampaign campaign = Begin(guest);
        foreach (Protocol protocol in protocols.Split(',').Select(static name => BuiltIn.Find(name)!))
        {
            foreach (PteAttribute target in new[] { PteAttribute.Shared, PteAttribute.Private })
            {
                ConversionFinding finding = Sweep(campaign, protocol, target, SweepRegion.DirectMap, 4);
                AssertAgrees(finding, guest, protocol, Region.DirectMap);
            }
        }
    }

    [Fact]
    public void What_translates_decides_whether_a_page_of_vmalloc_can_be_named_while_it_is_not_present()
    {
        using DebianGuest guest = Boot("vtom");
        ConversionCampaign campaign = Begin(guest);
        foreach (Protocol protocol in new[] { Rfc2023.Protocol, Rfc2023.VirtToPhys, Rfc2023.VmallocToPage, Rfc2023.LookupAddress, Rfc2023.RawPte })
        {
            ConversionFinding finding = Sweep(campaign, protocol, PteAttribute.Shared, SweepRegion.Vmalloc, 2);
            bool isRight = protocol == Rfc2023.Protocol || protocol == Rfc2023.LookupAddress;
            PropertyVerdict verdict = PropertyJudge.Of(finding, PlatformOf(guest)).Single(static one => one.Property == nameof(Property.TranslationSucceeds));

            Assert.Equal(isRight ? Verdict.Holds : Verdict.Violated, verdict.Verdict);
            Assert.Equal(isRight ? 0 : -5, finding.Record.Result.Error);
        }
    }

    [Fact]
    public void One_processor_is_enough()
    {
        using DebianGuest guest = Boot("vtom", processors: 1);
        ConversionFinding finding = Sweep(Begin(guest), Rfc2023.Protocol, PteAttribute.Shared, SweepRegion.DirectMap, 4);

        Assert.NotEmpty(finding.Runs);
        Assert.All(finding.Runs, static run => Assert.Equal((0, StrayLoadEnd.Repaired), (run.Cpu, run.End)));
        AssertAgrees(finding, guest, Rfc2023.Protocol, Region.DirectMap);
    }

    [Fact]
    public void What_cannot_be_applied_says_why()
    {
        using var guest = new DebianGuest(Kernel, 1, 0);
        KernelKnowledge knowledge = Knowledge(guest);
        PteAttribute[] both = [PteAttribute.Shared, PteAttribute.Private];

        Assert.Null(ProtocolExecutor.WhyNot(Rfc2023.Protocol, Platforms.Snp, knowledge, both));
        Assert.Contains("does not run on snp", ProtocolExecutor.WhyNot(KelleyV4.Protocol, Platforms.Snp, knowledge, both), StringComparison.Ordinal);
        Assert.Contains("map the shared view", ProtocolExecutor.WhyNot(Linux61Vtom.Protocol, Platforms.Vtom, knowledge, both), StringComparison.Ordinal);
        Protocol oneWay = Rfc2023.Protocol with { EncryptSteps = [] };
        Assert.Contains("no steps for encrypt", ProtocolExecutor.WhyNot(oneWay, Platforms.Tdx, knowledge, both), StringComparison.Ordinal);
        Assert.Null(ProtocolExecutor.WhyNot(oneWay, Platforms.Tdx, knowledge, [PteAttribute.Shared]));
    }

    private void AssertAgrees(ConversionFinding finding, DebianGuest guest, Protocol protocol, Region region)
    {
        Dictionary<string, Verdict> expected = Checked(finding.Question.Target, guest, protocol, region);
        foreach (PropertyVerdict seen in PropertyJudge.Of(finding, PlatformOf(guest)).Where(static one => Compared.Any(property => property.ToString() == one.Property)))
        {
            if (seen.Verdict is Verdict.Holds or Verdict.Violated && expected[seen.Property] is Verdict.Holds or Verdict.Violated)
                Assert.True(seen.Verdict == expected[seen.Property], $"{protocol.Name} {finding.Question.Target} {seen.Property}: {seen.Verdict} {seen.Reason}, the checker says {expected[seen.Property]}");
            else
                output.WriteLine($"not compared: {protocol.Name} {finding.Question.Target} {seen.Property}: {seen.Verdict} {seen.Reason}, the checker says {expected[seen.Property]}");
        }
    }

    /// <summary>The checker's verdicts under the host and the settings that the guest runs with.</summary>
    private static Dictionary<string, Verdict> Checked(PteAttribute target, DebianGuest guest, Protocol protocol, Region region)
    {
        ConfidentialGuest host = guest.Machine.Confidential!;
        var request = new CheckRequest
        {
            Protocols = [protocol],
            Platforms = [host.Platform],
            Regions = [region],
            Hosts = [HostPolicy.Cooperative],
            Directions = [target == PteAttribute.Shared ? Direction.Decrypt : Direction.Encrypt],
            Switches = host.Platform.Switches.ToDictionary(
                static info => info.Switch, info => host.Switches.HasFlag(info.Switch) ? SwitchSettings.Set : SwitchSettings.Clear),
        };
        CheckReport report = CheckRun.Execute(request, "", "", static _ => { }, CancellationToken.None);
        Exploration exploration = report.Cells.Single().Explorations.First(static one => !one.Failures);
        return exploration.Properties.ToDictionary(static one => one.Property, static one => one.Verdict);
    }

    private static DebianGuest Boot(string platform, int processors = 2)
    {
        var guest = new DebianGuest(Kernel, processors, 0, ConfidentialConfiguration.Of(Platforms.All.First(one => one.Name == platform)));
        guest.Log.Watch(UserLand.Mark, () => guest.Machine.RequestEnd("the user land is up"));
        guest.Machine.Run(BootLimit);
        Assert.Contains(UserLand.Mark, guest.Log.Text);
        return guest;
    }

    private static ConversionCampaign Begin(DebianGuest guest)
    {
        GuestKernel? kernel = GuestKernel.Attach(guest.Machine, Knowledge(guest), out string problem);
        Assert.True(kernel is not null, problem);
        ConversionCampaign? campaign = ConversionCampaign.Begin(kernel, 0, out problem);
        Assert.True(campaign is not null, problem);
        return campaign;
    }

    private static KernelKnowledge Knowledge(DebianGuest guest)
    {
        DiagnosticBag diagnostics = [];
        KernelKnowledge? knowledge = KernelKnowledge.Of(guest.Image, "kernel", diagnostics);
        Assert.True(knowledge is not null, diagnostics.ToString());
        return knowledge;
    }

    private ConversionFinding Sweep(ConversionCampaign campaign, Protocol protocol, PteAttribute target, SweepRegion region, int pages)
    {
        ConversionFinding? finding = campaign.Sweep(
            new ConversionQuestion(target, region, pages) { Applied = protocol }, null, CancellationToken.None, out string problem);
        Assert.True(finding is not null, problem);
        foreach (SweepEvent one in finding.Record.Events)
            output.WriteLine($"{one.Instruction - finding.Record.First,8} {one.Lane,-7} {one.Title} [{one.Detail}] {one.Symbol}");

        foreach (SweepWindow window in finding.Windows)
            output.WriteLine($"{window.First - finding.Record.First}..{window.Last - finding.Record.First} {window.Mappings[0]}, {window.PageStates[0]}: {window.Meets}, {window.End}: {window.Conclusion}");

        return finding;
    }

    private static ConfidentialPlatform PlatformOf(DebianGuest guest) => guest.Machine.Configuration.Confidential!.Platform;
}
