// SPDX-License-Identifier: Apache-2.0

using System;
using System.ComponentModel;
using System.Diagnostics;
using System.IO;
using System.Net;
using System.Net.Sockets;
using System.Text.RegularExpressions;
using Liminal.Cli.Tests.Processes;
using Liminal.Machine.Tests.Boot.Multiboot;

namespace Liminal.Cli.Tests.Boot;

/// <summary>The program under the debugger of Debian's package gdb, as a user has it.</summary>
public sealed partial class GdbTests
{
    [Fact]
    public void Gdb_looks_at_two_processors_and_the_program_does_what_it_does_without()
    {
        using var folder = new ScratchFolder();
        File.WriteAllBytes(folder.PathOf("program.elf"), MultibootPrograms.SecondProcessor);
        CommandRun plain = LiminalProcess.Bash($"cd '{folder.FullName}'; liminal boot program.elf --cpus 2");
        Assert.Equal("R08001234\n", plain.Out);

        using var boot = LiveProcess.Start(folder.FullName, "boot", "program.elf", "--cpus", "2", "--gdb", "0");
        string port = boot.WaitForError(PortLine()).Groups[1].Value;
        string text = Gdb(
            $"target remote localhost:{port}", "info threads", "p/x $rax", "p/x $rip", "p/x $cr0", "x/1xw 0x100000", "stepi", "p/x $rsp", "break *0x100046",
            "continue", "delete", "watch *(int*)0x9f00", "continue", "p/x *(int*)0x9f00", "info threads", "thread 1", "stepi", "stepi", "monitor instructions",
            "detach");
        CommandRun run = boot.End();

        Assert.Contains("Thread 1 (CPU 0 running, CPL 0)", text, StringComparison.Ordinal);
        Assert.Contains("Thread 2 (CPU 1 waitforstartup", text, StringComparison.Ordinal);
        Assert.Contains("= 0x2badb002", text, StringComparison.Ordinal);
        Assert.Contains("= 0x100040", text, StringComparison.Ordinal);
        Assert.Contains("= 0x11", text, StringComparison.Ordinal);
        Assert.Contains("0x1badb002", text, StringComparison.Ordinal);
        Assert.Contains("= 0x180000", text, StringComparison.Ordinal);
        Assert.Contains("hit Breakpoint 1, 0x0000000000100046", text, StringComparison.Ordinal);
        Assert.Matches("Thread 2 hit Hardware watchpoint 2[^$]*New value = 134222388", text);
        Assert.Contains("CPU 1: ", text, StringComparison.Ordinal);
        Assert.Contains("detached", text, StringComparison.Ordinal);
        Assert.Equal(plain.Out, run.Out);
        Assert.Equal(plain.ExitCode, run.ExitCode);
        Assert.Equal(CountLine().Match(plain.Error).Groups[1].Value, CountLine().Match(run.Error).Groups[1].Value);
    }

    [Fact]
    public void Gdb_stops_a_running_program_and_ends_it()
    {
        using var folder = new ScratchFolder();
        File.WriteAllBytes(folder.PathOf("program.elf"), MultibootPrograms.Endless);
        using var boot = LiveProcess.Start(folder.FullName, "boot", "program.elf", "--gdb-attach", "0");
        string port = boot.WaitForError(PortLine()).Groups[1].Value;

        Assert.Contains("0x000000000010004", Gdb($"target remote localhost:{port}", "p/x $eax", "detach"), StringComparison.Ordinal);
        Gdb($"target remote localhost:{port}", "kill");
        CommandRun run = boot.End();

        Assert.Equal(130, run.ExitCode);
        Assert.Contains("ended by gdb", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Garbage_and_a_lost_connection_leave_the_program_running()
    {
        using var folder = new ScratchFolder();
        File.WriteAllBytes(folder.PathOf("program.elf"), MultibootPrograms.LongMode);
        using var boot = LiveProcess.Start(folder.FullName, "boot", "program.elf", "--gdb", "0");
        int port = int.Parse(boot.WaitForError(PortLine()).Groups[1].Value);
        using (var client = new TcpClient())
        {
            client.Connect(IPAddress.Loopback, port);
            byte[] garbage = new byte[5000];
            new Random(3).NextBytes(garbage);
            client.GetStream().Write(garbage);
        }

        CommandRun run = boot.End();
        Assert.Equal(0, run.ExitCode);
        Assert.Equal("00000fedcba98765\n", run.Out);
    }

    [Fact]
    public void A_port_in_use_is_one_line()
    {
        using var folder = new ScratchFolder();
        File.WriteAllBytes(folder.PathOf("program.elf"), MultibootPrograms.LongMode);
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        CommandRun run = LiminalProcess.Bash($"cd '{folder.FullName}'; liminal boot program.elf --gdb {((IPEndPoint)taken.LocalEndpoint).Port}");

        Assert.Equal(2, run.ExitCode);
        Assert.Matches("liminal: LIM3207: port [0-9]+: .*; name another port, or 0 for any free one\n$", run.Error);
    }

    /// <summary>Runs gdb's commands one after another.</summary>
    private static string Gdb(params string[] commands)
    {
        var start = new ProcessStartInfo("gdb", ["-batch", "-nx", "-ex", "set confirm off"]) { RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false };
        foreach (string command in commands)
        {
            start.ArgumentList.Add("-ex");
            start.ArgumentList.Add(command);
        }

        try
        {
            using Process gdb = Process.Start(start)!;
            System.Threading.Tasks.Task<string> error = gdb.StandardError.ReadToEndAsync();
            string output = gdb.StandardOutput.ReadToEnd();
            gdb.WaitForExit();
            return output + error.GetAwaiter().GetResult();
        }
        catch (Win32Exception)
        {
            Assert.Skip("gdb is not installed (Debian's package gdb)");
            throw;
        }
    }

    [GeneratedRegex("target remote localhost:([0-9]+)")]
    private static partial Regex PortLine();

    [GeneratedRegex("liminal: ([0-9,]+) instructions")]
    private static partial Regex CountLine();
}
