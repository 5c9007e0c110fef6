// SPDX-License-Identifier: Apache-2.0
using System;
using System.Collections.Generic;
using Liminal.Machine.Boards;

namespace Liminal.Machine.Confidential;

/// <summary>What a loader does otherwise for one kind of guest. The default is that of an ordinary VM.</summary>
public sealed record GuestBootData
{
    /// <summary>Bits set in every entry of the page tables at entry and in CR3: the C-bit where it means private.</summary>
    public ulong PageTableBits { get; init; }

    /// <summary>Regions cut out of the RAM of the address map, with the type they have there.</summary>
    public IReadOnlyList<(ulong Start, ulong Size, MemoryType Type)> Regions { get; init; } = [];

    /// <summary>Bytes placed in the private backing before the guest starts.</summary>
    public IReadOnlyList<(ulong Address, ReadOnlyMemory<byte> Bytes)> Pages { get; init; } = [];

    /// <summary>Bytes placed in boot_params: offset and value, as zero-page.rst numbers them.</summary>
    public IReadOnlyList<(int Offset, ReadOnlyMemory<byte> Bytes)> BootParameters { get; init; } = [];

    /// <summary>What the kernel must be told on its command line, because the machine has no other way to say it; goes before what the user says.</summary>
    public string KernelParameters { get; init; } = "";

    /// <summary>Entries added to the MADT, each with its type and length.</summary>
    public IReadOnlyList<ReadOnlyMemory<byte>> MadtEntries { get; init; } = [];
}
