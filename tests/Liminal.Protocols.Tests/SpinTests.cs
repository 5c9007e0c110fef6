// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using Liminal.Checker.Checking;
using Liminal.Checker.Export;
using Liminal.Checker.Scenarios;
using Liminal.Checker.Tests.Export;
using Liminal.Checker.Vocabulary;
using Liminal.Platform;
using Liminal.Trace;

namespace Liminal.Protocols.Tests;

/// <summary>SPIN is asked the same question about built-in protocols: as many states, the same verdicts.</summary>
public sealed class SpinTests
{
    public static TheoryData<string, string, Direction, HostPolicy, PolicySwitches> Questions() => new()
    {
        { "rfc-2023", "snp", Direction.Decrypt, HostPolicy.Cooperative, PolicySwitches.None },
        { "v2-2023", "snp", Direction.Encrypt, HostPolicy.Retry, PolicySwitches.CoherentCaches },
        { "linux-6.12-tdx", "tdx", Direction.Encrypt, HostPolicy.ImplicitConvert, PolicySwitches.SeptVeDisable | PolicySwitches.SuppressVe },
        { "linux-tdx-before-6.5", "tdx", Direction.Encrypt, HostPolicy.Cooperative, PolicySwitches.SeptVeDisable },
        { "linux-6.12-snp", "snp", Direction.Decrypt, HostPolicy.ImplicitConvert, PolicySwitches.CoherentCaches | PolicySwitches.RmpChangeInvalidatesTlb },
        { "linux-6.12-vtom", "vtom", Direction.Decrypt, HostPolicy.Refuse, PolicySwitches.CoherentCaches },
        { "linux-6.1-vtom", "vtom", Direction.Encrypt, HostPolicy.Cooperative, PolicySwitches.CoherentCaches | PolicySwitches.ParavisorInjectsMachineCheck },
        { "sev", "sev", Direction.Decrypt, HostPolicy.Cooperative, PolicySwitches.None },
    };

    [Theory]
    [MemberData(nameof(Questions))]
    public void SPIN_stores_as_many_states_and_comes_to_the_same_verdicts(
        string protocol, string platform, Direction direction, HostPolicy host, PolicySwitches switches)
    {
        Spin.Require();
        Scenario scenario = new(BuiltIn.Find(protocol)!, Platforms.Find(platform)!, direction, host, switches) { Pages = 1, Failures = true };
        CheckOptions options = new() { Counterexamples = false, Exploration = new() { Symmetry = false, LateFills = false } };

        (long states, SortedSet<string> violated) = Spin.Explore(PromelaExport.Of(scenario));

        Trace.Exploration ours = ScenarioCheck.Run(scenario, options, CancellationToken.None);
        HashSet<string> notApplicable = [.. ours.Properties.Where(p => p.Verdict == Verdict.NotApplicable).Select(p => p.Property)];
        Assert.Equal(ours.States, states);
        Assert.Equal(
            ours.Properties.Where(p => p.Verdict == Verdict.Violated).Select(p => p.Property).Order(StringComparer.Ordinal),
            violated.Where(name => !notApplicable.Contains(name)).Order(StringComparer.Ordinal));
    }
}
