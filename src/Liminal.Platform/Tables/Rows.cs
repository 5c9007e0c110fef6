// SPDX-License-Identifier: Apache-2.0

using System.Collections.Generic;
using Liminal.Memory;

namespace Liminal.Platform.Tables;

/// <summary>What becomes of a page in a state.</summary>
internal delegate PageChange Effect(PageState state, PolicySwitches switches);

/// <summary>One row of the table of accesses.</summary>
internal sealed record AccessRow(
    StateSet States, PteAttributes Through, AccessKinds Kinds, Setting When, AccessRule Then);

/// <summary>One row of the table of what a host does with an access that exited.</summary>
internal sealed record ExitRow(
    StateSet States, PteAttributes Through, AccessKinds Kinds, Hosts By, Setting When,
    ExitDisposition Then, Effect Effect, string Rule, string Source, Certainty Certainty = Certainty.ReadInSource);

/// <summary>One row of the table of what a host does with a guest instruction that exited.</summary>
internal sealed record OperationExitRow(
    IReadOnlyList<GuestOperation> Operations, StateSet States, Hosts By,
    ExitDisposition Then, Effect Effect, string Rule, string Source, Certainty Certainty = Certainty.ReadInSource);

/// <summary>One row of a table of operations, calls or host operations.</summary>
internal sealed record OperationRow<TOperation>(
    IReadOnlyList<TOperation> Operations, StateSet States, Setting When,
    OperationStatus Status, Effect Effect, string Rule, string Source, Certainty Certainty = Certainty.ReadInSource)
    where TOperation : struct, System.Enum;

/// <summary>The effects that every platform knows.</summary>
internal static class Effects
{
    /// <summary>The page stays as it is.</summary>
    public static PageChange None(PageState state, PolicySwitches switches) => new(state);
}
