// SPDX-License-Identifier: Apache-2.0

using Liminal.Cli.Tests.Kernel;
namespace Liminal.Cli.Tests.Sweep;

public sealed class SweepCommandTests
{
    [Theory]
    [InlineData("sweep")]
    [InlineData("lift")]
    public void No_image_or_one_that_cannot_be_read_is_one_line_and_exit_code_2(string command)
    {
        string[] platform = command == "lift" ? ["--platform", "vtom"] : [];

        Expect("LIM1001", "/no/such/file", [command, "/no/such/file", .. platform]);
        Expect("LIM1002", "/", [command, "/", .. platform]);
        using var folder = new ScratchFolder();
        string file = folder.Write("text", "this is no kernel");
        Expect("LIM1005", file, [command, file, .. platform]);
    }

    [Theory]
    [InlineData("LIM3001", "/")]
    [InlineData("LIM3002", "/no/such/folder/sweep.json")]
    public void A_report_that_cannot_be_written_is_said_before_anything_is_done(string id, string file)
    {
        Expect(id, file, ["sweep", "/no/such/file", "--json", file]);
        Expect(id, file, ["lift", "/no/such/file", "--platform", "vtom", "--out", file]);
    }

    [Theory]
    [InlineData("LIM3013", "--platform", "sgx")]
    [InlineData("LIM3013", "--direction", "sideways")]
    [InlineData("LIM3013", "--region", "stack")]
    [InlineData("LIM3013", "--host", "friendly")]
    [InlineData("LIM3013", "--host", "malicious")]
    [InlineData("LIM3014", "--pages", "0")]
    [InlineData("LIM3014", "--pages", "1024")]
    [InlineData("LIM3014", "--pages", "many")]
    [InlineData("LIM3014", "--host-call", "-1")]
    [InlineData("LIM3014", "--sites", "0")]
    [InlineData("LIM3014", "--sites", "every")]
    [InlineData("LIM3012", "--platform", "")]
    public void An_option_that_names_nothing_is_one_line_and_exit_code_2(string id, string option, string value)
    {
        string image = KernelInCache.Path();

        Expect(id, option, ["sweep", image, option, value]);
    }

    [Fact]
    public void A_kernel_without_code_for_a_platform_is_said_before_another_is_swept()
    {
        string without = KernelInCache.Path("debian:6.1-cloud");

        CommandRun run = CommandRun.Of("sweep", KernelInCache.Path(), without, "--platform", "tdx", "--fresh");

        Assert.Equal(2, run.ExitCode);
        Assert.StartsWith($"liminal: LIM3216: {without}: ", run.Error);
        Assert.Single(run.Error.TrimEnd().Split('\n'));
    }

    [Theory]
    [InlineData("LIM3013", "--platform", "none")]
    [InlineData("LIM3013", "--platform", "all")]
    public void Lift_takes_one_platform(string id, string option, string value) => Expect(id, option, ["lift", KernelInCache.Path(), option, value]);

    [Theory]
    [InlineData("LIM3011", "sweep", "vmlinuz", "--colour")]
    [InlineData("LIM3012", "sweep", "vmlinuz", "--pages")]
    [InlineData("LIM3011", "lift", "vmlinuz", "--platform", "snp", "--pages", "3")]
    [InlineData("LIM3012", "lift", "vmlinuz")]
    public void What_the_command_line_has_no_place_for_is_one_line_and_exit_code_2(string id, params string[] arguments)
    {
        CommandRun run = CommandRun.Of(arguments);

        Assert.Equal(2, run.ExitCode);
        Assert.StartsWith($"liminal: {id}: ", run.Error);
    }

    [Theory]
    [InlineData("sweep")]
    [InlineData("lift")]
    public void Help_names_every_option_and_gives_examples(string command)
    {
        CommandRun run = CommandRun.Of(command, "--help");

        Assert.Equal(0, run.ExitCode);
        Assert.Contains($"liminal {command} vmlinuz", run.Out);
        foreach (string option in command == "sweep" ? (string[])["--platform", "--failures", "--host-call", "--json"] : ["--platform", "--out"])
            Assert.Contains(option, run.Out);
    }

    private static void Expect(string id, string subject, string[] arguments)
    {
        CommandRun run = CommandRun.Of(arguments);

        Assert.Equal(2, run.ExitCode);
        Assert.Empty(run.Out);
        Assert.StartsWith($"liminal: {id}: ", run.Error);
        Assert.Contains(subject, run.Error);
        Assert.Single(run.Error.TrimEnd('\n').Split('\n'));
    }
}
