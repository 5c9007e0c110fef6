// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using Liminal.Checker.Properties;
using Liminal.Linux.Guest;
using Liminal.Machine.Boot;
using Liminal.Machine.Confidential;
using Liminal.Memory;
using Liminal.Platform;
using Liminal.Sweep.Conversions;
using Liminal.Sweep.Judging;
using Liminal.Sweep.Recording;
using Liminal.Trace;

namespace Liminal.Boot.Tests;

/// <summary>A confidential guest whose user land is up, in which conversions are recorded and swept.</summary>
internal sealed class SweptGuest : IDisposable
{
    private const ulong BootLimit = 4_000_000_000;

    private readonly DebianGuest _guest;
    private readonly ITestOutputHelper _output;

    /// <summary>Boots a kernel; without apt the test is skipped.</summary>
    public SweptGuest(string kernel, string platform, ITestOutputHelper output, int processors = 2)
    {
        _output = output;
        Platform = Platforms.Find(platform)!;
        _guest = new DebianGuest(kernel, processors, 0, ConfidentialConfiguration.Of(Platform));
        _guest.Log.Watch(UserLand.Mark, () => _guest.Machine.RequestEnd("the user land is up"));
        _guest.Machine.Run(BootLimit);
        Assert.Contains(UserLand.Mark, _guest.Log.Text);
        Kernel = _guest.Attach();
        ConversionCampaign? campaign = ConversionCampaign.Begin(Kernel, 0, out string problem);
        Assert.True(campaign is not null, problem);
        Campaign = campaign;
    }

    public ConfidentialPlatform Platform { get; }

    public GuestKernel Kernel { get; }

    public ConversionCampaign Campaign { get; }

    /// <summary>The host, and the settings of the switches, that the guest runs with.</summary>
    public ConfidentialGuest Host => _guest.Machine.Confidential!;

    /// <summary>What <c>uname -r</c> prints.</summary>
    public string Release => _guest.Image.Version.Release;

    public void Dispose() => _guest.Dispose();

    /// <summary>Sweeps one conversion of a few pages of the direct map.</summary>
    public ConversionFinding Sweep(PteAttribute target, params IReadOnlyList<string> without) =>
        Sweep(new ConversionQuestion(target, SweepRegion.DirectMap, 4) { Without = without });

    /// <summary>Sweeps one conversion, and writes what was found to the test's output.</summary>
    public ConversionFinding Sweep(ConversionQuestion question)
    {
        ConversionFinding? finding = Campaign.Sweep(question, null, CancellationToken.None, out string problem);
        Assert.True(finding is not null, problem);
        foreach (SweepEvent one in finding.Record.Events)
            _output.WriteLine($"{one.Instruction - finding.Record.First,8} {one.Lane,-7} {one.Title} [{one.Detail}] {one.Symbol}");

        foreach (SweepWindow window in finding.Windows)
            _output.WriteLine($"{window.First - finding.Record.First}..{window.Last - finding.Record.First} {window.Mappings[0]}, {window.PageStates[0]}: {window.Meets}, {window.End}: {window.Conclusion}");

        foreach (PropertyVerdict verdict in PropertyJudge.Of(finding, Platform))
            _output.WriteLine($"{verdict.Property} {verdict.Verdict} {verdict.Reason}");

        _output.WriteLine($"{finding.Record.Cost}");
        return finding;
    }

    /// <summary>Records a conversion of two pages of the direct map that succeeds.</summary>
    public ConversionRecord Record(PteAttribute target)
    {
        ConversionRecord? record = Campaign.Record(new ConversionQuestion(target, SweepRegion.DirectMap, 2), out string problem);
        Assert.True(record is not null, problem);
        Assert.Equal(0, record.Result.Error);
        return record;
    }

    public PropertyVerdict VerdictOf(ConversionFinding finding, Property property) =>
        PropertyJudge.Of(finding, Platform).Single(verdict => verdict.Property == property.ToString());

    /// <summary>Every load that walked was repaired, and every one by a translation still held got its data.</summary>
    public static void AssertRepaired(ConversionFinding finding)
    {
        Assert.Contains(finding.Runs, static run => run.End == StrayLoadEnd.Repaired);
        foreach (SweepWindow window in finding.Windows)
        {
            StrayLoadEnd end = window.Translation == TranslationOrigin.Cached ? StrayLoadEnd.Completed : StrayLoadEnd.Repaired;
            Assert.All(window.Runs, run => Assert.Equal(end, run.End));
        }
    }
}
