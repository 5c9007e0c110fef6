// SPDX-License-Identifier: Apache-2.0

using Liminal.Memory;
using Liminal.Platform;
using Liminal.Sweep.Failures;
using Liminal.Sweep.Recording;
using Liminal.Trace;

namespace Liminal.Sweep.Tests.Failures;

public sealed class PagesAfterwardsTests
{
    private const ulong Present = 1;

    [Theory]
    [InlineData("Private", PteAttribute.Private, PageCondition.Private)]
    [InlineData("Private", PteAttribute.Shared, PageCondition.Mixed)]
    [InlineData("Shared", PteAttribute.Private, PageCondition.Mixed)]
    [InlineData("Shared", PteAttribute.Shared, PageCondition.Shared)]
    public void A_leaf_and_the_host_side_agree_or_the_page_is_mixed(string side, PteAttribute attribute, PageCondition condition)
    {
        PageState state = side == "Shared" ? Platforms.Vtom.SharedState : Platforms.Vtom.PrivateState;

        Assert.Equal(condition, PagesAfterwards.Of(Mapping(attribute, Present), state, Platforms.Vtom));
        Assert.Equal(PageCondition.NotPresent, PagesAfterwards.Of(Mapping(attribute, entry: 0x1000), state, Platforms.Vtom));
    }

    [Fact]
    public void The_worst_of_its_leaves_decides_about_a_page_and_leaves_that_are_gone_do_not_count()
    {
        PageState state = Platforms.Vtom.SharedState;

        PagesLeft left = PagesAfterwards.Of(
            4, [Mapping(PteAttribute.Shared, Present), Mapping(PteAttribute.Private, 0x1000), Mapping(PteAttribute.Private, 0)], state, Platforms.Vtom);

        Assert.Equal((4, 4, PageCondition.NotPresent), (left.First, left.Last, left.Condition));
        Assert.Equal(["direct map: shared", "direct map: not present (private)"], left.Mappings);
    }

    [Fact]
    public void A_page_that_nothing_maps_is_not_present()
    {
        Assert.Equal(PageCondition.NotPresent, PagesAfterwards.Of(0, [], Platforms.Vtom.PrivateState, Platforms.Vtom).Condition);
    }

    [Fact]
    public void Where_there_are_no_page_states_the_leaf_alone_decides()
    {
        PageState only = Platforms.Sev.States[0].State;

        Assert.Equal(PageCondition.Shared, PagesAfterwards.Of(Mapping(PteAttribute.Shared, Present), only, Platforms.Sev));
        Assert.Equal(PageCondition.Private, PagesAfterwards.Of(Mapping(PteAttribute.Private, Present), only, Platforms.Sev));
    }

    private static TrackedMapping Mapping(PteAttribute attribute, ulong entry) =>
        new(0, 0, new VirtualAddress(0xffff888000100000), "direct map", processors: 1) { Entry = new PageTableEntry(entry), Attribute = attribute };
}
