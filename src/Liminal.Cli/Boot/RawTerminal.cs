// SPDX-License-Identifier: Apache-2.0

using System;
using System.Diagnostics;

namespace Liminal.Cli.Boot;

/// <summary>The terminal without line editing, echo and signals, until disposed.</summary>
/// <remarks>Set by the system's stty, which every Unix has; where there is none, keys arrive line by line.</remarks>
internal sealed class RawTerminal : IDisposable
{
    private readonly string? _saved;

    private RawTerminal(string? saved) => _saved = saved;

    /// <summary>Saves the terminal's settings and makes it raw.</summary>
    public static RawTerminal Open()
    {
        string? saved = Stty("-g");
        if (saved is not null)
        {
            Stty("raw", "-echo");
        }

        return new RawTerminal(saved);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_saved is not null)
        {
            Stty(_saved);
        }
    }

    private static string? Stty(params string[] arguments)
    {
        try
        {
            var start = new ProcessStartInfo("stty") { RedirectStandardOutput = true, UseShellExecute = false };
            foreach (string argument in arguments)
            {
                start.ArgumentList.Add(argument);
            }

            using var process = Process.Start(start);
            if (process is null)
            {
                return null;
            }

            string output = process.StandardOutput.ReadToEnd().Trim();
            process.WaitForExit();
            return process.ExitCode == 0 ? output : null;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return null;
        }
    }
}
