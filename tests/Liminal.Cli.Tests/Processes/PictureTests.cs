// SPDX-License-Identifier: Apache-2.0

using System;
using System.IO;
using System.Text.RegularExpressions;
using Liminal.Testing;

namespace Liminal.Cli.Tests.Processes;

public sealed partial class PictureTests
{
    private const int Columns = 100;

    /// <summary>The picture of the README is what the command prints, and not a drawing of it.</summary>
    [Fact]
    public void The_picture_in_the_README_is_what_the_command_prints()
    {
        string file = Repository.PathOf("docs/images/matrix.svg");

        var run = CommandRun.InColour(Columns, "check", "rfc-2023", "v2-2023", "linux-6.12-*", "--failures");
        string picture = TerminalPicture.Draw(Seconds().Replace(UpToTheNotes(run.Out), ""), Columns);

        if (Environment.GetEnvironmentVariable("LIMINAL_ACCEPT") == "1")
            File.WriteAllText(file, picture);

        Assert.True(File.ReadAllText(file) == picture, "docs/images/matrix.svg is not what the command prints (accept with LIMINAL_ACCEPT=1)");
    }

    /// <summary>The matrix and its legend; what was explored would make the picture too long for a page.</summary>
    private static string UpToTheNotes(string output) => output[..output.IndexOf("\n\n", output.IndexOf("\n\n", StringComparison.Ordinal) + 2, StringComparison.Ordinal)] + "\n";

    [GeneratedRegex(@"[0-9]+\.[0-9] s\b")]
    private static partial Regex Seconds();
}
