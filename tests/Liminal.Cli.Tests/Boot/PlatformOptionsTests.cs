// SPDX-License-Identifier: Apache-2.0

namespace Liminal.Cli.Tests.Boot;

public sealed class PlatformOptionsTests
{
    [Theory]
    [InlineData("LIM3013", "--platform", "vtomm")]
    [InlineData("LIM3013", "--host", "malicious")]
    [InlineData("LIM3013", "--switch", "paravisor-injects-mc=on")]
    [InlineData("LIM3014", "--host-call", "first")]
    public void Bad_options_are_one_line_and_exit_code_2(string id, string option, string value)
    {
        CommandRun run = CommandRun.Of("boot", "vmlinuz", option, value);

        Assert.Equal(2, run.ExitCode);
        Assert.StartsWith($"liminal: {id}: ", run.Error);
        Assert.Single(run.Error.TrimEnd('\n').Split('\n'));
    }

    [Theory]
    [InlineData("LIM3013", "sept-ve-disable=on")]
    [InlineData("LIM3012", "paravisor-injects-mc")]
    [InlineData("LIM3012", "paravisor-injects-mc=both")]
    public void A_switch_belongs_to_the_platform_and_has_one_setting(string id, string setting)
    {
        CommandRun run = CommandRun.Of("boot", "vmlinuz", "--platform", "vtom", "--switch", setting);

        Assert.Equal(2, run.ExitCode);
        Assert.StartsWith($"liminal: {id}: ", run.Error);
        Assert.Contains("paravisor-injects-mc", run.Error);
    }
}
