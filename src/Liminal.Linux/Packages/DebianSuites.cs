// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;
using System.Linq;
using System.Text.RegularExpressions;

namespace Liminal.Linux.Packages;

/// <summary>Which Debian suites carry which kernel series, and where on a mirror that apt knows they are.</summary>
/// <remarks>Source: the package lists of these suites (linux-image-6.1.0-*, linux-image-6.12.*), read in November
/// 2026.</remarks>
internal static class DebianSuites
{
    private const string Security = "-security";

    // In the order in which they are tried; those of the mirror for security updates first, because they are never
    // older.
    private static readonly (string Series, string[] Suites)[] SuitesOfSeries =
    [
        ("6.1", ["bookworm-security", "bookworm"]),
        ("6.12", ["bookworm-security", "trixie-security", "bookworm-backports", "trixie"]),
    ];

    private static readonly string[] Codenames =
        ["bullseye", "bookworm", "trixie", "forky", "sid", "oldoldstable", "oldstable", "stable", "testing", "unstable"];

    /// <summary>The suites that have carried a series; none for a series that is not known.</summary>
    public static IReadOnlyList<string> Carrying(string series) =>
    [
        .. from row in SuitesOfSeries
           where series == row.Series || series.StartsWith(row.Series + ".", StringComparison.Ordinal)
           from suite in row.Suites
           select suite,
    ];

    /// <summary>Lines for a sources.list with the suites of a series whose package lists apt does not have, on the
    /// mirrors that it has.</summary>
    /// <param name="series">Such as 6.12.</param>
    /// <param name="sources">What apt is set up for.</param>
    /// <param name="keyring">File with the keys of the Debian archive, or null to use apt's own.</param>
    public static IReadOnlyList<string> SourcesFor(string series, IEnumerable<AptSource> sources, string? keyring)
    {
        List<AptSource> debian = [.. sources.Where(IsDebian)];
        string options = keyring is null ? "" : $" [signed-by={keyring}]";
        return
        [
            .. from suite in Carrying(series)
               where !debian.Exists(source => source.Suite == suite && source.Origin is not null)
               from repository in RepositoriesFor(suite, debian)
               select $"deb{options} {repository} {suite} main",
        ];
    }

    private static IEnumerable<string> RepositoriesFor(string suite, List<AptSource> sources) => sources
        .Where(source => IsSecurity(source.Suite) == IsSecurity(suite))
        .Select(static source => source.Repository)
        .Distinct(StringComparer.Ordinal);

    /// <summary>By the origin that the mirror states, or by the suite's name where the list was not downloaded
    /// yet.</summary>
    private static bool IsDebian(AptSource source) =>
        source.Origin is null ? Codenames.Contains(source.Suite.Split('-')[0], StringComparer.Ordinal) : source.Origin == "Debian";

    private static bool IsSecurity(string suite) => suite.EndsWith(Security, StringComparison.Ordinal);
}

/// <summary>One suite of one repository that apt is set up for.</summary>
/// <param name="Repository">Address of the repository.</param>
/// <param name="Suite">Name of the suite there, such as bookworm-security.</param>
/// <param name="Origin">Who the repository says it is from; null when its lists were not downloaded yet.</param>
internal sealed record AptSource(string Repository, string Suite, string? Origin)
{
    private const string Origins = "$(ORIGIN)";

    private static readonly Regex ReleaseFile = new(
        "^'(?<repository>[^']*/)dists/(?<suite>[^']+)/InRelease'", RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture);

    /// <summary>What apt-get indextargets is asked for.</summary>
    public const string Format = $"$(REPO_URI)|$(RELEASE)|{Origins}";

    /// <summary>Reads what apt-get prints: of downloaded lists as <see cref="Format"/>, of all sources as update
    /// --print-uris.</summary>
    public static IReadOnlyList<AptSource> Read(string targets, string uris)
    {
        List<AptSource> sources =
        [
            .. from line in targets.Split('\n')
               let parts = line.Split('|')
               where parts.Length == 3
               select new AptSource(parts[0], parts[1], parts[2] == Origins ? null : parts[2]),
        ];
        foreach (Match match in uris.Split('\n').Select(static line => ReleaseFile.Match(line)).Where(static match => match.Success))
        {
            string repository = match.Groups["repository"].Value, suite = match.Groups["suite"].Value;
            if (!sources.Exists(source => source.Repository == repository && source.Suite == suite))
                sources.Add(new AptSource(repository, suite, null));
        }

        return sources;
    }
}
