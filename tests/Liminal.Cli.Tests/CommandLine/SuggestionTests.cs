// SPDX-License-Identifier: Apache-2.0

using System;
using CsCheck;
using Liminal.Cli.CommandLine;

namespace Liminal.Cli.Tests.CommandLine;

public sealed class SuggestionTests
{
    private static readonly string[] Names = ["tdx", "snp", "tdp", "vtom", "cooperative", "implicit-convert"];

    private static readonly Gen<string> Word = Gen.String[Gen.Char['a', 'c'], 0, 6];

    [Theory]
    [InlineData("tdz", "tdx")]
    [InlineData("SNP", "snp")]
    [InlineData("implicit-covnert", "implicit-convert")]
    [InlineData("implicitconvert", "implicit-convert")]
    [InlineData("helicopter", null)]
    [InlineData("", null)]
    public void The_nearest_name_is_meant_if_it_is_near(string typed, string? meant)
    {
        Assert.Equal(meant, Suggestion.Nearest(typed, Names));
    }

    [Fact]
    public void Distance_is_a_symmetric_measure_that_is_zero_for_equal_words_only()
    {
        Gen.Select(Word, Word).Sample((one, other) =>
            Suggestion.Distance(one, other) == Suggestion.Distance(other, one)
            && (Suggestion.Distance(one, other) == 0) == (one == other)
            && Suggestion.Distance(one, other) <= Math.Max(one.Length, other.Length));
    }

    [Theory]
    [InlineData("abc", "acb", 1)]
    [InlineData("abc", "ab", 1)]
    [InlineData("abc", "axc", 1)]
    [InlineData("", "abc", 3)]
    public void One_slip_of_the_finger_counts_once(string from, string to, int distance)
    {
        Assert.Equal(distance, Suggestion.Distance(from, to));
    }
}
