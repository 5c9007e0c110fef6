// SPDX-License-Identifier: Apache-2.0

using System.Collections.Generic;
using System.Linq;
using CsCheck;
using Liminal.Cli.Check.Matrix;
using Liminal.Trace;

namespace Liminal.Cli.Tests.Check;

public sealed class ConditionTests
{
    private static readonly string[] Hosts = ["cooperative", "retry", "malicious"];

    /// <summary>Three hosts, two regions, two switches: 24 explorations.</summary>
    private static readonly List<Exploration> Grid =
    [
        .. from host in Hosts
           from region in new[] { "direct-map", "vmalloc" }
           from first in new[] { "no", "yes" }
           from second in new[] { "no", "yes" }
           select new Exploration(host, [$"first={first}", $"second={second}"], false, region, 1, 1, 1, 0, []),
    ];

    [Fact]
    public void What_is_found_nowhere_has_no_condition()
    {
        Assert.Null(Condition.Of(Grid, _ => false));
    }

    [Fact]
    public void What_is_found_everywhere_needs_no_condition()
    {
        Assert.Equal("", Condition.Of(Grid, _ => true));
    }

    [Fact]
    public void A_host_alone_is_named_alone()
    {
        Assert.Equal("malicious", Condition.Of(Grid, one => one.Host == "malicious"));
    }

    [Fact]
    public void A_switch_that_decides_for_every_host_is_named_without_hosts()
    {
        Assert.Equal("first", Condition.Of(Grid, one => one.Switches[0] == "first=yes"));
        Assert.Equal("no second", Condition.Of(Grid, one => one.Switches[1] == "second=no"));
    }

    [Fact]
    public void Host_region_and_switch_are_joined()
    {
        Assert.Equal(
            "cooperative/retry + vmalloc + first",
            Condition.Of(Grid, one => one.Host != "malicious" && one.Region == "vmalloc" && one.Switches[0] == "first=yes"));
    }

    [Fact]
    public void Hosts_with_different_settings_are_told_apart()
    {
        Assert.Equal(
            "cooperative + first; malicious",
            Condition.Of(Grid, one => one.Host == "malicious" || (one.Host == "cooperative" && one.Switches[0] == "first=yes")));
    }

    [Fact]
    public void Settings_that_no_combination_describes_are_not_guessed()
    {
        Assert.Equal(
            "retry + some settings",
            Condition.Of(Grid, one => one.Host == "retry" && one.Switches[0][^1] == one.Switches[1][^1]));
    }

    [Fact]
    public void Whatever_a_condition_without_some_settings_says_is_exactly_what_was_found()
    {
        Gen.Bool.List[Grid.Count].Sample(found =>
        {
            string? text = Condition.Of(Grid, one => found[Grid.IndexOf(one)]);
            if (text is null || text.Contains("some settings"))
                return;

            Assert.Equal(Grid.Where((_, index) => found[index]), Grid.Where(one => Holds(text, one)));
        });
    }

    /// <summary>Reads a condition as a person would.</summary>
    private static bool Holds(string text, Exploration one) => text.Split("; ").Any(alternative =>
        alternative.Split(" + ").All(part => part.Split('/').Any(word => word switch
        {
            "" => true,
            _ when Hosts.Contains(word) => one.Host == word,
            _ when word.StartsWith("no ") => one.Switches.Contains(word[3..] + "=no"),
            "first" or "second" => one.Switches.Contains(word + "=yes"),
            _ => one.Region == word,
        })));
}
