// SPDX-License-Identifier: Apache-2.0
using System;
using System.Runtime.InteropServices;
using System.Text;
using Liminal.Machine.Boards;
using Liminal.Machine.Confidential;
using Liminal.Machine.Scheduling;
using Liminal.X86;

namespace Liminal.Machine.Boot;

/// <summary>Puts an unpacked Linux kernel into a machine and the bootstrap processor at its entry point.</summary>
/// <remarks>Source: Linux v6.12, Documentation/arch/x86/boot.rst, "64-bit Boot Protocol"; there is no firmware and no decompressor.</remarks>
public static class LinuxBoot
{
    private const int SeedBytes = 32;

    /// <summary>What a kernel needs above its last segment before it reads the memory map, in bytes.</summary>
    private const ulong RoomAfterKernel = 8ul << 20;

    /// <summary>Loads kernel, command line, initial RAM disk and ACPI tables, and sets the entry state.</summary>
    /// <param name="machine">A machine that has not run.</param>
    /// <param name="kernel">The kernel.</param>
    /// <param name="commandLine">Kernel command line, ASCII, shorter than <see cref="MemoryMap.CommandLineSize"/>.</param>
    /// <param name="initialRamDisk">Initial RAM disk; empty for none.</param>
    /// <exception cref="BootException">The parts do not fit into the machine's memory, or the command line is too long.</exception>
    public static void Load(VirtualMachine machine, LinuxKernel kernel, string commandLine, ReadOnlySpan<byte> initialRamDisk)
    {
        ulong lowSize = machine.Ram.LowSize;
        if (kernel.End + RoomAfterKernel > lowSize)
        {
            throw new BootException(
                $"The kernel ends at 0x{kernel.End:x} and needs {RoomAfterKernel >> 20} MiB above that; the machine has {lowSize >> 20} MiB there. Give it more memory.");
        }

        GuestBootData special = machine.Confidential?.BootData ?? new GuestBootData();
        string parametersFirst = special.KernelParameters.Length == 0 ? "" : special.KernelParameters + " ";
        byte[] line = Encoding.ASCII.GetBytes(parametersFirst + commandLine + "\0");
        if (line.Length > MemoryMap.CommandLineSize)
        {
            throw new BootException(
                $"The kernel command line has {line.Length - 1} characters; at most {MemoryMap.CommandLineSize - 1} fit.");
        }

        ulong disk = 0;
        if (!initialRamDisk.IsEmpty)
        {
            disk = MemoryMap.PlaceInitialRamDisk(lowSize, (ulong)initialRamDisk.Length, kernel.End + RoomAfterKernel)
                ?? throw new BootException(
                    $"The initial RAM disk of {initialRamDisk.Length} bytes does not fit beside the kernel into {lowSize >> 20} MiB. Give the machine more memory.");
            machine.Ram.Write(disk, initialRamDisk);
        }

        foreach (KernelSegment segment in kernel.Segments)
        {
            machine.Ram.Write(segment.Address, segment.Bytes.Span);
        }

        machine.Ram.Write(MemoryMap.CommandLine, line);
        machine.Ram.Write(MemoryMap.SetupData, LinuxBootParameters.RandomSeedNode(KernelSeed(machine.Configuration.Seed)));
        byte[] parameters = LinuxBootParameters.Build(
            kernel.SetupHeader.Span,
            MemoryMap.AddressMap(lowSize, machine.Ram.Size - lowSize, special.Regions),
            disk,
            (ulong)initialRamDisk.Length,
            MemoryMap.SetupData);
        foreach ((int offset, ReadOnlyMemory<byte> bytes) in special.BootParameters)
        {
            bytes.Span.CopyTo(parameters.AsSpan(offset));
        }

        machine.Ram.Write(MemoryMap.BootParameters, parameters);
        machine.Ram.Write(MemoryMap.AcpiTables, AcpiTables.Build(machine.Board.LocalApicIds, special.MadtEntries));
        foreach ((ulong address, ReadOnlyMemory<byte> bytes) in special.Pages)
        {
            machine.Ram.Write(address, bytes.Span);
        }

        LongModeEntry.Prepare(machine.Ram, special.PageTableBits);
        Processor processor = machine.Processors[0];
        LongModeEntry.Enter(processor, kernel.EntryPoint, special.PageTableBits);
        processor.Gpr(6) = MemoryMap.BootParameters;
        machine.Confidential?.Loaded();
        foreach (Processor one in machine.Processors)
        {
            one.StateChanged();
        }
    }

    /// <summary>The seed that the kernel's random numbers start from: a stream of its own, so that RDRAND does not repeat it.</summary>
    private static byte[] KernelSeed(ulong machineSeed)
    {
        var random = new SplitMix(~machineSeed);
        Span<ulong> words = stackalloc ulong[SeedBytes / sizeof(ulong)];
        foreach (ref ulong word in words)
        {
            word = random.Next();
        }

        return MemoryMarshal.AsBytes(words).ToArray();
    }
}

/// <summary>What a user asked to boot does not fit; the message says what to change.</summary>
public sealed class BootException(string message) : Exception(message);
