// SPDX-License-Identifier: Apache-2.0

using System;
using System.Linq;
using Liminal.Checker.Checking;
using Liminal.Checker.Properties;
using Liminal.Platform;
using Liminal.Protocols;

namespace Liminal.Cli.Tests.CommandLine;

public sealed class UsageTests
{
    public static TheoryData<string, string, string> BadCommandLines => new()
    {
        { "chek", "LIM3010", "did you mean 'check'?" },
        { "list", "LIM3010", "protocols, platforms, properties, hosts" },
        { "list hostss", "LIM3010", "did you mean 'hosts'?" },
        { "list hosts extra", "LIM3016", "'extra'" },
        { "check --platfrom snp", "LIM3011", "did you mean '--platform'?" },
        { "check rfc-2023 --falures", "LIM3011", "did you mean '--failures'?" },
        { "check --platfrom=snp", "LIM3011", "'--platfrom'" },
        { "check -z", "LIM3011", "'-z'" },
        { "explain", "LIM3012", "PROTOCOL" },
        { "explain rfc-2023 v2-2023", "LIM3016", "'v2-2023'" },
        { "check --platform", "LIM3012", "--platform PLATFORM" },
        { "check --platform --host lie", "LIM3012", "--platform PLATFORM" },
        { "check --platform tdx,", "LIM3012", "--platform" },
        { "check --pages 1 --pages 2", "LIM3012", "--pages takes one value" },
        { "check --platform tdz", "LIM3013", "did you mean 'tdx'?" },
        { "check --host cooperativ", "LIM3013", "did you mean 'cooperative'?" },
        { "check --property StrayLoadsSurvives", "LIM3013", "did you mean 'StrayLoadsSurvive'?" },
        { "check --direction up", "LIM3013", "decrypt, encrypt" },
        { "check --region heap", "LIM3013", "direct-map, vmalloc, image" },
        { "check --translation virt_to_fizz", "LIM3013", "did you mean 'virt_to_phys'?" },
        { "check --caller forgets", "LIM3013", "frees, leaks, ignores" },
        { "check --second-converter other", "LIM3013", "none, neighbouring, same" },
        { "check --switch supress-ve=on", "LIM3013", "did you mean 'suppress-ve'?" },
        { "check --switch suppress-ve", "LIM3012", "suppress-ve=on, suppress-ve=off or suppress-ve=both" },
        { "check --switch suppress-ve=maybe", "LIM3012", "sets nothing" },
        { "check --switch suppress-ve=on,suppress-ve=off", "LIM3012", "set twice" },
        { "check --pages 0", "LIM3014", "1 to 4" },
        { "check --pages 5", "LIM3014", "1 to 4" },
        { "check --pages -1", "LIM3014", "1 to 4" },
        { "check --pages two", "LIM3014", "'two' is not a number" },
        { "check --pages 99999999999999999999999999", "LIM3014", "1 to 4" },
        { "check --cpus 1000", "LIM3014", "1 to 4" },
        { "check --threads 0", "LIM3014", "1 to 256" },
        { "check --threads 1e9", "LIM3014", "1e9" },
        { "check --max-states 0", "LIM3014", "--max-states" },
        { "check --max-states 9999999999G", "LIM3014", "out of range" },
        { "check --max-memory 1", "LIM3014", "--max-memory" },
        { "check --max-memory 12X", "LIM3014", "K, M or G" },
        { "check rfc-2023 --second-converter same --cpus 1", "LIM3015", "second CPU" },
        { "check rfc-2023 --second-converter neighbouring --pages 1", "LIM3015", "2 pages" },
        { "check rfc-2024", "LIM3017", "did you mean 'rfc-2023'?" },
        { "check linux-9.*", "LIM3017", "no protocol matches" },
        { "check rfc-2023 rfc-2023", "LIM3018", "named twice" },
        { "check --html -", "LIM3012", "name a file" },
        { "check --junit - --json -", "LIM3015", "--json and --junit both write to -" },
        { "sweep vmlinuz --html -", "LIM3012", "name a file" },
        { "sweep vmlinuz --junit missing/sweep.xml", "LIM3002", "does not exist" },
        { "sweep vmlinuz --sarif - --json -", "LIM3015", "--json and --sarif both write to -" },
        { "sweep vmlinuz --json same.out --perfetto same.out", "LIM3015", "both write to same.out" },
    };

    [Theory]
    [MemberData(nameof(BadCommandLines))]
    public void A_bad_command_line_is_answered_with_one_line_that_says_what_to_do(string line, string id, string says)
    {
        var run = CommandRun.Of(line.Split(' '));

        Assert.Equal(2, run.ExitCode);
        Assert.Equal("", run.Out);
        Assert.StartsWith($"liminal: {id}: ", run.Error);
        Assert.Contains(says, run.Error);
        Assert.Equal(1, run.Error.Count(c => c == '\n'));
    }

    [Fact]
    public void Names_may_have_underscores_or_hyphens_and_any_case()
    {
        var run = CommandRun.Of("check", "rfc-2023", "--platform", "NONE", "--pages", "1", "--translation", "slow-virt-to-phys", "--property", "strayloadssurvive");

        Assert.Equal(0, run.ExitCode);
    }

    [Fact]
    public void A_control_character_in_a_name_does_not_reach_the_terminal()
    {
        var run = CommandRun.Of("check", "rfc\u001b[31m\n2023");

        Assert.DoesNotContain('\u001b', run.Error);
        Assert.Equal(1, run.Error.Count(c => c == '\n'));
    }

    [Theory]
    [InlineData("")]
    [InlineData("check")]
    [InlineData("explain")]
    [InlineData("list")]
    [InlineData("list hosts")]
    public void Every_command_explains_itself(string command)
    {
        var run = CommandRun.Of([.. command.Split(' ', StringSplitOptions.RemoveEmptyEntries), "--help"]);

        Assert.Equal(0, run.ExitCode);
        Assert.Equal("", run.Error);
        Assert.Contains("Usage:", run.Out);
        Assert.Contains($" {command}", run.Out);
    }

    [Theory]
    [InlineData("check")]
    [InlineData("explain")]
    [InlineData("list")]
    public void Help_shows_examples(string command)
    {
        var run = CommandRun.Of(command, "--help");

        Assert.Contains($"Examples:\n  liminal {command}", run.Out);
    }

    [Fact]
    public void Without_a_command_the_help_is_printed()
    {
        Assert.Equal(CommandRun.Of("--help"), CommandRun.Of());
    }

    [Fact]
    public void The_version_is_that_of_the_program()
    {
        Assert.Matches(@"^liminal \d+\.\d+\.\d+\n$", CommandRun.Of("--version").Out);
    }

    [Theory]
    [InlineData("protocols")]
    [InlineData("platforms")]
    [InlineData("properties")]
    [InlineData("hosts")]
    public void A_list_has_one_line_for_each_item(string what)
    {
        string[] names = what switch
        {
            "protocols" => [.. BuiltIn.All.Select(item => item.Name)],
            "platforms" => [.. Platforms.All.Select(item => item.Name)],
            "properties" => [.. PropertyInfo.All.Select(item => item.Name)],
            _ => [.. HostNames.All.Select(item => item.Name)],
        };

        var run = CommandRun.Of("list", what);

        Assert.Equal(names, run.Out.TrimEnd('\n').Split('\n').Select(line => line.Split(' ')[0]));
    }
}
