// SPDX-License-Identifier: Apache-2.0

using Liminal.Testing;

namespace Liminal.Cli.Tests.Explain;

public sealed class ExplainCommandTests
{
    [Fact]
    public void The_shortest_counterexample_is_told_step_by_step()
    {
        var run = CommandRun.Of("explain", "rfc-2023", "--platform", "snp", "--direction", "decrypt");

        Assert.Equal(1, run.ExitCode);
        Snapshot.Match("explain-rfc-2023-snp", run.Out);
    }

    [Fact]
    public void A_property_can_be_chosen()
    {
        var run = CommandRun.Of("explain", "rfc-2023", "--platform", "snp", "--direction", "decrypt", "--property", "CacheFlushTakesEffect");

        Assert.Equal(1, run.ExitCode);
        Assert.Contains("CacheFlushTakesEffect", run.Out);
        Assert.DoesNotContain("Also violated", run.Out);
    }

    [Fact]
    public void Where_nothing_is_violated_it_says_what_was_explored()
    {
        var run = CommandRun.Of("explain", "v2-2023", "--platform", "tdx", "--pages", "1");

        Assert.Equal(0, run.ExitCode);
        Assert.StartsWith("Nothing is violated.\nExplored: ", run.Out);
    }

    [Fact]
    public void Where_a_protocol_does_not_run_it_says_why()
    {
        var run = CommandRun.Of("explain", "linux-6.12-snp", "--platform", "tdx");

        Assert.Equal(0, run.ExitCode);
        Assert.Contains("linux-6.12-snp decrypt does not apply to tdx: ", run.Out);
    }

    [Fact]
    public void A_limit_that_is_reached_before_a_violation_ends_with_3()
    {
        Assert.Equal(3, CommandRun.Of("explain", "v2-2023", "--platform", "tdx", "--max-states", "50").ExitCode);
    }
}
