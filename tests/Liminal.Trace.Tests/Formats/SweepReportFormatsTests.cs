// SPDX-License-Identifier: Apache-2.0

using System;
using System.IO;
using System.Linq;
using System.Text;
using System.Xml.Linq;
using Liminal.Testing;

namespace Liminal.Trace.Tests;

/// <summary>The formats for other programs, as accepted text; and JUnit XML as build servers read it.</summary>
public sealed class SweepReportFormatsTests
{
    [Fact]
    public void Junit_is_the_accepted_text() => Snapshot.Match("sweep-junit", Text(SweepReportJUnit.Write, SampleSweeps.Full));

    [Fact]
    public void Sarif_is_the_accepted_text() => Snapshot.Match("sweep-sarif", Text(SweepReportSarif.Write, SampleSweeps.Full));

    [Fact]
    public void Perfetto_is_the_accepted_text() => Snapshot.Match("sweep-perfetto", Text(SweepReportPerfetto.Write, SampleSweeps.Full).Replace("},{", "},\n{", StringComparison.Ordinal));

    [Fact]
    public void Each_sweep_is_a_suite_and_each_property_a_case()
    {
        XElement root = Junit(SampleSweeps.Full);

        Assert.Equal(SampleSweeps.Full.Sweeps.Count, root.Elements("testsuite").Count());
        foreach ((XElement suite, ConversionSweep sweep) in root.Elements("testsuite").Zip(SampleSweeps.Full.Sweeps))
        {
            Assert.Equal(sweep.Properties.Select(static one => one.Property), suite.Elements("testcase").Select(static one => (string)one.Attribute("name")!));
            foreach ((XElement testcase, PropertyVerdict verdict) in suite.Elements("testcase").Zip(sweep.Properties))
                Assert.Equal(verdict.Verdict, VerdictOf(testcase));
        }
    }

    [Fact]
    public void The_counts_of_a_suite_are_those_of_its_cases()
    {
        foreach (XElement suite in Junit(SampleSweeps.Full).Elements("testsuite"))
        {
            Assert.Equal((int)suite.Attribute("tests")!, suite.Elements("testcase").Count());
            Assert.Equal((int)suite.Attribute("failures")!, suite.Descendants("failure").Count());
            Assert.Equal((int)suite.Attribute("errors")!, suite.Descendants("error").Count());
            Assert.Equal((int)suite.Attribute("skipped")!, suite.Descendants("skipped").Count());
        }
    }

    [Fact]
    public void Names_of_suites_are_distinct() =>
        Assert.Equal(SampleSweeps.Full.Sweeps.Count, Junit(SampleSweeps.Full).Elements("testsuite").Select(static one => (string)one.Attribute("name")!).Distinct().Count());

    [Fact]
    public void Suites_that_would_have_one_name_have_their_cause_in_it()
    {
        ConversionSweep sweep = SampleSweeps.Full.Sweeps[0];
        SweepReport boot = SampleSweeps.Of(sweep, sweep with { Subject = sweep.Subject with { Cause = "set_memory_decrypted(ffff888000000000, 4) during boot, for swiotlb_init" } });

        string[] names = [.. Junit(boot).Elements("testsuite").Select(static one => (string)one.Attribute("name")!)];

        Assert.EndsWith(sweep.Subject.Cause, names[0]);
        Assert.EndsWith("for swiotlb_init", names[1]);
    }

    [Fact]
    public void A_failure_tells_its_counterexample()
    {
        XElement failure = Junit(SampleSweeps.Full).Descendants("failure").First();

        Assert.StartsWith("a stray load through the direct map ends the guest", (string)failure.Attribute("message")!);
        Assert.Contains("loads across the edge of page 0 at full_name_hash+0x10/0xa0", failure.Value);
    }

    [Fact]
    public void Of_a_long_counterexample_the_end_is_told()
    {
        string text = Junit(AnySweep.Large(4096, 500)).Descendants("failure").First().Value;

        Assert.Contains("(3896 steps before these are in the JSON report)", text);
        Assert.EndsWith("the last word", text);
        Assert.Equal(203, text.Split('\n').Length);
    }

    [Fact]
    public void A_property_without_a_verdict_does_not_let_a_build_turn_green()
    {
        XElement suite = Junit(SampleSweeps.Of(SampleSweeps.Full.Sweeps[4])).Element("testsuite")!;

        Assert.Equal(2, (int)suite.Attribute("errors")!);
        Assert.Equal(0, (int)suite.Attribute("failures")!);
    }

    [Fact]
    public void Conversions_that_were_made_to_fail_are_a_suite_for_each_caller_and_a_case_for_each_place()
    {
        XElement root = Junit(SampleSweeps.Of() with { Failures = SampleSweeps.Failures, FailuresNotTried = ["tdx: no <caller>"] });

        XElement[] suites = [.. root.Elements("testsuite")];
        Assert.Equal(
            ["6.12.1 vtom decrypt, failures in dma_direct_alloc()", "failures that were not tried"], suites.Select(static one => (string)one.Attribute("name")!));
        Assert.Equal(
            [("refuse call 0 of 3", Verdict.Violated), ("refuse call 1 of 3", Verdict.Violated), ("lie call 0 of 3", Verdict.NotApplicable)],
            suites[0].Elements("testcase").Select(static one => ((string)one.Attribute("name")!, VerdictOf(one))));
        Assert.Contains("16 pages: Refused after 8", suites[0].Descendants("failure").First().Value);
        Assert.Equal("tdx: no <caller>", (string)suites[1].Descendants("skipped").Single().Attribute("message")!);
        Assert.Equal(["3", "1"], suites.Select(static one => (string)one.Attribute("tests")!));
        Assert.Equal(("4", "2", "0"), ((string)root.Attribute("tests")!, (string)root.Attribute("failures")!, (string)root.Attribute("errors")!));
    }

    [Fact]
    public void An_interrupted_run_is_an_error_of_its_own()
    {
        XElement root = Junit(SampleSweeps.Full with { Interrupted = true, Sweeps = [] });

        Assert.Equal(1, (int)root.Attribute("errors")!);
        Assert.Contains("interrupted", (string)root.Descendants("error").Single().Attribute("message")!);
    }

    [Fact]
    public void Characters_that_xml_cannot_carry_are_replaced()
    {
        XElement root = Junit(AnySweep.Saying("a\u0000\u001b[31m<&\">\ud800 😀 \uffff"));

        Assert.Contains("a\uFFFD\uFFFD[31m<&\">\uFFFD 😀 \uFFFD", (string)root.Descendants("failure").First().Attribute("message")!);
    }

    private static Verdict VerdictOf(XElement testcase) => testcase.Elements().Select(static one => one.Name.LocalName).SingleOrDefault() switch
    {
        "failure" => Verdict.Violated,
        "error" => Verdict.Inconclusive,
        "skipped" => Verdict.NotApplicable,
        null => Verdict.Holds,
        string other => throw new InvalidDataException(other),
    };

    private static XElement Junit(SweepReport report) => XDocument.Parse(Text(SweepReportJUnit.Write, report)).Root!;

    private static string Text(Action<SweepReport, Stream> write, SweepReport report)
    {
        using var stream = new MemoryStream();
        write(report, stream);
        return Encoding.UTF8.GetString(stream.ToArray());
    }
}
