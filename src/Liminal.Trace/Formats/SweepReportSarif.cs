// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Liminal.Trace;

/// <summary>A sweep report as SARIF 2.1.0, for tools that gather findings of analyses.</summary>
/// <remarks>
/// The rules are the properties, the results are the violations; sweeps that came to the same give one result. A property without a verdict is a
/// notification of the run, because it is no finding. Source of the format: OASIS, Static Analysis Results Interchange Format 2.1.0.
/// </remarks>
public static partial class SweepReportSarif
{
    /// <summary>The property that failed conversions are judged by.</summary>
    private const string FailureRule = "FailureLeavesNothingUsable";

    private const string Schema = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

    /// <summary>Writes the whole report, with a line end behind it.</summary>
    /// <param name="report">What is written.</param>
    /// <param name="stream">Where to; left open.</param>
    public static void Write(SweepReport report, Stream stream)
    {
        using (var writer = new Utf8JsonWriter(stream, new JsonWriterOptions { Indented = true, IndentSize = 1, NewLine = "\n" }))
            new SarifLog(writer, report).Write();

        stream.WriteByte((byte)'\n');
    }

    /// <summary>Writes one log with one run.</summary>
    private sealed class SarifLog(Utf8JsonWriter writer, SweepReport report)
    {
        private readonly IReadOnlyList<SweepGroup> _groups = SweepGroup.Of(report.Sweeps);

        private readonly Dictionary<string, int> _rules = report.Properties
            .Select(static (property, index) => (property.Name, Index: index))
            .DistinctBy(static rule => rule.Name)
            .ToDictionary(static rule => rule.Name, static rule => rule.Index, StringComparer.Ordinal);

        public void Write()
        {
            writer.WriteStartObject();
            writer.WriteString("$schema", Schema);
            writer.WriteString("version", "2.1.0");
            writer.WriteStartArray("runs");
            writer.WriteStartObject();
            WriteTool();
            WriteInvocation();
            WriteArtifacts();
            writer.WriteString("columnKind", "utf16CodeUnits");
            writer.WriteStartArray("results");
            foreach (SweepGroup group in _groups)
            {
                foreach (PropertyVerdict verdict in group.First.Properties.Where(static one => one.Verdict == Verdict.Violated))
                    WriteResult(group, verdict);
            }

            foreach (IReadOnlyList<FailureCase> same in Failures())
                WriteFailure(same);

            writer.WriteEndArray();
            writer.WriteEndObject();
            writer.WriteEndArray();
            writer.WriteEndObject();
        }

        private void WriteTool()
        {
            writer.WriteStartObject("tool");
            writer.WriteStartObject("driver");
            writer.WriteString("name", report.Tool);
            writer.WriteString("version", report.Version);
            writer.WriteStartArray("rules");
            foreach (PropertyEntry property in report.Properties)
            {
                writer.WriteStartObject();
                writer.WriteString("id", property.Name);
                WriteMessage("shortDescription", property.Sentence);
                writer.WriteStartObject("defaultConfiguration");
                writer.WriteString("level", "error");
                writer.WriteEndObject();
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
            writer.WriteEndObject();
            writer.WriteEndObject();
        }

        /// <summary>How the run went; a property without a verdict is told here.</summary>
        private void WriteInvocation()
        {
            writer.WriteStartArray("invocations");
            writer.WriteStartObject();
            writer.WriteString("commandLine", report.CommandLine);
            writer.WriteBoolean("executionSuccessful", !report.Interrupted);
            writer.WriteStartArray("toolExecutionNotifications");
            if (report.Interrupted)
                WriteNotification("the sweep was interrupted: sweeps are missing", null);

            foreach (SweepGroup group in _groups)
            {
                foreach (PropertyVerdict verdict in group.First.Properties.Where(static one => one.Verdict == Verdict.Inconclusive))
                    WriteNotification($"{Where(group.First)}, {SweepWords.Settings(group.First)}: no verdict on {verdict.Property}: {verdict.Reason}", verdict.Property);
            }

            foreach (string line in report.FailuresNotTried)
                WriteNotification($"not tried: {line}", FailureRule);

            writer.WriteEndArray();
            writer.WriteEndObject();
            writer.WriteEndArray();
        }

        private void WriteNotification(string text, string? property)
        {
            writer.WriteStartObject();
            writer.WriteString("level", "warning");
            WriteMessage("message", text);
            if (property is not null)
            {
                writer.WriteStartObject("associatedRule");
                WriteRule("id", "index", property);
                writer.WriteEndObject();
            }

            writer.WriteEndObject();
        }

        /// <summary>The kernel images; a location names one by its place in this list.</summary>
        private void WriteArtifacts()
        {
            writer.WriteStartArray("artifacts");
            foreach (KernelEntry kernel in report.Kernels)
            {
                writer.WriteStartObject();
                writer.WriteStartObject("location");
                writer.WriteString("uri", Uri.EscapeDataString(kernel.File));
                writer.WriteEndObject();
                writer.WriteStartArray("roles");
                writer.WriteStringValue("analysisTarget");
                writer.WriteEndArray();
                writer.WriteStartObject("hashes");
                writer.WriteString("sha-256", kernel.Sha256);
                writer.WriteEndObject();
                WriteMessage("description", $"Linux {kernel.Name}");
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
        }

        private void WriteResult(SweepGroup group, PropertyVerdict verdict)
        {
            ConversionSweep sweep = group.First;
            SweepEvent? cause = Cause(sweep, verdict);
            writer.WriteStartObject();
            WriteRule("ruleId", "ruleIndex", verdict.Property);
            writer.WriteString("level", "error");
            writer.WriteString("kind", "fail");
            WriteMessage("message", $"{Where(sweep)}: {verdict.Reason}");
            writer.WriteStartArray("locations");
            WriteLocation(cause?.Symbol, cause?.Title, sweep.Kernel);
            writer.WriteEndArray();
            if (verdict.Counterexample is Timeline timeline)
                WriteFlow(timeline);

            WriteStacks(sweep, cause, verdict);
            writer.WriteStartObject("partialFingerprints");
            writer.WriteString("liminalViolation/v1", Fingerprint(group, verdict, cause));
            writer.WriteEndObject();
            WriteBag(group);
            writer.WriteEndObject();
        }

        /// <summary>Violations of conversions that were made to fail: places where the same thing comes of the same failure are one.</summary>
        private IEnumerable<IReadOnlyList<FailureCase>> Failures() => report.Failures
            .Where(static one => one.Verdict == Verdict.Violated)
            .GroupBy(static one => (one.Kernel, one.Platform, one.Direction, one.Caller))
            .SelectMany(FailureWords.Same);

        private void WriteFailure(IReadOnlyList<FailureCase> same)
        {
            FailureCase first = same[0];
            writer.WriteStartObject();
            WriteRule("ruleId", "ruleIndex", FailureRule);
            writer.WriteString("level", "error");
            writer.WriteString("kind", "fail");
            WriteMessage("message", $"{first.Kernel} {first.Platform} {first.Direction}, {first.Caller}, {FailureWords.Fault(first.Fault)} {FailureWords.Places(same)}: {first.Reason}");
            writer.WriteStartArray("locations");
            WriteLocation(first.Caller.Split('(')[0], FailureWords.Story(first), first.Kernel);
            writer.WriteEndArray();
            writer.WriteStartObject("partialFingerprints");
            writer.WriteString("liminalFailure/v1", Hash(first.Platform, first.Direction, first.Caller, first.Fault.ToString(), FailureWords.Places(same)));
            writer.WriteEndObject();
            writer.WriteStartObject("properties");
            writer.WriteString("kernel", first.Kernel);
            writer.WriteString("platform", first.Platform);
            writer.WriteString("direction", first.Direction);
            writer.WriteString("caller", first.Caller);
            writer.WriteString("fault", FailureWords.Fault(first.Fault));
            writer.WriteEndObject();
            writer.WriteEndObject();
        }

        /// <summary>Which rule, as a pair of an id and its place in the list of rules.</summary>
        private void WriteRule(string id, string index, string property)
        {
            writer.WriteString(id, property);
            if (_rules.TryGetValue(property, out int place))
                writer.WriteNumber(index, place);
        }

        private void WriteFlow(Timeline timeline)
        {
            if (timeline.Steps.Count == 0)
                return;

            Dictionary<string, string> lanes = timeline.Lanes.DistinctBy(static lane => lane.Id).ToDictionary(static lane => lane.Id, static lane => lane.Title, StringComparer.Ordinal);
            writer.WriteStartArray("codeFlows");
            writer.WriteStartObject();
            WriteMessage("message", timeline.Conclusion);
            writer.WriteStartArray("threadFlows");
            writer.WriteStartObject();
            writer.WriteStartArray("locations");
            foreach (TimelineStep step in timeline.Steps)
            {
                writer.WriteStartObject();
                string text = $"{lanes.GetValueOrDefault(step.Lane, step.Lane)} {step.Title}{(step.Detail.Length == 0 ? "" : ": ")}{step.Detail}".TrimStart();
                writer.WritePropertyName("location");
                WriteLocation(step.Source, text, null);
                writer.WriteNumber("executionOrder", step.Number);
                writer.WriteString("importance", step.Tone switch { StepTone.Violation => "essential", StepTone.Notable => "important", _ => "unimportant" });
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
            writer.WriteEndObject();
            writer.WriteEndArray();
            writer.WriteEndObject();
            writer.WriteEndArray();
        }

        /// <summary>The stack at the event behind the violation, and those at the ends of the loads that were run in the window it opened.</summary>
        private void WriteStacks(ConversionSweep sweep, SweepEvent? cause, PropertyVerdict verdict)
        {
            List<(string Title, IReadOnlyList<string> Frames)> stacks = [];
            if (cause is { Stack.Count: > 0 })
                stacks.Add((cause.Title, cause.Stack));

            if (verdict.Counterexample is { Steps: [.., { Tone: StepTone.Violation }] } && cause is not null)
            {
                stacks.AddRange(sweep.Windows
                    .Where(window => window.Opened >= 0 && window.Opened < sweep.Events.Count && ReferenceEquals(sweep.Events[window.Opened], cause))
                    .SelectMany(static window => window.Runs)
                    .Where(static run => run.Stack.Count > 0)
                    .DistinctBy(static run => string.Join('\n', run.Stack))
                    .Select(static run => ($"at the end of the stray load: {run.Detail}", run.Stack)));
            }

            if (stacks.Count == 0)
                return;

            writer.WriteStartArray("stacks");
            foreach ((string title, IReadOnlyList<string> frames) in stacks)
            {
                writer.WriteStartObject();
                WriteMessage("message", title);
                writer.WriteStartArray("frames");
                foreach (string frame in frames)
                {
                    writer.WriteStartObject();
                    writer.WritePropertyName("location");
                    WriteLocation(frame, null, null);
                    writer.WriteEndObject();
                }

                writer.WriteEndArray();
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
        }

        private void WriteBag(SweepGroup group)
        {
            writer.WriteStartObject("properties");
            writer.WriteString("kernel", group.First.Kernel);
            writer.WriteString("platform", group.First.Platform);
            writer.WriteString("direction", group.First.Direction);
            writer.WriteString("cause", group.First.Subject.Cause);
            writer.WriteStartArray("settings");
            foreach (ConversionSweep one in group.Sweeps)
                writer.WriteStringValue(SweepWords.Settings(one));

            writer.WriteEndArray();
            writer.WriteEndObject();
        }

        /// <summary>A place in the kernel: the function, and for tools that want a file the image.</summary>
        private void WriteLocation(string? symbol, string? text, string? kernel)
        {
            writer.WriteStartObject();
            int image = kernel is null ? -1 : report.Kernels.ToList().FindIndex(one => one.Name == kernel);
            if (image >= 0)
            {
                writer.WriteStartObject("physicalLocation");
                writer.WriteStartObject("artifactLocation");
                writer.WriteString("uri", Uri.EscapeDataString(report.Kernels[image].File));
                writer.WriteNumber("index", image);
                writer.WriteEndObject();
                writer.WriteEndObject();
            }

            if (!string.IsNullOrEmpty(symbol))
            {
                writer.WriteStartArray("logicalLocations");
                writer.WriteStartObject();
                writer.WriteString("name", SweepWords.Function(symbol));
                writer.WriteString("fullyQualifiedName", symbol);
                writer.WriteString("kind", "function");
                writer.WriteEndObject();
                writer.WriteEndArray();
            }

            if (text is not null)
                WriteMessage("message", text);

            writer.WriteEndObject();
        }

        /// <summary>A message; braces are doubled, because single ones would be places for arguments.</summary>
        private void WriteMessage(string name, string text)
        {
            writer.WriteStartObject(name);
            writer.WriteString("text", text.Replace("{", "{{", StringComparison.Ordinal).Replace("}", "}}", StringComparison.Ordinal));
            writer.WriteEndObject();
        }
    }

    private static string Where(ConversionSweep sweep) => $"{sweep.Kernel} {sweep.Platform} {sweep.Direction}, {SweepWords.Subject(sweep.Subject)}, {sweep.Subject.Cause}";

    /// <summary>The last event that a counterexample tells: what opened the window, or what violated the property.</summary>
    private static SweepEvent? Cause(ConversionSweep sweep, PropertyVerdict verdict)
    {
        TimelineStep? step = verdict.Counterexample?.Steps.LastOrDefault(static one => one.Source is not null);
        return step is null ? null : sweep.Events.LastOrDefault(one => one.Symbol == step.Source && step.Title.EndsWith(one.Title, StringComparison.Ordinal));
    }

    /// <summary>The same for the same violation in another build of the kernel: no address and no offset is in it.</summary>
    private static string Fingerprint(SweepGroup group, PropertyVerdict verdict, SweepEvent? cause)
    {
        SweepSubject subject = group.First.Subject;
        return Hash(
        [
            group.First.Platform, group.First.Direction, subject.Region, Address().Replace(subject.Cause, ""), subject.Applied, .. subject.Without, verdict.Property,
            SweepWords.Function(cause?.Symbol ?? ""), .. group.Sweeps.Select(SweepWords.Settings),
        ]);
    }

    private static string Hash(params IReadOnlyList<string?> parts) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Join('\n', parts))));

    [GeneratedRegex("(?:0x)?[0-9a-f]{16}", RegexOptions.None, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Address();
}
