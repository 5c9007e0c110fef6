// SPDX-License-Identifier: Apache-2.0

namespace Liminal.Platform;

/// <summary>What the host side holds for one page, in the platform's own words (SEPT state, RMP entry).</summary>
/// <param name="Value">Its place in <see cref="ConfidentialPlatform.States"/> of the platform it comes from, 0 to 63; meaningless without that platform.</param>
public readonly record struct PageState(byte Value);

/// <summary>On which side of a conversion a page is.</summary>
public enum PageSide : byte
{
    /// <summary>A private access completes: accepted, validated, assigned to this guest.</summary>
    Private,

    /// <summary>The host and the guest both see the page: a shared access completes.</summary>
    Shared,

    /// <summary>Neither: pending, blocked, removed, assigned but not validated.</summary>
    Between,
}

/// <summary>One page state of a platform.</summary>
/// <param name="State">The value.</param>
/// <param name="Name">The platform's own word, as printed in traces, e.g. <c>Pending</c>.</param>
/// <param name="Side">On which side of a conversion the page is.</param>
/// <param name="Meaning">One sentence.</param>
/// <param name="Source">Where that is written.</param>
/// <param name="Certainty">How well it is known.</param>
public sealed record PageStateInfo(
    PageState State, string Name, PageSide Side, string Meaning, string Source, Certainty Certainty = Certainty.ReadInSource);
