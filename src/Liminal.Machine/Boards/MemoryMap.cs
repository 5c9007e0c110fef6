// SPDX-License-Identifier: Apache-2.0
using System;
using System.Collections.Generic;

namespace Liminal.Machine.Boards;

/// <summary>Every guest-physical address and port number of the board, and where the loaders put things.</summary>
/// <remarks>
/// RAM is 0 to <see cref="RamBelowIsaHole"/>, 1 MiB to at most 3 GiB, and the rest from 4 GiB on. What loaders place below 1 MiB is
/// ordinary RAM: a kernel has taken over page tables, boot parameters and command line before it allocates.
/// </remarks>
public static class MemoryMap
{
    /// <summary>Global descriptor table at entry.</summary>
    public const ulong EntryDescriptorTable = 0x1000;

    /// <summary>Six page-table pages at entry: they map the first 4 GiB one to one.</summary>
    public const ulong EntryPageTables = 0x2000;

    /// <summary>The Linux boot_params page.</summary>
    public const ulong BootParameters = 0x1_0000;

    /// <summary>Nodes of boot_params.setup_data.</summary>
    public const ulong SetupData = 0x1_1000;

    /// <summary>Multiboot information structure.</summary>
    public const ulong MultibootInformation = 0x1_2000;

    /// <summary>Kernel command line, up to <see cref="CommandLineSize"/> bytes with its final zero.</summary>
    public const ulong CommandLine = 0x2_0000;

    /// <summary>Room for the command line in bytes; Linux takes 2048.</summary>
    public const int CommandLineSize = 0x800;

    /// <summary>End of the GHCB pages that a paravisor gives its guest, one for each processor.</summary>
    /// <remarks>Below 512 KiB: from there to 1 MiB a kernel looks for an iBFT, through private mappings.</remarks>
    public const ulong ParavisorGhcbEnd = 0x8_0000;

    /// <summary>End of the RAM below the ISA hole.</summary>
    public const ulong RamBelowIsaHole = 0x9_FC00;

    /// <summary>ACPI tables, the root pointer first.</summary>
    public const ulong AcpiTables = 0xE_0000;

    /// <summary>Room for the ACPI tables in bytes.</summary>
    public const ulong AcpiTablesSize = 0x1_0000;

    /// <summary>RAM goes on here after the ISA hole.</summary>
    public const ulong HighMemory = 0x10_0000;

    /// <summary>Where RAM above 3 GiB goes on.</summary>
    public const ulong RamAbove4G = 1ul << 32;

    /// <summary>I/O APIC register window.</summary>
    public const ulong IoApic = 0xFEC0_0000;

    /// <summary>Local APIC register page, the same address on every processor.</summary>
    public const ulong LocalApic = 0xFEE0_0000;

    /// <summary>First serial port.</summary>
    public const ushort Serial1 = 0x3F8;

    /// <summary>Delay port: written by kernels to wait, heard by nobody.</summary>
    public const ushort PostCode = 0x80;

    /// <summary>QEMU's isa-debug-exit.</summary>
    public const ushort DebugExit = 0xF4;

    /// <summary>ACPI fixed hardware: event block; the control block is 4 and the timer 8 above it.</summary>
    public const ushort AcpiPower = 0x600;

    /// <summary>Interrupt input of the first serial port, on both the 8259A and the I/O APIC.</summary>
    public const int Serial1Interrupt = 4;

    /// <summary>ISA interrupt of the interval timer; it reaches the I/O APIC at <see cref="TimerIoApicInput"/>.</summary>
    public const int TimerInterrupt = 0;

    /// <summary>I/O APIC input of the interval timer.</summary>
    public const int TimerIoApicInput = 2;

    /// <summary>ACPI system control interrupt; nothing ever raises it.</summary>
    public const int SystemControlInterrupt = 9;

    /// <summary>Ports that kernels probe and this board leaves empty: first port, number of ports, what would be there.</summary>
    /// <remarks>Anything not attached and not in this list stops the machine.</remarks>
    public static IReadOnlyList<(ushort First, int Count, string Name)> AbsentPorts { get; } =
    [
        (0x000, 0x10, "DMA controller 1"),
        (0x060, 1, "keyboard controller data"),
        (0x064, 1, "keyboard controller status"),
        (0x081, 0x0F, "DMA page registers"),
        (0x0C0, 0x20, "DMA controller 2"),
        (0x0ED, 1, "alternative delay port"),
        (0x0F0, 2, "coprocessor error reset"),
        (0x2E8, 8, "serial port 4"),
        (0x2F8, 8, "serial port 2"),
        (0x3B0, 0x30, "video adapter"),
        (0x3E8, 8, "serial port 3"),
        (0x4D0, 2, "edge/level control of the interrupt controllers"),
    ];

    /// <summary>The address map in the words of E820: start, bytes, type.</summary>
    /// <param name="lowSize">Bytes of RAM from 0, at most 3 GiB.</param>
    /// <param name="highSize">Bytes of RAM from 4 GiB on.</param>
    /// <param name="special">Regions to be cut out of RAM, with the type they have there.</param>
    public static IReadOnlyList<(ulong Start, ulong Size, MemoryType Type)> AddressMap(
        ulong lowSize, ulong highSize, IReadOnlyList<(ulong Start, ulong Size, MemoryType Type)> special)
    {
        List<(ulong Start, ulong Size, MemoryType Type)> map = [.. AddressMap(lowSize, highSize)];
        foreach ((ulong start, ulong size, MemoryType type) in special)
        {
            int index = map.FindIndex(entry => entry.Type == MemoryType.Ram && start >= entry.Start && start + size <= entry.Start + entry.Size);
            ArgumentOutOfRangeException.ThrowIfNegative(index, nameof(special));
            (ulong ramStart, ulong ramSize, _) = map[index];
            map.RemoveAt(index);
            (ulong Start, ulong Size, MemoryType Type)[] parts =
            [
                (ramStart, start - ramStart, MemoryType.Ram), (start, size, type), (start + size, ramStart + ramSize - start - size, MemoryType.Ram),
            ];
            map.InsertRange(index, Array.FindAll(parts, part => part.Size != 0));
        }

        return map;
    }

    /// <summary>The address map of an ordinary VM.</summary>
    /// <param name="lowSize">Bytes of RAM from 0, at most 3 GiB.</param>
    /// <param name="highSize">Bytes of RAM from 4 GiB on.</param>
    public static IReadOnlyList<(ulong Start, ulong Size, MemoryType Type)> AddressMap(ulong lowSize, ulong highSize)
    {
        List<(ulong, ulong, MemoryType)> map =
        [
            (0, RamBelowIsaHole, MemoryType.Ram),
            (AcpiTables, AcpiTablesSize, MemoryType.AcpiData),
            (HighMemory, lowSize - HighMemory, MemoryType.Ram),
        ];
        if (highSize != 0)
        {
            map.Add((RamAbove4G, highSize, MemoryType.Ram));
        }

        return map;
    }

    /// <summary>Where an initial RAM disk goes: below 32 MiB from the top of low RAM, clear of the kernel.</summary>
    /// <param name="lowSize">Bytes of RAM from 0.</param>
    /// <param name="size">Bytes of the disk.</param>
    /// <param name="kernelEnd">First address after the kernel and what it needs to start.</param>
    /// <returns>A page-aligned address, or null when there is no room.</returns>
    public static ulong? PlaceInitialRamDisk(ulong lowSize, ulong size, ulong kernelEnd)
    {
        ulong top = lowSize - Math.Min(lowSize / 4, 32ul << 20);
        return size <= top && (top - size) / 4096 * 4096 is ulong start && start >= kernelEnd ? start : null;
    }
}

/// <summary>Types of memory in an E820 map.</summary>
/// <remarks>Source: ACPI 6.5, table 15.1 (address range types).</remarks>
public enum MemoryType : uint
{
    /// <summary>RAM for the operating system.</summary>
    Ram = 1,

    /// <summary>Not to be used.</summary>
    Reserved = 2,

    /// <summary>ACPI tables; RAM once they have been read. Mapped private in a confidential guest.</summary>
    AcpiData = 3,

    /// <summary>Kept by firmware; mapped private in a confidential guest.</summary>
    AcpiNvs = 4,
}
