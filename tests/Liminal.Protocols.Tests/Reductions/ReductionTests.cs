// SPDX-License-Identifier: Apache-2.0

using System.Collections.Generic;
using System.Linq;
using System.Text;
using System.Threading;
using Liminal.Checker.Checking;
using Liminal.Checker.Exploration;
using Liminal.Checker.Scenarios;
using Liminal.Checker.Vocabulary;
using Liminal.Platform;
using Liminal.Testing;
using Liminal.Trace;

namespace Liminal.Protocols.Tests;

/// <summary>The reductions on the whole corpus: no verdict changes, and what each of them saves is pinned.</summary>
public sealed class ReductionTests
{
    private static readonly ExplorationOptions Whole = new() { Symmetry = false, LateFills = false };

    /// <summary>Every cell of every built-in protocol, with failures, under two hosts; settings as the platform explores them first.</summary>
    private static IEnumerable<Scenario> Corpus(int pages, int cpus) =>
        from protocol in BuiltIn.All
        from direction in (Direction[])[Direction.Decrypt, Direction.Encrypt]
        where protocol.StepsOf(direction).Count > 0
        from platform in Platforms.All
        where protocol.Platforms.Contains(platform.Name)
        from host in platform.DocumentedHosts.Take(2)
        select new Scenario(protocol, platform, direction, host, FirstSettings(platform))
        {
            Region = protocol.Regions[^1],
            Failures = true,
            Pages = pages,
            Cpus = cpus,
        };

    [Fact]
    public void Late_fills_change_no_verdict()
    {
        StringBuilder counts = new();
        foreach (Scenario scenario in Corpus(pages: 2, cpus: 2))
            Compare(scenario, Whole with { LateFills = true }, counts);

        Snapshot.Match("late-fills", counts.ToString());
    }

    [Fact]
    public void Symmetry_changes_no_verdict()
    {
        StringBuilder counts = new();
        foreach (Scenario scenario in Corpus(pages: 1, cpus: 3))
            Compare(scenario, Whole with { Symmetry = true }, counts);

        Snapshot.Match("symmetry", counts.ToString());
    }

    [Fact]
    public void Both_reductions_together_change_no_verdict()
    {
        StringBuilder counts = new();
        foreach (Scenario scenario in Corpus(pages: 1, cpus: 4))
            Compare(scenario, Whole with { Symmetry = true, LateFills = true }, counts);

        Snapshot.Match("both-reductions", counts.ToString());
    }

    public static TheoryData<int, string> Violations
    {
        get
        {
            TheoryData<int, string> violations = [];
            foreach (CorpusRow row in RegressionCorpus.Rows)
            {
                foreach (CorpusCase one in row.Cases.Where(one => one.Expected == Verdict.Violated))
                    violations.Add(row.Number, one.Says);
            }

            return violations;
        }
    }

    [Theory]
    [MemberData(nameof(Violations))]
    public void A_counterexample_is_as_short_with_the_reductions_as_without(int row, string says)
    {
        CorpusCase asked = RegressionCorpus.Rows[row - 1].Cases.Single(one => one.Says == says);

        Assert.Equal(StepsTo(asked, Whole), StepsTo(asked, new ExplorationOptions()));
    }

    private static int StepsTo(CorpusCase asked, ExplorationOptions exploration) =>
        ScenarioCheck.Run(asked.Scenario, new CheckOptions { Exploration = exploration }, CancellationToken.None)
            .Properties.Single(verdict => verdict.Property == asked.Property.ToString())
            .Counterexample!.Steps.Count;

    private static void Compare(Scenario scenario, ExplorationOptions reduced, StringBuilder counts)
    {
        Exploration all = Explore(scenario, Whole);
        Exploration some = Explore(scenario, reduced);
        string name = $"{scenario.Protocol.Name} {scenario.Direction} {scenario.Platform.Name} {HostNames.Of(scenario.Host)}";

        Assert.Equal((name, Verdicts(all)), (name, Verdicts(some)));
        Assert.True(some.States <= all.States, name);
        counts.Append($"{name}: {all.States} states, diameter {all.Diameter}; reduced {some.States}, {some.Diameter}\n");
    }

    private static Exploration Explore(Scenario scenario, ExplorationOptions exploration) =>
        ScenarioCheck.Run(scenario, new CheckOptions { Counterexamples = false, Exploration = exploration }, CancellationToken.None);

    private static string Verdicts(Exploration exploration) =>
        string.Join(' ', exploration.Properties.Select(verdict => $"{verdict.Property}={verdict.Verdict}"));

    private static PolicySwitches FirstSettings(ConfidentialPlatform platform) => platform.Switches
        .Where(info => info.Explored == SwitchSettings.Set || info.Switch == PolicySwitches.SuppressVe)
        .Aggregate(PolicySwitches.None, (all, info) => all | info.Switch);
}
