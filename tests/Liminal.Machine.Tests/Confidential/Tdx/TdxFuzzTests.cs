// SPDX-License-Identifier: Apache-2.0

using Liminal.Machine.Scheduling;
using Liminal.Platform;
using Liminal.X86;
using static Iced.Intel.AssemblerRegisters;

namespace Liminal.Machine.Tests.Confidential.Tdx;

/// <summary>A guest that calls module and VMM with anything at all.</summary>
public sealed class TdxFuzzTests
{
    private const int Calls = 20_000;

    private static readonly ulong[] Interesting =
    [
        0, 1, 2, 3, 4, 6, 7, 8, 0x0A, 0x0C, 0x1E, 0x1F, 0x20, 0x30, 0x1_0000, 0x1_0001, 0x1_0002, 0x1_0003, 0x1_0004,
        0x1B, 0x6E0, 0x802, 0x830, 0x8FF, 0x3F8, 0xCF8, 0xFFFF, 0x1000, 0x20_0000, 0xFFCC, 0xFC00, 0xFFFF_FFFF,
        0x100_0000, 0x100_0001, 0x3FF_F000, 0x400_0000, 0xFEC0_0000, 0xFEE0_0000, 0x1_0000_0000,
        1ul << 51, (1ul << 51) | 0x100_0000, (1ul << 51) | 0xFEC0_0000, 1ul << 52, 1ul << 63, ulong.MaxValue,
        0x1110_0003_0000_0016, 0x1110_0003_0000_0017, 0x9110_0003_0000_0010,
    ];

    [Theory]
    [InlineData(1ul, HostPolicy.Cooperative)]
    [InlineData(2ul, HostPolicy.ImplicitConvert)]
    [InlineData(3ul, HostPolicy.Retry)]
    [InlineData(4ul, HostPolicy.Refuse)]
    [InlineData(5ul, HostPolicy.Lie)]
    [InlineData(6ul, HostPolicy.Malicious)]
    public void Any_registers_end_in_an_answer(ulong seed, HostPolicy host)
    {
        var random = new SplitMix(seed);
        using var machine = new TdxMachine(host, processors: 2);
        int emulated = 0;
        for (int call = 0; call < Calls; call++)
        {
            Fill(machine, ref random);
            ConfidentialVerdict verdict = machine.Guest.Execute(machine.Cpu, Intercept.Tdcall, 4);
            emulated += verdict.Answer == ConfidentialAnswer.Emulated ? 1 : 0;
            Assert.True(verdict.Answer is ConfidentialAnswer.Emulated or ConfidentialAnswer.HostExit, $"seed {seed}, call {call}: {verdict}");
            Assert.True(machine.Vm.PageStates![TdxMachine.FirstFrame].Value < machine.Platform.States.Count);
        }

        Assert.InRange(emulated, Calls / 2, Calls - 1);
    }

    [Theory]
    [InlineData(11ul)]
    [InlineData(12ul)]
    [InlineData(13ul)]
    public void Programs_of_calls_end_in_a_result(ulong seed)
    {
        const int Programs = 40;
        var random = new SplitMix(seed);
        for (int program = 0; program < Programs; program++)
        {
            using var machine = new TdxMachine(switches: PolicySwitches.SeptVeDisable | PolicySwitches.SuppressVe);
            ulong[] values = new ulong[16];
            for (int number = 0; number < values.Length; number++)
            {
                values[number] = Draw(ref random);
            }

            MachineEnd end = machine.Run(
                a =>
                {
                    for (int call = 0; call < 8; call++)
                    {
                        a.mov(rax, call % 2 == 0 ? 0 : values[call]);
                        a.mov(rcx, 0xFFCCul);
                        a.xor(r10d, r10d);
                        a.mov(r11, values[(call + 1) % 16]);
                        a.mov(r12, values[(call + 2) % 16]);
                        a.mov(r13, values[(call + 3) % 16]);
                        a.mov(r14, values[(call + 4) % 16]);
                        a.tdcall();
                        a.mov(rbx, values[(call + 5) % 16] & 0x7FFF_FFFF);
                        a.mov(rdx, __[rbx]);
                    }
                },
                instructions: 5000);

            Assert.True(
                end.Kind is MachineEndKind.InstructionLimit or MachineEndKind.GuestTerminated or MachineEndKind.Livelock
                    or MachineEndKind.NotModelled or MachineEndKind.IdleForever or MachineEndKind.TripleFault
                    or MachineEndKind.PoweredOff or MachineEndKind.Reset or MachineEndKind.DebugExit,
                $"seed {seed}, program {program}: {end}");
        }
    }

    private static void Fill(TdxMachine machine, ref SplitMix random)
    {
        for (int number = 0; number < 16; number++)
        {
            machine.Cpu.Gpr(number) = Draw(ref random);
        }

        // Half of the calls are well formed up to their operands.
        if (random.Next() % 2 == 0)
        {
            machine.Cpu.Gpr(0) = random.Next() % 9;
            machine.Cpu.Gpr(1) = 0xFFCC;
            machine.Cpu.Gpr(10) = 0;
        }
    }

    private static ulong Draw(ref SplitMix random)
    {
        ulong choice = random.Next();
        return (choice % 4) switch
        {
            0 => random.Next(),
            1 => random.Next() & 0x3FF_F000,
            _ => Interesting[(choice >> 8) % (ulong)Interesting.Length],
        };
    }
}
