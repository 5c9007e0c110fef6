// SPDX-License-Identifier: Apache-2.0

using System;
using System.Diagnostics;
using System.IO;

namespace Liminal.Cli.Tests.Processes;

/// <summary>The program as a user starts it, in a process of its own.</summary>
internal static class LiminalProcess
{
    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(2);

    /// <summary>The compiled program.</summary>
    private static string Program => Path.Combine(AppContext.BaseDirectory, "liminal.dll");

    /// <summary>Runs it through bash, where <c>liminal</c> is the program.</summary>
    /// <param name="script">What bash runs; the exit code is that of its last command.</param>
    public static CommandRun Bash(string script)
    {
        using Process shell = Start(new ProcessStartInfo("bash", ["-c", $"liminal() {{ dotnet exec '{Program}' \"$@\"; }}; {script}"]));
        return End(shell, shell.StandardError.ReadToEndAsync().GetAwaiter().GetResult);
    }

    /// <summary>Starts it and sends it a signal as soon as its error output says something.</summary>
    /// <param name="signal">Such as INT.</param>
    /// <param name="awaited">What a line of the error output must hold before the signal is sent.</param>
    /// <param name="arguments">The command line.</param>
    public static CommandRun Interrupted(string signal, string awaited, params string[] arguments)
    {
        using Process process = Start(new ProcessStartInfo("dotnet", ["exec", Program, .. arguments]));
        string error = "";
        while (!error.Contains(awaited) && process.StandardError.ReadLine() is string line)
            error += line + "\n";

        using (Process kill = Process.Start("kill", ["-" + signal, $"{process.Id}"]))
            kill.WaitForExit();

        return End(process, () => error + process.StandardError.ReadToEnd());
    }

    private static Process Start(ProcessStartInfo start)
    {
        start.RedirectStandardOutput = true;
        start.RedirectStandardError = true;
        start.Environment["NO_COLOR"] = "1";
        return Process.Start(start)!;
    }

    private static CommandRun End(Process process, Func<string> readError)
    {
        System.Threading.Tasks.Task<string> output = process.StandardOutput.ReadToEndAsync();
        string error = readError();
        if (!process.WaitForExit(Longest))
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"Not done after {Longest}.");
        }

        return new CommandRun(process.ExitCode, output.GetAwaiter().GetResult(), error);
    }
}
