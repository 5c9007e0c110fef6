// SPDX-License-Identifier: Apache-2.0

using Liminal.Memory;

namespace Liminal.Platform;

/// <summary>What a change of page state does to the contents of one backing.</summary>
public enum ContentEffect : byte
{
    /// <summary>Unchanged.</summary>
    Keep,

    /// <summary>Zeroed (TDG.MEM.PAGE.ACCEPT, a paravisor that accepts a page).</summary>
    Zero,

    /// <summary>Undefined: what is there cannot be read as it was written (another key, a fresh host page).</summary>
    Garble,
}

/// <summary>The effect of an operation on one page: the new state and everything else that changes with it.</summary>
/// <param name="State">The page state afterwards.</param>
/// <param name="PrivateContents">What happens to the private backing.</param>
/// <param name="SharedContents">What happens to the shared backing.</param>
/// <param name="DroppedTranslations">Cached translations of the page with these attributes that do not survive on any CPU.</param>
/// <param name="FlushedLines">Cache lines of the page under these attributes that are written back and dropped.</param>
public readonly record struct PageChange(
    PageState State,
    ContentEffect PrivateContents = ContentEffect.Keep,
    ContentEffect SharedContents = ContentEffect.Keep,
    PteAttributes DroppedTranslations = PteAttributes.None,
    PteAttributes FlushedLines = PteAttributes.None)
{
    /// <summary>This change and then another, as one. A later content effect hides an earlier one.</summary>
    public PageChange Then(PageChange later) => new(
        later.State,
        later.PrivateContents == ContentEffect.Keep ? PrivateContents : later.PrivateContents,
        later.SharedContents == ContentEffect.Keep ? SharedContents : later.SharedContents,
        DroppedTranslations | later.DroppedTranslations,
        FlushedLines | later.FlushedLines);
}
