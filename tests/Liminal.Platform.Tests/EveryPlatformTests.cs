// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Text.RegularExpressions;
using Liminal.Memory;
using Liminal.Platform.Reference;
using Liminal.Testing;

namespace Liminal.Platform.Tests;

/// <summary>What holds on every platform, asked for every combination of state, access, switches, host and operation.</summary>
public sealed partial class EveryPlatformTests
{
    [Fact]
    public void Every_access_has_an_answer_and_every_exit_a_response()
    {
        int accesses = 0;
        int exits = 0;
        foreach (var (platform, state, attribute, kind, switches) in Questions.Accesses)
        {
            accesses++;
            AccessOutcome outcome = platform.Access(state, attribute, kind, switches).Outcome;
            foreach (HostPolicy host in Questions.Hosts)
            {
                if (outcome == AccessOutcome.HostExit)
                {
                    exits++;
                    Assert.True(Enum.IsDefined(platform.RespondToExit(state, attribute, kind, host, switches).Disposition));
                }
                else
                {
                    Assert.Throws<UnreachableException>(() => platform.RespondToExit(state, attribute, kind, host, switches));
                }
            }
        }

        Assert.Equal(Platforms.All.Sum(platform => platform.States.Count * 8 << platform.Switches.Count), accesses);
        Assert.True(exits > 1000);
    }

    [Fact]
    public void Every_operation_has_an_answer_and_every_exit_a_response()
    {
        foreach (var (platform, state, switches) in Questions.Situations)
        {
            foreach ((string _, OperationRule rule) in Questions.Applied(platform, state, switches))
                Assert.True(Enum.IsDefined(rule.Status));

            foreach (GuestOperation operation in Questions.GuestOperations)
            {
                bool exits = platform.Apply(operation, state, switches).Status == OperationStatus.HostExit;
                foreach (HostPolicy host in Questions.Hosts)
                {
                    if (exits)
                        Assert.True(Enum.IsDefined(platform.RespondToExit(operation, state, host, switches).Disposition));
                    else
                        Assert.Throws<UnreachableException>(() => platform.RespondToExit(operation, state, host, switches));
                }
            }
        }
    }

    [Fact]
    public void An_access_always_comes_to_an_end_that_is_no_exit()
    {
        foreach (var (platform, state, attribute, kind, switches) in Questions.Accesses)
        {
            foreach (HostPolicy host in Questions.Hosts)
            {
                AccessResolution end = AccessResolution.Of(platform, state, attribute, kind, host, switches);

                Assert.NotEqual(AccessOutcome.HostExit, end.Outcome);
                Assert.Equal(end.HostActed, end.Path.Count > 1);
                Assert.Equal(platform.Access(state, attribute, kind, switches).Rule, end.Path[0].Rule);
            }
        }
    }

    [Fact]
    public void Following_an_access_again_from_where_it_ended_changes_nothing_more()
    {
        foreach (var (platform, state, attribute, kind, switches) in Questions.Accesses)
        {
            foreach (HostPolicy host in Questions.Hosts)
            {
                AccessResolution first = AccessResolution.Of(platform, state, attribute, kind, host, switches);
                AccessResolution second = AccessResolution.Of(platform, first.Change.State, attribute, kind, host, switches);

                Assert.Equal(first.Outcome, second.Outcome);
                Assert.Equal(new PageChange(first.Change.State), second.Change);
            }
        }
    }

    [Fact]
    public void An_instruction_always_completes_or_never_will()
    {
        foreach (var (platform, state, switches) in Questions.Situations)
        {
            foreach (GuestOperation operation in Questions.GuestOperations)
            {
                foreach (HostPolicy host in Questions.Hosts)
                {
                    OperationResolution end = OperationResolution.Of(platform, operation, state, host, switches);

                    Assert.Equal(end.Outcome == AccessOutcome.Ok, end.Status != OperationStatus.HostExit);
                    Assert.Contains(end.Outcome, new[] { AccessOutcome.Ok, AccessOutcome.GuestTerminated, AccessOutcome.Livelock });
                }
            }
        }
    }

    [Fact]
    public void What_is_not_done_changes_nothing()
    {
        foreach (var (platform, state, switches) in Questions.Situations)
        {
            foreach ((string operation, OperationRule rule) in Questions.Applied(platform, state, switches))
            {
                if (rule.Status != OperationStatus.Done)
                    Assert.True(rule.Change == new PageChange(state), $"{platform.Name}: {operation} of {platform.NameOf(state)}");
            }
        }
    }

    [Fact]
    public void A_host_that_does_not_resume_the_guest_changes_nothing()
    {
        foreach (var (platform, state, attribute, kind, switches) in Questions.Accesses)
        {
            if (platform.Access(state, attribute, kind, switches).Outcome != AccessOutcome.HostExit)
                continue;

            foreach (HostPolicy host in Questions.Hosts)
            {
                ExitRule exit = platform.RespondToExit(state, attribute, kind, host, switches);
                if (exit.Disposition != ExitDisposition.Resume)
                    Assert.Equal(new PageChange(state), exit.Change);
            }
        }
    }

    [Fact]
    public void Only_a_host_that_converts_changes_the_side_of_a_page_on_an_access()
    {
        foreach (var (platform, state, attribute, kind, switches) in Questions.Accesses)
        {
            foreach (HostPolicy host in Questions.Hosts.Where(host => host != HostPolicy.ImplicitConvert))
            {
                AccessResolution end = AccessResolution.Of(platform, state, attribute, kind, host, switches);

                Assert.Equal(platform.States[state.Value].Side, platform.States[end.Change.State.Value].Side);
            }
        }
    }

    [Fact]
    public void The_side_of_a_state_says_which_access_completes()
    {
        foreach (var (platform, state, switches) in Questions.Situations)
        {
            PageStateInfo info = platform.States[state.Value];
            AccessOutcome privately = platform.Access(state, PteAttribute.Private, AccessKind.Read, switches).Outcome;
            AccessOutcome openly = platform.Access(state, PteAttribute.Shared, AccessKind.Read, switches).Outcome;
            bool holds = info.Side switch
            {
                PageSide.Private => privately == AccessOutcome.Ok,
                PageSide.Shared => openly == AccessOutcome.Ok,
                PageSide.Between => privately != AccessOutcome.Ok && openly != AccessOutcome.Ok,
                _ => false,
            };
            Assert.True(holds, $"{platform.Name}: {info.Name} with {switches}");
        }
    }

    [Fact]
    public void The_usable_states_are_on_their_sides()
    {
        foreach (ConfidentialPlatform platform in Platforms.All.Where(platform => platform.Name != "none"))
        {
            Assert.Equal(PageSide.Private, platform.States[platform.PrivateState.Value].Side);
            Assert.Equal(PageSide.Shared, platform.States[platform.SharedState.Value].Side);
        }
    }

    [Fact]
    public void A_page_that_becomes_visible_to_the_host_shows_nothing_of_before()
    {
        foreach (var (platform, state, switches) in Questions.Situations.Where(situation => situation.Platform.Name != "sev"))
        {
            if (platform.Access(state, PteAttribute.Shared, AccessKind.Write, switches).Outcome == AccessOutcome.Ok)
                continue;

            foreach ((string operation, OperationRule rule) in Questions.Applied(platform, state, switches))
            {
                if (platform.Access(rule.Change.State, PteAttribute.Shared, AccessKind.Write, switches).Outcome == AccessOutcome.Ok)
                    Assert.True(rule.Change.SharedContents == ContentEffect.Garble, $"{platform.Name}: {operation} of {platform.NameOf(state)}");
            }
        }
    }

    [Fact]
    public void A_private_page_that_is_taken_away_is_never_given_back_as_it_was()
    {
        foreach (var (platform, state, switches) in Questions.Situations.Where(situation => situation.Platform.Name != "sev"))
        {
            foreach ((string operation, OperationRule rule) in Questions.Applied(platform, state, switches))
            {
                if (rule.Change.State != state && platform.States[state.Value].Side == PageSide.Private && rule.Change.State == platform.SharedState)
                    Assert.True(rule.Change.PrivateContents == ContentEffect.Garble, $"{platform.Name}: {operation} of {platform.NameOf(state)}");
            }
        }
    }

    [Fact]
    public void A_switch_that_a_platform_does_not_list_does_not_matter()
    {
        foreach (ConfidentialPlatform platform in Platforms.All)
        {
            PolicySwitches foreign = Questions.AllSwitches.Max() & ~platform.Switches.Aggregate(PolicySwitches.None, (all, one) => all | one.Switch);
            foreach (PageStateInfo state in platform.States)
            {
                foreach (PolicySwitches switches in Questions.SettingsOf(platform))
                {
                    Assert.Equal(
                        Questions.Applied(platform, state.State, switches).Select(pair => pair.Rule),
                        Questions.Applied(platform, state.State, switches | foreign).Select(pair => pair.Rule));
                    Assert.Equal(
                        platform.Access(state.State, PteAttribute.Shared, AccessKind.Read, switches),
                        platform.Access(state.State, PteAttribute.Shared, AccessKind.Read, switches | foreign));
                }
            }
        }
    }

    [Fact]
    public void A_switch_that_a_platform_lists_matters_somewhere()
    {
        // Caches are the caller's to keep; the rulebook says only who flushes them.
        foreach (ConfidentialPlatform platform in Platforms.All)
        {
            foreach (PolicySwitchInfo one in platform.Switches.Where(one => one.Switch != PolicySwitches.CoherentCaches))
            {
                Assert.Contains(
                    Questions.SettingsOf(platform).Where(setting => !setting.HasFlag(one.Switch)),
                    setting => !Answers(platform, setting).SequenceEqual(Answers(platform, setting | one.Switch), StringComparer.Ordinal));
            }
        }
    }

    [Fact]
    public void Every_platform_can_be_explored_without_a_word_from_the_user()
    {
        foreach (ConfidentialPlatform platform in Platforms.All)
        {
            Assert.Contains(HostPolicy.Cooperative, platform.DocumentedHosts);
            Assert.Equal(platform, Platforms.Find(platform.Name.ToUpperInvariant()));
            Assert.All(platform.Switches, one => Assert.True(Enum.IsDefined(one.Explored)));
            Assert.All(platform.Switches, one => Assert.Matches("^[a-z]+(-[a-z]+)*$", one.Name));
            Assert.Equal(platform.Switches.Count, platform.Switches.Select(one => one.Switch).Distinct().Count());
        }

        Assert.Null(Platforms.Find("sgx"));
    }

    [Fact]
    public void A_state_that_a_platform_does_not_have_is_an_error_of_the_caller()
    {
        foreach (ConfidentialPlatform platform in Platforms.All)
        {
            var beyond = new PageState((byte)platform.States.Count);

            Assert.Throws<UnreachableException>(() => platform.Access(beyond, PteAttribute.Private, AccessKind.Read, PolicySwitches.None));
            Assert.Throws<UnreachableException>(() => platform.Apply(HostOperation.WriteShared, beyond, PolicySwitches.None));
        }
    }

    [Fact]
    public void Every_rule_has_a_stable_name_and_a_source()
    {
        foreach (RuleStep rule in Platforms.All.SelectMany(RuleReference.Of))
        {
            Assert.Matches(RuleName(), rule.Rule);
            Assert.NotEmpty(rule.Source);
        }
    }

    [Fact]
    public void Every_source_begins_with_a_name_that_is_listed()
    {
        string[] names = [.. ListedSource().Matches(File.ReadAllText(Repository.PathOf("docs/reference/sources.md")))
            .Select(match => match.Groups["name"].Value)];
        IEnumerable<string> used = Platforms.All.SelectMany(platform =>
            RuleReference.Of(platform).Select(rule => rule.Source)
                .Concat(platform.States.Select(state => state.Source))
                .Concat(platform.Switches.Select(one => one.Source)));

        Assert.True(names.Length > 5);
        Assert.All(used, source => Assert.Contains(names, name => source.StartsWith(name, StringComparison.Ordinal)));
    }

    [Fact]
    public void On_an_ordinary_guest_nothing_changes_anything()
    {
        NonePlatform none = Platforms.None;
        foreach ((string _, OperationRule rule) in Questions.Applied(none, none.PrivateState, PolicySwitches.None))
        {
            Assert.Equal(OperationStatus.NotOnThisPlatform, rule.Status);
            Assert.Equal(new PageChange(none.PrivateState), rule.Change);
        }

        foreach (PteAttribute attribute in Questions.Attributes)
            Assert.Equal(AccessOutcome.Ok, none.Access(none.PrivateState, attribute, AccessKind.Read, PolicySwitches.None).Outcome);
    }

    private static IEnumerable<string> Answers(ConfidentialPlatform platform, PolicySwitches switches) =>
        from state in platform.States
        from answer in Questions.Applied(platform, state.State, switches).Select(pair => $"{pair.Rule}")
            .Concat(
                from attribute in Questions.Attributes
                from kind in Questions.Kinds
                select $"{AccessResolution.Of(platform, state.State, attribute, kind, HostPolicy.Cooperative, switches) with { Path = [] }}")
        select answer;

    [GeneratedRegex("^[a-z0-9]+(-[a-z0-9]+)*$", RegexOptions.ExplicitCapture)]
    private static partial Regex RuleName();

    [GeneratedRegex("^\\| `(?<name>[^`]+)` \\|", RegexOptions.Multiline | RegexOptions.ExplicitCapture)]
    private static partial Regex ListedSource();
}
