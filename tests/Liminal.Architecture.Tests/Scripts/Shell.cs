// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;

namespace Liminal.Architecture.Tests.Scripts;

/// <summary>What a script left behind.</summary>
/// <param name="ExitCode">Exit code of the shell.</param>
/// <param name="Output">Standard output.</param>
/// <param name="Error">Standard error.</param>
internal sealed record ShellResult(int ExitCode, string Output, string Error);

/// <summary>Runs bash in a folder of its own, which goes when the test ends.</summary>
internal sealed class Shell : IDisposable
{
    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(2);

    /// <summary>The folder; its name has a space, as users' folders have.</summary>
    public string Folder { get; } = Directory.CreateTempSubdirectory("liminal test ").FullName;

    /// <summary>Variables that the script sees besides those of this process.</summary>
    public Dictionary<string, string> Environment { get; } = new() { ["NO_COLOR"] = "1" };

    /// <summary>Writes a file under the folder; a text that begins with #! becomes a program.</summary>
    public void Write(string name, string text)
    {
        string path = Path.Combine(Folder, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text);
        if (text.StartsWith("#!") && !OperatingSystem.IsWindows())
            File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }

    /// <summary>Runs a script with errexit, nounset and pipefail.</summary>
    /// <exception cref="TimeoutException">It took more than two minutes.</exception>
    public ShellResult Run(string script)
    {
        string output = Path.GetTempFileName();
        string error = Path.GetTempFileName();
        var start = new ProcessStartInfo("bash") { WorkingDirectory = Folder };
        // The shell writes to files, so that nobody has to read two pipes at once.
        foreach (string argument in (string[])["-c", $"exec > '{output}' 2> '{error}' < /dev/null; set -euo pipefail\n{script}"])
            start.ArgumentList.Add(argument);
        foreach ((string name, string value) in Environment)
            start.Environment[name] = value;

        try
        {
            using Process shell = Process.Start(start)!;
            if (!shell.WaitForExit(Longest))
            {
                shell.Kill(entireProcessTree: true);
                throw new TimeoutException($"Not done after {Longest}: {script}");
            }

            return new ShellResult(shell.ExitCode, File.ReadAllText(output), File.ReadAllText(error));
        }
        finally
        {
            File.Delete(output);
            File.Delete(error);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => Directory.Delete(Folder, recursive: true);
}
