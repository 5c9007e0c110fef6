// SPDX-License-Identifier: Apache-2.0

using System.Collections.Generic;

namespace Liminal.Trace;

/// <summary>Everything one run of <c>liminal sweep</c> found out.</summary>
/// <param name="SchemaVersion">Version of this shape; see <see cref="CurrentSchemaVersion"/>.</param>
/// <param name="Tool">The program that made the report: <c>liminal</c>.</param>
/// <param name="Version">Version of that program.</param>
/// <param name="CommandLine">What the user asked for, as typed.</param>
/// <param name="Kernels">The kernels that were observed, in the order given.</param>
/// <param name="Platforms">The platforms that were swept, in the order of the report.</param>
/// <param name="Properties">The properties that were judged; the same names as in a check.</param>
/// <param name="Hosts">The host policies that were played.</param>
/// <param name="Sweeps">One entry per kernel, platform, conversion, host and setting of the switches, in a fixed order.</param>
/// <param name="Costs">What the conversions cost, with those beside each other that are to be compared.</param>
/// <param name="Interrupted">Whether the run was stopped before its end, so that sweeps are missing or incomplete.</param>
public sealed record SweepReport(
    int SchemaVersion,
    string Tool,
    string Version,
    string CommandLine,
    IReadOnlyList<KernelEntry> Kernels,
    IReadOnlyList<PlatformEntry> Platforms,
    IReadOnlyList<PropertyEntry> Properties,
    IReadOnlyList<HostEntry> Hosts,
    IReadOnlyList<ConversionSweep> Sweeps,
    IReadOnlyList<CostComparison> Costs,
    bool Interrupted)
{
    /// <summary>One line for each conversion of a boot that was met and not swept, and why; empty unless boots were swept.</summary>
    public IReadOnlyList<string> NotSwept { get; init; } = [];

    /// <summary>The version that this program writes and reads. It grows when a reader of the old shape would be misled.</summary>
    public const int CurrentSchemaVersion = 2;

    /// <summary>Conversions in which something went wrong, and what is left of their pages; empty unless they were asked for.</summary>
    public IReadOnlyList<FailureCase> Failures { get; init; } = [];

    /// <summary>Callers of conversions whose failures were not tried, and why, each in one line.</summary>
    public IReadOnlyList<string> FailuresNotTried { get; init; } = [];
}

/// <summary>A kernel that a report speaks of.</summary>
/// <param name="Name">What the report calls it: its release, with <c>#2</c> and so on behind it where several have the same.</param>
/// <param name="File">Name of the image file, without its folder.</param>
/// <param name="Release">What <c>uname -r</c> says.</param>
/// <param name="Sha256">Hash of the file, in hexadecimal.</param>
public sealed record KernelEntry(string Name, string File, string Release, string Sha256);
