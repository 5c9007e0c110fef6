// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Text.RegularExpressions;
using Liminal.Testing;

namespace Liminal.Checker.Tests.Export;

/// <summary>Runs SPIN on a Promela model.</summary>
internal static partial class Spin
{
    /// <summary>Ends the test as skipped where SPIN or a C compiler cannot be had.</summary>
    public static void Require()
    {
        bool isThere = DebianPackage.Find("spin", "spin") is not null && DebianPackage.Find("gcc", "gcc") is not null;
        Assert.SkipUnless(isThere, "SPIN (Debian packages spin and gcc) is not installed, and this user cannot install it");
    }

    /// <summary>Explores a model without reductions and with exact storage.</summary>
    /// <returns>States stored, and the names of the violated properties.</returns>
    public static (long States, SortedSet<string> Violated) Explore(string model)
    {
        string folder = Directory.CreateTempSubdirectory("liminal-spin-").FullName;
        try
        {
            File.WriteAllText(Path.Combine(folder, "model.pml"), model);
            Run(folder, DebianPackage.Find("spin", "spin")!, "-a", "model.pml");
            Run(folder, DebianPackage.Find("gcc", "gcc")!, "-O1", "-w", "-DSAFETY", "-DNOREDUCE", "-o", "pan", "pan.c");
            string output = Run(folder, Path.Combine(folder, "pan"), "-E", "-m2000000");
            Assert.DoesNotContain("max search depth too small", output, StringComparison.Ordinal);
            long states = long.Parse(StatesStored().Match(output).Groups["states"].Value);
            string violated = output.Split('\n').LastOrDefault(line => line.StartsWith("violated:", StringComparison.Ordinal), "violated:");
            return (states, [.. violated["violated:".Length..].Split(' ', StringSplitOptions.RemoveEmptyEntries)]);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static string Run(string folder, string program, params string[] arguments)
    {
        ProcessStartInfo start = new(program, arguments)
        {
            WorkingDirectory = folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        using Process process = Process.Start(start)!;
        System.Threading.Tasks.Task<string> errors = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, $"{program} ended with {process.ExitCode}:\n{output}\n{errors.Result}");
        return output;
    }

    [GeneratedRegex(@"(?<states>[0-9]+) states, stored", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex StatesStored();
}
