// SPDX-License-Identifier: Apache-2.0

using System;

namespace Liminal.Platform.Tables;

/// <summary>A set of page states of one platform, as a bit per state; a platform has at most 64.</summary>
/// <param name="Bits">Bit n is the state with value n.</param>
internal readonly record struct StateSet(ulong Bits)
{
    public static StateSet Of(params ReadOnlySpan<PageState> states)
    {
        ulong bits = 0;
        foreach (PageState state in states)
            bits |= 1UL << state.Value;

        return new StateSet(bits);
    }

    public bool Contains(PageState state) => (Bits & (1UL << state.Value)) != 0;

    public static StateSet operator |(StateSet left, StateSet right) => new(left.Bits | right.Bits);

    public static StateSet operator &(StateSet left, StateSet right) => new(left.Bits & right.Bits);

    public static StateSet operator ~(StateSet set) => new(~set.Bits);
}
