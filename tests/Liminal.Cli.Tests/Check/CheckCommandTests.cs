// SPDX-License-Identifier: Apache-2.0

using System.IO;
using System.Linq;
using System.Text.Json;
using System.Xml.Linq;
using System.Text.RegularExpressions;
using System.Threading;
using Liminal.Testing;

namespace Liminal.Cli.Tests.Check;

public sealed partial class CheckCommandTests
{
    [Fact]
    public void A_protocol_that_holds_ends_with_0()
    {
        var run = CommandRun.Of("check", "v2-2023", "--platform", "tdx,snp", "--pages", "1");

        Assert.Equal(0, run.ExitCode);
        Assert.Contains("✔ holds", run.Out);
        Assert.DoesNotContain("✘", run.Out);
    }

    [Fact]
    public void A_protocol_that_violates_a_property_ends_with_1_and_names_the_next_command()
    {
        var run = CommandRun.Of("check", "linux-6.12-snp", "--platform", "snp", "--pages", "1");

        Assert.Equal(1, run.ExitCode);
        Assert.Contains("Next: liminal explain linux-6.12-snp --platform snp --direction decrypt", run.Out);
        Snapshot.Match("check-linux-6.12-snp", WithoutTime(run.Out));
    }

    [Fact]
    public void A_limit_that_is_reached_ends_with_3()
    {
        var run = CommandRun.Of("check", "v2-2023", "--platform", "tdx", "--max-states", "100");

        Assert.Equal(3, run.ExitCode);
        Assert.Contains("? inconclusive", run.Out);
    }

    [Fact]
    public void A_pattern_names_several_protocols()
    {
        var run = CommandRun.Of("check", "linux-6.12-*", "--pages", "1", "--property", "NoStaleTranslationSurvives");

        foreach (string name in (string[])["linux-6.12-tdx", "linux-6.12-snp", "linux-6.12-vtom", "linux-6.12-tdp"])
            Assert.Contains(name + " ──", run.Out);
    }

    [Fact]
    public void Failures_inside_the_guest_are_explored_only_when_asked_for()
    {
        string[] command = ["check", "linux-6.12-vtom", "--platform", "vtom", "--pages", "1"];

        Assert.Equal(0, CommandRun.Of(command).ExitCode);
        var run = CommandRun.Of([.. command, "--failures"]);
        Assert.Equal(1, run.ExitCode);
        Assert.Contains("on failures", run.Out);
    }

    [Fact]
    public void A_switch_can_be_settled()
    {
        string[] command = ["check", "rfc-2023", "--platform", "sev", "--pages", "1"];

        Assert.Contains("with no coherent-caches", Blanks().Replace(CommandRun.Of(command).Out, " "));
        Assert.Equal(0, CommandRun.Of([.. command, "--switch", "coherent-caches=on"]).ExitCode);
        Assert.Equal(1, CommandRun.Of([.. command, "--switch", "coherent-caches=off"]).ExitCode);
    }

    [Theory]
    [InlineData("1")]
    [InlineData("2")]
    [InlineData("7")]
    public void The_number_of_threads_changes_nothing_but_the_time(string threads)
    {
        var run = CommandRun.Of("check", "linux-6.12-tdx", "--failures", "--pages", "1", "--threads", threads);

        Snapshot.Match("check-threads", WithoutTime(run.Out));
    }

    [Fact]
    public void JSON_on_standard_output_is_all_that_is_printed_there()
    {
        var run = CommandRun.Of("check", "rfc-2023", "--platform", "snp", "--pages", "1", "--json", "-");

        using var report = JsonDocument.Parse(run.Out);
        Assert.Equal(1, run.ExitCode);
        Assert.Equal("liminal check rfc-2023 --platform snp --pages 1 --json -", report.RootElement.GetProperty("commandLine").GetString());
        Assert.Equal(2, report.RootElement.GetProperty("cells").GetArrayLength());
    }

    [Fact]
    public void Reports_are_written_beside_the_matrix()
    {
        using ScratchFolder folder = new();

        var run = CommandRun.Of("check", "rfc-2023", "--platform", "none", "--pages", "1", "--json", folder.PathOf("r.json"), "--html", folder.PathOf("r.html"), "--junit", folder.PathOf("r.xml"));

        Assert.Equal(0, run.ExitCode);
        Assert.Contains("✔ holds", run.Out);
        Assert.Equal(["r.html", "r.json", "r.xml"], folder.Entries);
        Assert.Equal(["rfc-2023 decrypt on none", "rfc-2023 encrypt on none"], XDocument.Load(folder.PathOf("r.xml")).Root!.Elements("testsuite").Select(static suite => (string)suite.Attribute("name")!));
        JsonDocument.Parse(File.ReadAllText(folder.PathOf("r.json"))).Dispose();
        Assert.StartsWith("<!doctype html>", File.ReadAllText(folder.PathOf("r.html")), System.StringComparison.OrdinalIgnoreCase);
    }

    [Theory]
    [InlineData("--json", "missing/report.json", "LIM3002")]
    [InlineData("--html", "missing/report.html", "LIM3002")]
    [InlineData("--json", ".", "LIM3001")]
    [InlineData("--json", "", "LIM3005")]
    public void A_report_that_cannot_be_written_is_noticed_before_the_work(string option, string file, string id)
    {
        using ScratchFolder folder = new();

        var run = CommandRun.Of("check", option, file.Length == 0 ? "" : folder.PathOf(file));

        Assert.Equal(2, run.ExitCode);
        Assert.StartsWith($"liminal: {id}: ", run.Error);
        Assert.Equal(1, run.Error.Count(c => c == '\n'));
        Assert.Empty(folder.Entries);
    }

    [Fact]
    public void A_disk_that_is_full_is_told_in_one_line()
    {
        Assert.SkipUnless(File.Exists("/dev/full"), "this system has no /dev/full");

        var run = CommandRun.Of("check", "rfc-2023", "--platform", "none", "--pages", "1", "--json", "/dev/full");

        Assert.Equal(2, run.ExitCode);
        Assert.StartsWith("liminal: LIM3004: ", run.Error);
    }

    [Fact]
    public void An_interrupted_check_prints_what_it_has_and_ends_with_130()
    {
        using CancellationTokenSource interrupt = new();
        interrupt.Cancel();

        var run = CommandRun.Of(interrupt.Token, "check", "rfc-2023", "--platform", "tdx");

        Assert.Equal(130, run.ExitCode);
        Assert.Contains("… not explored", run.Out);
        Assert.Contains("Interrupted", run.Out);
        Assert.DoesNotContain("✔", run.Out);
    }

    private static string WithoutTime(string text) => Seconds().Replace(text, "TIME s");

    [GeneratedRegex(@"\s+")]
    private static partial Regex Blanks();

    [GeneratedRegex(@"[0-9]+\.[0-9] s\b")]
    private static partial Regex Seconds();
}
