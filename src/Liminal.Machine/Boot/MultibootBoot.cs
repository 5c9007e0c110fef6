// SPDX-License-Identifier: Apache-2.0
using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.Text;
using Liminal.Machine.Boards;
using Liminal.Memory.Ram;
using Liminal.X86;
using Liminal.X86.State;

namespace Liminal.Machine.Boot;

/// <summary>A file handed to a Multiboot program.</summary>
/// <param name="Bytes">Its contents.</param>
/// <param name="CommandLine">The text that goes with it, as QEMU has it: file name and arguments.</param>
public readonly record struct MultibootModule(ReadOnlyMemory<byte> Bytes, string CommandLine);

/// <summary>Puts a Multiboot image into a machine and the bootstrap processor at its entry point.</summary>
/// <remarks>
/// Source: Multiboot Specification 0.6.96, 3.2 "Machine state" and 3.3 "Boot information format"; what the specification leaves open is as QEMU's
/// -kernel has it (QEMU v7.2, hw/i386/multiboot.c): modules follow the image, the boot device is the first hard disk. The other processors wait
/// for a start-up message. ACPI tables are where a Linux kernel finds them too.
/// </remarks>
public static class MultibootBoot
{
    private const uint LoaderMagic = 0x2BADB002;
    private const ushort CodeSelector = 0x08;
    private const ushort DataSelector = 0x10;
    private const uint FirstHardDisk = 0x8000FFFF;
    private const string LoaderName = "liminal";
    private const int MostModules = 32;

    // What the information consists of: memory, boot device, command line, modules, memory map, name of the loader.
    private const uint InformationFlags = (1 << 0) | (1 << 1) | (1 << 2) | (1 << 3) | (1 << 6) | (1 << 9);

    // Places in the information's pages.
    private const ulong Map = MemoryMap.MultibootInformation + 0x100;
    private const ulong Name = MemoryMap.MultibootInformation + 0x200;
    private const ulong Modules = MemoryMap.MultibootInformation + 0x400;
    private const ulong ModuleLines = MemoryMap.MultibootInformation + 0x1000;
    private const ulong InformationEnd = MemoryMap.MultibootInformation + 0x3000;

    /// <summary>Loads image, modules and information, and sets the entry state.</summary>
    /// <param name="machine">A machine that has not run, with the image as the program of its configuration.</param>
    /// <param name="commandLine">ASCII, shorter than <see cref="MemoryMap.CommandLineSize"/>; by custom it begins with the image's name.</param>
    /// <param name="modules">Files for the program.</param>
    /// <exception cref="BootException">The parts do not fit, or lie where the information is.</exception>
    /// <exception cref="ArgumentException">The machine's configuration has no program.</exception>
    public static void Load(VirtualMachine machine, string commandLine, IReadOnlyList<MultibootModule> modules)
    {
        MultibootImage image = machine.Configuration.Program ?? throw new ArgumentException("The machine has no program.", nameof(machine));
        GuestRam ram = machine.Ram;
        foreach (KernelSegment segment in image.Segments)
        {
            Place(ram, segment);
        }

        if (commandLine.Length >= MemoryMap.CommandLineSize)
        {
            throw new BootException($"The command line has {commandLine.Length} characters; at most {MemoryMap.CommandLineSize - 1} fit.");
        }

        WriteText(ram, MemoryMap.CommandLine, commandLine);
        WriteText(ram, Name, LoaderName);
        WriteModules(ram, image, modules);
        uint mapBytes = WriteMap(ram);
        WriteInformation(ram, (uint)modules.Count, mapBytes);
        ram.Write(MemoryMap.AcpiTables, AcpiTables.Build(machine.Board.LocalApicIds));
        ram.Write(MemoryMap.EntryDescriptorTable + CodeSelector, 0x00CF_9B00_0000_FFFFul);
        ram.Write(MemoryMap.EntryDescriptorTable + DataSelector, 0x00CF_9300_0000_FFFFul);
        Enter(machine.Processors[0], image.EntryPoint);
    }

    /// <summary>32-bit protected mode without paging, flat segments, interrupts off, the two registers of the specification.</summary>
    private static void Enter(Processor processor, uint entryPoint)
    {
        ref VcpuState state = ref processor.State;
        state.Cr0 = Cr0.ProtectionEnable | Cr0.ExtensionType;
        state.Gdtr = new DescriptorTable(MemoryMap.EntryDescriptorTable, DataSelector + 7);
        for (int index = 0; index < 6; index++)
        {
            var segment = (SegmentIndex)index;
            state.Segments[index] = segment == SegmentIndex.Cs
                ? new SegmentRegister(CodeSelector, 0xC09B, uint.MaxValue)
                : new SegmentRegister(DataSelector, 0xC093, uint.MaxValue);
            processor.SegmentBase(segment) = 0;
        }

        state.Activity = Activity.Running;
        processor.RflagsValue = 0;
        processor.Gpr(0) = LoaderMagic;
        processor.Gpr(3) = MemoryMap.MultibootInformation;
        processor.Rip = entryPoint;
        processor.StateChanged();
    }

    private static void Place(GuestRam ram, KernelSegment segment)
    {
        ulong end = segment.Address + segment.MemorySize;
        bool isLow = end <= MemoryMap.RamBelowIsaHole;
        bool isHigh = segment.Address >= MemoryMap.HighMemory && end <= ram.LowSize;
        if (!isLow && !isHigh)
        {
            throw new BootException($"The image wants 0x{segment.Address:x} to 0x{end - 1:x}, which is not all RAM of this machine; RAM goes to 0x{MemoryMap.RamBelowIsaHole - 1:x} and from 0x{MemoryMap.HighMemory:x} to 0x{ram.LowSize - 1:x}.");
        }

        bool meetsTables = Overlaps(segment.Address, end, MemoryMap.EntryDescriptorTable, MemoryMap.EntryDescriptorTable + 0x1000)
            || Overlaps(segment.Address, end, MemoryMap.MultibootInformation, InformationEnd)
            || Overlaps(segment.Address, end, MemoryMap.CommandLine, MemoryMap.CommandLine + MemoryMap.CommandLineSize);
        if (meetsTables)
        {
            throw new BootException($"The image wants 0x{segment.Address:x} to 0x{end - 1:x}, where the Multiboot information goes; link it to 1 MiB or above.");
        }

        ram.Write(segment.Address, segment.Bytes.Span);
    }

    private static bool Overlaps(ulong start, ulong end, ulong otherStart, ulong otherEnd) => start < otherEnd && otherStart < end;

    /// <summary>Modules go behind the image, each on a page of its own.</summary>
    private static void WriteModules(GuestRam ram, MultibootImage image, IReadOnlyList<MultibootModule> modules)
    {
        if (modules.Count > MostModules)
        {
            throw new BootException($"There are {modules.Count} modules; at most {MostModules} can be handed over.");
        }

        ulong next = Math.Max(image.End, MemoryMap.HighMemory);
        ulong line = ModuleLines;
        Span<byte> entry = stackalloc byte[16];
        for (int index = 0; index < modules.Count; index++)
        {
            ReadOnlySpan<byte> bytes = modules[index].Bytes.Span;
            string text = modules[index].CommandLine;
            next = (next + GuestRam.PageSize - 1) & ~(ulong)(GuestRam.PageSize - 1);
            if (next + (ulong)bytes.Length > ram.LowSize || line + (ulong)text.Length + 1 > InformationEnd)
            {
                throw new BootException($"Module {index} ('{text}') does not fit behind the image. Give the machine more memory, or fewer and shorter modules.");
            }

            ram.Write(next, bytes);
            WriteText(ram, line, text);
            entry.Clear();
            BinaryPrimitives.WriteUInt32LittleEndian(entry, (uint)next);
            BinaryPrimitives.WriteUInt32LittleEndian(entry[4..], (uint)next + (uint)bytes.Length);
            BinaryPrimitives.WriteUInt32LittleEndian(entry[8..], (uint)line);
            ram.Write(Modules + ((ulong)index * 16), entry);
            next += (ulong)bytes.Length;
            line += (ulong)text.Length + 1;
        }
    }

    /// <summary>The memory map: of each range the size of the rest of its entry (20), start, bytes, type.</summary>
    private static uint WriteMap(GuestRam ram)
    {
        Span<byte> entry = stackalloc byte[24];
        uint written = 0;
        foreach ((ulong start, ulong size, MemoryType type) in MemoryMap.AddressMap(ram.LowSize, ram.Size - ram.LowSize))
        {
            BinaryPrimitives.WriteUInt32LittleEndian(entry, 20);
            BinaryPrimitives.WriteUInt64LittleEndian(entry[4..], start);
            BinaryPrimitives.WriteUInt64LittleEndian(entry[12..], size);
            BinaryPrimitives.WriteUInt32LittleEndian(entry[20..], (uint)type);
            ram.Write(Map + written, entry);
            written += (uint)entry.Length;
        }

        return written;
    }

    private static void WriteInformation(GuestRam ram, uint moduleCount, uint mapBytes)
    {
        ReadOnlySpan<(int Offset, uint Value)> fields =
        [
            (0, InformationFlags),
            (4, (uint)(MemoryMap.RamBelowIsaHole / 1024)),
            (8, (uint)((ram.LowSize - MemoryMap.HighMemory) / 1024)),
            (12, FirstHardDisk),
            (16, (uint)MemoryMap.CommandLine),
            (20, moduleCount),
            (24, (uint)Modules),
            (44, mapBytes),
            (48, (uint)Map),
            (64, (uint)Name),
        ];
        foreach ((int offset, uint value) in fields)
        {
            ram.Write(MemoryMap.MultibootInformation + (ulong)offset, value);
        }
    }

    private static void WriteText(GuestRam ram, ulong address, string text) => ram.Write(address, Encoding.ASCII.GetBytes(text + "\0"));
}
