// SPDX-License-Identifier: Apache-2.0

using System.Collections.Generic;
using System.Linq;
using CsCheck;
using Liminal.Memory;

namespace Liminal.Platform.Tests;

public sealed class PageChangeTests
{
    private static readonly Gen<PageChange> AnyChange =
        from state in Gen.Byte
        from privately in Gen.Enum<ContentEffect>()
        from openly in Gen.Enum<ContentEffect>()
        from dropped in Gen.Enum<PteAttributes>()
        from flushed in Gen.Enum<PteAttributes>()
        select new PageChange(new PageState(state), privately, openly, dropped, flushed);

    private static readonly Gen<ConfidentialPlatform> AnyPlatform =
        Gen.Int[0, Platforms.All.Count - 1].Select(index => Platforms.All[index]);

    [Fact]
    public void Changes_compose_in_any_grouping()
    {
        Gen.Select(AnyChange, AnyChange, AnyChange).Sample((first, second, third) =>
            Assert.Equal(first.Then(second).Then(third), first.Then(second.Then(third))));
    }

    [Fact]
    public void A_change_that_keeps_everything_adds_nothing_to_another()
    {
        AnyChange.Sample(change => Assert.Equal(change, change.Then(new PageChange(change.State))));
    }

    [Fact]
    public void A_later_effect_on_the_contents_hides_an_earlier_one()
    {
        var page = new PageState(0);

        Assert.Equal(
            ContentEffect.Zero,
            new PageChange(page, ContentEffect.Garble).Then(new PageChange(page, ContentEffect.Zero)).PrivateContents);
        Assert.Equal(
            ContentEffect.Garble,
            new PageChange(page, SharedContents: ContentEffect.Garble).Then(new PageChange(page)).SharedContents);
    }

    [Fact]
    public void Any_sequence_of_host_operations_and_calls_keeps_a_page_in_a_state_of_its_platform()
    {
        Gen.Select(AnyPlatform, Gen.Int[0, 31], Gen.Byte.Array[1, 30]).Sample((platform, setting, script) =>
        {
            List<PolicySwitches> settings = [.. Questions.SettingsOf(platform)];
            PolicySwitches switches = settings[setting % settings.Count];
            PageState state = platform.PrivateState;
            foreach (byte step in script)
            {
                (string _, OperationRule rule)[] applied = [.. Questions.Applied(platform, state, switches)];
                state = applied[step % applied.Length].rule.Change.State;

                Assert.Contains(platform.States, known => known.State == state);
            }
        });
    }

    [Fact]
    public void A_conversion_there_and_back_restores_the_side()
    {
        Gen.Select(Gen.Int[0, 3], Gen.Int[1, 6], Gen.Int[0, 31]).Sample((which, times, setting) =>
        {
            ConfidentialPlatform platform = Platforms.All[which];
            List<PolicySwitches> settings =
                [.. Questions.SettingsOf(platform).Where(one => !one.HasFlag(PolicySwitches.ReleaseRequired))];
            PolicySwitches switches = settings[setting % settings.Count];
            PageState state = platform.PrivateState;
            for (int i = 0; i < times; i++)
            {
                state = ToShared(platform, state, switches);
                Assert.Equal(platform.SharedState, state);

                state = ToPrivate(platform, state, switches);
                Assert.Equal(platform.PrivateState, state);
            }
        });
    }

    private static PageState ToShared(ConfidentialPlatform platform, PageState state, PolicySwitches switches) => platform.Name switch
    {
        "tdx" => platform.Apply(HostCall.MapGpaShared, state, switches).Change.State,
        "snp" => platform.Apply(
            HostCall.PageStateChangeShared,
            platform.Apply(GuestOperation.Rescind4K, state, switches).Change.State,
            switches).Change.State,
        _ => platform.Apply(HostCall.VisibilityShared, state, switches).Change.State,
    };

    private static PageState ToPrivate(ConfidentialPlatform platform, PageState state, PolicySwitches switches) => platform.Name switch
    {
        "tdx" => platform.Apply(
            GuestOperation.Accept4K, platform.Apply(HostCall.MapGpaPrivate, state, switches).Change.State, switches).Change.State,
        "snp" => platform.Apply(
            GuestOperation.Validate4K, platform.Apply(HostCall.PageStateChangePrivate, state, switches).Change.State, switches).Change.State,
        _ => platform.Apply(HostCall.VisibilityPrivate, state, switches).Change.State,
    };
}
