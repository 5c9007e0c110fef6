// SPDX-License-Identifier: Apache-2.0

using System.Collections.Generic;

namespace Liminal.Trace;

/// <summary>Everything one run of <c>liminal check</c> found out.</summary>
/// <param name="SchemaVersion">Version of this shape; see <see cref="CurrentSchemaVersion"/>.</param>
/// <param name="Tool">The program that made the report: <c>liminal</c>.</param>
/// <param name="Version">Version of that program.</param>
/// <param name="CommandLine">What the user asked for, as typed.</param>
/// <param name="Protocols">The protocols, in the order of the rows of the matrix.</param>
/// <param name="Platforms">The platforms, in the order of its columns.</param>
/// <param name="Properties">The properties that were checked.</param>
/// <param name="Hosts">The host policies that were explored.</param>
/// <param name="Cells">The cells: protocol by protocol, decrypt before encrypt, platform by platform.</param>
/// <param name="Interrupted">Whether the run was stopped before its end, so that cells or explorations are missing.</param>
/// <param name="RecordedComparison">
/// How the verdicts compare with the recorded ones, in one line; null when nothing is recorded for the targets.
/// </param>
public sealed record CheckReport(
    int SchemaVersion,
    string Tool,
    string Version,
    string CommandLine,
    IReadOnlyList<ProtocolEntry> Protocols,
    IReadOnlyList<PlatformEntry> Platforms,
    IReadOnlyList<PropertyEntry> Properties,
    IReadOnlyList<HostEntry> Hosts,
    IReadOnlyList<CellReport> Cells,
    bool Interrupted,
    string? RecordedComparison)
{
    /// <summary>The version that this program writes and reads. It grows when a reader of the old shape would be misled.</summary>
    public const int CurrentSchemaVersion = 1;
}
