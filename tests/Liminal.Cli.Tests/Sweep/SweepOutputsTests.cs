// SPDX-License-Identifier: Apache-2.0

using System.CommandLine;
using System.IO;
using System.Text;
using Liminal.Cli.Output;
using Liminal.Cli.Sweep;
using Liminal.Trace;

namespace Liminal.Cli.Tests.Sweep;

public sealed class SweepOutputsTests
{
    private static readonly SweepReport Report = new(
        SweepReport.CurrentSchemaVersion, "liminal", "0.1.0", "liminal sweep vmlinuz", [new KernelEntry("6.12", "vmlinuz", "6.12", "00")], [], [], [], [], [], Interrupted: false);

    [Fact]
    public void Every_format_that_was_asked_for_is_written_to_its_file()
    {
        using ScratchFolder folder = new();

        (bool isPrinted, string printed) = Write(
            "--json", folder.PathOf("a.json"), "--html", folder.PathOf("b.html"), "--junit", folder.PathOf("c.xml"), "--sarif", folder.PathOf("d.sarif"), "--perfetto", folder.PathOf("e.json"));

        Assert.False(isPrinted);
        Assert.Equal("", printed);
        Assert.Equal(["a.json", "b.html", "c.xml", "d.sarif", "e.json"], folder.Entries);
        Assert.Contains("\"schemaVersion\": 2", File.ReadAllText(folder.PathOf("a.json")));
        Assert.StartsWith("<!DOCTYPE html>", File.ReadAllText(folder.PathOf("b.html")));
        Assert.Contains("<testsuites name=\"liminal sweep\"", File.ReadAllText(folder.PathOf("c.xml")));
        Assert.Contains("\"version\": \"2.1.0\"", File.ReadAllText(folder.PathOf("d.sarif")));
        Assert.Contains("\"traceEvents\":[", File.ReadAllText(folder.PathOf("e.json")));
    }

    [Theory]
    [InlineData("--json", "\"schemaVersion\"")]
    [InlineData("--junit", "<testsuites")]
    [InlineData("--sarif", "\"2.1.0\"")]
    [InlineData("--perfetto", "\"traceEvents\"")]
    public void A_hyphen_prints_the_report_in_place_of_the_text(string option, string contains)
    {
        (bool isPrinted, string printed) = Write(option, "-");

        Assert.True(isPrinted);
        Assert.Contains(contains, printed);
        Assert.EndsWith("\n", printed);
    }

    [Fact]
    public void Without_an_option_nothing_is_written()
    {
        (bool isPrinted, string printed) = Write();

        Assert.False(isPrinted);
        Assert.Equal("", printed);
    }

    private static (bool IsPrinted, string Printed) Write(params string[] arguments)
    {
        ReportOutputs<SweepReport> outputs = SweepOutputs.Create();
        Command command = new("sweep");
        outputs.AddTo(command);
        ParseResult parsed = command.Parse(arguments);
        using MemoryStream printed = new();
        Terminal terminal = new() { Out = TextWriter.Null, Error = TextWriter.Null, OpenOut = () => new BufferedStream(printed) };

        outputs.Expect(parsed);
        outputs.Write(parsed, Report, terminal);

        return (outputs.IsPrinted(parsed), Encoding.UTF8.GetString(printed.ToArray()));
    }
}
