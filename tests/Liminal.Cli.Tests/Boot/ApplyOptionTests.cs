// SPDX-License-Identifier: Apache-2.0

namespace Liminal.Cli.Tests.Boot;

public sealed class ApplyOptionTests
{
    [Theory]
    [InlineData("LIM3017", "rfc2023", "did you mean 'rfc-2023'")]
    [InlineData("LIM3220", "rfc-2023-*", "names 4 protocols")]
    [InlineData("LIM2001", "nowhere.cs", "no such file")]
    public void A_protocol_that_is_none_or_several_is_one_line_before_anything_boots(string id, string name, string words)
    {
        CommandRun run = CommandRun.Of("boot", "vmlinuz", "--platform", "tdx", "--apply", name);

        Assert.Equal(2, run.ExitCode);
        Assert.StartsWith($"liminal: {id}: ", run.Error);
        Assert.Contains(words, run.Error, System.StringComparison.OrdinalIgnoreCase);
        Assert.Single(run.Error.TrimEnd('\n').Split('\n'));
    }

    [Fact]
    public void An_ordinary_virtual_machine_converts_nothing()
    {
        CommandRun run = CommandRun.Of("boot", "vmlinuz", "--apply", "rfc-2023");

        Assert.Equal(2, run.ExitCode);
        Assert.StartsWith("liminal: LIM3015: --apply needs a confidential guest", run.Error);
    }
}
