// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using Liminal.Checker.Properties;
using Liminal.Checker.Vocabulary;
using Liminal.Linux;
using Liminal.Machine;
using Liminal.Machine.Confidential;
using Liminal.Memory;
using Liminal.Platform;
using Liminal.Protocols;
using Liminal.Sweep.Applying;
using Liminal.Sweep.Conversions;
using Liminal.Sweep.Judging;
using Liminal.Trace;

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
        using var guest = new DebianGuest(Kernel, 2, 0, ConfidentialConfiguration.Of(Platforms.Find(platform)!));
        ProtocolExecutor executor = ProtocolExecutor.Install(guest.Machine, guest.Knowledge(), 0, BuiltIn.Find(protocol)!);
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
        using var guest = new SweptGuest(Kernel, platform, output);
        foreach (Protocol protocol in protocols.Split(',').Select(static name => BuiltIn.Find(name)!))
        {
            foreach (PteAttribute target in new[] { PteAttribute.Shared, PteAttribute.Private })
            {
                ConversionFinding finding = Sweep(guest, protocol, target, SweepRegion.DirectMap, 4);
                AssertAgrees(finding, guest, protocol, Region.DirectMap);
            }
        }
    }

    [Fact]
    public void What_translates_decides_whether_a_page_of_vmalloc_can_be_named_while_it_is_not_present()
    {
        using var guest = new SweptGuest(Kernel, "vtom", output);
        foreach (Protocol protocol in new[] { Rfc2023.Protocol, Rfc2023.VirtToPhys, Rfc2023.VmallocToPage, Rfc2023.LookupAddress, Rfc2023.RawPte })
        {
            ConversionFinding finding = Sweep(guest, protocol, PteAttribute.Shared, SweepRegion.Vmalloc, 2);
            bool isRight = protocol == Rfc2023.Protocol || protocol == Rfc2023.LookupAddress;
            PropertyVerdict verdict = guest.VerdictOf(finding, Property.TranslationSucceeds);

            Assert.Equal(isRight ? Verdict.Holds : Verdict.Violated, verdict.Verdict);
            Assert.Equal(isRight ? 0 : -5, finding.Record.Result.Error);
        }
    }

    [Fact]
    public void One_processor_is_enough()
    {
        using var guest = new SweptGuest(Kernel, "vtom", output, processors: 1);
        ConversionFinding finding = Sweep(guest, Rfc2023.Protocol, PteAttribute.Shared, SweepRegion.DirectMap, 4);

        SweptGuest.AssertRepaired(finding);
        Assert.All(finding.Runs, static run => Assert.Equal(0, run.Cpu));
        AssertAgrees(finding, guest, Rfc2023.Protocol, Region.DirectMap);
    }

    [Fact]
    public void What_cannot_be_applied_says_why()
    {
        using var guest = new DebianGuest(Kernel, 1, 0);
        KernelKnowledge knowledge = guest.Knowledge();
        PteAttribute[] both = [PteAttribute.Shared, PteAttribute.Private];

        Assert.Null(ProtocolExecutor.WhyNot(Rfc2023.Protocol, Platforms.Snp, knowledge, both));
        Assert.Contains("does not run on snp", ProtocolExecutor.WhyNot(KelleyV4.Protocol, Platforms.Snp, knowledge, both), StringComparison.Ordinal);
        Assert.Contains("map the shared view", ProtocolExecutor.WhyNot(Linux61Vtom.Protocol, Platforms.Vtom, knowledge, both), StringComparison.Ordinal);
        Protocol oneWay = Rfc2023.Protocol with { EncryptSteps = [] };
        Assert.Contains("no steps for encrypt", ProtocolExecutor.WhyNot(oneWay, Platforms.Tdx, knowledge, both), StringComparison.Ordinal);
        Assert.Null(ProtocolExecutor.WhyNot(oneWay, Platforms.Tdx, knowledge, [PteAttribute.Shared]));
    }

    private void AssertAgrees(ConversionFinding finding, SweptGuest guest, Protocol protocol, Region region)
    {
        Dictionary<string, Verdict> expected = Checked(finding.Question.Target, guest, protocol, region);
        List<string> compared = [];
        foreach (PropertyVerdict seen in PropertyJudge.Of(finding, guest.Platform).Where(static one => Compared.Any(property => property.ToString() == one.Property)))
        {
            if (seen.Verdict is Verdict.Holds or Verdict.Violated && expected[seen.Property] is Verdict.Holds or Verdict.Violated)
            {
                compared.Add(seen.Property);
                Assert.True(seen.Verdict == expected[seen.Property], $"{protocol.Name} {finding.Question.Target} {seen.Property}: {seen.Verdict} {seen.Reason}, the checker says {expected[seen.Property]}");
            }
            else
            {
                output.WriteLine($"not compared: {protocol.Name} {finding.Question.Target} {seen.Property}: {seen.Verdict} {seen.Reason}, the checker says {expected[seen.Property]}");
            }
        }

        Assert.Superset(new HashSet<string>([nameof(Property.StrayLoadsSurvive), nameof(Property.ConversionEndsAsRequested)]), compared.ToHashSet());
    }

    /// <summary>The checker's verdicts under the host and the settings that the guest runs with.</summary>
    private static Dictionary<string, Verdict> Checked(PteAttribute target, SweptGuest guest, Protocol protocol, Region region)
    {
        ConfidentialGuest host = guest.Host;
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

    private static ConversionFinding Sweep(SweptGuest guest, Protocol protocol, PteAttribute target, SweepRegion region, int pages) =>
        guest.Sweep(new ConversionQuestion(target, region, pages) { Applied = protocol });
}
