// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using Liminal.Testing;

namespace Liminal.Architecture.Tests.Code;

public sealed class NameTests
{
    private static readonly string[] SayNothing = ["Common", "Utils", "Util", "Helpers", "Helper", "Core", "Misc", "Base"];

    [Fact]
    public void No_project_or_folder_has_a_name_that_says_nothing()
    {
        Assert.Empty(
            from top in (string[])["src", "tests", "bench"]
            from folder in Directory.GetDirectories(Repository.PathOf(top), "*", SearchOption.AllDirectories)
            where Path.GetFileName(folder).Split('.').Intersect(SayNothing, StringComparer.OrdinalIgnoreCase).Any()
            select Repository.NameOf(folder));
    }

    [Fact]
    public void Every_project_is_in_the_solution()
    {
        string solution = File.ReadAllText(Repository.PathOf("Liminal.slnx"));
        IEnumerable<string> projects = new[] { "src", "tests", "bench" }
            .SelectMany(top => Directory.GetFiles(Repository.PathOf(top), "*.csproj", SearchOption.AllDirectories))
            .Select(Repository.NameOf);

        Assert.All(projects, project => Assert.Contains($"\"{project}\"", solution));
    }

    [Fact]
    public void Every_project_says_in_a_sentence_what_it_is()
    {
        Assert.All(SourceTree.Projects, project => Assert.Matches("^[A-Z].*\\.$", project.Xml.Descendants("Description").Single().Value));
    }

    [Fact]
    public void Every_project_has_tests()
    {
        Assert.All(SourceTree.Projects, project => Assert.True(Directory.Exists(Repository.PathOf($"tests/{project.Name}.Tests"))));
    }
}
