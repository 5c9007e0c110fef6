// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Xml.Linq;
using Liminal.Memory;
using Liminal.Platform;

namespace Liminal.Architecture.Tests.Code;

public sealed class PlatformSourceTests
{
    public static TheoryData<string> Names => [.. Platforms.All.Select(platform => platform.Name)];

    [Fact]
    public void Every_platform_there_is_can_be_chosen()
    {
        Assert.Equal(
            typeof(ConfidentialPlatform).Assembly.GetTypes()
                .Where(type => type.IsSubclassOf(typeof(ConfidentialPlatform)) && !type.IsAbstract)
                .Select(type => type.Name)
                .Order(),
            Platforms.All.Select(platform => platform.GetType().Name).Order());
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void A_platform_names_its_sources_in_its_remarks(string name)
    {
        Type platform = Platforms.Find(name)!.GetType();
        XElement documented = XDocument.Load(Path.ChangeExtension(platform.Assembly.Location, ".xml"))
            .Descendants("member")
            .Single(member => member.Attribute("name")!.Value == $"T:{platform.FullName}");

        Assert.Contains("Source:", documented.Element("remarks")?.Value);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Every_answer_of_a_platform_names_the_source_of_its_rule(string name)
    {
        Assert.Empty(
            from answer in Answers(Platforms.Find(name)!)
            where string.IsNullOrWhiteSpace(answer.Source)
            select answer.Rule);
    }

    private static IEnumerable<(string Rule, string Source)> Answers(ConfidentialPlatform platform) =>
        from state in platform.States.Select(info => info.State)
        from switches in Enum.GetValues<PolicySwitches>()
        from answer in Accesses(platform, state, switches).Concat(Operations(platform, state, switches))
        select answer;

    private static IEnumerable<(string Rule, string Source)> Accesses(ConfidentialPlatform platform, PageState state, PolicySwitches switches)
    {
        foreach (PteAttribute attribute in Enum.GetValues<PteAttribute>())
        {
            foreach (AccessKind kind in Enum.GetValues<AccessKind>())
            {
                AccessRule access = platform.Access(state, attribute, kind, switches);
                yield return (access.Rule, access.Source);

                if (access.Outcome != AccessOutcome.HostExit)
                    continue;

                foreach (HostPolicy host in Enum.GetValues<HostPolicy>())
                {
                    ExitRule exit = platform.RespondToExit(state, attribute, kind, host, switches);
                    yield return (exit.Rule, exit.Source);
                }
            }
        }
    }

    private static IEnumerable<(string Rule, string Source)> Operations(ConfidentialPlatform platform, PageState state, PolicySwitches switches) =>
    [
        .. Enum.GetValues<GuestOperation>().Select(operation => platform.Apply(operation, state, switches)).Select(rule => (rule.Rule, rule.Source)),
        .. Enum.GetValues<HostCall>().Select(call => platform.Apply(call, state, switches)).Select(rule => (rule.Rule, rule.Source)),
        .. Enum.GetValues<HostOperation>().Select(operation => platform.Apply(operation, state, switches)).Select(rule => (rule.Rule, rule.Source)),
    ];
}
