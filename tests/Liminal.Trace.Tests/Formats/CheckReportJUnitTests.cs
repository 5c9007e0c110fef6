// SPDX-License-Identifier: Apache-2.0

using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text;
using System.Xml.Linq;
using Liminal.Testing;

namespace Liminal.Trace.Tests;

public sealed class CheckReportJUnitTests
{
    [Fact]
    public void It_is_the_accepted_text() => Snapshot.Match("check-junit", Text(SampleReport.Full with { Cells = [.. SampleReport.Full.Cells.Where(static cell => cell.Protocol == "linux-6.12-snp")] }));

    [Fact]
    public void Each_explored_cell_is_a_suite_on_each_path_and_each_property_a_case()
    {
        XElement[] suites = [.. Root(SampleReport.Full).Elements("testsuite")];

        (CellReport Cell, bool Failures)[] explored =
            [.. SampleReport.Full.Cells.SelectMany(static cell => cell.Explorations.Select(static one => one.Failures).Distinct().Order().Select(failures => (cell, failures)))];
        Assert.Equal(
            explored.Select(static one => $"{one.Cell.Protocol} {one.Cell.Direction} on {one.Cell.Platform}{(one.Failures ? ", with failures" : "")}"),
            suites.Select(static suite => (string)suite.Attribute("name")!));
        Assert.All(suites, static suite => Assert.Equal(
            SampleReport.Full.Properties.Select(static one => one.Name), suite.Elements("testcase").Select(static one => (string)one.Attribute("name")!)));
    }

    [Fact]
    public void A_case_fails_when_its_property_is_violated_under_any_host_and_setting()
    {
        foreach (CellReport cell in SampleReport.Full.Cells.Where(static cell => cell.Explorations.Count > 0))
        {
            XElement suite = Root(SampleReport.Full with { Cells = [cell] }).Elements("testsuite").First();
            List<Exploration> explored = [.. cell.Explorations.Where(one => one.Failures == cell.Explorations.All(static any => any.Failures))];
            foreach (XElement testcase in suite.Elements("testcase"))
            {
                Verdict[] verdicts = [.. explored.Select(one => one.Properties.Single(verdict => verdict.Property == (string)testcase.Attribute("name")!).Verdict)];
                Assert.Equal(verdicts.Contains(Verdict.Violated), testcase.Element("failure") is not null);
                Assert.Equal(!verdicts.Contains(Verdict.Violated) && verdicts.Contains(Verdict.Inconclusive), testcase.Element("error") is not null);
                Assert.Equal(verdicts.All(static one => one == Verdict.NotApplicable), testcase.Element("skipped") is not null);
            }
        }
    }

    [Fact]
    public void A_failure_lists_the_hosts_and_settings_and_tells_the_first_counterexample()
    {
        XElement failure = Root(SampleReport.Full).Descendants("failure").First();

        Assert.Matches("^under [0-9]+ of [0-9]+ hosts and settings:\n  [a-z-]+", failure.Value);
        Assert.Contains("\n\nunder ", failure.Value);
    }

    [Fact]
    public void An_interrupted_run_is_an_error_of_its_own()
    {
        XElement root = Root(SampleReport.Full with { Interrupted = true, Cells = [] });

        Assert.Equal(1, (int)root.Attribute("errors")!);
        Assert.Equal("it was interrupted: cells or explorations are missing", (string)root.Descendants("error").Single().Attribute("message")!);
    }

    private static XElement Root(CheckReport report) => XDocument.Parse(Text(report)).Root!;

    private static string Text(CheckReport report)
    {
        using var stream = new MemoryStream();
        CheckReportJUnit.Write(report, stream);
        return Encoding.UTF8.GetString(stream.ToArray());
    }
}
