// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Text;
using System.Xml;

namespace Liminal.Trace;

/// <summary>A sweep report as JUnit XML, for the build servers that show test results.</summary>
/// <remarks>
/// A suite for each sweep, a case for each property; where conversions were made to fail, a suite for each caller, a case for each place. A property without a verdict is an error and not a skipped test: a build must not turn green because
/// a question was left open. The elements are those of the schema that Jenkins publishes (junit-10.xsd of its xUnit plugin).
/// </remarks>
public static class SweepReportJUnit
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

    /// <summary>Writes the whole report, with a line end behind it.</summary>
    /// <param name="report">What is written.</param>
    /// <param name="stream">Where to; left open.</param>
    public static void Write(SweepReport report, Stream stream)
    {
        using (var writer = XmlWriter.Create(stream, Layout))
        {
            writer.WriteStartElement("testsuites");
            Attribute(writer, "name", "liminal sweep");
            IEnumerable<Verdict> verdicts = report.Sweeps.SelectMany(static sweep => sweep.Properties).Select(static one => one.Verdict)
                .Concat(report.Failures.Select(static one => one.Verdict)).Concat(report.FailuresNotTried.Select(static _ => Verdict.NotApplicable));
            WriteCounts(writer, verdicts, report.Interrupted ? 1 : 0);
            Attribute(writer, "time", Seconds(report.Sweeps.Sum(static sweep => sweep.Seconds)));
            HashSet<string> shared = [.. report.Sweeps.GroupBy(Name, StringComparer.Ordinal).Where(static same => same.Count() > 1).Select(static same => same.Key)];
            foreach (ConversionSweep sweep in report.Sweeps)
                WriteSuite(writer, report, sweep, shared.Contains(Name(sweep)) ? $"{Name(sweep)}, {sweep.Subject.Cause}" : Name(sweep));

            WriteFailures(writer, report);
            if (report.Interrupted)
                WriteInterruption(writer);

            writer.WriteEndElement();
        }

        stream.WriteByte((byte)'\n');
    }

    /// <summary>The name of a suite: without the call, so that it is the same for the same sweep of another build.</summary>
    private static string Name(ConversionSweep sweep) =>
        $"{sweep.Kernel} {sweep.Platform} {sweep.Direction}, {SweepWords.Subject(sweep.Subject)}, {SweepWords.Settings(sweep)}";

    private static void WriteSuite(XmlWriter writer, SweepReport report, ConversionSweep sweep, string name)
    {
        writer.WriteStartElement("testsuite");
        Attribute(writer, "name", name);
        WriteSuiteCounts(writer, [.. sweep.Properties.Select(static one => one.Verdict)]);
        Attribute(writer, "time", Seconds(sweep.Seconds));
        WriteProperties(writer, report, sweep);
        foreach (PropertyVerdict verdict in sweep.Properties)
        {
            string counterexample = verdict.Counterexample is Timeline timeline ? string.Join('\n', SweepWords.Lines(timeline, MostSteps)) : "";
            WriteCase(writer, verdict.Property, $"liminal.sweep.{sweep.Platform}.{sweep.Direction}", verdict.Verdict, verdict.Reason, counterexample);
        }

        WriteText(writer, "system-out", Story(sweep));
        writer.WriteEndElement();
    }

    private static void WriteProperties(XmlWriter writer, SweepReport report, ConversionSweep sweep)
    {
        KernelEntry? kernel = report.Kernels.FirstOrDefault(one => one.Name == sweep.Kernel);
        (string Name, string? Value)[] properties =
        [
            ("kernel", kernel?.File), ("sha256", kernel?.Sha256), ("cause", sweep.Subject.Cause), ("result", sweep.Result ?? "never returned"),
            ("ended", sweep.Ended), ("incomplete", sweep.Incomplete),
        ];
        writer.WriteStartElement("properties");
        foreach ((string name, string? value) in properties)
        {
            if (value is null)
                continue;

            writer.WriteStartElement("property");
            Attribute(writer, "name", name);
            Attribute(writer, "value", value);
            writer.WriteEndElement();
        }

        writer.WriteEndElement();
    }

    /// <summary>What is left of conversions that failed: a suite for each caller; and what could not be made to fail.</summary>
    private static void WriteFailures(XmlWriter writer, SweepReport report)
    {
        foreach (IGrouping<(string Kernel, string Platform, string Direction, string Caller), FailureCase> caller
            in report.Failures.GroupBy(static one => (one.Kernel, one.Platform, one.Direction, one.Caller)))
        {
            writer.WriteStartElement("testsuite");
            Attribute(writer, "name", $"{caller.Key.Kernel} {caller.Key.Platform} {caller.Key.Direction}, failures in {caller.Key.Caller}");
            WriteSuiteCounts(writer, [.. caller.Select(static one => one.Verdict)]);
            foreach (FailureCase one in caller)
                WriteCase(writer, FailureWords.Case(one), $"liminal.sweep.{one.Platform}.{one.Direction}.failures", one.Verdict, one.Reason, FailureWords.Story(one));

            writer.WriteEndElement();
        }

        if (report.FailuresNotTried.Count == 0)
            return;

        writer.WriteStartElement("testsuite");
        Attribute(writer, "name", "failures that were not tried");
        WriteSuiteCounts(writer, [.. report.FailuresNotTried.Select(static _ => Verdict.NotApplicable)]);
        foreach (string line in report.FailuresNotTried)
            WriteCase(writer, line, "liminal.sweep.failures", Verdict.NotApplicable, line, "");

        writer.WriteEndElement();
    }

    private static void WriteCase(XmlWriter writer, string name, string group, Verdict verdict, string? reason, string text)
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

    private static void WriteInterruption(XmlWriter writer)
    {
        writer.WriteStartElement("testsuite");
        Attribute(writer, "name", "liminal sweep");
        WriteCounts(writer, [], 1);
        writer.WriteStartElement("testcase");
        Attribute(writer, "name", "the sweep came to its end");
        Attribute(writer, "classname", "liminal.sweep");
        writer.WriteStartElement("error");
        Attribute(writer, "message", "it was interrupted: sweeps are missing");
        Attribute(writer, "type", "Interrupted");
        writer.WriteEndElement();
        writer.WriteEndElement();
        writer.WriteEndElement();
    }

    private static void WriteSuiteCounts(XmlWriter writer, List<Verdict> verdicts)
    {
        WriteCounts(writer, verdicts, 0);
        Attribute(writer, "skipped", verdicts.Count(static one => one == Verdict.NotApplicable).ToString(CultureInfo.InvariantCulture));
    }

    private static void WriteCounts(XmlWriter writer, IEnumerable<Verdict> verdicts, int furtherErrors)
    {
        List<Verdict> all = [.. verdicts];
        Count("tests", all.Count + furtherErrors);
        Count("failures", all.Count(static one => one == Verdict.Violated));
        Count("errors", all.Count(static one => one == Verdict.Inconclusive) + furtherErrors);

        void Count(string name, int count) => Attribute(writer, name, count.ToString(CultureInfo.InvariantCulture));
    }

    private static string Story(ConversionSweep sweep) => string.Join('\n',
    [
        $"{sweep.Cost.Instructions.ToString("N0", CultureInfo.InvariantCulture)} instructions, {sweep.Runs} stray loads run",
        .. sweep.Windows.Select(window => "window " + SweepWords.Window(sweep, window)),
    ]);

    private static string Seconds(double seconds) => seconds.ToString("0.000", CultureInfo.InvariantCulture);

    private static void Attribute(XmlWriter writer, string name, string value) => writer.WriteAttributeString(name, XmlText.Of(value));

    private static void WriteText(XmlWriter writer, string name, string text) => writer.WriteElementString(name, XmlText.Of(text));
}
