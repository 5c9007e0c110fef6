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
using Liminal.Trace;

namespace Liminal.Boot.Tests;

/// <summary>A confidential guest whose user land is up, in which conversions are swept.</summary>
internal sealed class SweptGuest : IDisposable
{
    private const ulong BootLimit = 4_000_000_000;

    private readonly DebianGuest _guest;
    private readonly ConversionCampaign _campaign;
    private readonly ITestOutputHelper _output;

    /// <summary>Boots a kernel; without apt the test is skipped.</summary>
    public SweptGuest(string kernel, string platform, ITestOutputHelper output)
    {
        _output = output;
        Platform = Platforms.All.First(one => one.Name == platform);
        _guest = new DebianGuest(kernel, 2, 0, ConfidentialConfiguration.Of(Platform));
        _guest.Log.Watch(UserLand.Mark, () => _guest.Machine.RequestEnd("the user land is up"));
        _guest.Machine.Run(BootLimit);
        Assert.Contains(UserLand.Mark, _guest.Log.Text);
        Kernel = _guest.Attach();
        ConversionCampaign? campaign = ConversionCampaign.Begin(Kernel, 0, out string problem);
        Assert.True(campaign is not null, problem);
        _campaign = campaign;
    }

    public ConfidentialPlatform Platform { get; }

    public GuestKernel Kernel { get; }

    public void Dispose() => _guest.Dispose();

    /// <summary>Sweeps one conversion of a few pages, and writes what was found to the test's output.</summary>
    public ConversionFinding Sweep(PteAttribute target, params IReadOnlyList<string> without)
    {
        ConversionFinding? finding = TrySweep(target, without, out string problem);
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

    /// <summary>Sweeps one conversion, or says why it cannot be made.</summary>
    public ConversionFinding? TrySweep(PteAttribute target, IReadOnlyList<string> without, out string problem) =>
        _campaign.Sweep(new ConversionQuestion(target, SweepRegion.DirectMap, 4) { Without = without }, null, CancellationToken.None, out problem);

    public PropertyVerdict VerdictOf(ConversionFinding finding, Property property) =>
        PropertyJudge.Of(finding, Platform).Single(verdict => verdict.Property == property.ToString());
}
