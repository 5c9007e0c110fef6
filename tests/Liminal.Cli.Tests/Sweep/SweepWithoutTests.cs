// SPDX-License-Identifier: Apache-2.0

using System;
using Liminal.Cli.Tests.Kernel;

namespace Liminal.Cli.Tests.Sweep;

public sealed class SweepWithoutTests
{
    [Fact]
    public void To_compare_takes_something_to_compare()
    {
        CommandRun run = CommandRun.Of("sweep", "vmlinuz", "--compare");

        Assert.Equal(2, run.ExitCode);
        Assert.StartsWith("liminal: LIM3012: --compare: ", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void An_unknown_function_is_one_line_with_the_nearest_name()
    {
        CommandRun run = CommandRun.Of("sweep", KernelInCache.Path(), "--platform", "vtom", "--without", "hv_vtom_clear_presnet");

        Assert.Equal(2, run.ExitCode);
        Assert.Empty(run.Out);
        Assert.StartsWith("liminal: LIM3225: --without: ", run.Error, StringComparison.Ordinal);
        Assert.Contains("did you mean 'hv_vtom_clear_present'?", run.Error, StringComparison.Ordinal);
        Assert.Single(run.Error.TrimEnd('\n').Split('\n'));
    }

    [Fact]
    public void An_empty_name_is_no_function()
    {
        CommandRun run = CommandRun.Of("sweep", "vmlinuz", "--without", "hv_vtom_clear_present,");

        Assert.Equal(2, run.ExitCode);
        Assert.StartsWith("liminal: LIM3012: --without: ", run.Error, StringComparison.Ordinal);
    }
}
