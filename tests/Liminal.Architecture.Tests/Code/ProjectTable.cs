// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using Liminal.Testing;

namespace Liminal.Architecture.Tests.Code;

/// <summary>A row of the table of projects in docs/architecture.md.</summary>
/// <param name="Project">Short name, such as Memory.</param>
/// <param name="MayReference">Short names of the projects that its project file may name.</param>
/// <param name="AllowsUnsafe">Whether pointers are allowed.</param>
internal sealed record ProjectRow(string Project, IReadOnlyList<string> MayReference, bool AllowsUnsafe);

/// <summary>The table of projects: the document is the rule, the tests hold the code against it.</summary>
internal static class ProjectTable
{
    private const string Heading = "| project | may reference | pointers |";

    /// <summary>The rows in the order of the document.</summary>
    public static IReadOnlyList<ProjectRow> Rows { get; } =
    [
        .. File.ReadAllLines(Repository.PathOf("docs/architecture.md"))
            .SkipWhile(line => !line.StartsWith(Heading))
            .Skip(2)
            .TakeWhile(line => line.StartsWith('|'))
            .Select(line => line.Split('|', StringSplitOptions.TrimEntries))
            .Select(cells => new ProjectRow(cells[1], Names(cells[2]), cells[3] == "yes")),
    ];

    /// <summary>The projects that a project may use: those it may reference, and what those may use.</summary>
    public static IReadOnlySet<string> Reach(string project)
    {
        var reach = new HashSet<string>();
        var pending = new Queue<string>([project]);
        while (pending.TryDequeue(out string? name))
        {
            foreach (string next in Rows.Single(row => row.Project == name).MayReference)
            {
                if (reach.Add(next))
                    pending.Enqueue(next);
            }
        }

        return reach;
    }

    private static string[] Names(string cell) => cell == "nothing" ? [] : cell.Split(", ");
}
