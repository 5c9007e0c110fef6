// SPDX-License-Identifier: Apache-2.0

using System;
using System.Diagnostics;
using System.IO;
using System.Text;
using System.Text.RegularExpressions;
using System.Threading.Tasks;

namespace Liminal.Cli.Tests.Processes;

/// <summary>The program while it runs, with its error output watched.</summary>
internal sealed class LiveProcess : IDisposable
{
    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(2);

    private readonly Process _process;
    private readonly StringBuilder _error = new();
    private readonly Task<string> _output;

    private LiveProcess(Process process)
    {
        _process = process;
        _output = process.StandardOutput.ReadToEndAsync();
    }

    public static LiveProcess Start(string folder, params string[] arguments)
    {
        string program = Path.Combine(AppContext.BaseDirectory, "liminal.dll");
        return new LiveProcess(Process.Start(new ProcessStartInfo("dotnet", ["exec", program, .. arguments])
        {
            WorkingDirectory = folder,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        })!);
    }

    /// <summary>Reads the error output until a line matches.</summary>
    public Match WaitForError(Regex expected)
    {
        while (_process.StandardError.ReadLine() is string line)
        {
            _error.AppendLine(line);
            if (expected.Match(line) is { Success: true } match)
                return match;
        }

        throw new InvalidOperationException($"The error output ended without {expected}: {_error}");
    }

    /// <summary>Waits for the end.</summary>
    public CommandRun End()
    {
        Task<string> rest = _process.StandardError.ReadToEndAsync();
        if (!_process.WaitForExit(Longest))
            throw new TimeoutException($"Not done after {Longest}.");

        return new CommandRun(_process.ExitCode, _output.GetAwaiter().GetResult(), _error + rest.GetAwaiter().GetResult());
    }

    public void Dispose()
    {
        if (!_process.HasExited)
            _process.Kill(entireProcessTree: true);

        _process.Dispose();
    }
}
