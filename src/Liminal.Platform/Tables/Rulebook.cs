// SPDX-License-Identifier: Apache-2.0

using System.Collections.Generic;

namespace Liminal.Platform.Tables;

/// <summary>All tables of one platform.</summary>
/// <param name="States">Every page state; the value of a state is its place in the list.</param>
/// <param name="Switches">The switches that the rows, or the users of the platform, consult.</param>
/// <param name="Access">Answers every access.</param>
/// <param name="Exits">Answers every access that exits, for every host.</param>
/// <param name="Guest">Answers every guest operation it mentions; those it does not mention are not on this platform.</param>
/// <param name="GuestExits">Answers every guest operation that exits, for every host.</param>
/// <param name="Calls">Likewise for the calls of a guest to its host.</param>
/// <param name="Host">Likewise for what a host does by itself.</param>
internal sealed record Rulebook(
    IReadOnlyList<PageStateInfo> States,
    IReadOnlyList<PolicySwitchInfo> Switches,
    IReadOnlyList<AccessRow> Access,
    IReadOnlyList<ExitRow> Exits,
    IReadOnlyList<OperationRow<GuestOperation>> Guest,
    IReadOnlyList<OperationExitRow> GuestExits,
    IReadOnlyList<OperationRow<HostCall>> Calls,
    IReadOnlyList<OperationRow<HostOperation>> Host);
