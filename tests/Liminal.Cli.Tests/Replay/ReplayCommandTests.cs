// SPDX-License-Identifier: Apache-2.0

using System;
using System.IO;

namespace Liminal.Cli.Tests.Replay;

public sealed class ReplayCommandTests
{
    private const string NoKernel = "/no/such/kernel";

    [Theory]
    [InlineData("not JSON at all", "is not the report of a check")]
    [InlineData("{\"schemaVersion\":1,\"sweeps\":[]}", "is the report of a sweep, not of a check")]
    public void A_file_that_is_no_report_is_one_line_and_exit_code_2(string text, string reason)
    {
        using ScratchFolder scratch = new();
        string file = scratch.Write("report.json", text);

        Fails(CommandRun.Of("replay", file, NoKernel), "LIM3230", reason);
    }

    [Fact]
    public void A_file_that_is_not_there_is_one_line_and_exit_code_2() => Fails(CommandRun.Of("replay", "/no/such/report.json", NoKernel), "LIM3230", "cannot be read");

    [Fact]
    public void A_report_without_a_counterexample_says_so()
    {
        using ScratchFolder scratch = new();
        string file = Checked(scratch, "v2-2023", "tdx");

        Fails(CommandRun.Of("replay", file, NoKernel), "LIM3231", "nothing in it is violated");
    }

    [Fact]
    public void Options_that_leave_nothing_say_so()
    {
        using ScratchFolder scratch = new();
        string file = Checked(scratch, "linux-6.12-snp", "snp");

        Fails(CommandRun.Of("replay", file, NoKernel, "--platform", "tdx"), "LIM3231", "fits the options");
        Fails(CommandRun.Of("replay", file, NoKernel, "--property", "ConversionTerminates"), "LIM3231", "fits the options");
    }

    [Theory]
    [InlineData("--property", "StrayLoads", "LIM3013")]
    [InlineData("--switch", "no-such-switch=on", "LIM3013")]
    [InlineData("--switch", "suppress-ve=perhaps", "LIM3012")]
    public void A_choice_that_names_nothing_is_one_line(string option, string value, string id)
    {
        using ScratchFolder scratch = new();
        string file = Checked(scratch, "linux-6.12-snp", "snp");

        Fails(CommandRun.Of("replay", file, NoKernel, option, value), id, value.Split('=')[0]);
    }

    [Fact]
    public void What_no_machine_can_show_is_refused_with_the_reason()
    {
        using ScratchFolder scratch = new();
        string file = Checked(scratch, "rfc-2023", "snp");

        Fails(CommandRun.Of("replay", file, NoKernel, "--property", "CacheFlushTakesEffect"), "LIM3232", "data caches");
    }

    [Fact]
    public void The_kernel_is_looked_at_once_the_counterexample_is_chosen()
    {
        using ScratchFolder scratch = new();
        string file = Checked(scratch, "linux-6.12-snp", "snp");

        Fails(CommandRun.Of("replay", file, NoKernel), "LIM1001", NoKernel);
    }

    private static string Checked(ScratchFolder scratch, string protocol, string platform)
    {
        string file = scratch.PathOf("found.json");
        CommandRun.Of("check", protocol, "--platform", platform, "--pages", "1", "--json", file);
        Assert.True(File.Exists(file));
        return file;
    }

    private static void Fails(CommandRun run, string id, string reason)
    {
        Assert.Equal(2, run.ExitCode);
        Assert.Empty(run.Out);
        string line = Assert.Single(run.Error.TrimEnd('\n').Split('\n'), static one => !one.Contains("exploring", StringComparison.Ordinal));
        Assert.StartsWith($"liminal: {id}: ", line);
        Assert.Contains(reason, line);
    }
}
