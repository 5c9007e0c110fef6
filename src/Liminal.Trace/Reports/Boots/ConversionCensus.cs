// SPDX-License-Identifier: Apache-2.0

using System.Collections.Generic;

namespace Liminal.Trace;

/// <summary>Every conversion of a boot, and what pages are shared after it.</summary>
/// <param name="Problem">Why there is none, or why it is not complete; null when it is complete.</param>
/// <param name="Instructions">Instructions that the machine had retired when the census was taken.</param>
/// <param name="HeldBy"><c>platform</c>: pages are shared or private as the host side holds them. <c>guest</c>: as the guest converted them, because this
/// platform holds nothing for a page.</param>
/// <param name="Ram">Where the guest's RAM lies.</param>
/// <param name="Conversions">The conversions, in the order in which they were entered.</param>
/// <param name="Shared">The pages that are not private now, in rising order.</param>
public sealed record ConversionCensus(
    string? Problem,
    ulong Instructions,
    string HeldBy,
    IReadOnlyList<FrameRun> Ram,
    IReadOnlyList<BootConversion> Conversions,
    IReadOnlyList<SharedPages> Shared);

/// <summary>Pages in a row that are not private, and who made them so.</summary>
/// <param name="First">First page.</param>
/// <param name="Pages">How many.</param>
/// <param name="State">What the host side holds for them, in the platform's own word.</param>
/// <param name="Side"><c>shared</c> or <c>between</c>.</param>
/// <param name="Conversion">Index into <see cref="ConversionCensus.Conversions"/>; -1 when they have been so from the start.</param>
public sealed record SharedPages(ulong First, long Pages, string State, string Side, int Conversion);
