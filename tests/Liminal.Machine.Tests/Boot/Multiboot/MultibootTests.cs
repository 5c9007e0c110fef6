// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;
using System.ComponentModel;
using System.Diagnostics;
using System.IO;
using System.Text;
using Liminal.Machine.Boards;
using Liminal.Machine.Boot;

namespace Liminal.Machine.Tests.Boot.Multiboot;

public sealed class MultibootTests
{
    private const string Name = "program.elf";

    public static TheoryData<string> Programs =>
        [nameof(MultibootPrograms.Information), nameof(MultibootPrograms.Bare), nameof(MultibootPrograms.Paging), nameof(MultibootPrograms.LongMode), nameof(MultibootPrograms.SecondProcessor), nameof(MultibootPrograms.TestDevices)];

    [Theory]
    [InlineData(nameof(MultibootPrograms.Information), "2badb002\nprogram.elf one two\nfirst.txt with words\nalpha\n00000006\nsecond.txt\nbeta!\n00000006\n00000001\n", 0)]
    [InlineData(nameof(MultibootPrograms.Bare), "2badb002\nprogram.elf one two\nfirst.txt with words\nalpha\n00000006\nsecond.txt\nbeta!\n00000006\n00000001\n", 0)]
    [InlineData(nameof(MultibootPrograms.Paging), "ok\n", 3)]
    [InlineData(nameof(MultibootPrograms.LongMode), "00000fedcba98765\n", 0)]
    [InlineData(nameof(MultibootPrograms.SecondProcessor), "R08001234\n", 0)]
    public void A_program_prints_and_ends_through_the_debug_exit_port(string program, string expected, int value)
    {
        (string console, MachineEnd end) = RunHere(ImageOf(program));

        Assert.Equal(expected, console);
        Assert.Equal(MachineEndKind.DebugExit, end.Kind);
        Assert.Equal((uint)value, end.Value);
    }

    [Theory]
    [MemberData(nameof(Programs))]
    public void QEMU_shows_the_same(string program)
    {
        byte[] image = ImageOf(program);
        (string console, MachineEnd end) = RunHere(image);
        (string theirs, int exitCode) = RunInQemu(image, "qemu-system-i386", program == nameof(MultibootPrograms.LongMode) ? "qemu-system-x86_64" : null);

        Assert.Equal(theirs, console);
        Assert.Equal(exitCode, (int)((end.Value << 1) | 1));
    }

    [Fact]
    public void The_memory_map_has_the_memory_of_the_machine()
    {
        using var machine = new VirtualMachine(new MachineConfiguration { MemorySize = 128 << 20, Program = MultibootImage.Read(MultibootPrograms.Endless) }, _ => { });
        MultibootBoot.Load(machine, "", []);
        const ulong Information = MemoryMap.MultibootInformation;
        uint length = machine.Ram.Read<uint>(Information + 44);
        ulong map = machine.Ram.Read<uint>(Information + 48);
        List<(ulong, ulong, uint)> ranges = [];
        for (ulong entry = map; entry < map + length; entry += machine.Ram.Read<uint>(entry) + 4)
            ranges.Add((machine.Ram.Read<ulong>(entry + 4), machine.Ram.Read<ulong>(entry + 12), machine.Ram.Read<uint>(entry + 20)));

        Assert.Equal((0ul, MemoryMap.RamBelowIsaHole, 1u), ranges[0]);
        Assert.Equal((MemoryMap.HighMemory, 127ul << 20, 1u), ranges[^1]);
        Assert.Equal(127u * 1024, machine.Ram.Read<uint>(Information + 8));
    }

    [Fact]
    public void A_program_that_never_ends_can_be_interrupted()
    {
        using var machine = new VirtualMachine(new MachineConfiguration { MemorySize = 64 << 20, Program = MultibootImage.Read(MultibootPrograms.Endless) }, _ => { });
        MultibootBoot.Load(machine, "", []);
        machine.Interrupt();
        Assert.Equal(MachineEndKind.Requested, machine.Run(ulong.MaxValue).Kind);

        using var timer = new System.Threading.Timer(_ => machine.Interrupt(), null, 50, -1);
        MachineEnd end = machine.Run(ulong.MaxValue);
        Assert.Equal(VirtualMachine.Interrupted, end.Detail);
        Assert.True(machine.InstructionsRetired > 0);
    }

    [Fact]
    public void Bad_images_are_refused_with_what_is_wrong()
    {
        byte[] good = MultibootPrograms.Endless;
        byte[] code = [0xf4];

        Assert.False(MultibootImage.IsMultiboot(new byte[100]));
        Assert.True(MultibootImage.IsMultiboot(good));
        Assert.Contains("features 0x8", Refusal(MultibootElf.Build(code, 8)), StringComparison.Ordinal);
        Assert.Contains("objcopy", Refusal(Changed(good, 4, 2)), StringComparison.Ordinal);
        Assert.Contains("program headers", Refusal(Changed(good, 31, 0x7f)), StringComparison.Ordinal);
        Assert.Contains("Segment 0", Refusal(Changed(good, 52 + 18, 0x7f)), StringComparison.Ordinal);
        Assert.Contains("nothing to load", Refusal(Changed(good, 52, 2)), StringComparison.Ordinal);
        Assert.Contains("not all RAM", Refusal(MultibootElf.Build(code, 0, (0xF000_0000, code))), StringComparison.Ordinal);
        Assert.Contains("Multiboot information", Refusal(MultibootElf.Build(code, 0, (0x1_2000, code))), StringComparison.Ordinal);
        Assert.Contains("no Multiboot header", Refusal(good[..0x1000]), StringComparison.Ordinal);
    }

    [Fact]
    public void A_damaged_image_is_refused_or_loaded_and_never_more()
    {
        var random = new Random(5);
        foreach (byte[] good in (byte[][])[MultibootPrograms.Information, MultibootPrograms.Bare])
        {
            for (int round = 0; round < 2000; round++)
            {
                byte[] bad = (byte[])good.Clone();
                for (int changes = 1 + random.Next(4); changes > 0; changes--)
                    bad[random.Next(Math.Min(bad.Length, 0x60))] = (byte)random.Next(256);

                if (MultibootImage.IsMultiboot(bad))
                    _ = Refusal(bad);
            }
        }
    }

    private static byte[] Changed(byte[] image, int offset, byte value)
    {
        byte[] changed = (byte[])image.Clone();
        changed[offset] = value;
        return changed;
    }

    private static string Refusal(byte[] image)
    {
        try
        {
            using var machine = new VirtualMachine(new MachineConfiguration { MemorySize = 64 << 20, Program = MultibootImage.Read(image) }, _ => { });
            MultibootBoot.Load(machine, "", []);
            return "";
        }
        catch (BootException exception)
        {
            return exception.Message;
        }
    }

    private static byte[] ImageOf(string program) => (byte[])typeof(MultibootPrograms).GetProperty(program)!.GetValue(null)!;

    private static (string Console, MachineEnd End) RunHere(byte[] image)
    {
        var console = new StringBuilder();
        var configuration = new MachineConfiguration { ProcessorCount = 2, MemorySize = 64 << 20, Cpuid = CpuidModel.Build(2), Program = MultibootImage.Read(image) };
        using var machine = new VirtualMachine(configuration, octet => console.Append((char)octet));
        MultibootModule[] modules = [new("alpha\0"u8.ToArray(), "first.txt with words"), new("beta!\0"u8.ToArray(), "second.txt")];
        MultibootBoot.Load(machine, Name + " one two", modules);
        MachineEnd end = machine.Run(100_000_000);
        return (console.ToString(), end);
    }

    private static (string Console, int ExitCode) RunInQemu(byte[] image, string program, string? otherProgram)
    {
        string folder = Directory.CreateTempSubdirectory("liminal-multiboot-").FullName;
        try
        {
            File.WriteAllBytes(Path.Combine(folder, Name), image);
            File.WriteAllText(Path.Combine(folder, "first.txt"), "alpha\0");
            File.WriteAllText(Path.Combine(folder, "second.txt"), "beta!\0");
            var start = new ProcessStartInfo(
                otherProgram ?? program,
                [
                    "-kernel", Name, "-append", "one two", "-initrd", "first.txt with words,second.txt", "-m", "64", "-smp", "2", "-display", "none",
                    "-monitor", "none", "-serial", "file:console", "-no-reboot", "-net", "none", "-device", "isa-debug-exit,iobase=0xf4,iosize=4", "-device", "pc-testdev",
                ])
            {
                WorkingDirectory = folder,
                RedirectStandardError = true,
                UseShellExecute = false,
            };
            using Process qemu = Start(start);
            string error = qemu.StandardError.ReadToEnd();
            if (!qemu.WaitForExit(TimeSpan.FromMinutes(2)))
                qemu.Kill();

            Assert.Equal("", error);
            return (File.ReadAllText(Path.Combine(folder, "console")), qemu.ExitCode);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static Process Start(ProcessStartInfo start)
    {
        Process? qemu = null;
        try
        {
            qemu = Process.Start(start);
        }
        catch (Win32Exception)
        {
            Assert.Skip($"{start.FileName} is not installed (Debian's package qemu-system-x86)");
        }

        return qemu!;
    }
}
