// SPDX-License-Identifier: Apache-2.0

using System;
using System.ComponentModel;
using System.Diagnostics;
using System.IO;
using System.Linq;
using Liminal.Machine.Boot;

namespace Liminal.Bench.Machine;

/// <summary>Debian's Bochs with the kernel on a CD that GRUB boots: it takes no kernel by itself. Its build has the debugger in it, which costs it speed.</summary>
internal static class BochsPeer
{
    private const string Bios = "/usr/share/bochs/BIOS-bochs-latest";
    private const string VideoBios = "/usr/share/bochs/VGABIOS-lgpl-latest";

    /// <summary>Makes the CD and the configuration; null, with the reason printed, where the tools are missing.</summary>
    public static Peer? Create(string folder, string image, string initrd)
    {
        string[] missing = [.. new[] { Bios, VideoBios, "/usr/bin/bochs", "/usr/bin/grub-mkrescue", "/usr/bin/xorriso", "/usr/lib/grub/i386-pc" }.Where(path => !Path.Exists(path))];
        if (missing.Length > 0)
        {
            Console.WriteLine($"no row of Bochs: {string.Join(", ", missing)} missing; Debian's packages are bochs, bochsbios, vgabios, grub-pc-bin, grub-common and xorriso");
            return null;
        }

        string tree = Path.Combine(folder, "cd");
        Directory.CreateDirectory(Path.Combine(tree, "boot", "grub"));
        File.Copy(image, Path.Combine(tree, "boot", "vmlinuz"));
        File.Copy(initrd, Path.Combine(tree, "boot", "initrd"));
        File.WriteAllText(
            Path.Combine(tree, "boot", "grub", "grub.cfg"),
            $"set timeout=0\nmenuentry kernel {{\n linux /boot/vmlinuz {KernelCommandLine.Default}\n initrd /boot/initrd\n}}\n");
        string disc = Path.Combine(folder, "cd.iso");
        if (!Run("grub-mkrescue", "-o", disc, tree))
        {
            Console.WriteLine("no row of Bochs: grub-mkrescue made no CD");
            return null;
        }

        string configuration = Path.Combine(folder, "bochsrc");
        File.WriteAllText(configuration, $"""
            megs: 512
            romimage: file={Bios}
            vgaromimage: file={VideoBios}
            cpu: model=corei7_haswell_4770, ips=20000000, reset_on_triple_fault=0
            clock: sync=none
            ata0-master: type=cdrom, path={disc}, status=inserted
            boot: cdrom
            display_library: rfb, options="timeout=0"
            com1: enabled=1, mode=file, dev=/dev/stdout
            log: {Path.Combine(folder, "bochs.log")}
            sound: waveoutdrv=dummy, waveindrv=dummy, midioutdrv=dummy
            speaker: enabled=0
            plugin_ctrl: unmapped=1, biosdev=1, speaker=0, extfpuirq=0, parallel=0, serial=1, gameport=0

            """);
        string commands = Path.Combine(folder, "bochs.commands");
        File.WriteAllText(commands, "c\n");
        return new Peer("Bochs, bzImage from a CD", "bochs", ["-q", "-f", configuration, "-rc", commands]) { IsOptional = true };
    }

    private static bool Run(string tool, params string[] arguments)
    {
        try
        {
            using Process process = Process.Start(new ProcessStartInfo(tool, arguments) { RedirectStandardError = true, RedirectStandardOutput = true, UseShellExecute = false })!;
            process.ErrorDataReceived += (_, _) => { };
            process.BeginErrorReadLine();
            process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            return process.ExitCode == 0;
        }
        catch (Win32Exception)
        {
            return false;
        }
    }
}
