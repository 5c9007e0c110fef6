// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text.RegularExpressions;
using Liminal.Architecture.Tests.Code;
using Liminal.Testing;

namespace Liminal.Architecture.Tests.Documents;

public sealed partial class DiagnosticTests
{
    private const string Page = "docs/reference/diagnostics.md";

    [Fact]
    public void Every_diagnostic_of_the_code_has_a_heading_and_every_heading_is_a_diagnostic_of_the_code()
    {
        IEnumerable<string> documented = File.Exists(Repository.PathOf(Page))
            ? MarkdownFile.Named(Page).Headings.Select(heading => Id().Match(heading).Value).Where(id => id.Length > 0)
            : [];

        Assert.Equal(UsedInCode(), documented.Order());
    }

    [Fact]
    public void Every_diagnostic_belongs_to_a_subject()
    {
        Assert.All(UsedInCode(), id => Assert.Matches("^LIM[123]", id));
    }

    private static List<string> UsedInCode() =>
    [
        .. SourceTree.Files
            .Where(file => file.Name.StartsWith("src/", StringComparison.Ordinal))
            .SelectMany(file => Id().Matches(file.Text))
            .Select(match => match.Value)
            .Distinct()
            .Order(),
    ];

    [GeneratedRegex(@"\bLIM[0-9]{4}\b")]
    private static partial Regex Id();
}
