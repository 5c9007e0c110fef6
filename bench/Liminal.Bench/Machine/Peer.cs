// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Linq;
using System.Text;
using System.Threading;
using Liminal.Machine.Boot;

namespace Liminal.Bench.Machine;

/// <summary>A machine that can boot a kernel with its console on standard output.</summary>
/// <param name="Name">For the report.</param>
/// <param name="Program">What to start.</param>
/// <param name="Arguments">Everything it needs.</param>
internal sealed record Peer(string Name, string Program, IReadOnlyList<string> Arguments)
{
    private const string FirstLine = "Linux version";
    private const int LimitInSeconds = 900;

    /// <summary>A peer that does not boot leaves the race, with the reason printed, in place of ending it.</summary>
    public bool IsOptional { get; init; }

    /// <summary>Boots once; ends the process as soon as the user land says that it is up.</summary>
    public BootTimes Boot()
    {
        ProcessStartInfo start = new(Program, Arguments) { RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true, UseShellExecute = false };
        Stopwatch watch = Stopwatch.StartNew();
        using Process process = Process.Start(start) ?? throw new InvalidOperationException($"{Program} does not start");
        process.StandardInput.Close();

        // A peer that hangs without a word ends here, too.
        using Timer limit = new(_ => process.Kill(), null, TimeSpan.FromSeconds(LimitInSeconds), Timeout.InfiniteTimeSpan);
        StringBuilder errors = new();
        process.ErrorDataReceived += (_, line) => errors.AppendLine(line.Data);
        process.BeginErrorReadLine();
        StringBuilder console = new();
        TimeSpan? kernel = null;
        TimeSpan kernelCpu = default;
        byte[] buffer = new byte[1 << 16];
        while (process.StandardOutput.BaseStream.Read(buffer) is int count and not 0)
        {
            TimeSpan now = watch.Elapsed;
            console.Append(Encoding.Latin1.GetString(buffer, 0, count));
            string text = console.ToString();
            if (kernel is null && text.Contains(FirstLine, StringComparison.Ordinal))
            {
                kernel = now;
                kernelCpu = CpuTime(process);
            }

            if (kernel is TimeSpan began && text.Contains(UserLand.Mark, StringComparison.Ordinal))
            {
                TimeSpan cpu = CpuTime(process);
                process.Kill();
                process.WaitForExit();
                return new BootTimes(now, now - began, cpu, cpu - kernelCpu);
            }
        }

        process.Kill();
        throw new InvalidOperationException($"{Name}: no user land.\n{string.Join('\n', console.ToString().Split('\n').TakeLast(20))}\n{errors}");
    }

    /// <summary>Runs to the end, whatever the console says.</summary>
    public void Run()
    {
        using Process process = Process.Start(new ProcessStartInfo(Program, Arguments) { RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false })!;
        process.ErrorDataReceived += (_, _) => { };
        process.BeginErrorReadLine();
        process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        if (process.ExitCode != 0)
            throw new InvalidOperationException($"{Name} ended with {process.ExitCode}");
    }

    /// <summary>User and system time of a running process, all of its threads.</summary>
    private static TimeSpan CpuTime(Process process)
    {
        process.Refresh();
        return process.TotalProcessorTime;
    }
}

/// <summary>How long a boot took.</summary>
/// <param name="Total">From the start of the process to the user land.</param>
/// <param name="Kernel">From the kernel's first line to the user land: without start-up, firmware and decompressor.</param>
/// <param name="TotalCpu">Processor time of <paramref name="Total"/>, all threads.</param>
/// <param name="KernelCpu">Processor time of <paramref name="Kernel"/>.</param>
internal readonly record struct BootTimes(TimeSpan Total, TimeSpan Kernel, TimeSpan TotalCpu, TimeSpan KernelCpu);
