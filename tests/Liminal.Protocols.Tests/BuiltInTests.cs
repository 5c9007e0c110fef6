// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using Liminal.Checker.Vocabulary;
using Liminal.Testing;

namespace Liminal.Protocols.Tests;

public sealed class BuiltInTests
{
    public static TheoryData<string> Names => [.. BuiltIn.All.Select(protocol => protocol.Name)];

    [Fact]
    public void Every_name_is_used_once()
    {
        Assert.Distinct(BuiltIn.All.Select(protocol => protocol.Name));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void A_protocol_is_found_by_its_name_and_says_what_it_is_and_where_it_is_from(string name)
    {
        Protocol? protocol = BuiltIn.Find(name);

        Assert.NotNull(protocol);
        Assert.Matches("^[a-z0-9.-]+$", protocol.Name);
        Assert.NotEmpty(protocol.Title);
        Assert.NotEmpty(protocol.Source);
        Assert.NotEmpty(protocol.Platforms);
        Assert.NotEmpty(protocol.DecryptSteps.Concat(protocol.EncryptSteps));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void A_source_begins_with_a_name_of_the_list_of_sources(string name)
    {
        IEnumerable<string> known = File.ReadAllLines(Repository.PathOf("docs/reference/sources.md"))
            .Where(line => line.StartsWith("| `", StringComparison.Ordinal))
            .Select(line => line.Split('`')[1]);

        Assert.Contains(known, source => BuiltIn.Find(name)!.Source.StartsWith(source, StringComparison.Ordinal));
    }

    [Fact]
    public void A_name_that_nobody_has_is_not_found()
    {
        Assert.Null(BuiltIn.Find("rfc-2024"));
    }
}
