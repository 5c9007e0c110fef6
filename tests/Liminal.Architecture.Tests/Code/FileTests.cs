// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;
using System.Linq;
using System.Text.RegularExpressions;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace Liminal.Architecture.Tests.Code;

public sealed partial class FileTests
{
    private const int MostLines = 400;

    /// <summary>Longer files, each with the reason; a file that has become short must leave the list.</summary>
    private static readonly Dictionary<string, string> MayBeLong = new()
    {
    };

    [Fact]
    public void A_file_has_one_subject_and_at_most_400_lines()
    {
        IEnumerable<string> tooLong = SourceTree.Files
            .Where(file => file.Text.Count(c => c == '\n') > MostLines)
            .Select(file => file.Name);

        Assert.Equal(MayBeLong.Keys.Order(), tooLong);
    }

    [Fact]
    public void No_region_hides_code()
    {
        Assert.Empty(
            from file in SourceTree.Files
            where file.Text.Contains("#region")
            from trivia in file.Syntax.DescendantTrivia()
            where trivia.IsKind(SyntaxKind.RegionDirectiveTrivia)
            select file.At(trivia.GetLocation()));
    }

    [Fact]
    public void No_comment_puts_work_off()
    {
        Assert.Empty(
            from file in SourceTree.Files
            where PutOff().IsMatch(file.Text)
            from comment in Comments(file)
            where PutOff().IsMatch(comment.ToString())
            select file.At(comment.GetLocation()));
    }

    [Fact]
    public void No_comment_is_code()
    {
        Assert.Empty(
            from file in SourceTree.Files
            from comment in Comments(file)
            where comment.IsKind(SyntaxKind.SingleLineCommentTrivia) && Statement().IsMatch(comment.ToString())
            select file.At(comment.GetLocation()));
    }

    [Fact]
    public void A_warning_is_suppressed_only_with_the_reason_on_the_same_line()
    {
        Assert.Empty(
            from file in SourceTree.Files
            from line in file.Text.Split('\n').Select((text, index) => (Text: text, Number: index + 1))
            where Suppression().IsMatch(line.Text) && !Reason().IsMatch(line.Text)
            select $"{file.Name}({line.Number})");
    }

    private static IEnumerable<SyntaxTrivia> Comments(SourceFile file) => file.Syntax
        .DescendantTrivia()
        .Where(trivia => trivia.Kind() is SyntaxKind.SingleLineCommentTrivia or SyntaxKind.MultiLineCommentTrivia
            or SyntaxKind.SingleLineDocumentationCommentTrivia);

    [GeneratedRegex(@"\b(TODO|FIXME|HACK|XXX)\b")]
    private static partial Regex PutOff();

    // A call, an assignment or a declaration, and its semicolon.
    [GeneratedRegex(@"^//\s*([\w.<>\[\]]+\s+)?[\w.\[\]]+(\(.*\)|\s*[-+|&^]?=\s.*);\s*$|^//\s*(return|if|for|foreach|while)\b.*[;{]\s*$")]
    private static partial Regex Statement();

    [GeneratedRegex(@"^\s*(#pragma warning disable|\[(assembly: )?SuppressMessage\()")]
    private static partial Regex Suppression();

    [GeneratedRegex(@"//\s*\w|Justification = ""\w")]
    private static partial Regex Reason();
}
