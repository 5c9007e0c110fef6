// SPDX-License-Identifier: Apache-2.0
using System;
using System.Text;

namespace Liminal.Machine.Boot;

/// <summary>A small user land: one static busybox and an init script, as an initramfs.</summary>
public static class UserLand
{
    /// <summary>What init prints when the user land is up.</summary>
    public const string Mark = "liminal: user land is up";

    /// <summary>Path of busybox in Debian's package busybox-static.</summary>
    public const string BusyboxPath = "bin/busybox";

    private const string Init =
        $"""
        #!/bin/busybox sh
        export PATH=/bin HOME=/ TERM=vt100 PS1='liminal:\w\$ '
        /bin/busybox --install -s /bin
        mount -t proc proc /proc
        mount -t sysfs sysfs /sys
        mount -t devtmpfs devtmpfs /dev
        mount -t tmpfs tmpfs /tmp
        echo "{Mark}"
        if [ -f /script ]; then
            sh /script
            echo "liminal: the script ended with status $?"
        else
            setsid cttyhack sh
        fi
        poweroff -f

        """;

    /// <summary>Builds the initramfs.</summary>
    /// <param name="busybox">A static busybox for x86-64.</param>
    /// <param name="script">A shell script to run in place of the interactive shell; null for the shell.</param>
    /// <returns>An uncompressed cpio archive; the same input gives the same bytes.</returns>
    public static byte[] Build(ReadOnlySpan<byte> busybox, string? script)
    {
        var archive = new CpioArchive();
        foreach (string directory in (ReadOnlySpan<string>)["bin", "dev", "proc", "sys", "tmp", "root"])
        {
            archive.AddDirectory(directory);
        }

        // The kernel opens /dev/console for init before anything is mounted.
        archive.AddCharacterDevice("dev/console", 5, 1);
        archive.AddCharacterDevice("dev/null", 1, 3);
        archive.AddFile(BusyboxPath, busybox, isExecutable: true);
        archive.AddLink("bin/sh", "busybox");
        archive.AddFile("init", Encoding.UTF8.GetBytes(Init.ReplaceLineEndings("\n")), isExecutable: true);
        if (script is not null)
        {
            archive.AddFile("script", Encoding.UTF8.GetBytes(script.ReplaceLineEndings("\n")), isExecutable: true);
        }

        return archive.ToArray();
    }
}
