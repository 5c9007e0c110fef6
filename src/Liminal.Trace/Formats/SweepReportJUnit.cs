// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Xml;

namespace Liminal.Trace;

/// <summary>A sweep report as JUnit XML, for the build servers that show test results.</summary>
/// <remarks>A suite for each sweep, a case for each property; where conversions were made to fail, a suite for each caller, a case for each place.</remarks>
public static class SweepReportJUnit
{
    /// <summary>Writes the whole report, with a line end behind it.</summary>
    /// <param name="report">What is written.</param>
    /// <param name="stream">Where to; left open.</param>
    public static void Write(SweepReport report, Stream stream)
    {
        IEnumerable<Verdict> verdicts = report.Sweeps.SelectMany(static sweep => sweep.Properties).Select(static one => one.Verdict)
            .Concat(report.Failures.Select(static one => one.Verdict)).Concat(report.FailuresNotTried.Select(static _ => Verdict.NotApplicable));
        double seconds = report.Sweeps.Sum(static sweep => sweep.Seconds);
        JUnitXml.Write(stream, "sweep", verdicts, seconds, report.Interrupted ? "sweeps" : null, writer =>
        {
            HashSet<string> shared = [.. report.Sweeps.GroupBy(Name, StringComparer.Ordinal).Where(static same => same.Count() > 1).Select(static same => same.Key)];
            foreach (ConversionSweep sweep in report.Sweeps)
                WriteSuite(writer, report, sweep, shared.Contains(Name(sweep)) ? $"{Name(sweep)}, {sweep.Subject.Cause}" : Name(sweep));

            WriteFailures(writer, report);
        });
    }

    /// <summary>The name of a suite: without the call, so that it is the same for the same sweep of another build.</summary>
    private static string Name(ConversionSweep sweep) =>
        $"{sweep.Kernel} {sweep.Platform} {sweep.Direction}, {SweepWords.Subject(sweep.Subject)}, {SweepWords.Settings(sweep)}";

    private static void WriteSuite(XmlWriter writer, SweepReport report, ConversionSweep sweep, string name)
    {
        JUnitXml.BeginSuite(writer, name, [.. sweep.Properties.Select(static one => one.Verdict)]);
        JUnitXml.WriteSeconds(writer, sweep.Seconds);
        WriteProperties(writer, report, sweep);
        foreach (PropertyVerdict verdict in sweep.Properties)
        {
            string counterexample = verdict.Counterexample is Timeline timeline ? string.Join('\n', JUnitXml.Lines(timeline)) : "";
            JUnitXml.WriteCase(writer, verdict.Property, $"liminal.sweep.{sweep.Platform}.{sweep.Direction}", verdict.Verdict, verdict.Reason, counterexample);
        }

        writer.WriteElementString("system-out", XmlText.Of(Story(sweep)));
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
            JUnitXml.Attribute(writer, "name", name);
            JUnitXml.Attribute(writer, "value", value);
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
            string name = $"{caller.Key.Kernel} {caller.Key.Platform} {caller.Key.Direction}, failures in {caller.Key.Caller}";
            JUnitXml.BeginSuite(writer, name, [.. caller.Select(static one => one.Verdict)]);
            foreach (FailureCase one in caller)
            {
                JUnitXml.WriteCase(
                    writer, FailureWords.Case(one), $"liminal.sweep.{one.Platform}.{one.Direction}.failures", one.Verdict, one.Reason, FailureWords.Story(one));
            }

            writer.WriteEndElement();
        }

        if (report.FailuresNotTried.Count == 0)
            return;

        JUnitXml.BeginSuite(writer, "failures that were not tried", [.. report.FailuresNotTried.Select(static _ => Verdict.NotApplicable)]);
        foreach (string line in report.FailuresNotTried)
            JUnitXml.WriteCase(writer, line, "liminal.sweep.failures", Verdict.NotApplicable, line, "");

        writer.WriteEndElement();
    }

    private static string Story(ConversionSweep sweep) => string.Join('\n',
    [
        $"{sweep.Cost.Instructions.ToString("N0", CultureInfo.InvariantCulture)} instructions, {sweep.Runs} stray loads run",
        .. sweep.Windows.Select(window => "window " + SweepWords.Window(sweep, window)),
    ]);
}
