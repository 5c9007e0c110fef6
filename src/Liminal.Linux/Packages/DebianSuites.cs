// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;
using System.Linq;

namespace Liminal.Linux.Packages;

/// <summary>Which Debian suites carry which kernel series, and where on a mirror that apt knows they are.</summary>
/// <remarks>Source: the package lists of these suites (linux-image-6.1.0-*, linux-image-6.12.*), read in November 2026.</remarks>
internal static class DebianSuites
{
    private const string Security = "-security";

    // In the order in which they are tried; those of the mirror for security updates first, because they are never older.
    private static readonly (string Series, string[] Suites)[] SuitesOfSeries =
    [
        ("6.1", ["bookworm-security", "bookworm"]),
        ("6.12", ["bookworm-security", "trixie-security", "bookworm-backports", "trixie"]),
    ];

    private static readonly string[] Codenames =
        ["bullseye", "bookworm", "trixie", "forky", "sid", "oldoldstable", "oldstable", "stable", "testing", "unstable"];

    /// <summary>The suites that have carried a series; none for a series that is not known.</summary>
    public static IReadOnlyList<string> Carrying(string series) =>
        [.. SuitesOfSeries.Where(row => series == row.Series || series.StartsWith(row.Series + ".", StringComparison.Ordinal)).SelectMany(static row => row.Suites)];

    /// <summary>Lines for a sources.list with the suites of a series whose package lists apt does not have, on the mirrors that it has.</summary>
    /// <param name="series">Such as 6.12.</param>
    /// <param name="targets">
    /// What apt is set up for: one line per package list, "repository|suite|origin", as apt-get indextargets prints it. The origin is known only of lists that were downloaded;
    /// of others it is the unreplaced "$(ORIGIN)".
    /// </param>
    /// <param name="keyring">File with the keys of the Debian archive, or null to use apt's own.</param>
    public static IReadOnlyList<string> SourcesFor(string series, IEnumerable<string> targets, string? keyring)
    {
        List<(string Repository, string Suite, bool IsDownloaded)> known =
        [
            .. from target in targets
               let parts = target.Split('|')
               where parts.Length == 3 && IsDebian(parts[1], parts[2])
               select (parts[0], parts[1], IsKnown(parts[2])),
        ];

        string options = keyring is null ? "" : $" [signed-by={keyring}]";
        return
        [
            .. from suite in Carrying(series)
               where !known.Exists(item => item.Suite == suite && item.IsDownloaded)
               from repository in known.Where(item => IsSecurity(item.Suite) == IsSecurity(suite)).Select(static item => item.Repository).Distinct(StringComparer.Ordinal)
               select $"deb{options} {repository} {suite} main",
        ];
    }

    /// <summary>By the origin that the mirror states, or by the suite's name where the list was not downloaded yet.</summary>
    private static bool IsDebian(string suite, string origin) =>
        origin == "Debian" || (!IsKnown(origin) && Codenames.Contains(suite.Split('-')[0], StringComparer.Ordinal));

    private static bool IsKnown(string origin) => !origin.StartsWith('$');

    private static bool IsSecurity(string suite) => suite.EndsWith(Security, StringComparison.Ordinal);
}
