// SPDX-License-Identifier: Apache-2.0

using System;
using Liminal.Machine.Confidential.Snp;
using Liminal.Memory.Ram;
using Liminal.Platform;
using static Iced.Intel.AssemblerRegisters;

namespace Liminal.Machine.Tests.Confidential.Snp;

/// <summary>Whatever a guest leaves in its registers, its MSR and its shared pages: the machine goes on or ends in order.</summary>
public sealed class GhcbFuzzTests
{
    private const int Seeds = 40;
    private const int Exits = 60;

    private static readonly ulong[] Requests = [0x002, 0x004, 0x006, 0x010, 0x012, 0x014, 0x016, 0x080, 0x100, 0x000];

    private static readonly ulong[] Interesting =
    [
        0, 1, 2, 3, 8, 0xFFF, 0x1000, SnpProgram.Page, SnpProgram.Page + 0xFFC, SnpProgram.Ghcb, SnpProgram.Ghcb + 0x800, SnpProgram.Ghcb + 0xFEF,
        0x3F8ul << 16 | 0x10, 0x3FDul << 16 | 0x11, 0x42ul << 16 | 0x15, 0x80ul << 16 | 0x14, 0xFEC0_0000, 0xFEE0_0020, 0x3FF_FFFF, 0x400_0000,
        0x8000_0000, 0xC000_0080, 0xC001_0130, 0x6E0, 0x830, 0x1B, 1ul << 32, (1ul << 32) | 1, (1ul << 32) | 2, ulong.MaxValue, long.MaxValue,
    ];

    [Theory]
    [InlineData(HostPolicy.Cooperative)]
    [InlineData(HostPolicy.ImplicitConvert)]
    [InlineData(HostPolicy.Retry)]
    [InlineData(HostPolicy.Refuse)]
    [InlineData(HostPolicy.Lie)]
    public void No_exit_can_crash_or_hang_the_machine(HostPolicy host)
    {
        int survived = 0;
        for (uint seed = 1; seed <= Seeds; seed++)
        {
            var random = new Random((int)seed);
            ulong[] requests = new ulong[Exits];
            for (int index = 0; index < Exits; index++)
            {
                requests[index] = Pick(random) is var any && random.Next(3) == 0 ? any
                    : random.Next(2) == 0 ? SnpProgram.Ghcb : (any & ~0xFFFul) | Requests[random.Next(Requests.Length - 1)];
            }

            using SnpProgram program = SnpProgram.Load(
                code =>
                {
                    GhcbTests.Exit(code, SnpProgram.Ghcb | 0x012);
                    foreach (ulong request in requests)
                    {
                        code.nop();
                        GhcbTests.Exit(code, (request & 0xFFF) == 0x100 && random.Next(8) != 0 ? SnpProgram.Ghcb : request);
                    }

                    code.hlt();
                },
                host,
                processorCount: 2);
            Scatter(program, random);
            MachineEnd? end = null;
            while (end is null or { Kind: MachineEndKind.InstructionLimit })
            {
                Garble(program.Machine.SharedRam!, random);
                end = program.Machine.Run(program.Machine.InstructionsRetired + 6);
                if (program.Machine.InstructionsRetired > 5_000)
                {
                    break;
                }
            }

            survived += end.Kind == MachineEndKind.IdleForever ? 1 : 0;
        }

        Assert.InRange(survived, 1, Seeds);
    }

    [Fact]
    public void No_operand_of_an_instruction_on_pages_can_crash_or_hang_the_machine()
    {
        for (uint seed = 1; seed <= Seeds; seed++)
        {
            var random = new Random((int)seed);
            using SnpProgram program = SnpProgram.Load(
                code =>
                {
                    for (int index = 0; index < Exits; index++)
                    {
                        code.mov(rax, random.Next(4) == 0 ? Pick(random) : Pick(random) & 0x3FF_FFFF);
                        code.mov(rcx, random.Next(4) == 0 ? Pick(random) : (ulong)random.Next(3));
                        code.mov(rdx, random.Next(2) == 0 ? Pick(random) : (uint)random.Next(3) | (random.Next(2) == 0 ? 0 : 0x1_0000ul));
                        if (random.Next(2) == 0)
                        {
                            code.pvalidate();
                        }
                        else
                        {
                            code.rmpadjust();
                        }
                    }

                    code.hlt();
                },
                HostPolicy.ImplicitConvert);
            Scatter(program, random);

            Assert.NotEqual(MachineEndKind.InstructionLimit, program.Run().Kind);
        }
    }

    private static void Scatter(SnpProgram program, Random random)
    {
        int states = program.Machine.Confidential!.Platform.States.Count;
        for (ulong first = 2; first < 4; first++)
        {
            program.Machine.PageStates![(first << 9) + (ulong)random.Next(512)] = new PageState((byte)random.Next(states));
        }
    }

    private static void Garble(GuestRam ram, Random random)
    {
        var page = new GhcbPage(ram, SnpProgram.Ghcb);
        for (int word = 0; word < 64; word++)
        {
            ram.Write(SnpProgram.Ghcb + 0x800 + (8 * (ulong)word), Pick(random));
        }

        foreach (GhcbField field in Enum.GetValues<GhcbField>())
        {
            page[field] = Pick(random);
        }

        ulong[] codes = [.. GhcbExitRow.All.Keys];
        page[GhcbField.ExitCode] = random.Next(8) == 0 ? Pick(random) : codes[random.Next(codes.Length)];
        page[GhcbField.Scratch] = random.Next(3) == 0 ? Pick(random) : SnpProgram.Ghcb + 0x800;
        ram.Write(SnpProgram.Ghcb + 0x800, (uint)random.Next(64) << 16);
        if (random.Next(4) == 0)
        {
            ram.Write(SnpProgram.Ghcb + 0x3F0 + (ulong)random.Next(16), (byte)random.Next(256));
        }

        ram.Write(SnpProgram.Ghcb + 0xFFC, random.Next(16) == 0 ? 1u : 0);
    }

    private static ulong Pick(Random random) => random.Next(4) switch
    {
        0 => (ulong)random.NextInt64(long.MinValue, long.MaxValue),
        1 => Interesting[random.Next(Interesting.Length)] ^ (1ul << random.Next(64)),
        _ => Interesting[random.Next(Interesting.Length)],
    };
}
