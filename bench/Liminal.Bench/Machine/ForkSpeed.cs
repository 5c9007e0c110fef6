// SPDX-License-Identifier: Apache-2.0

using System;
using System.Diagnostics;
using System.IO;
using Liminal.Linux.Diagnostics;
using Liminal.Linux.Image;
using Liminal.Machine;
using Liminal.Machine.Boards;
using Liminal.Machine.Boot;
using Liminal.Machine.Saving;
using Liminal.X86.Observation;

namespace Liminal.Bench.Machine;

/// <summary>What a fork, a hook and a snapshot cost, on a Debian kernel in the middle of its boot. One thread; processor time, not wall time.</summary>
internal static class ForkSpeed
{
    private const double WarmSeconds = 0.5;
    private const double SecondsEach = 1.0;
    private static readonly ulong[] Points = [150_000_000, 250_000_000, 300_000_000];
    private static readonly ulong[] Lengths = [1, 50, 500, 5000];

    /// <summary>Arguments: path of a kernel, path of an initial RAM disk (none if not given).</summary>
    public static int Run(string[] args)
    {
        using VirtualMachine machine = Boot(args);
        foreach (ulong point in Points)
        {
            Console.WriteLine($"at {machine.Run(point).Kind} {machine.InstructionsRetired:N0}");
            foreach (ulong length in Lengths)
                MeasureForks(machine, length);
            MeasureStepping(machine, 500);
            MeasureHook(machine);
        }

        MeasureSnapshot(machine);
        MeasureHookedBoot(args);
        return 0;
    }

    /// <summary>The whole boot up to the last point, with a hook and without.</summary>
    private static void MeasureHookedBoot(string[] args)
    {
        double without = SecondsOfBoot(args, null);
        var counter = new InstructionHook<CountingHook>();
        double with = SecondsOfBoot(args, counter);
        Console.WriteLine(
            $"boot to {Points[^1]:N0}, hook on every instruction: {Points[^1] / with / 1e6:F0} MIPS with, {Points[^1] / without / 1e6:F0} without, "
            + $"ratio {without / with:F2}, {counter.Hook.Count:N0} calls");
    }

    private static double SecondsOfBoot(string[] args, InstructionHook? hook)
    {
        using VirtualMachine machine = Boot(args);
        machine.Processors[0].Hook = hook;
        TimeSpan start = Environment.CpuUsage.TotalTime;
        machine.Run(Points[^1]);
        return (Environment.CpuUsage.TotalTime - start).TotalSeconds;
    }

    private static VirtualMachine Boot(string[] args)
    {
        byte[] ramDisk = args.Length > 1 ? File.ReadAllBytes(args[1]) : [];
        DiagnosticBag diagnostics = [];
        KernelImage image = KernelImage.Open(args[0], diagnostics) ?? throw new InvalidDataException(diagnostics.ToString());
        var machine = new VirtualMachine(new MachineConfiguration { Cpuid = CpuidModel.Build(1) }, _ => { });
        LinuxBoot.Load(machine, BootableKernel.Of(image), KernelCommandLine.Default, ramDisk);
        return machine;
    }

    /// <summary>Forks of a machine that stands still.</summary>
    private static void MeasureForks(VirtualMachine machine, ulong length)
    {
        ulong end = machine.InstructionsRetired + length;
        double rate = Rate(() =>
        {
            using VirtualMachine fork = machine.Fork();
            fork.Run(end);
        });
        Console.WriteLine($"  {rate,10:N0} forks/s of {length} instructions, {1e6 / rate:F2} us each");
    }

    /// <summary>A fork after each instruction of a machine that goes on, as a sweep does.</summary>
    private static void MeasureStepping(VirtualMachine machine, ulong length)
    {
        using VirtualMachine original = machine.Fork();
        double rate = Rate(() =>
        {
            ulong now = original.InstructionsRetired + 1;
            original.Run(now);
            using VirtualMachine fork = original.Fork();
            fork.Run(now + length);
        });
        Console.WriteLine($"  {rate,10:N0} forks/s of {length} instructions, one after each instruction of the original, {1e6 / rate:F2} us each");
    }

    private static void MeasureHook(VirtualMachine machine)
    {
        const ulong Length = 20_000_000;
        double without = double.MaxValue;
        double with = double.MaxValue;
        var counter = new InstructionHook<CountingHook>();
        for (int round = 0; round < 3; round++)
        {
            without = Math.Min(without, SecondsOf(machine, Length, null));
            with = Math.Min(with, SecondsOf(machine, Length, counter));
        }

        Console.WriteLine(
            $"  hook on every instruction: {Length / with / 1e6:F0} MIPS with, {Length / without / 1e6:F0} without, ratio {without / with:F2}, {counter.Hook.Count:N0} calls");
    }

    private static double SecondsOf(VirtualMachine machine, ulong length, InstructionHook? hook)
    {
        using VirtualMachine fork = machine.Fork();
        fork.Processors[0].Hook = hook;
        TimeSpan start = Environment.CpuUsage.TotalTime;
        fork.Run(machine.InstructionsRetired + length);
        return (Environment.CpuUsage.TotalTime - start).TotalSeconds;
    }

    private static void MeasureSnapshot(VirtualMachine machine)
    {
        byte[] key = new byte[SnapshotFile.KeySize];
        using var file = new MemoryStream();
        var watch = Stopwatch.StartNew();
        SnapshotFile.Write(file, machine, key, default);
        double write = watch.Elapsed.TotalSeconds;
        double read = double.MaxValue;
        for (int round = 0; round < 3; round++)
        {
            file.Position = 0;
            watch.Restart();
            using var restored = new VirtualMachine(machine.Configuration, _ => { });
            if (SnapshotFile.Read(file, restored, key, out _) is string failure)
                throw new InvalidDataException(failure);
            read = Math.Min(read, watch.Elapsed.TotalSeconds);
        }

        Console.WriteLine($"snapshot: {file.Length / 1e6:F1} MB, written in {write:F2} s, read in {read:F2} s");
    }

    /// <summary>Times that an action takes place in a second of processor time, after it is warm.</summary>
    private static double Rate(Action action)
    {
        _ = RateOver(action, WarmSeconds);
        return RateOver(action, SecondsEach);
    }

    private static double RateOver(Action action, double seconds)
    {
        TimeSpan start = Environment.CpuUsage.TotalTime;
        for (long count = 0; ;)
        {
            for (int i = 0; i < 500; i++)
                action();
            count += 500;
            double elapsed = (Environment.CpuUsage.TotalTime - start).TotalSeconds;
            if (elapsed >= seconds)
                return count / elapsed;
        }
    }

    private struct CountingHook : IInstructionHook
    {
        public long Count { get; private set; }

        public bool BeforeInstruction(HookedInstruction instruction)
        {
            Count++;
            return true;
        }
    }
}
