// SPDX-License-Identifier: Apache-2.0

using System;
using System.Diagnostics;
using System.IO;

namespace Liminal.Testing;

/// <summary>A program from a Debian package, installed when it is missing and this user may install.</summary>
internal static class DebianPackage
{
    private static readonly System.Threading.Lock Turn = new();

    /// <summary>The path of a program, or null when it can neither be found nor installed.</summary>
    /// <param name="program">Name of the program, as on the search path.</param>
    /// <param name="package">Debian package that holds it.</param>
    public static string? Find(string program, string package)
    {
        lock (Turn)
        {
            if (OnSearchPath(program) is string found)
                return found;

            if (Environment.UserName != "root" || OnSearchPath("apt-get") is not string aptGet)
                return null;

            if (Run(aptGet, "install", "-y", "--no-install-recommends", package) != 0)
            {
                Run(aptGet, "update");
                Run(aptGet, "install", "-y", "--no-install-recommends", package);
            }

            return OnSearchPath(program);
        }
    }

    private static string? OnSearchPath(string program)
    {
        foreach (string folder in (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator))
        {
            string file = Path.Combine(folder, program);
            if (folder.Length > 0 && File.Exists(file))
                return file;
        }

        return null;
    }

    private static int Run(string program, params string[] arguments)
    {
        ProcessStartInfo start = new(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false };
        start.Environment["DEBIAN_FRONTEND"] = "noninteractive";
        using Process process = Process.Start(start)!;
        process.ErrorDataReceived += (_, _) => { };
        process.BeginErrorReadLine();
        process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode;
    }
}
