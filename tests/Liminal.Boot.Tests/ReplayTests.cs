// SPDX-License-Identifier: Apache-2.0

using System.Linq;
using System.Threading;
using Liminal.Checker.Properties;
using Liminal.Checker.Vocabulary;
using Liminal.Machine.Confidential;
using Liminal.Memory;
using Liminal.Platform;
using Liminal.Protocols;
using Liminal.Sweep.Conversions;
using Liminal.Sweep.Replaying;
using Liminal.Trace;

namespace Liminal.Boot.Tests;

public sealed class ReplayTests(ITestOutputHelper output)
{
    private const string Kernel = "debian:6.12-cloud";

    [Fact]
    public void The_checkers_counterexample_for_SNP_ends_Linux_612_in_the_same_way()
    {
        using var guest = new SweptGuest(Kernel, "snp", output);

        ReplayFinding finding = Replay(guest, "linux-6.12-snp", Direction.Decrypt, HostPolicy.Cooperative, Property.StrayLoadsSurvive);

        Assert.Equal(ReplayOutcome.Reached, finding.Outcome);
        Assert.Equal(StrayLoadEnd.Terminated, finding.Load!.End);
        Assert.Contains("exception 29 (error code 404)", finding.Load.Detail);
        Assert.DoesNotContain(finding.Steps, static step => step.Fate is ReplayFate.Departs or ReplayFate.NotReached);
    }

    [Fact]
    public void The_checkers_counterexamples_for_TDX_come_to_the_same_outcomes_in_Linux_612()
    {
        using var guest = new SweptGuest(Kernel, "tdx", output);
        const PolicySwitches Suppressed = PolicySwitches.SuppressVe;

        // Between ACCEPT and the store to the leaf the host takes the page back; the conversion goes on and reports success.
        ReplayFinding lost = Replay(guest, "linux-6.12-tdx", Direction.Encrypt, HostPolicy.ImplicitConvert, Property.ConversionEndsAsRequested, Suppressed);
        ReplayFinding ended = Replay(guest, "linux-6.12-tdx", Direction.Encrypt, HostPolicy.Cooperative, Property.StrayLoadsSurvive, Suppressed);
        ReplayFinding view = Replay(guest, "linux-6.12-tdx", Direction.Encrypt, HostPolicy.ImplicitConvert, Property.NoPrivateMappingOfASharedPage, Suppressed);

        ReplayFinding refused = Replay(guest, "linux-6.12-tdx", Direction.Encrypt, HostPolicy.Refuse, Property.FailureLeavesNothingUsable);

        Assert.All([lost, ended, view, refused], static finding => Assert.Equal(ReplayOutcome.Reached, finding.Outcome));
        Assert.Contains(refused.Steps, static step => step.Fate == ReplayFate.Steered && step.Kernel.EndsWith("Refused", System.StringComparison.Ordinal));
        Assert.Contains("it returned 0, and page", lost.Conclusion);
        Assert.Contains("another state on the host side", Assert.Single(lost.Steps, static step => step.Fate == ReplayFate.Steered).Kernel);
        Assert.Equal(StrayLoadEnd.Terminated, ended.Load!.End);
    }

    [Fact]
    public void A_counterexample_of_another_kernel_departs_at_the_step_that_this_one_does_otherwise()
    {
        using var guest = new SweptGuest(Kernel, "vtom", output);

        ReplayFinding finding = Replay(guest, "linux-6.1-vtom", Direction.Decrypt, HostPolicy.Cooperative, Property.StrayLoadsSurvive);

        Assert.Equal(ReplayOutcome.Departed, finding.Outcome);
        ReplayStep departs = Assert.Single(finding.Steps, static step => step.Fate == ReplayFate.Departs);
        Assert.Equal(departs.Number, finding.DepartsAt);
        Assert.Contains("HostVisibility(visible) for page 0", departs.Title);
        Assert.Contains("clears PRESENT of page 0", departs.Kernel);
        Assert.Equal("hv_vtom_clear_present", departs.Function);
    }

    private ReplayFinding Replay(
        SweptGuest guest, string protocol, Direction direction, HostPolicy host, Property property, PolicySwitches set = PolicySwitches.None)
    {
        var request = new CheckRequest
        {
            Protocols = [BuiltIn.Find(protocol)!],
            Platforms = [guest.Platform],
            Directions = [direction],
            Hosts = [host],
            Regions = [Region.DirectMap],
        };
        CheckReport report = CheckRun.Execute(request, "", "", null, CancellationToken.None);
        PolicySwitchInfo? wanted = guest.Platform.Switches.FirstOrDefault(info => set.HasFlag(info.Switch) && set != PolicySwitches.None);
        Exploration run = report.Cells.Single().Explorations.First(one => wanted is null || one.Switches.Contains(wanted.Name + "=yes"));
        PropertyVerdict verdict = run.Properties.Single(one => one.Property == property.ToString());
        TracePlan? plan = TracePlan.Of(verdict.Counterexample!, verdict.Property, out string problem);
        Assert.True(plan is not null, problem);

        var question = new ConversionQuestion(direction == Direction.Decrypt ? PteAttribute.Shared : PteAttribute.Private, SweepRegion.DirectMap, plan.Pages)
        {
            Host = host,
            Switches = ConfidentialConfiguration.DefaultSwitches(guest.Platform) | set,
        };
        ReplayFinding? finding = guest.Campaign.Replay(question, plan, out problem);
        Assert.True(finding is not null, problem);
        foreach (ReplayStep step in finding.Steps)
            output.WriteLine($"{step.Number,3} {step.Lane} {step.Title} | {step.Fate}: {step.Kernel} +{step.Instruction} {step.Function}");

        output.WriteLine(finding.Conclusion);
        return finding;
    }
}
