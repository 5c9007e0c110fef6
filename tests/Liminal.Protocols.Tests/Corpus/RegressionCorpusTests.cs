// SPDX-License-Identifier: Apache-2.0

using System.Linq;
using Liminal.Checker.Checking;
using Liminal.Trace;

namespace Liminal.Protocols.Tests;

public sealed class RegressionCorpusTests
{
    public static TheoryData<int, string> Cases
    {
        get
        {
            TheoryData<int, string> cases = [];
            foreach (CorpusRow row in RegressionCorpus.Rows)
            {
                foreach (CorpusCase one in row.Cases)
                    cases.Add(row.Number, one.Says);
            }

            return cases;
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void A_bug_found_in_the_wild_is_seen_by_the_checker(int row, string says)
    {
        CorpusCase asked = RegressionCorpus.Rows[row - 1].Cases.Single(one => one.Says == says);

        Exploration exploration = ScenarioCheck.Run(
            asked.Scenario, new CheckOptions { Counterexamples = false }, TestContext.Current.CancellationToken);

        Assert.Equal(asked.Expected, exploration.On(asked.Property));
    }

    [Theory]
    [InlineData(3, 2)]
    [InlineData(2, 3)]
    public void Larger_models_give_the_same_answers(int pages, int cpus)
    {
        Assert.All(RegressionCorpus.Rows.SelectMany(row => row.Cases), asked =>
        {
            Exploration exploration = ScenarioCheck.Run(
                asked.Scenario with { Pages = pages, Cpus = cpus }, new CheckOptions { Counterexamples = false }, TestContext.Current.CancellationToken);

            Assert.Equal(asked.Expected, exploration.On(asked.Property));
        });
    }

    [Fact]
    public void There_are_sixteen_rows_and_every_one_is_expressed_or_says_why_not()
    {
        Assert.Equal(Enumerable.Range(1, 16), RegressionCorpus.Rows.Select(row => row.Number));
        Assert.All(RegressionCorpus.Rows, row => Assert.True(row.Cases.Count > 0 || row.WhyNotExpressed is not null));
    }

    [Fact]
    public void Every_row_that_is_expressed_shows_the_bug()
    {
        Assert.All(
            RegressionCorpus.Rows.Where(row => row.Cases.Count > 0),
            row => Assert.Contains(row.Cases, one => one.Expected == Verdict.Violated));
    }

    [Fact]
    public void Every_protocol_of_the_corpus_is_built_in()
    {
        Assert.All(
            RegressionCorpus.Rows.SelectMany(row => row.Cases),
            one => Assert.Same(one.Scenario.Protocol, BuiltIn.Find(one.Scenario.Protocol.Name)));
    }
}
