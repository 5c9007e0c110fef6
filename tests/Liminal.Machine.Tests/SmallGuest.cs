// SPDX-License-Identifier: Apache-2.0

using System;
using System.Text;
using Liminal.Machine.Boot;

namespace Liminal.Machine.Tests;

/// <summary>A machine whose "kernel" is a few bytes of 64-bit code.</summary>
internal static class SmallGuest
{
    private const ulong Entry = 0x10_0000;

    /// <summary>Counts in RAX for ever.</summary>
    public static byte[] Counts => [0x48, 0xFF, 0xC0, 0xEB, 0xFB];

    /// <summary>Counts in memory at 2 MiB for ever: mov rbx, 200000h; inc qword [rbx]; jmp.</summary>
    public static byte[] CountsInMemory => [0xBB, 0x00, 0x00, 0x20, 0x00, 0x48, 0xFF, 0x03, 0xEB, 0xFB];

    public static VirtualMachine Create(byte[] code, StringBuilder? console = null)
    {
        var configuration = new MachineConfiguration { MemorySize = 64ul << 20 };
        var machine = new VirtualMachine(configuration, octet => console?.Append((char)octet));
        var kernel = new LinuxKernel { Segments = [new KernelSegment(Entry, code, 4096)], EntryPoint = Entry };
        LinuxBoot.Load(machine, kernel, "", ReadOnlySpan<byte>.Empty);
        return machine;
    }
}
