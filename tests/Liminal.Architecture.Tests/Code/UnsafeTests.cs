// SPDX-License-Identifier: Apache-2.0

using System.Collections.Generic;
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
            from file in Files
            from block in file.Syntax.DescendantNodes().OfType<UnsafeStatementSyntax>()
            where !SaysWhy(block)
            select file.At(block.GetLocation()));
    }

    [Fact]
    public void Everything_marked_unsafe_says_why_it_is_safe_or_points_only_to_what_does()
    {
        // What may be reached through a pointer is a property of the type pointed to, said once, above its declaration.
        HashSet<string> types =
        [
            .. from file in SourceTree.Files
               where file.Text.Contains("SAFETY:")
               from type in file.Syntax.DescendantNodes().OfType<BaseTypeDeclarationSyntax>()
               where SaysWhy(type)
               select type.Identifier.ValueText,
        ];

        Assert.Empty(
            from file in Files
            where file.Name.StartsWith("src/")
            from marked in file.Syntax.DescendantNodes().OfType<MemberDeclarationSyntax>()
            where marked.Modifiers.Any(SyntaxKind.UnsafeKeyword) && !SaysWhy(marked)
            where !marked.AncestorsAndSelf().OfType<BaseTypeDeclarationSyntax>().SelectMany(NamesOf).Any(types.Contains)
            where !PointsOnlyTo(types, marked)
            select file.At(marked.GetLocation()));
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

    // An implementation is bound by what its interface says.
    private static IEnumerable<string> NamesOf(BaseTypeDeclarationSyntax type) =>
        (type.BaseList?.Types ?? []).Select(implemented => implemented.Type.ToString()).Prepend(type.Identifier.ValueText);

    // Plain numbers may be pointed to where they are reached through one of the types.
    private static bool PointsOnlyTo(HashSet<string> types, SyntaxNode marked)
    {
        ILookup<bool, string> numbers = marked.DescendantNodes().OfType<PointerTypeSyntax>()
            .Select(pointer => pointer.ElementType)
            .Where(pointee => pointee is not PointerTypeSyntax)
            .ToLookup(pointee => pointee is PredefinedTypeSyntax, pointee => pointee.ToString());

        return numbers[false].All(types.Contains) && (numbers[false].Any() || !numbers[true].Any());
    }

    private static IEnumerable<SourceFile> Files => SourceTree.Files.Where(file => file.Text.Contains("unsafe"));

    private static bool SaysWhy(SyntaxNode marked) =>
        marked.GetLeadingTrivia().ToFullString().Contains("SAFETY:");
}
