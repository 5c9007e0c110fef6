// SPDX-License-Identifier: Apache-2.0

using System.Linq;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Liminal.Architecture.Tests.Code;

public sealed class UnsafeTests
{
    [Fact]
    public void Only_the_projects_named_in_the_architecture_allow_pointers()
    {
        Assert.Equal(
            ProjectTable.Rows.Where(row => row.AllowsUnsafe).Select(row => row.Project).Order(),
            SourceTree.Projects.Where(project => project.AllowsUnsafe).Select(project => project.ShortName));
    }

    [Fact]
    public void Every_unsafe_block_says_why_it_is_safe()
    {
        Assert.Empty(
            from file in SourceTree.Files
            where file.Text.Contains("unsafe")
            from word in file.Syntax.DescendantTokens()
            where word.IsKind(SyntaxKind.UnsafeKeyword) && !SaysWhy(word.Parent!)
            select file.At(word.GetLocation()));
    }

    [Fact]
    public void The_unchecked_class_Unsafe_is_used_only_where_pointers_are()
    {
        var allowed = SourceTree.Projects.Where(project => project.AllowsUnsafe).Select(project => $"src/{project.Name}/").ToList();

        Assert.Empty(
            from file in SourceTree.Files
            where file.Name.StartsWith("src/") && !allowed.Exists(file.Name.StartsWith)
            from name in file.Syntax.DescendantNodes().OfType<IdentifierNameSyntax>()
            where name.Identifier.ValueText == "Unsafe"
            select file.At(name.GetLocation()));
    }

    // The comment stands above the block, or above the member or type that carries the word as a modifier.
    private static bool SaysWhy(SyntaxNode marked) =>
        marked.GetLeadingTrivia().ToFullString().Contains("SAFETY:");
}
