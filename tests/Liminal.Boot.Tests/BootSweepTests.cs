// SPDX-License-Identifier: Apache-2.0

using System;
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

/// <summary>Stray loads in what a kernel converts by itself.</summary>
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

    [Fact]
    public void Early_in_an_SNP_boot_a_load_that_walks_ends_the_guest_though_the_converting_processor_still_holds_the_page()
    {
        PolicySwitches switches = ConfidentialConfiguration.DefaultSwitches(Platforms.Snp) & ~PolicySwitches.RmpChangeInvalidatesTlb;
        (ConversionFinding finding, _, ConfidentialPlatform platform) = SweepFirst("snp", pages: 1, question => question with { Switches = switches });

        Assert.Contains("kvm_smp_prepare_boot_cpu", finding.Question.Cause);
        SweepWindow[] direct = [.. finding.Windows.Where(static window => window.Mappings.Contains("direct map"))];
        Assert.Contains(direct, static window => window is { Translation: TranslationOrigin.Walked, End: StrayLoadEnd.Terminated });
        Assert.DoesNotContain(direct, static window => window is { Translation: TranslationOrigin.Walked, End: StrayLoadEnd.Completed });
        Assert.Equal(Verdict.Violated, VerdictOf(finding, platform).Verdict);
        Assert.Equal(Verdict.Holds, VerdictOf(finding, platform, Property.NoStaleTranslationSurvives).Verdict);
    }

    /// <summary>The first conversion with all processors up.</summary>
    private (ConversionFinding Finding, BootConversion Returned, ConfidentialPlatform Platform) SweepFirstPool(string name)
    {
        (ConversionFinding finding, BootConversion returned, ConfidentialPlatform platform) = SweepFirst(name, pages: 32);
        Assert.Contains("atomic_pool_expand", finding.Question.Cause);
        return (finding, returned, platform);
    }

    /// <summary>Sweeps the first conversion of so many pages, of those that can be.</summary>
    private (ConversionFinding Finding, BootConversion Returned, ConfidentialPlatform Platform) SweepFirst(
        string name, long pages, Func<ConversionQuestion, ConversionQuestion>? settings = null)
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
            else if (latest.Pages == pages)
                break;
        }

        // Of what an AMD guest converts before, only .bss..decrypted comes before the kernel's own page tables.
        Assert.Equal(name == "snp" ? 1 : 0, early.Count);
        Assert.Equal(pages == 1 ? 1 : 2, guest.Attach().OnlineCpus.Count);
        BootConversion conversion = conversions.Conversions[^1];
        var question = new ConversionQuestion(PteAttribute.Shared, SweepRegion.DirectMap, (int)pages);
        ConversionFinding? finding = BootSweep.Sweep(
            guest.Machine, conversion, conversions.Conversions.Count, settings?.Invoke(question) ?? question, knowledge, null, CancellationToken.None, out string problem);
        Assert.True(finding is not null, problem);
        foreach (SweepWindow window in finding.Windows)
            output.WriteLine($"{window.First - finding.Record.First}..{window.Last - finding.Record.First} {window.Mappings[0]}, {window.PageStates[0]} {window.Translation}: {window.Meets}, {window.End}: {window.Conclusion}");

        Assert.True(finding.IsComplete);
        Assert.Equal(0, finding.Record.Result.Error);
        foreach (ulong entry in conversions.Entries)
            guest.Machine.Breakpoints.Remove(entry);

        guest.Machine.Run(finding.Record.Last + 1);
        return (finding, conversions.Conversions.Last(one => one.Instruction == conversion.Instruction), platform);
    }

    private static PropertyVerdict VerdictOf(ConversionFinding finding, ConfidentialPlatform platform, Property property = Property.StrayLoadsSurvive) =>
        PropertyJudge.Of(finding, platform).Single(verdict => verdict.Property == property.ToString());
}
