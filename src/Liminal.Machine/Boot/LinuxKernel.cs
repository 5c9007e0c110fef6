// SPDX-License-Identifier: Apache-2.0
using System;
using System.Collections.Generic;

namespace Liminal.Machine.Boot;

/// <summary>A part of a kernel in guest-physical memory.</summary>
/// <param name="Address">Guest-physical address.</param>
/// <param name="Bytes">Contents from the file.</param>
/// <param name="MemorySize">Bytes in memory; what <paramref name="Bytes"/> does not fill is zero.</param>
public readonly record struct KernelSegment(ulong Address, ReadOnlyMemory<byte> Bytes, ulong MemorySize);

/// <summary>An unpacked 64-bit Linux kernel: what the boot protocol needs to know of a vmlinux.</summary>
public sealed class LinuxKernel
{
    /// <summary>The loadable segments by physical address.</summary>
    public required IReadOnlyList<KernelSegment> Segments { get; init; }

    /// <summary>Guest-physical address of startup_64.</summary>
    public required ulong EntryPoint { get; init; }

    /// <summary>The setup header from offset 1F1h of a bzImage; empty for a bare vmlinux, which then gets one made up.</summary>
    public ReadOnlyMemory<byte> SetupHeader { get; init; }

    /// <summary>First address above all segments.</summary>
    public ulong End
    {
        get
        {
            ulong end = 0;
            foreach (KernelSegment segment in Segments)
            {
                end = Math.Max(end, segment.Address + segment.MemorySize);
            }

            return end;
        }
    }
}
