// SPDX-License-Identifier: Apache-2.0

using System;
using System.IO;
using System.Linq;
using Liminal.Checker.Checking;
using Liminal.Checker.Exploration;
using Liminal.Checker.Properties;
using Liminal.Platform;
using Liminal.Testing;
using Liminal.Trace;

namespace Liminal.Protocols.Tests;

public sealed class RecordedVerdictsTests
{
    private const string Folder = "src/Liminal.Protocols/Verdicts";

    public static TheoryData<string> Names => [.. BuiltIn.All.Select(protocol => protocol.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public void Verdicts_states_and_diameters_are_the_recorded_ones(string protocol)
    {
        string file = Repository.PathOf($"{Folder}/{protocol}.txt");
        string text = RecordedVerdicts.TextOf(DefaultMatrix.Report, protocol);
        string recorded = File.Exists(file) ? File.ReadAllText(file) : "";

        if (text != recorded && Environment.GetEnvironmentVariable("LIMINAL_ACCEPT") == "1")
            File.WriteAllText(file, text);
        else if (text != recorded)
            Assert.Fail($"{Folder}/{protocol}.txt differs (accept with LIMINAL_ACCEPT=1):\n" + TextDifference.Between(recorded, text));
    }

    [Fact]
    public void A_record_belongs_to_a_protocol()
    {
        Assert.Equal(
            BuiltIn.All.Select(protocol => $"{protocol.Name}.txt").Order(StringComparer.Ordinal),
            Directory.GetFiles(Repository.PathOf(Folder), "*.txt").Select(Path.GetFileName).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void A_run_of_the_default_matrix_compares_every_exploration()
    {
        RecordedComparison? comparison = RecordedVerdicts.Compare(DefaultMatrix.Request, DefaultMatrix.Report);

        Assert.NotNull(comparison);
        Assert.Equal(DefaultMatrix.Report.Cells.Sum(cell => cell.Explorations.Count), comparison.Compared);
        Assert.Equal($"{comparison.Compared} explorations as recorded", DefaultMatrix.Report.RecordedComparison);
    }

    [Fact]
    public void A_verdict_that_differs_from_its_record_is_named()
    {
        CheckReport report = DefaultMatrix.Report with
        {
            Cells = [.. DefaultMatrix.Report.Cells.Select(cell => cell is { Protocol: "linux-6.12-vtom", Direction: "decrypt", Platform: "vtom" }
                ? cell with { Explorations = [cell.Explorations[0] with { States = 1 }, .. cell.Explorations.Skip(1)] }
                : cell)],
        };

        RecordedComparison? comparison = RecordedVerdicts.Compare(DefaultMatrix.Request, report);

        Assert.NotNull(comparison);
        string difference = Assert.Single(comparison.Differences);
        Assert.StartsWith("linux-6.12-vtom decrypt vtom success direct-map cooperative [", difference);
        Assert.Contains("found 1 states", difference);
        Assert.StartsWith("1 of ", comparison.Summary);
    }

    [Fact]
    public void Properties_that_a_report_leaves_out_are_not_compared()
    {
        CheckRequest request = DefaultMatrix.Request with
        {
            Protocols = [BuiltIn.Find("linux-6.12-tdx")!],
            Platforms = [Platforms.Tdx],
            Properties = [Property.ConversionTerminates],
        };

        CheckReport report = CheckRun.Execute(request, "check", "test", null, TestContext.Current.CancellationToken);

        Assert.True(RecordedVerdicts.Compare(request, report)?.IsAsRecorded);
    }

    [Fact]
    public void Without_a_reduction_only_verdicts_are_compared()
    {
        CheckRequest request = DefaultMatrix.Request with
        {
            Protocols = [BuiltIn.Find("linux-6.12-tdx")!],
            Platforms = [Platforms.Tdx],
            Options = new CheckOptions { Counterexamples = false, Exploration = new ExplorationOptions { LateFills = false } },
        };

        CheckReport report = CheckRun.Execute(request, "check", "test", null, TestContext.Current.CancellationToken);

        Assert.True(RecordedVerdicts.Compare(request, report)?.IsAsRecorded);
    }

    [Fact]
    public void Nothing_is_recorded_for_other_sizes_or_other_protocols()
    {
        CheckRequest larger = DefaultMatrix.Request with { Pages = 1 };
        CheckRequest foreign = DefaultMatrix.Request with { Protocols = [BuiltIn.Find("rfc-2023")! with { Title = "a copy" }] };

        Assert.Null(RecordedVerdicts.Compare(larger, DefaultMatrix.Report));
        Assert.Null(RecordedVerdicts.Compare(foreign, DefaultMatrix.Report));
    }
}
