// SPDX-License-Identifier: Apache-2.0

using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Xml;

namespace Liminal.Trace;

/// <summary>A check report as JUnit XML, for the build servers that show test results.</summary>
/// <remarks>
/// A suite for each cell, and one more where failures inside the guest were explored; a case for each property. A case fails when the property is
/// violated under any host and setting, and lists all of those; its counterexample is that of the first.
/// </remarks>
public static class CheckReportJUnit
{
    /// <summary>Writes the whole report, with a line end behind it.</summary>
    /// <param name="report">What is written.</param>
    /// <param name="stream">Where to; left open.</param>
    public static void Write(CheckReport report, Stream stream)
    {
        List<Suite> suites = [.. report.Cells.SelectMany(Suites)];
        IEnumerable<Verdict> verdicts = suites.SelectMany(static suite => suite.Cases).Select(static one => one.Verdict);
        JUnitXml.Write(stream, "check", verdicts, suites.Sum(static suite => suite.Seconds), report.Interrupted ? "cells or explorations" : null, writer =>
        {
            foreach (Suite suite in suites)
                Write(writer, suite);
        });
    }

    private static IEnumerable<Suite> Suites(CellReport cell)
    {
        foreach (bool failures in new[] { false, true })
        {
            List<Exploration> explored = [.. cell.Explorations.Where(one => one.Failures == failures)];
            if (explored.Count == 0)
                continue;

            string name = $"{cell.Protocol} {cell.Direction} on {cell.Platform}{(failures ? ", with failures" : "")}";
            IEnumerable<Case> cases = explored[0].Properties.Select(one => CaseOf(one.Property, explored));
            yield return new Suite(name, $"liminal.check.{cell.Platform}.{cell.Direction}", explored.Sum(static one => one.Seconds), [.. cases]);
        }
    }

    private static Case CaseOf(string property, List<Exploration> explored)
    {
        List<(Exploration Exploration, PropertyVerdict Verdict)> found =
            [.. explored.Select(one => (one, one.Properties.Single(verdict => verdict.Property == property)))];
        Verdict verdict = new[] { Verdict.Violated, Verdict.Inconclusive, Verdict.Holds }.FirstOrDefault(
            wanted => found.Exists(one => one.Verdict.Verdict == wanted), Verdict.NotApplicable);
        List<(Exploration Exploration, PropertyVerdict Verdict)> such = [.. found.Where(one => one.Verdict.Verdict == verdict)];
        Timeline? counterexample = such[0].Verdict.Counterexample;
        string text = string.Join('\n',
        [
            string.Create(CultureInfo.InvariantCulture, $"under {such.Count} of {found.Count} hosts and settings:"),
            .. such.Select(static one => $"  {Conditions(one.Exploration)}: {one.Verdict.Reason}"),
            .. counterexample is null ? [] : JUnitXml.Lines(counterexample).Prepend($"\nunder {Conditions(such[0].Exploration)}"),
        ]);
        return new Case(property, verdict, such[0].Verdict.Reason, text);
    }

    private static string Conditions(Exploration exploration) => string.Join(' ', [exploration.Host, .. exploration.Switches]);

    private static void Write(XmlWriter writer, Suite suite)
    {
        JUnitXml.BeginSuite(writer, suite.Name, [.. suite.Cases.Select(static one => one.Verdict)]);
        JUnitXml.WriteSeconds(writer, suite.Seconds);
        foreach (Case one in suite.Cases)
            JUnitXml.WriteCase(writer, one.Property, suite.Group, one.Verdict, one.Reason, one.Text);

        writer.WriteEndElement();
    }

    private sealed record Suite(string Name, string Group, double Seconds, IReadOnlyList<Case> Cases);

    private sealed record Case(string Property, Verdict Verdict, string? Reason, string Text);
}
