// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text;
using System.Text.Json;

namespace Liminal.Trace.Tests;

/// <summary>What OASIS SARIF 2.1.0 requires of a log, by section of that document, and what Liminal puts into it.</summary>
public sealed class SweepReportSarifTests
{
    /// <summary>What may be in an object of the log: names that the specification gives to its properties; ! marks what it requires, or Liminal always has.</summary>
    private static readonly Dictionary<string, string> Shapes = new()
    {
        ["log"] = "$schema version! runs!", // 3.13
        ["run"] = "tool! invocations artifacts columnKind results!", // 3.14
        ["tool"] = "driver!", // 3.18
        ["driver"] = "name! version rules", // 3.19
        ["rule"] = "id! shortDescription defaultConfiguration", // 3.49
        ["configuration"] = "level", // 3.50
        ["invocation"] = "commandLine executionSuccessful! toolExecutionNotifications", // 3.20
        ["notification"] = "level message! associatedRule", // 3.58
        ["descriptorReference"] = "id index", // 3.52
        ["artifact"] = "location roles hashes description", // 3.24
        ["artifactLocation"] = "uri! index", // 3.4
        ["result"] = "ruleId ruleIndex level kind message! locations codeFlows stacks partialFingerprints properties", // 3.27
        ["location"] = "physicalLocation logicalLocations message", // 3.28
        ["physicalLocation"] = "artifactLocation!", // 3.29
        ["logicalLocation"] = "name fullyQualifiedName kind", // 3.33
        ["codeFlow"] = "message threadFlows!", // 3.36
        ["threadFlow"] = "locations!", // 3.37
        ["threadFlowLocation"] = "location executionOrder importance", // 3.38
        ["stack"] = "message frames!", // 3.44
        ["frame"] = "location", // 3.45
        ["message"] = "text!", // 3.11
    };

    [Fact]
    public void The_log_has_the_structure_that_the_specification_requires()
    {
        foreach (SweepReport report in new[] { SampleSweeps.Full, AnySweep.Saying("{0} \"<>\ud800"), SampleSweeps.Full with { Sweeps = [], Interrupted = true }, SampleSweeps.Full with { Failures = SampleSweeps.Failures } })
            CheckLog(Log(report));
    }

    [Fact]
    public void Rules_are_the_properties_and_results_the_violations()
    {
        JsonElement run = Log(SampleSweeps.Full).GetProperty("runs")[0];

        Assert.Equal(
            SampleSweeps.Full.Properties.Select(static one => one.Name),
            run.GetProperty("tool").GetProperty("driver").GetProperty("rules").EnumerateArray().Select(static rule => rule.GetProperty("id").GetString()));
        Assert.Equal(
            SweepGroup.Of(SampleSweeps.Full.Sweeps).SelectMany(static group => group.First.Properties).Where(static one => one.Verdict == Verdict.Violated).Select(static one => one.Property),
            run.GetProperty("results").EnumerateArray().Select(static result => result.GetProperty("ruleId").GetString()));
    }

    [Fact]
    public void A_failure_that_leaves_something_usable_is_one_result_for_all_its_places()
    {
        JsonElement result = Assert.Single(Log(SampleSweeps.Of() with { Failures = SampleSweeps.Failures }).GetProperty("runs")[0].GetProperty("results").EnumerateArray());

        Assert.Equal("FailureLeavesNothingUsable", result.GetProperty("ruleId").GetString());
        Assert.Equal(
            "6.12.1 vtom decrypt, dma_direct_alloc(), refuse call 0-1 of 3: page 8 stays mixed", result.GetProperty("message").GetProperty("text").GetString());
        Assert.Equal("dma_direct_alloc", result.GetProperty("locations")[0].GetProperty("logicalLocations")[0].GetProperty("name").GetString());
    }

    [Fact]
    public void A_result_names_the_kernel_function_that_opened_the_window()
    {
        JsonElement result = Log(SampleSweeps.Full).GetProperty("runs")[0].GetProperty("results")[0];

        JsonElement function = result.GetProperty("locations")[0].GetProperty("logicalLocations")[0];
        Assert.Equal("pvalidate_pages", function.GetProperty("name").GetString());
        Assert.Equal("function", function.GetProperty("kind").GetString());
        Assert.Equal(
            ["pvalidate_pages", "set_pages_state", "amd_enc_status_change_prepare", "fixed_percpu_data"],
            result.GetProperty("stacks")[0].GetProperty("frames").EnumerateArray()
                .Select(static frame => frame.GetProperty("location").GetProperty("logicalLocations")[0].GetProperty("name").GetString()));
    }

    [Fact]
    public void The_counterexample_is_a_code_flow_in_its_order()
    {
        JsonElement result = Log(SampleSweeps.Full).GetProperty("runs")[0].GetProperty("results")[0];

        JsonElement[] steps = [.. result.GetProperty("codeFlows")[0].GetProperty("threadFlows")[0].GetProperty("locations").EnumerateArray()];
        Assert.Equal(SampleSweeps.Full.Sweeps[0].Properties[0].Counterexample!.Steps.Select(static step => step.Number), steps.Select(static step => step.GetProperty("executionOrder").GetInt32()));
        Assert.Equal("essential", steps[^1].GetProperty("importance").GetString());
        Assert.StartsWith("CPU 1 loads across the edge", steps[^1].GetProperty("location").GetProperty("message").GetProperty("text").GetString());
    }

    [Fact]
    public void Fingerprints_tell_results_apart_and_do_not_depend_on_addresses()
    {
        ConversionSweep sweep = SampleSweeps.Full.Sweeps[0];
        SweepReport moved = SampleSweeps.Of(
        [
            .. SampleSweeps.Full.Sweeps.Select(static one => one with { Subject = one.Subject with { Cause = "set_memory_decrypted(ffff888000000000, 4)", FirstFrame = 1 } }),
        ]);

        Assert.NotEmpty(sweep.Properties);
        Assert.Equal(Fingerprints(SampleSweeps.Full), Fingerprints(moved));
        Assert.Equal(Fingerprints(SampleSweeps.Full).Length, Fingerprints(SampleSweeps.Full).Distinct().Count());
    }

    [Fact]
    public void A_property_without_a_verdict_is_a_notification_and_no_finding()
    {
        JsonElement run = Log(SampleSweeps.Full).GetProperty("runs")[0];

        JsonElement[] notifications = [.. run.GetProperty("invocations")[0].GetProperty("toolExecutionNotifications").EnumerateArray()];
        Assert.Equal(2, notifications.Length);
        Assert.Contains("no verdict on StrayLoadsSurvive", notifications[0].GetProperty("message").GetProperty("text").GetString());
    }

    [Fact]
    public void Braces_are_doubled_because_single_ones_are_places_for_arguments()
    {
        JsonElement result = Log(AnySweep.Saying("{0}")).GetProperty("runs")[0].GetProperty("results")[0];

        Assert.EndsWith("{{0}}", result.GetProperty("message").GetProperty("text").GetString());
    }

    private static void CheckLog(JsonElement log)
    {
        Has(log, "log");
        Assert.Equal("2.1.0", log.GetProperty("version").GetString());
        foreach (JsonElement run in log.GetProperty("runs").EnumerateArray())
        {
            Has(run, "run");
            Has(run.GetProperty("tool"), "tool");
            JsonElement driver = run.GetProperty("tool").GetProperty("driver");
            Has(driver, "driver");
            int rules = 0;
            foreach (JsonElement rule in driver.GetProperty("rules").EnumerateArray())
            {
                rules++;
                Has(rule, "rule");
                Has(rule.GetProperty("shortDescription"), "message");
                Has(rule.GetProperty("defaultConfiguration"), "configuration");
            }

            CheckInvocations(run);
            JsonElement artifact = Assert.Single(run.GetProperty("artifacts").EnumerateArray());
            Has(artifact, "artifact");
            Has(artifact.GetProperty("location"), "artifactLocation");
            foreach (JsonElement result in run.GetProperty("results").EnumerateArray())
                CheckResult(result, rules);
        }
    }

    private static void CheckInvocations(JsonElement run)
    {
        foreach (JsonElement invocation in run.GetProperty("invocations").EnumerateArray())
        {
            Has(invocation, "invocation");
            foreach (JsonElement notification in invocation.GetProperty("toolExecutionNotifications").EnumerateArray())
            {
                Has(notification, "notification");
                Has(notification.GetProperty("message"), "message");
                Assert.Contains(notification.GetProperty("level").GetString(), new[] { "none", "note", "warning", "error" });
                if (notification.TryGetProperty("associatedRule", out JsonElement rule))
                    Has(rule, "descriptorReference");
            }
        }
    }

    private static void CheckResult(JsonElement result, int rules)
    {
        Has(result, "result");
        Has(result.GetProperty("message"), "message");
        Assert.Equal("fail", result.GetProperty("kind").GetString());
        Assert.Equal("error", result.GetProperty("level").GetString());
        if (result.TryGetProperty("ruleIndex", out JsonElement index))
            Assert.InRange(index.GetInt32(), 0, rules - 1);

        foreach (JsonElement location in result.GetProperty("locations").EnumerateArray())
            CheckLocation(location);

        foreach (JsonElement flow in Items(result, "codeFlows"))
        {
            Has(flow, "codeFlow");
            foreach (JsonElement thread in flow.GetProperty("threadFlows").EnumerateArray())
            {
                Has(thread, "threadFlow");
                Assert.NotEqual(0, thread.GetProperty("locations").GetArrayLength());
                foreach (JsonElement step in thread.GetProperty("locations").EnumerateArray())
                {
                    Has(step, "threadFlowLocation");
                    CheckLocation(step.GetProperty("location"));
                    Assert.Contains(step.GetProperty("importance").GetString(), new[] { "important", "essential", "unimportant" });
                }
            }
        }

        foreach (JsonElement stack in Items(result, "stacks"))
        {
            Has(stack, "stack");
            foreach (JsonElement frame in stack.GetProperty("frames").EnumerateArray())
            {
                Has(frame, "frame");
                CheckLocation(frame.GetProperty("location"));
            }
        }
    }

    private static void CheckLocation(JsonElement location)
    {
        Has(location, "location");
        if (location.TryGetProperty("physicalLocation", out JsonElement physical))
        {
            Has(physical, "physicalLocation");
            Has(physical.GetProperty("artifactLocation"), "artifactLocation");
            Assert.True(Uri.IsWellFormedUriString(physical.GetProperty("artifactLocation").GetProperty("uri").GetString(), UriKind.Relative));
        }

        foreach (JsonElement logical in Items(location, "logicalLocations"))
            Has(logical, "logicalLocation");

        if (location.TryGetProperty("message", out JsonElement message))
            Has(message, "message");
    }

    private static void Has(JsonElement element, string shape)
    {
        string[] names = Shapes[shape].Split(' ');
        string[] present = [.. element.EnumerateObject().Select(static one => one.Name)];
        Assert.Equal(present.Distinct(), present);
        Assert.Subset(names.Select(static name => name.TrimEnd('!')).ToHashSet(), present.ToHashSet());
        Assert.Superset(names.Where(static name => name.EndsWith('!')).Select(static name => name.TrimEnd('!')).ToHashSet(), present.ToHashSet());
    }

    private static List<JsonElement> Items(JsonElement element, string name) =>
        element.TryGetProperty(name, out JsonElement array) ? [.. array.EnumerateArray()] : [];

    private static string[] Fingerprints(SweepReport report) =>
    [
        .. Log(report).GetProperty("runs")[0].GetProperty("results").EnumerateArray()
            .Select(static result => result.GetProperty("partialFingerprints").GetProperty("liminalViolation/v1").GetString()!),
    ];

    private static JsonElement Log(SweepReport report)
    {
        using var stream = new MemoryStream();
        SweepReportSarif.Write(report, stream);
        using var document = JsonDocument.Parse(Encoding.UTF8.GetString(stream.ToArray()));
        return document.RootElement.Clone();
    }
}
