// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text.RegularExpressions;
using Liminal.Architecture.Tests.Scripts;
using Liminal.Testing;

namespace Liminal.Architecture.Tests.Documents;

/// <summary>Runs the commands that the documents show.</summary>
/// <remarks>
/// A block "sh test" must end with exit code 0, a block "sh test exit=1" with 1. Each runs with errexit in a folder of its own,
/// where ./liminal is the program that this test was built with and everything else is linked to the repository.
/// A block "text output" that follows shows what the commands print; a line "..." in it stands for any lines.
/// </remarks>
public sealed partial class CommandBlockTests : IDisposable
{
    private readonly Shell _shell = new();

    public static TheoryData<string, int> Blocks => Pairs(MarkdownFile.All.SelectMany(
        document => document.Blocks.Where(IsTest).Select(block => (document.Name, block.Line))));

    public void Dispose() => _shell.Dispose();

    [Theory(SkipTestWithoutData = true)]
    [MemberData(nameof(Blocks))]
    public void A_command_of_a_document_does_what_the_document_says(string document, int line)
    {
        List<FencedBlock> blocks = [.. MarkdownFile.Named(document).Blocks];
        int index = blocks.FindIndex(block => block.Line == line);
        FencedBlock commands = blocks[index];
        FencedBlock? shown = blocks.ElementAtOrDefault(index + 1);

        ShellResult result = Run(commands.Text);

        Assert.True(
            result.ExitCode == ExitCodeOf(commands),
            $"{document}({line}) ended with {result.ExitCode}, not {ExitCodeOf(commands)}:\n{result.Output}{result.Error}");
        if (shown?.Info == "text output")
            Assert.True(Shows(shown.Text, result.Output), $"{document}({shown.Line}):\n" + TextDifference.Between(shown.Text, result.Output));
    }

    [Theory]
    [InlineData("a\nb\n", "a\nb\n", true)]
    [InlineData("a\nb\n", "a\nc\n", false)]
    [InlineData("a\n...\nd\n", "a\nb\nc\nd\n", true)]
    [InlineData("...\nd\n", "d\n", true)]
    [InlineData("a\n...\n", "a\nb\n", true)]
    [InlineData("a\n", "a\nb\n", false)]
    public void Three_dots_stand_for_any_lines(string shown, string printed, bool same)
    {
        Assert.Equal(same, Shows(shown, printed));
    }

    private static bool IsTest(FencedBlock block) => block.Info == "sh test" || block.Info.StartsWith("sh test ");

    private static int ExitCodeOf(FencedBlock block) =>
        Exit().Match(block.Info) is { Success: true } match ? int.Parse(match.Groups[1].Value) : 0;

    private static bool Shows(string shown, string printed)
    {
        string pattern = string.Concat(shown.TrimEnd().Split('\n').Select(line => line == "..." ? "(.*\n)*?" : Regex.Escape(line) + "\n"));
        return Regex.IsMatch(printed.TrimEnd() + "\n", $"^{pattern}$(?!\n)", RegexOptions.None, TimeSpan.FromSeconds(10));
    }

    private static TheoryData<string, int> Pairs(IEnumerable<(string Document, int Line)> blocks)
    {
        var pairs = new TheoryData<string, int>();
        foreach ((string document, int line) in blocks)
            pairs.Add(document, line);

        return pairs;
    }

    private ShellResult Run(string commands)
    {
        foreach (string entry in Directory.GetFileSystemEntries(Repository.Root).Where(path => Path.GetFileName(path) != "liminal"))
            File.CreateSymbolicLink(Path.Combine(_shell.Folder, Path.GetFileName(entry)), entry);
        _shell.Write("liminal", $"#!/usr/bin/env bash\nexec dotnet exec '{Path.Combine(AppContext.BaseDirectory, "liminal.dll")}' \"$@\"\n");
        return _shell.Run(commands);
    }

    [GeneratedRegex(@" exit=([0-9]+)\b")]
    private static partial Regex Exit();
}
