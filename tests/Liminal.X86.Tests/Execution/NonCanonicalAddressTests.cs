// SPDX-License-Identifier: Apache-2.0
using System;
using Iced.Intel;
using Liminal.X86.State;
using static Iced.Intel.AssemblerRegisters;

namespace Liminal.X86.Tests.Execution;

/// <summary>Where an address that is not canonical is refused: a branch faults before it has done anything, a register takes 57 bits where the processor has them.</summary>
/// <remarks>Source: SDM2 "JMP", "CALL", "RET"; a program that tried the same on an AMD EPYC. KVM's unit test la57 for the registers.</remarks>
public sealed class NonCanonicalAddressTests
{
    private const ulong Hole = 0x8000_0000_0000;
    private const ulong Wide = 0xffaa_aaaa_aaaa_aaaa;
    private const ulong GeneralProtection = 13;

    public static TheoryData<string> Branches => new() { "jmp rcx", "jmp [rbx]", "call rcx", "call [rbx]", "ret", "ret 8" };

    [Theory]
    [MemberData(nameof(Branches))]
    public void A_branch_faults_before_it_has_done_anything(string branch)
    {
        foreach (bool isWarm in (bool[])[false, true])
        {
            using var machine = new TestMachine();
            machine.Load(a =>
            {
                Prepare(a, isWarm);
                Write(a, branch);
                a.hlt();
            });
            ulong rip = TestMachine.CodeAddress + (ulong)TestMachine.Assemble(TestMachine.CodeAddress, a => Prepare(a, isWarm)).Length;
            machine.RunToHalt();

            Assert.Equal(GeneralProtection, machine.Processor.Gpr(15));
            ulong frame = machine.Processor.Gpr(4);
            Assert.Equal(0ul, machine.Ram.Read<ulong>(frame));
            Assert.Equal(rip, machine.Ram.Read<ulong>(frame + 8));
            Assert.Equal(TestMachine.StackTop - 8, machine.Ram.Read<ulong>(frame + 32));
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_register_takes_57_bits_where_the_processor_has_5_level_paging(bool hasFiveLevels)
    {
        CpuidTable cpuid = TestMachine.Features();
        cpuid[7, 0] = cpuid[7, 0] with { Ecx = hasFiveLevels ? cpuid[7, 0].Ecx | (1 << 16) : cpuid[7, 0].Ecx & ~(1u << 16) };
        Action<Assembler>[] writes =
        [
            static a => { a.mov(ecx, unchecked((int)0xc000_0100)); a.mov(eax, unchecked((int)(uint)Wide)); a.mov(edx, unchecked((int)(Wide >> 32))); a.wrmsr(); },
            static a => { a.mov(rax, Wide); a.mov(__[TestMachine.DataAddress + 2], rax); a.lgdt(__[TestMachine.DataAddress]); },
            static a => { a.mov(rax, Wide); a.wrfsbase(rax); },
        ];
        foreach (Action<Assembler> write in writes)
        {
            using var machine = new TestMachine(cpuid);
            machine.Processor.State.Cr4 |= Cr4.FsGsBase;
            machine.Processor.StateChanged();
            machine.Load(a => { write(a); a.hlt(); });
            machine.RunToHalt();

            Assert.Equal(hasFiveLevels ? 0 : GeneralProtection, machine.Processor.Gpr(15));
        }
    }

    /// <summary>The target in RCX, at RBX and on the stack; warm, the TLB has data and stack, and the branch takes the fast path.</summary>
    private static void Prepare(Assembler a, bool isWarm)
    {
        a.mov(rcx, Hole);
        a.mov(rbx, TestMachine.DataAddress);
        a.mov(__[rbx], rcx);
        a.push(rcx);
        if (!isWarm)
        {
            a.mov(rax, cr3);
            a.mov(cr3, rax);
        }
    }

    private static void Write(Assembler a, string branch)
    {
        Action<Assembler> write = branch switch
        {
            "jmp rcx" => static a => a.jmp(rcx),
            "jmp [rbx]" => static a => a.jmp(__qword_ptr[rbx]),
            "call rcx" => static a => a.call(rcx),
            "call [rbx]" => static a => a.call(__qword_ptr[rbx]),
            "ret" => static a => a.ret(),
            "ret 8" => static a => a.ret(8),
            _ => throw new ArgumentOutOfRangeException(nameof(branch), branch, "no such branch"),
        };
        write(a);
    }
}
