// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Text;
using System.Xml;

namespace Liminal.Trace;

/// <summary>JUnit XML from verdicts: what the reports have in common.</summary>
/// <remarks>
/// A property without a verdict is an error and not a skipped test: a build must not turn green because a question was left open. The elements are
/// those of the schema that Jenkins publishes (junit-10.xsd of its xUnit plugin).
/// </remarks>
internal static class JUnitXml
{
    /// <summary>Steps of a counterexample in a failure; servers show them all at once.</summary>
    private const int MostSteps = 200;

    private static readonly XmlWriterSettings Layout = new()
    {
        Encoding = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false),
        Indent = true,
        IndentChars = " ",
        NewLineChars = "\n",
    };

    /// <summary>Writes a whole document, with a line end behind it.</summary>
    /// <param name="stream">Where to; left open.</param>
    /// <param name="command">What was run: <c>sweep</c>.</param>
    /// <param name="verdicts">The verdict of each case that <paramref name="writeSuites"/> writes.</param>
    /// <param name="seconds">How long it took.</param>
    /// <param name="interrupted">What is missing of a run that was interrupted, as <c>sweeps</c>; null for one that was not.</param>
    /// <param name="writeSuites">Writes the suites.</param>
    public static void Write(Stream stream, string command, IEnumerable<Verdict> verdicts, double seconds, string? interrupted, Action<XmlWriter> writeSuites)
    {
        using (var writer = XmlWriter.Create(stream, Layout))
        {
            writer.WriteStartElement("testsuites");
            Attribute(writer, "name", $"liminal {command}");
            WriteCounts(writer, verdicts, interrupted is null ? 0 : 1);
            WriteSeconds(writer, seconds);
            writeSuites(writer);
            if (interrupted is not null)
                WriteInterruption(writer, command, interrupted);

            writer.WriteEndElement();
        }

        stream.WriteByte((byte)'\n');
    }

    /// <summary>The <c>time</c> of a suite, behind its counts.</summary>
    public static void WriteSeconds(XmlWriter writer, double seconds) => Attribute(writer, "time", seconds.ToString("0.000", CultureInfo.InvariantCulture));

    /// <summary>Begins a suite with its name and counts.</summary>
    public static void BeginSuite(XmlWriter writer, string name, IReadOnlyList<Verdict> verdicts)
    {
        writer.WriteStartElement("testsuite");
        Attribute(writer, "name", name);
        WriteCounts(writer, verdicts, 0);
        Attribute(writer, "skipped", verdicts.Count(static one => one == Verdict.NotApplicable).ToString(CultureInfo.InvariantCulture));
    }

    /// <summary>A case: a failure when violated, an error without a verdict, skipped when it does not apply.</summary>
    /// <param name="writer">In a suite.</param>
    /// <param name="name">Of the case.</param>
    /// <param name="group">Its class name, with dots.</param>
    /// <param name="verdict">What was found.</param>
    /// <param name="reason">The message of a failure, error or skip.</param>
    /// <param name="text">The text of a failure or error.</param>
    public static void WriteCase(XmlWriter writer, string name, string group, Verdict verdict, string? reason, string text)
    {
        writer.WriteStartElement("testcase");
        Attribute(writer, "name", name);
        Attribute(writer, "classname", group);
        string? element = verdict switch
        {
            Verdict.Violated => "failure",
            Verdict.Inconclusive => "error",
            Verdict.NotApplicable => "skipped",
            _ => null,
        };
        if (element is not null)
        {
            writer.WriteStartElement(element);
            Attribute(writer, "message", reason ?? verdict.ToString());
            if (element != "skipped")
            {
                Attribute(writer, "type", verdict.ToString());
                if (text.Length > 0)
                    writer.WriteString(XmlText.Of(text));
            }

            writer.WriteEndElement();
        }

        writer.WriteEndElement();
    }

    /// <summary>A counterexample, a line a step; of a long one the end.</summary>
    public static IEnumerable<string> Lines(Timeline timeline)
    {
        Dictionary<string, string> lanes = timeline.Lanes.DistinctBy(static lane => lane.Id).ToDictionary(static lane => lane.Id, static lane => lane.Title, StringComparer.Ordinal);
        int leftOut = Math.Max(timeline.Steps.Count - MostSteps, 0);
        yield return PrintableText.Of(timeline.Title);
        if (leftOut > 0)
            yield return string.Create(CultureInfo.InvariantCulture, $"     ({leftOut} steps before these are in the JSON report)");

        foreach (TimelineStep step in timeline.Steps.Skip(leftOut))
        {
            string mark = step.Tone switch { StepTone.Violation => "✘", StepTone.Notable => "!", _ => " " };
            string detail = step.Detail.Length == 0 ? "" : $": {step.Detail}";
            string place = step.Source is null ? "" : $" [{step.Source}]";
            yield return PrintableText.Of($"{step.Number,4} {mark} {lanes.GetValueOrDefault(step.Lane, step.Lane)} {step.Title}{detail}{place}");
        }

        yield return PrintableText.Of(timeline.Conclusion);
    }

    /// <summary>An attribute whose value may hold anything.</summary>
    public static void Attribute(XmlWriter writer, string name, string value) => writer.WriteAttributeString(name, XmlText.Of(value));

    private static void WriteInterruption(XmlWriter writer, string command, string missing)
    {
        writer.WriteStartElement("testsuite");
        Attribute(writer, "name", $"liminal {command}");
        WriteCounts(writer, [], 1);
        writer.WriteStartElement("testcase");
        Attribute(writer, "name", $"the {command} came to its end");
        Attribute(writer, "classname", $"liminal.{command}");
        writer.WriteStartElement("error");
        Attribute(writer, "message", $"it was interrupted: {missing} are missing");
        Attribute(writer, "type", "Interrupted");
        writer.WriteEndElement();
        writer.WriteEndElement();
        writer.WriteEndElement();
    }

    private static void WriteCounts(XmlWriter writer, IEnumerable<Verdict> verdicts, int furtherErrors)
    {
        List<Verdict> all = [.. verdicts];
        Count("tests", all.Count + furtherErrors);
        Count("failures", all.Count(static one => one == Verdict.Violated));
        Count("errors", all.Count(static one => one == Verdict.Inconclusive) + furtherErrors);

        void Count(string name, int count) => Attribute(writer, name, count.ToString(CultureInfo.InvariantCulture));
    }
}
