// SPDX-License-Identifier: Apache-2.0

using System.Linq;
using System.Threading;
using Liminal.Checker.Checking;
using Liminal.Checker.Properties;
using Liminal.Checker.Scenarios;
using Liminal.Checker.Vocabulary;
using Liminal.Testing;
using Liminal.Trace;

namespace Liminal.Checker.Tests.Checking;

public sealed class ScenarioCheckTests
{
    [Theory]
    [InlineData(Direction.Decrypt)]
    [InlineData(Direction.Encrypt)]
    public void Seven_steps_with_a_mapping_for_pvalidate_hold_everything(Direction direction)
    {
        Trace.Exploration result = Check(ToyProtocols.Scenario(ToyProtocols.Safe, direction));

        Assert.All(result.Properties, verdict => Assert.True(verdict.Verdict is Verdict.Holds or Verdict.NotApplicable, $"{verdict.Property}: {verdict.Reason}"));
    }

    [Theory]
    [InlineData(Direction.Decrypt)]
    [InlineData(Direction.Encrypt)]
    public void Present_mappings_in_the_window_lose_the_guest(Direction direction)
    {
        Trace.Exploration result = Check(ToyProtocols.Scenario(ToyProtocols.Unsafe, direction));

        PropertyVerdict verdict = result.Properties.Single(p => p.Property == nameof(Property.StrayLoadsSurvive));
        Assert.Equal(Verdict.Violated, verdict.Verdict);
        Snapshot.Match($"unsafe-{direction}", TimelineText(verdict.Counterexample!));
    }

    [Fact]
    public void A_counterexample_names_no_actor_it_does_not_need()
    {
        Scenario scenario = ToyProtocols.Scenario(ToyProtocols.Unsafe, Direction.Decrypt) with { Cpus = 4, Pages = 1 };

        PropertyVerdict verdict = Check(scenario).Properties.Single(p => p.Property == nameof(Property.StrayLoadsSurvive));

        Assert.DoesNotContain(verdict.Counterexample!.Steps, step => step.Title.Contains("speculatively", System.StringComparison.Ordinal));
        Assert.Single(verdict.Counterexample.Steps, step => step.Title.StartsWith("makes a stray load", System.StringComparison.Ordinal));
    }

    private static Trace.Exploration Check(Scenario scenario) => ScenarioCheck.Run(scenario, new CheckOptions(), CancellationToken.None);

    private static string TimelineText(Timeline timeline) =>
        $"{timeline.Title}\n{timeline.Conclusion}\n" + string.Join('\n', timeline.Steps.Select(step => $"{step.Number} {step.Lane}: {step.Title} | {step.Detail}"));
}
