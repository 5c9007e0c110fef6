// SPDX-License-Identifier: Apache-2.0

using System;
using System.IO;
using System.Reflection;

namespace Liminal.Testing;

/// <summary>Compares text with the accepted text in Snapshots/NAME.verified.txt of the test project.</summary>
/// <remarks>LIMINAL_ACCEPT=1 writes the text of this run as the accepted one; the diff then shows in git.</remarks>
internal static class Snapshot
{
    /// <summary>True when the accepted text begins with a text, or when nothing has been accepted yet.</summary>
    public static bool BeginsWith(string name, string start)
    {
        string file = FileOf(name);
        return Environment.GetEnvironmentVariable("LIMINAL_ACCEPT") == "1" || !File.Exists(file)
            || File.ReadAllText(file).StartsWith(start, StringComparison.Ordinal);
    }

    /// <summary>Fails with the first lines that differ, unless the text is the accepted one.</summary>
    /// <param name="name">File name without extension; stable, unique in the test project.</param>
    /// <param name="actual">The text of this run; line ends are compared as LF.</param>
    public static void Match(string name, string actual)
    {
        string file = FileOf(name);
        string text = actual.ReplaceLineEndings("\n").TrimEnd('\n') + "\n";
        string? accepted = File.Exists(file) ? File.ReadAllText(file) : null;

        if (text == accepted)
            return;

        if (Environment.GetEnvironmentVariable("LIMINAL_ACCEPT") == "1")
        {
            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            File.WriteAllText(file, text);
            return;
        }

        Assert.Fail(
            $"{Path.GetRelativePath(Repository.Root, file)} differs (accept with LIMINAL_ACCEPT=1):\n"
            + TextDifference.Between(accepted ?? "", text));
    }

    private static string FileOf(string name) =>
        Path.Combine(Repository.Root, "tests", Assembly.GetExecutingAssembly().GetName().Name!, "Snapshots", name + ".verified.txt");
}
