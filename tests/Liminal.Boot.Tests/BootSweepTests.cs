// SPDX-License-Identifier: Apache-2.0

using System.Collections.Generic;
using System.Linq;
using System.Threading;
using Liminal.Checker.Properties;
using Liminal.Linux;
using Liminal.Machine;
using Liminal.Machine.Confidential;
using Liminal.Memory;
using Liminal.Platform;
using Liminal.Sweep.Boots;
using Liminal.Sweep.Conversions;
using Liminal.Sweep.Judging;
using Liminal.Trace;
using Verdict = Liminal.Trace.Verdict;

namespace Liminal.Boot.Tests;

/// <summary>Stray loads in what a kernel converts by itself: the first DMA pool, the first conversion of a boot with all processors up.</summary>
[Trait("Category", "Slow")]
public sealed class BootSweepTests(ITestOutputHelper output)
{
    private const ulong Limit = 400_000_000;

    [Fact]
    public void Under_a_paravisor_every_load_into_the_first_pool_is_repaired_and_the_boot_goes_on_as_without()
    {
        (ConversionFinding finding, BootConversion returned, ConfidentialPlatform platform) = SweepFirstPool("vtom");

        SweptGuest.AssertRepaired(finding);
        Assert.Equal(Verdict.Holds, VerdictOf(finding, platform).Verdict);
        Assert.Equal(finding.Record.Last, returned.Returned);
    }

    [Fact]
    public void On_SNP_a_load_into_the_first_pool_ends_the_guest()
    {
        (ConversionFinding finding, BootConversion returned, ConfidentialPlatform platform) = SweepFirstPool("snp");

        Assert.Contains(finding.Runs, static run => run.End == StrayLoadEnd.Terminated);
        Assert.Equal(Verdict.Violated, VerdictOf(finding, platform).Verdict);
        Assert.Equal(finding.Record.Last, returned.Returned);
    }

    private (ConversionFinding Finding, BootConversion Returned, ConfidentialPlatform Platform) SweepFirstPool(string name)
    {
        ConfidentialPlatform platform = Platforms.Find(name)!;
        using var guest = new DebianGuest("debian:6.12-cloud", 2, scheduleSeed: 0, ConfidentialConfiguration.Of(platform));
        KernelKnowledge knowledge = guest.Knowledge();
        BootConversions conversions = guest.WatchConversions();
        foreach (ulong entry in conversions.Entries)
            guest.Machine.Breakpoints.Add(entry);

        List<string> early = [];
        while (true)
        {
            MachineEnd end = guest.Machine.Run(Limit);
            Assert.True(end.Kind == MachineEndKind.Breakpoint, end.ToString());
            BootConversion latest = conversions.Conversions[^1];
            if (latest.Instruction != guest.Machine.InstructionsRetired)
                continue;

            if (BootSweep.WhyNot(guest.Machine, latest, knowledge) is string reason)
                early.Add(reason);

            if (latest.Pages == 32)
                break;
        }

        // Of what an AMD guest converts before, only .bss..decrypted comes before the kernel's own page tables.
        Assert.Equal(name == "snp" ? 1 : 0, early.Count);
        Assert.Equal(2, guest.Attach().OnlineCpus.Count);
        BootConversion pool = conversions.Conversions[^1];
        ConversionFinding? finding = BootSweep.Sweep(
            guest.Machine, pool, conversions.Conversions.Count, new ConversionQuestion(PteAttribute.Shared, SweepRegion.DirectMap, 32), knowledge, null, CancellationToken.None, out string problem);
        Assert.True(finding is not null, problem);
        foreach (SweepWindow window in finding.Windows)
            output.WriteLine($"{window.First - finding.Record.First}..{window.Last - finding.Record.First} {window.Mappings[0]}, {window.PageStates[0]}: {window.Meets}, {window.End}: {window.Conclusion}");

        Assert.True(finding.IsComplete);
        Assert.Equal(0, finding.Record.Result.Error);
        Assert.Contains("atomic_pool_expand", finding.Question.Cause);
        foreach (ulong entry in conversions.Entries)
            guest.Machine.Breakpoints.Remove(entry);

        guest.Machine.Run(finding.Record.Last + 1);
        return (finding, conversions.Conversions.Last(one => one.Instruction == pool.Instruction), platform);
    }

    private static PropertyVerdict VerdictOf(ConversionFinding finding, ConfidentialPlatform platform) =>
        PropertyJudge.Of(finding, platform).Single(static verdict => verdict.Property == nameof(Property.StrayLoadsSurvive));
}
