// SPDX-License-Identifier: Apache-2.0

using Liminal.Memory;
using Liminal.Sweep.Recording;

namespace Liminal.Sweep.Tests.Recording;

/// <summary>Which translations processors may still hold.</summary>
public sealed class TrackedMappingTests
{
    private const PteFlags Leaf = PteFlags.Present | PteFlags.Writable;
    private const ulong Both = 3;

    private readonly TrackedMapping _mapping = new(0, 0, new VirtualAddress(0xffff888000100000), "direct map", processors: 2);

    [Fact]
    public void A_processor_that_has_not_started_holds_nothing()
    {
        Set(Leaf, PteAttribute.Private, started: 1);

        Assert.Equal(PteAttributes.Private, _mapping.Cached(0));
        Assert.Equal(PteAttributes.None, _mapping.Cached(1));
    }

    [Fact]
    public void A_translation_is_held_after_its_leaf_changed_until_its_processor_drops_it()
    {
        Set(Leaf, PteAttribute.Private);
        Set(Leaf, PteAttribute.Shared);
        Assert.Equal(PteAttributes.Both, _mapping.Cached(0));
        Assert.Equal(PteAttributes.Private, _mapping.StaleAnywhere);

        Assert.True(_mapping.Drop(0, keepsGlobal: false));

        Assert.Equal(PteAttributes.None, _mapping.Cached(0));
        Assert.Equal(PteAttributes.Both, _mapping.Cached(1));
    }

    [Fact]
    public void A_change_of_address_space_drops_no_global_translation()
    {
        Set(Leaf | PteFlags.Global, PteAttribute.Private);

        Assert.False(_mapping.Drop(0, keepsGlobal: true));
        Assert.True(_mapping.IsHeldGlobal(PteAttribute.Private));
        Assert.Equal(PteAttributes.Private, _mapping.Cached(0));
    }

    [Fact]
    public void A_global_translation_stays_global_when_its_leaf_is_made_anew_without_the_bit()
    {
        Set(Leaf | PteFlags.Global, PteAttribute.Private);
        Set(Leaf, PteAttribute.Shared);

        Assert.True(_mapping.Drop(0, keepsGlobal: true));

        Assert.Equal(PteAttributes.Private, _mapping.Cached(0));
        Assert.True(_mapping.IsHeldGlobal(PteAttribute.Private));
        Assert.False(_mapping.IsHeldGlobal(PteAttribute.Shared));
    }

    [Fact]
    public void The_bit_of_a_leaf_that_is_not_present_makes_nothing_global()
    {
        Set(Leaf, PteAttribute.Private);
        Set(PteFlags.Global, PteAttribute.Private);

        Assert.True(_mapping.Drop(0, keepsGlobal: true));
        Assert.Equal(PteAttributes.None, _mapping.Cached(0));
    }

    [Fact]
    public void What_everybody_dropped_is_not_global_when_it_is_looked_up_anew()
    {
        Set(Leaf | PteFlags.Global, PteAttribute.Private);
        _mapping.DropEverywhere(PteAttributes.Private);
        Set(Leaf, PteAttribute.Private);

        Assert.False(_mapping.IsHeldGlobal(PteAttribute.Private));
        Assert.True(_mapping.Drop(1, keepsGlobal: true));
        Assert.Equal(PteAttributes.None, _mapping.Cached(1));
    }

    private void Set(PteFlags flags, PteAttribute attribute, ulong started = Both)
    {
        _mapping.Entry = new PageTableEntry((ulong)flags);
        _mapping.Attribute = attribute;
        _mapping.Fill(started);
    }
}
