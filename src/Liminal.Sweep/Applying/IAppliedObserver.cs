// SPDX-License-Identifier: Apache-2.0

using Liminal.Sweep.Recording;
using Liminal.X86;

namespace Liminal.Sweep.Applying;

/// <summary>Sees the actions of an applied protocol; what they do to pages, tables and TLBs is told by the machine's own observers.</summary>
internal interface IAppliedObserver
{
    /// <summary>An action begins; until the next call, everything is its doing.</summary>
    /// <param name="processor">In whose place it is done.</param>
    /// <param name="step">The step in words, with its number.</param>
    void OnAction(Processor processor, string step);

    /// <summary>The action is over; the processor goes on.</summary>
    void OnActionEnd();

    /// <summary>Something that leaves no trace in the machine.</summary>
    /// <param name="processor">In whose place.</param>
    /// <param name="kind">What it was.</param>
    /// <param name="page">Index of the page; -1 for none.</param>
    /// <param name="title">In a few words.</param>
    void OnNothingDone(Processor processor, ObservedStepKind kind, int page, string title);
}
