// SPDX-License-Identifier: Apache-2.0

using System;
using System.Diagnostics;
using System.Threading;
using Liminal.Checker.Exploration;
using Liminal.Checker.Model;
using Liminal.Checker.Scenarios;

namespace Liminal.Bench.Checker;

/// <summary>How many states fit: explores a model that is larger than the limit, with every state kept.</summary>
internal static class Capacity
{
    /// <summary>Arguments: states, pages, CPUs, threads.</summary>
    public static int Run(string[] args)
    {
        long states = args.Length > 0 ? long.Parse(args[0]) : 100_000_000;
        int pages = args.Length > 1 ? int.Parse(args[1]) : 3;
        int cpus = args.Length > 2 ? int.Parse(args[2]) : 4;
        int threads = args.Length > 3 ? int.Parse(args[3]) : Environment.ProcessorCount;
        Scenario scenario = CheckerModels.LinuxOnSnp(pages, cpus);
        ExplorationOptions options = new() { Threads = threads, Symmetry = false, LateFills = false, MaxStates = states, MaxBytes = 16L << 30 };
        Stopwatch watch = Stopwatch.StartNew();
        SearchResult result = BreadthFirst.Run(new TransitionSystem(scenario, lateFills: false), options, CancellationToken.None);
        double seconds = watch.Elapsed.TotalSeconds;
        Console.WriteLine($"{result.States} states, {result.Transitions} transitions, depth {result.Diameter}, limit {result.Limit}");
        long peak = Process.GetCurrentProcess().PeakWorkingSet64;
        Console.WriteLine($"{seconds:F1} s, {result.States / seconds / 1e6:F2} M states/s on {threads} threads");
        Console.WriteLine($"peak {peak / (double)(1 << 30):F2} GiB, {(double)peak / result.States:F0} bytes a state");
        return 0;
    }
}
