// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Text.RegularExpressions;
using System.Threading;
using Liminal.Checker.Exploration;
using Liminal.Checker.Export;
using Liminal.Checker.Model;
using Liminal.Checker.Scenarios;

namespace Liminal.Bench.Checker;

/// <summary>The same model, explored by the checker and by SPIN in turn, in one run on one machine.</summary>
/// <remarks>
/// SPIN: exact storage, no reductions (-O3 -DSAFETY -DNOREDUCE -DNOFAIR), as fast as it gets on safety properties. The checker: exact storage, no
/// reductions, every state kept so that traces can be told. Both store the same number of states, or the comparison is refused.
/// </remarks>
internal static partial class VersusSpin
{
    /// <summary>Arguments: pages, CPUs, rounds.</summary>
    public static int Run(string[] args)
    {
        int pages = args.Length > 0 ? int.Parse(args[0]) : 3;
        int cpus = args.Length > 1 ? int.Parse(args[1]) : 3;
        int rounds = args.Length > 2 ? int.Parse(args[2]) : 3;
        Scenario scenario = CheckerModels.LinuxOnSnp(pages, cpus);
        string folder = Directory.CreateTempSubdirectory("liminal-versus-spin-").FullName;
        try
        {
            File.WriteAllText(Path.Combine(folder, "model.pml"), PromelaExport.Of(scenario));
            Execute(folder, "spin", "-a", "model.pml");
            Execute(folder, "gcc", "-O3", "-w", "-DSAFETY", "-DNOREDUCE", "-DNOFAIR", "-o", "pan", "pan.c");
            Explore(scenario, threads: 1);
            List<double> spin = [];
            List<double> one = [];
            List<double> two = [];
            for (int i = 0; i < rounds; i++)
            {
                (long spinStates, double spinSeconds) = Spin(folder);
                (long states, double seconds) = Explore(scenario, threads: 1);
                (_, double secondsOnTwo) = Explore(scenario, threads: 2);
                if (states != spinStates)
                    return Refuse(states, spinStates);

                spin.Add(states / spinSeconds);
                one.Add(states / seconds);
                two.Add(states / secondsOnTwo);
                Console.WriteLine($"round {i + 1}: {states} states; SPIN {spin[^1] / 1e6:F2} M/s, 1 thread {one[^1] / 1e6:F2} M/s, 2 threads {two[^1] / 1e6:F2} M/s");
            }

            Report(scenario, spin, one, two);
            return 0;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static void Report(Scenario scenario, List<double> spin, List<double> one, List<double> two)
    {
        double[] ratios = [.. spin.Zip(one, (s, o) => o / s)];
        double[] scaling = [.. one.Zip(two, (o, t) => t / o)];
        Console.WriteLine($"{scenario.Protocol.Name} on {scenario.Platform.Name}, {scenario.Pages} pages, {scenario.Cpus} CPUs, medians of {spin.Count} rounds:");
        Console.WriteLine($"  SPIN        {Median(spin) / 1e6:F2} M states/s");
        Console.WriteLine($"  1 thread    {Median(one) / 1e6:F2} M states/s, {Median(ratios):F2} x SPIN");
        Console.WriteLine($"  2 threads   {Median(two) / 1e6:F2} M states/s, {Median(scaling):F2} x 1 thread");
    }

    private static double Median(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        return sorted[sorted.Length / 2];
    }

    private static int Refuse(long ours, long theirs)
    {
        Console.Error.WriteLine($"The models differ: {ours} states here, {theirs} in SPIN. Nothing is compared.");
        return 1;
    }

    private static (long States, double Seconds) Explore(Scenario scenario, int threads)
    {
        ExplorationOptions options = new() { Threads = threads, Symmetry = false, LateFills = false };
        Stopwatch watch = Stopwatch.StartNew();
        SearchResult result = BreadthFirst.Run(new TransitionSystem(scenario, lateFills: false), options, CancellationToken.None);
        return (result.States, watch.Elapsed.TotalSeconds);
    }

    private static (long States, double Seconds) Spin(string folder)
    {
        Stopwatch watch = Stopwatch.StartNew();
        string output = Execute(folder, Path.Combine(folder, "pan"), "-E", "-w26", "-m10000000");
        double seconds = watch.Elapsed.TotalSeconds;
        return (long.Parse(StatesStored().Match(output).Groups["states"].Value), seconds);
    }

    private static string Execute(string folder, string program, params string[] arguments)
    {
        ProcessStartInfo start = new(program, arguments) { WorkingDirectory = folder, RedirectStandardOutput = true, UseShellExecute = false };
        using Process process = Process.Start(start) ?? throw new InvalidOperationException($"{program} does not start");
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0 ? output : throw new InvalidOperationException($"{program} ended with {process.ExitCode}: {output}");
    }

    [GeneratedRegex("(?<states>[0-9]+) states, stored", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex StatesStored();
}
