// SPDX-License-Identifier: Apache-2.0
using Liminal.Machine.Boot;
using Liminal.Machine.Confidential;
using Liminal.X86;

namespace Liminal.Machine;

/// <summary>What a machine is made of. Together with what is loaded into it, it decides every instruction of a run.</summary>
public sealed record MachineConfiguration
{
    /// <summary>Number of processors, 1 to <see cref="Boards.Board.MostProcessors"/>.</summary>
    public int ProcessorCount { get; init; } = 1;

    /// <summary>RAM in bytes; a multiple of 2 MiB, at least 64 MiB.</summary>
    public ulong MemorySize { get; init; } = 512ul << 20;

    /// <summary>Seed of everything random in the machine: RDRAND and the seed that a kernel is given.</summary>
    public ulong Seed { get; init; } = 1;

    /// <summary>Seed of the schedule of processors; 0 is round robin.</summary>
    public ulong ScheduleSeed { get; init; }

    /// <summary>Ticks (nanoseconds) that an instruction takes.</summary>
    /// <remarks>A slow processor boots in fewer instructions, because delays are shorter, until timer interrupts outweigh them.</remarks>
    public ulong TicksPerInstruction { get; init; } = 4;

    /// <summary>What CPUID answers.</summary>
    public CpuidTable Cpuid { get; init; } = Boards.CpuidModel.Build(1);

    /// <summary>The program that the machine is started with, as by QEMU's -kernel; null for anything else.</summary>
    /// <remarks>With it the board has what QEMU gives to test programs: fw_cfg and pc-testdev.</remarks>
    public MultibootImage? Program { get; init; }

    /// <summary>Platform and host of a confidential guest; null for an ordinary VM.</summary>
    public ConfidentialConfiguration? Confidential { get; init; }
}
