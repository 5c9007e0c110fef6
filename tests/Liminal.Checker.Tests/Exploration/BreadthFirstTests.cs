// SPDX-License-Identifier: Apache-2.0

using System.Collections.Generic;
using System.Linq;
using System.Threading;
using Liminal.Checker.Exploration;
using Liminal.Checker.Model;
using Liminal.Checker.Properties;
using Liminal.Checker.Scenarios;
using Liminal.Checker.Vocabulary;
using Liminal.Platform;

namespace Liminal.Checker.Tests.Exploration;

public sealed class BreadthFirstTests
{
    public static TheoryData<string, Direction, int, int, HostPolicy, SecondConverter> Models() => new()
    {
        { "unsafe", Direction.Decrypt, 1, 2, HostPolicy.Cooperative, SecondConverter.None },
        { "unsafe", Direction.Decrypt, 2, 3, HostPolicy.Cooperative, SecondConverter.None },
        { "unsafe", Direction.Encrypt, 2, 2, HostPolicy.Refuse, SecondConverter.None },
        { "unsafe", Direction.Encrypt, 1, 4, HostPolicy.Cooperative, SecondConverter.None },
        { "safe", Direction.Decrypt, 2, 2, HostPolicy.Retry, SecondConverter.None },
        { "safe", Direction.Encrypt, 1, 3, HostPolicy.Lie, SecondConverter.None },
        { "safe", Direction.Decrypt, 1, 2, HostPolicy.Malicious, SecondConverter.None },
        { "safe", Direction.Decrypt, 2, 2, HostPolicy.Cooperative, SecondConverter.NeighbouringPages },
        { "safe", Direction.Encrypt, 1, 3, HostPolicy.Cooperative, SecondConverter.SamePages },
    };

    [Theory]
    [MemberData(nameof(Models))]
    public void It_finds_what_a_naive_search_finds(
        string name, Direction direction, int pages, int cpus, HostPolicy host, SecondConverter second)
    {
        Scenario scenario = Scenario(name, direction, pages, cpus, host, second);
        ExplorationOptions options = new() { Symmetry = false, LateFills = false };

        SearchResult result = Explore(scenario, options);

        (int states, int diameter, SortedDictionary<int, int> violations) = Naive(scenario);
        Assert.Equal(states, result.States);
        Assert.Equal(diameter, result.Diameter);
        Assert.Equal(violations, DepthsOf(result));
    }

    [Theory]
    [MemberData(nameof(Models))]
    public void The_result_does_not_depend_on_the_number_of_threads(
        string name, Direction direction, int pages, int cpus, HostPolicy host, SecondConverter second)
    {
        Scenario scenario = Scenario(name, direction, pages, cpus, host, second);

        SearchResult one = Explore(scenario, new() { Threads = 1 });
        SearchResult three = Explore(scenario, new() { Threads = 3 });

        Assert.Equal(one.States, three.States);
        Assert.Equal(one.Transitions, three.Transitions);
        Assert.Equal(one.Diameter, three.Diameter);
        Assert.Equal(one.Findings, three.Findings);
    }

    [Theory]
    [MemberData(nameof(Models))]
    public void Reductions_change_no_verdict_and_no_length_of_a_counterexample(
        string name, Direction direction, int pages, int cpus, HostPolicy host, SecondConverter second)
    {
        Scenario scenario = Scenario(name, direction, pages, cpus, host, second);

        SearchResult whole = Explore(scenario, new() { Symmetry = false, LateFills = false });
        SearchResult symmetric = Explore(scenario, new() { Symmetry = true, LateFills = false });
        SearchResult late = Explore(scenario, new() { Symmetry = false, LateFills = true });
        SearchResult both = Explore(scenario, new() { Symmetry = true, LateFills = true });

        Assert.Equal(DepthsOf(whole), DepthsOf(symmetric));
        Assert.Equal(DepthsOf(whole), DepthsOf(late));
        Assert.Equal(DepthsOf(whole), DepthsOf(both));
        Assert.True(both.States <= symmetric.States && symmetric.States <= whole.States);
        Assert.True(both.States <= late.States && late.States <= whole.States);
    }

    [Fact]
    public void A_limit_on_states_ends_the_search_and_is_reported()
    {
        Scenario scenario = Scenario("unsafe", Direction.Decrypt, 2, 3, HostPolicy.Cooperative, SecondConverter.None);

        SearchResult result = Explore(scenario, new() { MaxStates = 100 });

        Assert.Equal(ExplorationLimit.States, result.Limit);
        Assert.InRange(result.States, 100, 10_000);
    }

    private static SearchResult Explore(Scenario scenario, ExplorationOptions options) =>
        BreadthFirst.Run(new TransitionSystem(scenario, options.LateFills), options, CancellationToken.None);

    private static Scenario Scenario(
        string name, Direction direction, int pages, int cpus, HostPolicy host, SecondConverter second) =>
        ToyProtocols.Scenario(name == "safe" ? ToyProtocols.Safe : ToyProtocols.Unsafe, direction, host) with
        {
            Pages = pages,
            Cpus = cpus,
            Second = second,
            Failures = true,
        };

    private static SortedDictionary<int, int> DepthsOf(SearchResult result) =>
        new(result.Findings.Select((finding, i) => (finding, i)).Where(x => x.finding is not null).ToDictionary(x => x.i, x => x.finding!.Value.Depth));

    /// <summary>A search with nothing in it that could go wrong: a set, and one level after the other.</summary>
    private static (int States, int Diameter, SortedDictionary<int, int> Violations) Naive(Scenario scenario)
    {
        TransitionSystem system = new(scenario, lateFills: false);
        HashSet<ModelState> known = [system.Initial()];
        List<ModelState> level = [.. known];
        SortedDictionary<int, int> violations = [];
        SuccessorBuffer buffer = new();
        int depth = 0;
        while (true)
        {
            List<ModelState> next = [];
            foreach (ModelState state in level)
            {
                system.Expand(in state, buffer);
                for (int property = 0; property < PropertyInfo.All.Count; property++)
                {
                    if ((buffer.Violated & (1u << property)) == 0)
                        continue;

                    int length = buffer.ViolatedBy((Property)property).Kind == ActionKind.None ? depth : depth + 1;
                    violations[property] = violations.TryGetValue(property, out int least) && least < length ? least : length;
                }

                for (int i = 0; i < buffer.Count; i++)
                {
                    if (known.Add(buffer.State(i)))
                        next.Add(buffer.State(i));
                }
            }

            if (next.Count == 0)
                return (known.Count, depth, violations);

            level = next;
            depth++;
        }
    }
}
