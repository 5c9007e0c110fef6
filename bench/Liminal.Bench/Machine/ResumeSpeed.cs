// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Linq;
using System.Text;

namespace Liminal.Bench.Machine;

/// <summary>How long it takes from the command to the shell's prompt, when the kernel has been booted before and its snapshot is in the cache.</summary>
internal static class ResumeSpeed
{
    private const string Prompt = "liminal:/";
    private const string Resumed = "resumed from the cache";

    /// <summary>Arguments: kernel image, rounds, the program if it is another than ./liminal.</summary>
    public static int Run(string[] args)
    {
        int rounds = args.Length > 1 ? int.Parse(args[1]) : 5;
        string program = args.Length > 2 ? args[2] : "./liminal";
        (_, _, bool hadSnapshot) = ToPrompt(program, args[0]);
        Console.WriteLine(hadSnapshot ? "the snapshot was there" : "booted once for the snapshot");
        var wall = new List<double>();
        var processor = new List<double>();
        for (int round = 0; round < rounds; round++)
        {
            (double seconds, double cpu, bool isResumed) = ToPrompt(program, args[0]);
            if (!isResumed)
                throw new InvalidOperationException("the boot did not resume from the cache");
            Console.WriteLine($"round {round + 1}: prompt after {seconds:F2} s, {cpu:F2} s of processor time");
            wall.Add(seconds);
            processor.Add(cpu);
        }

        Console.WriteLine($"median of {rounds}: prompt after {Median(wall):F2} s, {Median(processor):F2} s of processor time");
        return 0;
    }

    private static (double Seconds, double Cpu, bool IsResumed) ToPrompt(string program, string image)
    {
        ProcessStartInfo start = new(program, ["boot", image]) { RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true, UseShellExecute = false };
        var watch = Stopwatch.StartNew();
        using Process process = Process.Start(start) ?? throw new InvalidOperationException($"{program} does not start");
        var errors = new StringBuilder();
        process.ErrorDataReceived += (_, line) => errors.AppendLine(line.Data);
        process.BeginErrorReadLine();
        var console = new StringBuilder();
        byte[] buffer = new byte[1 << 16];
        while (process.StandardOutput.BaseStream.Read(buffer) is int count and not 0)
        {
            console.Append(Encoding.Latin1.GetString(buffer, 0, count));
            if (!console.ToString().Contains(Prompt, StringComparison.Ordinal))
                continue;
            double seconds = watch.Elapsed.TotalSeconds;
            process.Refresh();
            double cpu = process.TotalProcessorTime.TotalSeconds;
            process.StandardInput.Close();
            process.Kill();
            process.WaitForExit();
            return (seconds, cpu, errors.ToString().Contains(Resumed, StringComparison.Ordinal));
        }

        throw new InvalidOperationException($"no prompt\n{string.Join('\n', console.ToString().Split('\n').TakeLast(20))}\n{errors}");
    }

    private static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);
}
