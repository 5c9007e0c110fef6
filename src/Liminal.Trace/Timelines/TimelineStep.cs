// SPDX-License-Identifier: Apache-2.0

using System.Collections.Generic;

namespace Liminal.Trace;

/// <summary>One event of a timeline and the state it leaves behind.</summary>
/// <param name="Number">Place in the timeline; 0 is the initial state, in which nobody has acted yet.</param>
/// <param name="Lane">Who acts: the <see cref="Liminal.Trace.Lane.Id"/> of a lane; empty in step 0.</param>
/// <param name="Title">What is done, in a few words that go on from the lane's title: <c>clears PRESENT of page 0</c>.</param>
/// <param name="Detail">What it changes or meets, in a sentence or two; may be empty.</param>
/// <param name="Source">Where the rule behind the event is written down: manual and section, kernel file, message-id; null if none applies.</param>
/// <param name="Tone">How much attention the event deserves.</param>
/// <param name="State">
/// The whole visible state after the event, as tables. A cell counts as changed when the cell of the same table title,
/// row name and column in the step before has another text, or does not exist.
/// </param>
public sealed record TimelineStep(
    int Number,
    string Lane,
    string Title,
    string Detail,
    string? Source,
    StepTone Tone,
    IReadOnlyList<StateTable> State);

/// <summary>How much attention a <see cref="TimelineStep"/> deserves.</summary>
public enum StepTone
{
    /// <summary>An event as it should be.</summary>
    Normal,

    /// <summary>An event without which the violation would not happen, or which opens a window.</summary>
    Notable,

    /// <summary>The event that violates the property.</summary>
    Violation,
}
