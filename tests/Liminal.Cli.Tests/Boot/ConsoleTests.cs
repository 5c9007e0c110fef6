// SPDX-License-Identifier: Apache-2.0

using System;
using System.ComponentModel;
using System.Diagnostics;
using System.IO;
using System.Text;
using System.Threading.Tasks;
using Liminal.Machine.Tests.Boot.Multiboot;

namespace Liminal.Cli.Tests.Boot;

/// <summary>The console in a terminal that util-linux's script makes: keys go in, what a user would see comes out.</summary>
public sealed class ConsoleTests
{
    private const string Settings = "; echo code $?; stty -g > after; cmp before after && echo as before";
    private const string Restored = "as before\r\n";

    [Fact]
    public void Every_key_goes_to_the_guest_and_Ctrl_A_x_leaves_with_the_terminal_as_before()
    {
        string shown = InTerminal("liminal boot program.elf" + Settings, (">", "a\x03\x1a\x0d"), ("[\r]", "\u0001a"), ("[\x01]", "\u0001h"), ("leave", "\u0001x"));

        Assert.Contains("[a][\x03][\x1a][\r][\x01]", shown, StringComparison.Ordinal);
        Assert.Contains("Ctrl-A x    leave\r\n", shown, StringComparison.Ordinal);
        Assert.Contains("code 0\r\n" + Restored, shown, StringComparison.Ordinal);
    }

    [Fact]
    public void A_guest_that_ends_gives_the_terminal_back()
    {
        Assert.Contains("code 0\r\n" + Restored, InTerminal("liminal boot program.elf" + Settings, (">", "q")), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("TERM")]
    [InlineData("HUP")]
    [InlineData("INT")]
    public void A_signal_gives_the_terminal_back(string signal)
    {
        string command = $"sh -c 'echo $$ > pid; exec dotnet exec {Program} boot program.elf'" + Settings;

        Assert.Contains("code 130\r\n" + Restored, InTerminal(command, (">", "kill -" + signal)), StringComparison.Ordinal);
    }

    private static string Program => Path.Combine(AppContext.BaseDirectory, "liminal.dll");

    /// <summary>Runs a command in a terminal.</summary>
    /// <param name="command">For bash; <c>liminal</c> is the program.</param>
    /// <param name="keys">When the terminal shows the first text (again), the second is typed; kill -NAME sends a signal to the process in the file pid.</param>
    private static string InTerminal(string command, params (string Awaited, string Keys)[] keys)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "there is no script");
        using var folder = new ScratchFolder();
        File.WriteAllBytes(folder.PathOf("program.elf"), MultibootPrograms.Echo);
        File.WriteAllText(folder.PathOf("run.sh"), $"liminal() {{ dotnet exec '{Program}' \"$@\"; }}\nstty -g > before\n{command}\n");
        using Process terminal = Start(new ProcessStartInfo("script", ["-qefc", "bash run.sh", "/dev/null"])
        {
            WorkingDirectory = folder.FullName,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            UseShellExecute = false,
        });
        var shown = new StringBuilder();
        int from = 0;
        foreach ((string awaited, string typed) in keys)
        {
            while (shown.ToString().IndexOf(awaited, from, StringComparison.Ordinal) < 0)
            {
                Task<int> next = Task.Run(terminal.StandardOutput.Read);
                if (!next.Wait(TimeSpan.FromMinutes(1)) || next.Result < 0)
                {
                    terminal.Kill(entireProcessTree: true);
                    Assert.Fail($"'{awaited}' is not shown: {shown}");
                }

                shown.Append((char)next.Result);
            }

            from = shown.Length;
            if (typed.StartsWith("kill ", StringComparison.Ordinal))
            {
                using Process kill = Process.Start("kill", [typed[5..], File.ReadAllText(folder.PathOf("pid")).Trim()]);
                kill.WaitForExit();
            }
            else
            {
                terminal.StandardInput.Write(typed);
                terminal.StandardInput.Flush();
            }
        }

        shown.Append(terminal.StandardOutput.ReadToEnd());
        terminal.WaitForExit();
        return shown.ToString();
    }

    private static Process Start(ProcessStartInfo start)
    {
        try
        {
            return Process.Start(start)!;
        }
        catch (Win32Exception)
        {
            Assert.Skip("script is not installed (Debian's package bsdutils)");
            throw;
        }
    }
}
