// SPDX-License-Identifier: Apache-2.0

using System.Collections.Generic;
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
using Liminal.Sweep.Lifting;
using Liminal.Sweep.Recording;
using Liminal.Trace;
using GuestKernel = Liminal.Linux.Guest.GuestKernel;

namespace Liminal.Boot.Tests;

/// <summary>What is lifted from the kernels that <see cref="SweepTests"/> leaves out has the verdicts of what is written by hand.</summary>
public sealed class LiftedProtocolTests(ITestOutputHelper output)
{
    private const ulong BootLimit = 4_000_000_000;

    [Theory]
    [InlineData("debian:6.1-cloud", "snp", "linux-6.1-snp")]
    [InlineData("debian:6.1-cloud", "vtom", "linux-6.1-vtom")]
    [InlineData("debian:6.1-cloud", "sev", "sev")]
    [InlineData("debian:6.12-cloud", "sev", "sev")]
    public void A_conversion_that_was_seen_has_the_verdicts_of_the_built_in_protocol(string release, string name, string builtIn)
    {
        ConfidentialPlatform platform = Platforms.All.First(one => one.Name == name);
        using var guest = new DebianGuest(release, 2, 0, ConfidentialConfiguration.Of(platform));
        guest.Log.Watch(UserLand.Mark, () => guest.Machine.RequestEnd("the user land is up"));
        guest.Machine.Run(BootLimit);
        Assert.Contains(UserLand.Mark, guest.Log.Text);
        ConversionCampaign campaign = Begin(guest);

        Protocol observed = ProtocolLift.Of(
            "observed", guest.Image.Version.Release, platform, Record(campaign, PteAttribute.Shared), Record(campaign, PteAttribute.Private));
        output.WriteLine(ProtocolText.Of(observed));

        Assert.Equal(Verdicts(BuiltIn.All.Single(one => one.Name == builtIn), platform), Verdicts(observed, platform));
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

    private static ConversionRecord Record(ConversionCampaign campaign, PteAttribute target)
    {
        ConversionRecord? record = campaign.Record(new ConversionQuestion(target, SweepRegion.DirectMap, 2), out string problem);
        Assert.True(record is not null, problem);
        Assert.Equal(0, record.Result.Error);
        return record;
    }

    /// <summary>Every verdict of the success path on the direct map, one line each.</summary>
    /// <remarks>
    /// An SEV guest tells KVM about its pages only where KVM announces migration control, which the machine does not: what was seen names no page
    /// to the host, and what is written by hand does.
    /// </remarks>
    private static string Verdicts(Protocol protocol, ConfidentialPlatform platform)
    {
        var request = new CheckRequest { Protocols = [protocol], Platforms = [platform], Regions = [Region.DirectMap] };
        CheckReport report = CheckRun.Execute(request, "", "", static _ => { }, CancellationToken.None);
        IEnumerable<string> lines =
            from cell in report.Cells
            from run in cell.Explorations
            from verdict in run.Properties
            where platform != Platforms.Sev || verdict.Property != nameof(Property.TranslationSucceeds)
            select $"{cell.Direction} {run.Host} {string.Join(' ', run.Switches)} {verdict.Property}: {verdict.Verdict}";
        return string.Join('\n', lines);
    }
}
