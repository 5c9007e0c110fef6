// SPDX-License-Identifier: Apache-2.0

using System.Collections.Generic;

namespace Liminal.Trace;

/// <summary>What happened, one event after the other, with the whole visible state after each event.</summary>
/// <param name="Title">What is told, such as <c>rfc-2023, decrypt, snp: StrayLoadsSurvive</c>.</param>
/// <param name="Conclusion">The last word in one sentence: what was violated and why.</param>
/// <param name="Lanes">Who takes part, in the order in which they are drawn; the ids are distinct.</param>
/// <param name="Steps">
/// The events in order. The first is the initial state with <see cref="TimelineStep.Number"/> 0; the numbers grow by one.
/// </param>
/// <remarks>
/// Plain text only: whoever fills a timeline has turned addresses, PTEs and page states into words already, so that every
/// renderer shows the same words and none needs to know a platform.
/// </remarks>
public sealed record Timeline(
    string Title,
    string Conclusion,
    IReadOnlyList<Lane> Lanes,
    IReadOnlyList<TimelineStep> Steps);
