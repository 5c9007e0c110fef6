// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;
using System.Linq;
using Liminal.Trace;

namespace Liminal.Cli.Check.Matrix;

/// <summary>Says under which hosts, regions and settings something is found, in a few words: "implicit-convert + suppress-ve".</summary>
/// <remarks>
/// Explorations are the points of a grid: host, region, and one axis per switch. For each host, or group of hosts with the same
/// answer, the settings are named only if they form a block of that grid; otherwise "some settings" says that they do not.
/// </remarks>
internal static class Condition
{
    private const string Irregular = "some settings";

    /// <summary>Describes the explorations in which something is found.</summary>
    /// <param name="explored">All that were explored, of one cell and one path.</param>
    /// <param name="isFound">Whether it is found in one of them.</param>
    /// <returns>An empty text when it is found in all of them; null when in none.</returns>
    public static string? Of(IReadOnlyList<Exploration> explored, Func<Exploration, bool> isFound)
    {
        if (!explored.Any(isFound))
            return null;

        if (explored.All(isFound))
            return "";

        if (Settings(explored, isFound) is string settings)
            return settings;

        List<(string Settings, List<string> Hosts)> groups = [];
        foreach (IGrouping<string, Exploration> host in explored.GroupBy(one => one.Host, StringComparer.Ordinal))
        {
            List<Exploration> runs = [.. host];
            if (!runs.Exists(one => isFound(one)))
                continue;

            string where = Settings(runs, isFound) ?? Irregular;
            int same = groups.FindIndex(group => group.Settings == where);
            if (same < 0)
                groups.Add((where, [host.Key]));
            else
                groups[same].Hosts.Add(host.Key);
        }

        return string.Join("; ", groups.Select(group => Join(string.Join('/', group.Hosts), group.Settings)));
    }

    private static string Join(string hosts, string settings) =>
        settings.Length == 0 ? hosts : $"{hosts} + {settings}";

    /// <summary>The region and switches that decide, "" when none does, null when they form no block of the grid.</summary>
    private static string? Settings(IReadOnlyList<Exploration> explored, Func<Exploration, bool> isFound)
    {
        List<List<string>> all = [.. explored.Select(Coordinates)];
        List<List<string>> found = [.. explored.Where(isFound).Select(Coordinates)];
        int axes = all[0].Count;
        List<HashSet<string>> block = [];
        for (int axis = 0; axis < axes; axis++)
            block.Add([.. found.Select(point => point[axis])]);

        if (explored.Any(one => !isFound(one) && Contains(block, Coordinates(one))))
            return null;

        List<string> words = [];
        for (int axis = 0; axis < axes; axis++)
        {
            List<string> values = [.. all.Select(point => point[axis]).Distinct(StringComparer.Ordinal)];
            if (values.Count > block[axis].Count)
                words.Add(string.Join('/', values.Where(block[axis].Contains).Select(Word)));
        }

        return string.Join(" + ", words);
    }

    private static bool Contains(List<HashSet<string>> block, List<string> point)
    {
        for (int axis = 0; axis < block.Count; axis++)
        {
            if (!block[axis].Contains(point[axis]))
                return false;
        }

        return true;
    }

    private static List<string> Coordinates(Exploration one) => [one.Region, .. one.Switches];

    private static string Word(string value) => value switch
    {
        _ when value.EndsWith("=yes", StringComparison.Ordinal) => value[..^4],
        _ when value.EndsWith("=no", StringComparison.Ordinal) => "no " + value[..^3],
        _ => value,
    };
}
