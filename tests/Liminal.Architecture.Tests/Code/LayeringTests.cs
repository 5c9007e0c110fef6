// SPDX-License-Identifier: Apache-2.0

using System.Collections.Generic;
using System.Linq;
using System.Reflection;

namespace Liminal.Architecture.Tests.Code;

public sealed class LayeringTests
{
    public static TheoryData<string> Projects => [.. SourceTree.Projects.Select(project => project.ShortName)];

    [Fact]
    public void The_architecture_lists_exactly_the_projects_there_are()
    {
        Assert.Equal(
            SourceTree.Projects.Select(project => project.ShortName),
            ProjectTable.Rows.Select(row => row.Project).Order());
    }

    [Theory]
    [MemberData(nameof(Projects))]
    public void A_project_file_references_only_what_the_architecture_allows(string name)
    {
        SourceProject project = SourceTree.Projects.Single(project => project.ShortName == name);

        Assert.Subset(ProjectTable.Reach(name).ToHashSet(), project.References.ToHashSet());
    }

    [Theory]
    [MemberData(nameof(Projects))]
    public void A_compiled_assembly_uses_only_what_the_architecture_allows(string name)
    {
        Dictionary<string, string> names = SourceTree.Projects
            .ToDictionary(project => project.Assembly.GetName().Name!, project => project.ShortName);
        Assembly assembly = SourceTree.Projects.Single(project => project.ShortName == name).Assembly;

        IEnumerable<string> used = assembly.GetReferencedAssemblies()
            .Select(reference => names.GetValueOrDefault(reference.Name!))
            .OfType<string>();

        Assert.Subset(ProjectTable.Reach(name).ToHashSet(), used.ToHashSet());
    }

    [Fact]
    public void Neither_engine_reaches_the_other()
    {
        Assert.DoesNotContain("X86", ProjectTable.Reach("Checker"));
        Assert.DoesNotContain("Machine", ProjectTable.Reach("Protocols"));
        Assert.DoesNotContain("Checker", ProjectTable.Reach("Linux"));
    }
}
