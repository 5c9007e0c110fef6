// SPDX-License-Identifier: Apache-2.0

using System.IO;
using System.Linq;
using System.Text;
using System.Text.Json;
using System.Threading.Tasks;
using CsCheck;
using Liminal.Testing;
using NJsonSchema;

namespace Liminal.Trace.Tests;

public sealed class CheckReportJsonTests
{
    [Fact]
    public void Any_report_comes_back_from_its_json_as_it_was() =>
        AnyReport.Generator.Sample(
            report =>
            {
                CheckReport back = JsonReportReader.Read(Json(report));

                Assert.Equal(AnyReport.Print(report), AnyReport.Print(back));
            },
            iter: 300);

    [Fact]
    public void Any_report_is_read_back_as_it_was() =>
        AnyReport.Generator.Sample(
            report =>
            {
                CheckReport? back = CheckReportJson.Read(new MemoryStream(Json(report)), out string problem);

                Assert.Equal("", problem);
                Assert.Equal(AnyReport.Print(report), AnyReport.Print(back));
            },
            iter: 100);

    [Theory]
    [InlineData("", "not the report of a check")]
    [InlineData("{", "not the report of a check")]
    [InlineData("[]", "JSON, but not the report of a check")]
    [InlineData("{\"schemaVersion\":1,\"sweeps\":[]}", "the report of a sweep")]
    [InlineData("{\"cells\":[]}", "another shape")]
    [InlineData("{\"schemaVersion\":2,\"cells\":[]}", "another shape")]
    [InlineData("{\"schemaVersion\":1,\"cells\":[]}", "not the report of a check")]
    [InlineData("{\"schemaVersion\":1,\"cells\":[null]}", "a list holds null")]
    public void What_is_no_report_is_refused_with_the_reason(string json, string reason)
    {
        Assert.Null(CheckReportJson.Read(new MemoryStream(Encoding.UTF8.GetBytes(json)), out string problem));
        Assert.Contains(reason, problem);
    }

    [Fact]
    public void A_report_that_names_a_counterexample_which_it_does_not_hold_is_refused()
    {
        string json = Encoding.UTF8.GetString(Json(SampleReport.Full)).Replace("\"counterexample\": 0", "\"counterexample\": 99", System.StringComparison.Ordinal);

        Assert.Null(CheckReportJson.Read(new MemoryStream(Encoding.UTF8.GetBytes(json)), out string problem));
        Assert.Contains("does not hold", problem);
    }

    [Fact]
    public void The_schema_version_comes_first()
    {
        var reader = new Utf8JsonReader(Json(SampleReport.Full));

        reader.Read();
        reader.Read();

        Assert.Equal("schemaVersion", reader.GetString());
    }

    [Fact]
    public void Equal_counterexamples_and_tables_are_written_once()
    {
        using var json = JsonDocument.Parse(Json(SampleReport.Full));

        Assert.Equal(2, json.RootElement.GetProperty("counterexamples").GetArrayLength());
        string[] tables = [.. json.RootElement.GetProperty("tables").EnumerateArray().Select(table => table.GetRawText())];
        Assert.Equal(tables.Distinct(), tables);
    }

    [Fact]
    public async Task The_published_schema_describes_a_report()
    {
        JsonSchema schema = await Schema();

        Assert.Empty(schema.Validate(Encoding.UTF8.GetString(Json(SampleReport.Full))));
    }

    [Fact]
    public async Task The_published_schema_describes_any_report()
    {
        JsonSchema schema = await Schema();

        AnyReport.Generator.Sample(report => Assert.Empty(schema.Validate(Encoding.UTF8.GetString(Json(report)))), iter: 50);
    }

    [Theory]
    [InlineData("\"schemaVersion\": 1", "\"schemaVersion\": 2")]
    [InlineData("\"tool\"", "\"toll\"")]
    [InlineData("\"Violated\"", "\"violated\"")]
    [InlineData("\"states\": ", "\"states\": -")]
    [InlineData("\"decrypt\"", "\"decipher\"")]
    [InlineData("\"kind\": \"Cpu\"", "\"kind\": \"Gpu\"")]
    [InlineData("\"conclusion\": ", "\"conclusion\": 1, \"was\": ")]
    public async Task The_published_schema_turns_away_what_is_no_report(string from, string to)
    {
        JsonSchema schema = await Schema();
        string json = Encoding.UTF8.GetString(Json(SampleReport.Full));
        Assert.Contains(from, json);

        Assert.NotEmpty(schema.Validate(json.Replace(from, to)));
    }

    [Fact]
    public void Two_reports_of_one_run_are_the_same_bytes() => Assert.Equal(Json(SampleReport.Full), Json(SampleReport.Full));

    private static Task<JsonSchema> Schema() =>
        JsonSchema.FromFileAsync(Repository.PathOf("docs/reference/check-report.schema.json"), TestContext.Current.CancellationToken);

    private static byte[] Json(CheckReport report)
    {
        using var stream = new MemoryStream();
        CheckReportJson.Write(report, stream);
        return stream.ToArray();
    }
}
