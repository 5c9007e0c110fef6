// SPDX-License-Identifier: Apache-2.0

using System;
using System.IO;
using System.Text.Json;

namespace Liminal.Cli.Tests.Processes;

public sealed class ProcessTests
{
    public ProcessTests() => Assert.SkipWhen(OperatingSystem.IsWindows(), "these tests speak to bash and send signals");

    [Theory]
    [InlineData("liminal check v2-2023 --platform tdx --pages 1", 0)]
    [InlineData("liminal check linux-6.12-snp --platform snp --pages 1", 1)]
    [InlineData("liminal check no-such-protocol", 2)]
    [InlineData("liminal check v2-2023 --platform tdx --max-states 100", 3)]
    [InlineData("liminal explain linux-6.12-snp --platform snp --pages 1", 1)]
    [InlineData("liminal list protocols", 0)]
    [InlineData("liminal --help", 0)]
    [InlineData("liminal", 0)]
    public void The_shell_sees_the_documented_exit_codes(string command, int code)
    {
        Assert.Equal(code, LiminalProcess.Bash(command).ExitCode);
    }

    [Theory]
    [InlineData("INT")]
    [InlineData("TERM")]
    public void A_signal_ends_a_long_check_with_a_partial_report(string signal)
    {
        var run = LiminalProcess.Interrupted(signal, "exploring:", "check", "v2-2023", "--platform", "snp,vtom", "--pages", "3", "--threads", "1");

        Assert.Equal(130, run.ExitCode);
        Assert.Contains("v2-2023 ──", run.Out);
        Assert.Contains("Interrupted:", run.Out);
        Assert.DoesNotMatch("Exception|   at ", run.Error);
    }

    [Fact]
    public void A_reader_that_goes_away_is_no_failure()
    {
        var run = LiminalProcess.Bash("liminal check rfc-2023 --platform none --pages 1 | head -n 1; echo ${PIPESTATUS[0]}");

        Assert.EndsWith("\n0\n", run.Out);
        Assert.Equal("", run.Error);
    }

    [Theory]
    [InlineData("liminal list protocols > /dev/full")]
    [InlineData("liminal list protocols --json > /dev/full")]
    [InlineData("liminal check rfc-2023 --platform none --pages 1 > /dev/full")]
    [InlineData("liminal check rfc-2023 --platform none --pages 1 --json - > /dev/full")]
    [InlineData("liminal --help > /dev/full")]
    public void Standard_output_on_a_full_disk_is_told_in_one_line(string command)
    {
        Assert.SkipUnless(File.Exists("/dev/full"), "this system has no /dev/full");

        var run = LiminalProcess.Bash(command);

        Assert.Equal(2, run.ExitCode);
        Assert.Matches("^liminal: LIM3020: [^\n]*\n$", run.Error);
    }

    [Fact]
    public void A_file_that_may_not_be_read_is_told_in_one_line()
    {
        using ScratchFolder folder = new();
        string file = folder.Write("mine.cs", "// nobody may read this");
        Assert.SkipWhen(Environment.IsPrivilegedProcess, "the superuser may read everything");

        var run = LiminalProcess.Bash($"chmod 000 '{file}'; liminal check '{file}'");

        Assert.Equal(2, run.ExitCode);
        Assert.Contains("LIM2002", run.Error);
    }

    [Fact]
    public void JSON_from_a_process_is_JSON_and_nothing_else()
    {
        var run = LiminalProcess.Bash("liminal check rfc-2023 --platform snp --pages 1 --json -");

        JsonDocument.Parse(run.Out).Dispose();
        Assert.StartsWith("{", run.Out);
    }

    [Fact]
    public void A_mistake_in_Liminal_is_one_line_unless_its_place_is_asked_for()
    {
        const string Mistake = "public class A { public static Protocol P => Protocol.Named(\"p\").On(\"tdx\") with { DecryptSteps = new Step[] { new((StepKind)99) } }; }";
        using ScratchFolder folder = new();
        string file = folder.Write("mistake.cs", Mistake);

        var quiet = LiminalProcess.Bash($"liminal check '{file}'");
        var loud = LiminalProcess.Bash($"LIMINAL_DEBUG=1 liminal check '{file}'");

        Assert.Equal(3, quiet.ExitCode);
        Assert.Matches("LIM3090: [^\n]*LIMINAL_DEBUG=1[^\n]*\n$", quiet.Error);
        Assert.DoesNotContain("   at ", quiet.Error);
        Assert.Contains("   at Liminal.", loud.Error);
    }
}
