// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text.Json;
using Liminal.Machine.Boot;

namespace Liminal.Bench.Machine;

/// <summary>The same kernel, user land and command line on Liminal, QEMU TCG and Bochs, in turn, in one run on one machine.</summary>
/// <remarks>
/// QEMU is given the unpacked kernel, which it enters through its PVH note, so that no peer executes a decompressor; Liminal unpacks the image on
/// its own time. The row with the bzImage shows what QEMU's own decompressor costs. The board is q35 without default devices.
/// </remarks>
internal static class VersusPeers
{
    /// <summary>Arguments: rounds, kernel image.</summary>
    public static int Run(string[] args)
    {
        int rounds = int.Parse(args[0]);
        string image = args[1];
        string folder = Directory.CreateTempSubdirectory("liminal-versus-peers-").FullName;
        try
        {
            string initrd = Path.Combine(folder, "initrd");
            File.WriteAllBytes(initrd, BenchKernel.UserLandArchive());
            string unpacked = Path.Combine(folder, "vmlinux");
            File.WriteAllBytes(unpacked, BenchKernel.Open(image).Elf.File.ToArray());
            string report = Path.Combine(folder, "boot.json");
            Peer liminal = new("Liminal", "./liminal", ["boot", image, "--fresh", "--initrd", initrd, "--until", UserLand.Mark, "--json", report]);
            List<Peer> peers =
            [
                liminal,
                Qemu("QEMU TCG", unpacked, initrd),
                Qemu("QEMU TCG -icount shift=0,sleep=off", unpacked, initrd, "-icount", "shift=0,sleep=off"),
                Qemu("QEMU TCG, bzImage", image, initrd),
            ];
            if (BochsPeer.Create(folder, image, initrd) is Peer bochs)
                peers.Add(bochs);
            return Race(peers, rounds, Instructions(liminal, report));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static Peer Qemu(string name, string kernel, string initrd, params string[] more) => new(
        name,
        "qemu-system-x86_64",
        [
            "-accel", "tcg", "-machine", "q35", "-m", "512M", "-smp", "1", "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
            "-serial", "stdio", "-kernel", kernel, "-initrd", initrd, "-append", KernelCommandLine.Default, .. more,
        ]);

    /// <summary>Instructions of the boot on Liminal, which are the same every time.</summary>
    private static ulong Instructions(Peer liminal, string report)
    {
        liminal.Run();
        using JsonDocument json = JsonDocument.Parse(File.ReadAllBytes(report));
        return json.RootElement.GetProperty("userLandIsUpAtInstruction").GetUInt64();
    }

    private static int Race(List<Peer> peers, int rounds, ulong instructions)
    {
        List<BootTimes>[] times = [.. peers.Select(_ => new List<BootTimes>())];
        for (int round = 0; round < rounds; round++)
        {
            for (int i = 0; i < peers.Count; i++)
            {
                if (times[i].Count < round || !TryBoot(peers[i], out BootTimes time))
                    continue;
                times[i].Add(time);
                Console.WriteLine($"round {round + 1}: {peers[i].Name,-36} {Text(time)}");
            }
        }

        Console.WriteLine($"medians of {rounds} rounds on {Environment.ProcessorCount} processors; ratios are Liminal's time by the peer's, round by round");
        for (int i = 0; i < peers.Count; i++)
        {
            if (times[i].Count < rounds)
                continue;
            var median = new BootTimes(
                Median(times[i].Select(t => t.Total)), Median(times[i].Select(t => t.Kernel)),
                Median(times[i].Select(t => t.TotalCpu)), Median(times[i].Select(t => t.KernelCpu)));
            string ratios = i == 0
                ? $"{instructions:N0} instructions, {instructions / median.Total.TotalMicroseconds:F0} MIPS, {instructions / median.TotalCpu.TotalMicroseconds:F0} by CPU time"
                : $"total {Ratio(times[0], times[i], t => t.Total)}, kernel {Ratio(times[0], times[i], t => t.Kernel)}, "
                    + $"CPU {Ratio(times[0], times[i], t => t.TotalCpu)}, kernel CPU {Ratio(times[0], times[i], t => t.KernelCpu)}";
            Console.WriteLine($"  {peers[i].Name,-36} {Text(median)}  {ratios}");
        }

        return 0;
    }

    private static bool TryBoot(Peer peer, out BootTimes time)
    {
        time = default;
        try
        {
            time = peer.Boot();
            return true;
        }
        catch (InvalidOperationException exception) when (peer.IsOptional)
        {
            Console.WriteLine($"no row of {peer.Name}: {exception.Message}");
            return false;
        }
    }

    private static string Text(BootTimes time) =>
        $"total {time.Total.TotalSeconds:F2} s, from the kernel's first line {time.Kernel.TotalSeconds:F2} s; CPU {time.TotalCpu.TotalSeconds:F2} s and {time.KernelCpu.TotalSeconds:F2} s";

    private static string Ratio(List<BootTimes> ours, List<BootTimes> theirs, Func<BootTimes, TimeSpan> part) =>
        $"{Median(ours.Zip(theirs, (a, b) => part(a) / part(b))):F2}";

    private static T Median<T>(IEnumerable<T> values)
    {
        T[] sorted = [.. values.Order()];
        return sorted[sorted.Length / 2];
    }
}
