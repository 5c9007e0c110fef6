// SPDX-License-Identifier: Apache-2.0

using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text;
using System.Threading;
using Liminal.Checker.Checking;
using Liminal.Checker.Properties;
using Liminal.Checker.Vocabulary;
using Liminal.Platform;
using Liminal.Trace;

namespace Liminal.Protocols.Tests;

public sealed class CheckRunTests
{
    private static readonly CheckRequest Small = new()
    {
        Protocols = [BuiltIn.Find("linux-6.12-tdx")!, BuiltIn.Find("linux-6.12-vtom")!, BuiltIn.Find("rfc-2023")!],
        Failures = FailureMode.Both,
        Options = new CheckOptions { Counterexamples = false },
    };

    private static readonly CheckRequest Telling = Small with { Protocols = [BuiltIn.Find("linux-6.12-tdx")!], Options = new CheckOptions() };

    [Fact]
    public void One_and_two_threads_write_the_same_report()
    {
        string one = Json(Run(Telling with { Threads = 1 }));
        string two = Json(Run(Telling with { Threads = 2 }));

        Assert.Equal(one, two);
    }

    [Fact]
    public void Threads_inside_an_exploration_write_the_same_report_too()
    {
        string one = Json(Run(Telling with { Options = WithExplorationThreads(1) }));
        string two = Json(Run(Telling with { Options = WithExplorationThreads(2) }));

        Assert.Equal(one, two);
    }

    [Fact]
    public void Cells_stand_protocol_by_protocol_decrypt_before_encrypt_and_platform_by_platform()
    {
        CheckReport report = Run(Small);

        Assert.Equal(
            from protocol in Small.Protocols
            from direction in (string[])["decrypt", "encrypt"]
            from platform in Platforms.All
            select (protocol.Name, direction, platform.Name),
            report.Cells.Select(cell => (cell.Protocol, cell.Direction, cell.Platform)));
    }

    [Fact]
    public void A_cell_that_cannot_be_says_why()
    {
        CheckReport report = Run(Small with { Protocols = [BuiltIn.Find("v4-2024")!, BuiltIn.Find("oak-stage0-ghcb")!], Platforms = [Platforms.Snp] });

        Assert.Equal(
            [
                (false, "version 4 changes nothing where there is no Hyper-V paravisor"),
                (false, "version 4 changes nothing where there is no Hyper-V paravisor"),
                (true, null),
                (false, "the protocol has no steps in this direction"),
            ],
            report.Cells.Select(cell => (cell.Applicable, cell.WhyNot)));
    }

    [Fact]
    public void Without_hosts_those_are_explored_that_the_platform_documents()
    {
        CheckReport report = Run(Small with { Failures = FailureMode.SuccessPath });

        foreach (CellReport cell in report.Cells.Where(cell => cell.Applicable))
        {
            IEnumerable<string> documented = Platforms.Find(cell.Platform)!.DocumentedHosts.Select(HostNames.Of);
            Assert.Equal(documented, cell.Explorations.Select(exploration => exploration.Host).Distinct());
        }
    }

    [Fact]
    public void A_switch_that_is_named_is_explored_as_named_and_the_others_as_the_platform_says()
    {
        CheckRequest request = Small with
        {
            Protocols = [BuiltIn.Find("linux-6.12-snp")!],
            Platforms = [Platforms.Snp],
            Directions = [Direction.Decrypt],
            Regions = [Region.DirectMap],
            Hosts = [HostPolicy.Cooperative],
            Failures = FailureMode.SuccessPath,
            Switches = new Dictionary<PolicySwitches, SwitchSettings> { [PolicySwitches.CoherentCaches] = SwitchSettings.Set },
        };

        CellReport cell = Assert.Single(Run(request).Cells);

        Assert.Equal(4, cell.Explorations.Count);
        Assert.All(cell.Explorations, exploration => Assert.True(exploration.Has("coherent-caches")));
    }

    [Fact]
    public void Failures_are_explored_beside_the_success_path_where_a_step_may_fail()
    {
        CheckReport report = Run(Small);

        Assert.Equal(
            [("linux-6.12-tdx", true), ("linux-6.12-vtom", true), ("rfc-2023", false)],
            report.Cells.Where(cell => cell.Applicable)
                .GroupBy(cell => cell.Protocol)
                .Select(cells => (cells.Key, cells.All(cell => cell.Explorations.Any(exploration => exploration.Failures)))));
    }

    [Fact]
    public void Properties_that_are_not_asked_for_are_not_reported()
    {
        CheckReport report = Run(Small with { Properties = [Property.StrayLoadsSurvive] });

        Assert.Equal("StrayLoadsSurvive", Assert.Single(report.Properties).Name);
        Assert.All(
            report.Cells.SelectMany(cell => cell.Explorations),
            exploration => Assert.Equal("StrayLoadsSurvive", Assert.Single(exploration.Properties).Property));
    }

    [Fact]
    public void Progress_is_told_once_for_each_scenario()
    {
        List<CheckProgress> told = [];

        CheckReport report = CheckRun.Execute(Small with { Threads = 2 }, "check", "test", told.Add, CancellationToken.None);

        int scenarios = report.Cells.Sum(cell => cell.Explorations.Count);
        Assert.Equal(Enumerable.Range(1, scenarios), told.Select(progress => progress.Done));
        Assert.All(told, progress => Assert.Equal(scenarios, progress.Total));
    }

    [Fact]
    public void A_run_that_is_stopped_reports_what_is_complete()
    {
        using CancellationTokenSource stop = new();

        CheckReport report = CheckRun.Execute(Small, "check", "test", progress => StopAfter(progress, 5, stop), stop.Token);

        Assert.True(report.Interrupted);
        Assert.Equal(5, report.Cells.Sum(cell => cell.Explorations.Count));
    }

    [Fact]
    public void A_run_that_comes_to_its_end_is_not_interrupted()
    {
        Assert.False(Run(Small).Interrupted);
    }

    [Fact]
    public void A_request_that_fits_no_model_says_so()
    {
        Assert.Equal("a model has 1 to 4 pages, not 5", (Small with { Pages = 5 }).Complaint());
        Assert.Equal("a model has 1 to 4 CPUs, not 0", (Small with { Cpus = 0 }).Complaint());
        Assert.StartsWith("there is nothing to check", (Small with { Protocols = [] }).Complaint());
        Assert.Equal("at least 1 thread is needed, not 0", (Small with { Threads = 0 }).Complaint());
        Assert.Null(Small.Complaint());
    }

    private static void StopAfter(CheckProgress progress, int scenarios, CancellationTokenSource stop)
    {
        if (progress.Done == scenarios)
            stop.Cancel();
    }

    private static CheckReport Run(CheckRequest request) =>
        CheckRun.Execute(request, "check", "test", null, TestContext.Current.CancellationToken);

    private static CheckOptions WithExplorationThreads(int threads) => new() { Exploration = new() { Threads = threads } };

    /// <summary>The whole report, without the only value that is measured.</summary>
    private static string Json(CheckReport report)
    {
        using MemoryStream stream = new();
        CheckReportJson.Write(
            report with
            {
                Cells = [.. report.Cells.Select(cell => cell with
                {
                    Explorations = [.. cell.Explorations.Select(exploration => exploration with { Seconds = 0 })],
                })],
            },
            stream);
        return Encoding.UTF8.GetString(stream.ToArray());
    }
}
