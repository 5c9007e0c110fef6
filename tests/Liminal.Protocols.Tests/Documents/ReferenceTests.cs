// SPDX-License-Identifier: Apache-2.0

using System;
using System.IO;
using System.Linq;
using Liminal.Checker.Properties;
using Liminal.Testing;

namespace Liminal.Protocols.Tests;

public sealed class ReferenceTests
{
    [Fact]
    public void The_page_of_protocols_is_printed_from_the_data() => Match("docs/reference/protocols.md", ProtocolsPage.Text);

    [Fact]
    public void The_page_of_the_regression_corpus_is_printed_from_the_data() => Match("docs/reference/regression-corpus.md", CorpusPage.Text);

    [Fact]
    public void Every_property_has_a_section_that_begins_with_its_sentence()
    {
        string[] lines = [.. File.ReadAllLines(Repository.PathOf("docs/reference/properties.md")).Where(line => line.Length > 0)];

        Assert.Equal(
            PropertyInfo.All.Select(info => $"## {info.Name}"),
            lines.Where(line => line.StartsWith("## ", StringComparison.Ordinal)));
        Assert.All(PropertyInfo.All, info => Assert.Equal(info.Sentence, lines[Array.IndexOf(lines, $"## {info.Name}") + 1]));
    }

    [Fact]
    public void The_limits_name_exactly_the_rows_of_the_corpus_that_leave_something_out()
    {
        string text = File.ReadAllText(Repository.PathOf("docs/reference/limits.md"));
        string section = text[text.IndexOf("## Bugs found in the wild that are not expressed", StringComparison.Ordinal)..];

        Assert.Equal(
            RegressionCorpus.Rows.Where(row => row.WhyNotExpressed is not null).Select(row => row.Number),
            section.Split('\n').Where(line => line.StartsWith("- ", StringComparison.Ordinal)).Select(line => int.Parse(line[2..line.IndexOfAny([':', ','])])));
    }

    private static void Match(string name, string text)
    {
        string file = Repository.PathOf(name);
        string accepted = File.Exists(file) ? File.ReadAllText(file) : "";
        if (text == accepted)
            return;

        if (Environment.GetEnvironmentVariable("LIMINAL_ACCEPT") == "1")
            File.WriteAllText(file, text);
        else
            Assert.Fail($"{name} differs (accept with LIMINAL_ACCEPT=1):\n" + TextDifference.Between(accepted, text));
    }
}
