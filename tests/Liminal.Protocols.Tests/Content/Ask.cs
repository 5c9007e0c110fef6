// SPDX-License-Identifier: Apache-2.0

using System.Linq;
using System.Threading;
using Liminal.Checker.Checking;
using Liminal.Checker.Properties;
using Liminal.Checker.Scenarios;
using Liminal.Checker.Vocabulary;
using Liminal.Platform;
using Liminal.Trace;

namespace Liminal.Protocols.Tests;

/// <summary>One question: a scenario under a cooperative host, with the switches as the platform explores them first, unless said otherwise.</summary>
internal sealed record Ask(Protocol Protocol, ConfidentialPlatform Platform, Direction Direction)
{
    public HostPolicy Host { get; init; } = HostPolicy.Cooperative;

    public PolicySwitches Switches { get; init; } = FirstSettings(Platform);

    public bool Failures { get; init; }

    public CallerOnFailure Caller { get; init; } = CallerOnFailure.Frees;

    public PageState? InitialState { get; init; }

    public static Ask Of(string protocol, ConfidentialPlatform platform, string direction) => Of(BuiltIn.Find(protocol)!, platform, direction);

    public static Ask Of(Protocol protocol, ConfidentialPlatform platform, string direction) =>
        new(protocol, platform, direction == "decrypt" ? Direction.Decrypt : Direction.Encrypt);

    public Exploration Explore(bool tells = false)
    {
        Scenario scenario = new(Protocol, Platform, Direction, Host, Switches)
        {
            Failures = Failures,
            Caller = Caller,
            InitialState = InitialState,
        };
        return ScenarioCheck.Run(scenario, new CheckOptions { Counterexamples = tells }, CancellationToken.None);
    }

    public PropertyVerdict VerdictOn(Property property) =>
        Explore(tells: true).Properties.Single(verdict => verdict.Property == property.ToString());

    public string WhyViolated(Property property)
    {
        PropertyVerdict verdict = VerdictOn(property);
        Assert.Equal(Verdict.Violated, verdict.Verdict);
        return verdict.Reason!;
    }

    private static PolicySwitches FirstSettings(ConfidentialPlatform platform) => platform.Switches
        .Where(info => info.Explored == SwitchSettings.Set)
        .Aggregate(PolicySwitches.None, (all, info) => all | info.Switch);
}
