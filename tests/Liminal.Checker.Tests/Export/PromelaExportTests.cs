// SPDX-License-Identifier: Apache-2.0

using System.Collections.Generic;
using System.Linq;
using System.Threading;
using Liminal.Checker.Exploration;
using Liminal.Checker.Export;
using Liminal.Checker.Model;
using Liminal.Checker.Properties;
using Liminal.Checker.Scenarios;
using Liminal.Checker.Vocabulary;
using Liminal.Platform;

namespace Liminal.Checker.Tests.Export;

public sealed class PromelaExportTests
{
    public static TheoryData<string, Direction, HostPolicy, SecondConverter, PolicySwitches> Models() => new()
    {
        { "unsafe", Direction.Decrypt, HostPolicy.Cooperative, SecondConverter.None, PolicySwitches.None },
        { "unsafe", Direction.Encrypt, HostPolicy.Refuse, SecondConverter.None, PolicySwitches.CoherentCaches },
        { "safe", Direction.Decrypt, HostPolicy.Retry, SecondConverter.None, PolicySwitches.None },
        { "safe", Direction.Encrypt, HostPolicy.Lie, SecondConverter.None, PolicySwitches.CoherentCaches },
        { "safe", Direction.Decrypt, HostPolicy.Malicious, SecondConverter.None, PolicySwitches.CoherentCaches },
        { "safe", Direction.Encrypt, HostPolicy.Cooperative, SecondConverter.SamePages, PolicySwitches.CoherentCaches },
    };

    [Theory]
    [MemberData(nameof(Models))]
    public void SPIN_stores_as_many_states_and_finds_the_same_violations(
        string name, Direction direction, HostPolicy host, SecondConverter second, PolicySwitches switches)
    {
        Spin.Require();
        Scenario scenario = ToyProtocols.Scenario(name == "safe" ? ToyProtocols.Safe : ToyProtocols.Unsafe, direction, host) with
        {
            Pages = 1,
            Second = second,
            Switches = switches,
            Failures = true,
        };
        ExplorationOptions options = new() { Symmetry = false, LateFills = false };

        (long states, SortedSet<string> violated) = Spin.Explore(PromelaExport.Of(scenario));

        SearchResult ours = BreadthFirst.Run(new TransitionSystem(scenario, lateFills: false), options, CancellationToken.None);
        Assert.Equal(ours.States, states);
        Assert.Equal(PropertyInfo.All.Where(info => ours.Findings[(int)info.Property] is not null).Select(info => info.Name).Order(), violated);
    }
}
