// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;
using System.ComponentModel;
using System.Diagnostics;
using System.IO;
using System.Text;
using System.Threading;

namespace Liminal.Linux.Packages;

/// <summary>What a program of the system printed, and how it ended.</summary>
/// <param name="ExitCode">Zero for success; -1 when it could not be started.</param>
/// <param name="Output">Its standard output.</param>
/// <param name="Errors">Its standard error.</param>
internal sealed record ToolRun(int ExitCode, string Output, string Errors)
{
    /// <summary>Grace for the own cancellation to arrive after a Ctrl-C that the program received too, in
    /// milliseconds.</summary>
    private const int CancellationGrace = 300;

    /// <summary>The last line of the errors that is one, for a message.</summary>
    public string Reason
    {
        get
        {
            string[] lines = Errors.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
            string? line = Array.FindLast(lines, static line => line.StartsWith("E:", StringComparison.Ordinal)) ?? (lines.Length > 0 ? lines[^1] : null);
            return line ?? $"exit code {ExitCode}";
        }
    }

    /// <summary>Runs a program to its end, in the C locale.</summary>
    /// <param name="program">Full path.</param>
    /// <param name="arguments">One by one; nothing is parsed by a shell.</param>
    /// <param name="folder">Working folder.</param>
    /// <param name="onLine">Receives each line of standard output as it comes; on a thread of its own.</param>
    /// <param name="cancellation">Ends the program and its children.</param>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public static ToolRun Of(string program, IEnumerable<string> arguments, string folder, Action<string>? onLine, CancellationToken cancellation)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            WorkingDirectory = folder,
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
            StandardOutputEncoding = Encoding.UTF8,
            StandardErrorEncoding = Encoding.UTF8,
        };
        start.Environment["LC_ALL"] = "C.UTF-8";
        start.Environment["DEBIAN_FRONTEND"] = "noninteractive";

        var output = new StringBuilder();
        var errors = new StringBuilder();
        using var process = new Process { StartInfo = start };
        process.OutputDataReceived += (_, line) =>
        {
            if (line.Data is null)
                return;

            output.Append(line.Data).Append('\n');
            onLine?.Invoke(line.Data);
        };
        process.ErrorDataReceived += (_, line) => errors.Append(line.Data).Append('\n');

        cancellation.ThrowIfCancellationRequested();
        try
        {
            process.Start();
        }
        catch (Exception e) when (e is Win32Exception or IOException)
        {
            return new ToolRun(-1, "", e.Message);
        }

        using (cancellation.Register(() => Kill(process)))
        {
            process.StandardInput.Close();
            process.BeginOutputReadLine();
            process.BeginErrorReadLine();
            process.WaitForExit();
        }

        if (process.ExitCode != 0 && cancellation.CanBeCanceled)
            cancellation.WaitHandle.WaitOne(CancellationGrace);

        cancellation.ThrowIfCancellationRequested();
        return new ToolRun(process.ExitCode, output.ToString(), errors.ToString());
    }

    private static void Kill(Process process)
    {
        try
        {
            process.Kill(entireProcessTree: true);
        }
        catch (Exception e) when (e is InvalidOperationException or Win32Exception)
        {
            // It has ended by itself in the meantime, which is what was wanted.
        }
    }
}
