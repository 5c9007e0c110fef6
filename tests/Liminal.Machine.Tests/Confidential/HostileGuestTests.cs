// SPDX-License-Identifier: Apache-2.0

using System;
using Iced.Intel;
using Liminal.Machine.Confidential;
using Liminal.Machine.Scheduling;
using Liminal.Platform;
using Liminal.X86.State;
using static Iced.Intel.AssemblerRegisters;

namespace Liminal.Machine.Tests.Confidential;

/// <summary>Interfaces of the paravisor used with random registers and memory: the guest gets an answer, a fault or an end, never an exception of ours.</summary>
public sealed class HostileGuestTests
{
    private const int Rounds = 2_000;

    [Theory]
    [InlineData("vtom")]
    [InlineData("tdp")]
    public void Random_hypercalls_end_in_a_status(string name)
    {
        using ConfidentialProgram program = Program(name, assembler =>
        {
            if (name == "vtom")
                assembler.vmmcall();
            else
                assembler.vmcall();
        });
        Fuzz(program, seed: 1, (random, machine) =>
        {
            ulong shape = random();
            machine.Processors[0].Gpr(1) = (shape & 1) == 0 ? random() : 0xDB | (random() & 0x0FFF_0FFF_0001_0000);
            machine.Processors[0].Gpr(2) = (shape & 2) == 0 ? Odd(random) : ConfidentialProgram.Input;
            machine.Ram.Write(ConfidentialProgram.Input, (shape & 4) == 0 ? random() : ulong.MaxValue);
            machine.Ram.Write(ConfidentialProgram.Input + 8, random() & 0x1_0000_0003);
            for (ulong place = 16; place < 128; place += 8)
                machine.Ram.Write(ConfidentialProgram.Input + place, (random() & 1) == 0 ? Odd(random) >> 12 : random());
        });
    }

    [Theory]
    [InlineData("vtom", true)]
    [InlineData("vtom", false)]
    [InlineData("tdp", true)]
    [InlineData("tdp", false)]
    public void Random_registers_are_read_and_written_or_fault(string name, bool isWrite)
    {
        using ConfidentialProgram program = Program(name, assembler =>
        {
            if (isWrite)
                assembler.wrmsr();
            else
                assembler.rdmsr();
        });
        Fuzz(program, seed: 2, (random, machine) =>
        {
            uint[] bases = [0x4000_0000, 0xC001_0130, 0xC001_1020, 0x179, 0xC001_0000, 0x4000_0100];
            machine.Processors[0].Gpr(1) = bases[random() % 6] + (random() & 0x7F);
            ulong value = Odd(random) | (random() & 3);
            machine.Processors[0].Gpr(0) = (uint)value;
            machine.Processors[0].Gpr(2) = value >> 32;
        });
    }

    [Theory]
    [InlineData("vtom")]
    [InlineData("tdp")]
    public void Random_exits_to_the_hypervisor_end_in_an_answer(string name)
    {
        using ConfidentialProgram program = Program(name, assembler =>
        {
            if (name == "vtom")
            {
                assembler.mov(ecx, 0xC001_0130);
                assembler.wrmsr();
                assembler.vmgexit();
            }
            else
            {
                assembler.tdcall();
            }
        });
        ulong ghcb = Liminal.Machine.Boards.MemoryMap.ParavisorGhcbEnd - 4096;
        Fuzz(program, seed: 3, (random, machine) =>
        {
            ulong shape = random();
            ulong value = (shape & 1) == 0 ? ghcb | program.AttributeBit : Odd(random) | (random() & 0x1FF);
            machine.Processors[0].Gpr(0) = name == "vtom" ? (uint)value : random() & 3;
            machine.Processors[0].Gpr(2) = value >> 32;
            foreach (ulong field in (ReadOnlySpan<ulong>)[0x1F8, 0x308, 0x310, 0x390, 0x398, 0xFF0, 0xFFC])
                machine.SharedRam!.Write(ghcb + field, (random() & 1) == 0 ? 0u : (uint)random());
        });
    }

    [Fact]
    public void A_handler_that_returns_without_effect_is_a_livelock()
    {
        ConfidentialConfiguration configuration = ConfidentialConfiguration.Of(Platforms.Vtom);
        configuration = configuration with { Switches = configuration.Switches | PolicySwitches.ParavisorInjectsMachineCheck };
        using var program = new ConfidentialProgram(configuration, assembler => assembler.mov(rax, __qword_ptr[rbx]));
        program.Machine.PageStates![ConfidentialProgram.Page >> 12] = Platforms.Vtom.SharedState;
        program.Machine.Ram.Write(ConfidentialProgram.HandlerOf(18), ConfidentialProgram.Assemble(
            assembler =>
            {
                // The handler does some work, faults itself on the way, and returns.
                assembler.inc(r15);
                assembler.nop();
                assembler.iretq();
            },
            ConfidentialProgram.HandlerOf(18)));
        MachineEnd end = program.Run();

        Assert.True(end.Kind == MachineEndKind.Livelock, end.ToString());
        Assert.Equal(ConfidentialProgram.Code, end.Rip);
        Assert.Equal((ulong)X86.Processor.LivelockBound - 1, program.Processor.Gpr(15));
    }

    [Fact]
    public void A_loop_that_faults_at_each_turn_and_goes_on_is_no_livelock()
    {
        ConfidentialConfiguration configuration = ConfidentialConfiguration.Of(Platforms.Vtom);
        configuration = configuration with { Switches = configuration.Switches | PolicySwitches.ParavisorInjectsMachineCheck };
        using var program = new ConfidentialProgram(configuration, assembler =>
        {
            Label again = assembler.CreateLabel();
            assembler.mov(r14d, 4 * X86.Processor.LivelockBound);
            assembler.Label(ref again);
            assembler.mov(rax, __qword_ptr[rbx]);
            assembler.dec(r14d);
            assembler.jnz(again);
            ConfidentialProgram.End(assembler);
        });
        program.Machine.PageStates![ConfidentialProgram.Page >> 12] = Platforms.Vtom.SharedState;
        program.Machine.Ram.Write(ConfidentialProgram.HandlerOf(18), ConfidentialProgram.Assemble(
            assembler =>
            {
                // Skips the load, which has three bytes.
                assembler.add(__qword_ptr[rsp], 3);
                assembler.iretq();
            },
            ConfidentialProgram.HandlerOf(18)));
        MachineEnd end = program.Run();

        Assert.True(end is { Kind: MachineEndKind.DebugExit, Value: ConfidentialProgram.Done }, end.ToString());
    }

    private static void Fuzz(ConfidentialProgram program, ulong seed, Action<Func<ulong>, VirtualMachine> change)
    {
        var source = new SplitMix(seed);
        ulong random() => source.Next();
        int ends = 0;
        for (int round = 0; round < Rounds; round++)
        {
            using VirtualMachine fork = program.Machine.Fork();
            for (int number = 0; number < 16; number++)
            {
                if (number is not (3 or 4))
                    fork.Processors[0].Gpr(number) = random();
            }

            for (int number = 0; number < 6; number++)
                fork.Processors[0].State.Fpu.Xmm[number] = new VectorRegister(random(), Odd(random));

            change(random, fork);
            MachineEnd end = fork.Run(fork.InstructionsRetired + 5_000);
            Assert.True(end.Kind is not (MachineEndKind.InstructionLimit or MachineEndKind.TripleFault), $"round {round}: {end}");
            ends |= 1 << (int)end.Kind;
        }

        Assert.NotEqual(0, ends & (1 << (int)MachineEndKind.DebugExit));
    }

    /// <summary>An address that has a chance to matter: small, in RAM, at its edge, or with the attribute bit.</summary>
    private static ulong Odd(Func<ulong> random)
    {
        ulong address = random() >> (int)(random() % 60) & ~0xFFFul;
        return (random() % 4) switch
        {
            0 => address & 0x3FF_F000,
            1 => (64ul << 20) - 4096 + ((random() % 3) << 12),
            2 => (address & 0x3FF_F000) | (1ul << 47),
            _ => address,
        };
    }

    private static ConfidentialProgram Program(string name, Action<Assembler> body) => new(
        ConfidentialConfiguration.Of(Platforms.Find(name)!),
        assembler =>
        {
            body(assembler);
            ConfidentialProgram.End(assembler);
        });
}
