// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text;
using Liminal.Checker.Vocabulary;
using Liminal.Trace;

namespace Liminal.Protocols;

/// <summary>How the verdicts of a run compare with the recorded ones.</summary>
/// <param name="Compared">Explorations of the run for which a record exists.</param>
/// <param name="Differences">What differs, in the order of the report: one line each, with what is recorded and what was found.</param>
public sealed record RecordedComparison(int Compared, IReadOnlyList<string> Differences)
{
    /// <summary>Whether every verdict and every count that was compared is the recorded one.</summary>
    public bool IsAsRecorded => Differences.Count == 0;

    /// <summary>The comparison in one line.</summary>
    public string Summary => IsAsRecorded
        ? $"{Explorations} as recorded"
        : $"{Differences.Count} of {Explorations} not as recorded; the first: {Differences[0]}";

    private string Explorations => Compared == 1 ? "1 exploration" : $"{Compared} explorations";
}

/// <summary>The verdicts, distinct states and diameters of the built-in protocols, as accepted: one text file for each protocol.</summary>
/// <remarks>
/// A line holds one exploration of the default matrix. A property that it does not name holds. The files are written by a test, and only
/// when LIMINAL_ACCEPT is 1, so that a change of any verdict or count shows in the history of the repository.
/// </remarks>
public static class RecordedVerdicts
{
    private const string Extension = ".txt";
    private const string KeyEnd = ": ";
    private const string CountsEnd = "; ";

    /// <summary>Compares the explorations of a run with their records.</summary>
    /// <param name="request">What was asked.</param>
    /// <param name="report">What was found.</param>
    /// <returns>
    /// Null when nothing is recorded for the run: other sizes or callers than those of the default matrix, or no built-in protocol. Explorations
    /// without a record, such as those under a host that no documentation allows, are left out. Counts are compared only when both
    /// reductions are on.
    /// </returns>
    public static RecordedComparison? Compare(CheckRequest request, CheckReport report)
    {
        if (!request.HasRecordedSizes)
            return null;

        bool comparesCounts = request.Options.Exploration is { Symmetry: true, LateFills: true };
        int compared = 0;
        List<string> differences = [];
        foreach (Protocol protocol in request.Protocols.Where(protocol => ReferenceEquals(protocol, BuiltIn.Find(protocol.Name))))
        {
            Dictionary<string, string> records = RecordsOf(protocol.Name);
            foreach (CellReport cell in report.Cells.Where(cell => cell.Protocol == protocol.Name))
            {
                foreach (Exploration exploration in cell.Explorations)
                {
                    string key = KeyOf(cell, exploration);
                    if (!records.TryGetValue(key, out string? record))
                        continue;

                    compared++;
                    string found = comparesCounts ? FindingsOf(exploration) : WithoutCounts(FindingsOf(exploration));
                    string recorded = Only(report, comparesCounts ? record : WithoutCounts(record));
                    if (found != recorded)
                        differences.Add($"{protocol.Name} {key}: recorded {recorded}, found {found}");
                }
            }
        }

        return compared == 0 ? null : new RecordedComparison(compared, differences);
    }

    /// <summary>The record of one protocol as text: what a run of the default matrix found.</summary>
    /// <param name="report">A run of the default matrix.</param>
    /// <param name="protocol">Name of the protocol.</param>
    /// <returns>One line per exploration, in the order of the report, with a line end behind each.</returns>
    internal static string TextOf(CheckReport report, string protocol)
    {
        StringBuilder text = new();
        foreach (CellReport cell in report.Cells.Where(cell => cell.Protocol == protocol))
        {
            foreach (Exploration exploration in cell.Explorations)
                text.Append(KeyOf(cell, exploration)).Append(KeyEnd).Append(FindingsOf(exploration)).Append('\n');
        }

        return text.ToString();
    }

    /// <summary>The text recorded for a protocol; empty when there is none.</summary>
    internal static string RecordedText(string protocol)
    {
        using Stream? stream = typeof(RecordedVerdicts).Assembly.GetManifestResourceStream(protocol + Extension);
        if (stream is null)
            return "";

        using StreamReader reader = new(stream, Encoding.UTF8);
        return reader.ReadToEnd();
    }

    private static Dictionary<string, string> RecordsOf(string protocol)
    {
        Dictionary<string, string> records = new(StringComparer.Ordinal);
        foreach (string line in RecordedText(protocol).Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            int end = line.IndexOf(KeyEnd, StringComparison.Ordinal);
            records.Add(line[..end], line[(end + KeyEnd.Length)..]);
        }

        return records;
    }

    /// <summary>What was explored. Of the switches, those that are set.</summary>
    private static string KeyOf(CellReport cell, Exploration exploration)
    {
        IEnumerable<string> set = exploration.Switches
            .Where(setting => setting.EndsWith("=yes", StringComparison.Ordinal))
            .Select(setting => setting[..setting.IndexOf('=', StringComparison.Ordinal)]);
        string failures = exploration.Failures ? "failures" : "success";
        return $"{cell.Direction} {cell.Platform} {failures} {exploration.Region} {exploration.Host} [{string.Join(' ', set)}]";
    }

    /// <summary>Counts, then each verdict but Holds with its properties, in the order of the report.</summary>
    private static string FindingsOf(Exploration exploration)
    {
        StringBuilder text = new($"{exploration.States} states, diameter {exploration.Diameter}");
        foreach (Verdict verdict in (Verdict[])[Verdict.Violated, Verdict.Inconclusive, Verdict.NotApplicable])
        {
            string[] properties = [.. exploration.Properties.Where(property => property.Verdict == verdict).Select(property => property.Property)];
            if (properties.Length > 0)
                text.Append(CountsEnd).Append(verdict).Append(' ').AppendJoin(' ', properties);
        }

        return text.ToString();
    }

    private static string WithoutCounts(string findings)
    {
        int end = findings.IndexOf(CountsEnd, StringComparison.Ordinal);
        return end < 0 ? "" : findings[(end + CountsEnd.Length)..];
    }

    /// <summary>A record without the properties that the report leaves out.</summary>
    private static string Only(CheckReport report, string record)
    {
        List<string> parts = [];
        foreach (string part in record.Split(CountsEnd))
        {
            string[] words = part.Split(' ');
            if (!Enum.GetNames<Verdict>().Contains(words[0]))
            {
                parts.Add(part);
                continue;
            }

            string[] kept = [.. words.Skip(1).Where(word => report.Properties.Any(property => property.Name == word))];
            if (kept.Length > 0)
                parts.Add($"{words[0]} {string.Join(' ', kept)}");
        }

        return string.Join(CountsEnd, parts);
    }
}
