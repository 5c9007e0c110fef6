// SPDX-License-Identifier: Apache-2.0

using System;
using Iced.Intel;
using Liminal.X86.State;
using static Iced.Intel.AssemblerRegisters;

namespace Liminal.Machine.Tests.Confidential.Tdx;

/// <summary>Instructions that the module sees: native, #VE, #GP or #UD.</summary>
public sealed class TdxInstructionTests
{
    private const ulong Ve = ExceptionVector.Virtualization;
    private const ulong Gp = ExceptionVector.GeneralProtection;
    private const ulong Ud = ExceptionVector.InvalidOpcode;

    public static TheoryData<string, ulong, ulong> Instructions => new()
    {
        // name, vector, exit reason
        { "cpuid 0", TdxMachine.Finished, 0 },
        { "cpuid 21", TdxMachine.Finished, 0 },
        { "cpuid 6", Ve, 10 },
        { "cpuid b", Ve, 10 },
        { "cpuid 40000000", Ve, 10 },
        { "cpuid 80000002", Ve, 10 },
        { "cpuid 24", TdxMachine.Finished, 0 },
        { "hlt", Ve, 12 },
        { "invd", Ve, 13 },
        { "wbinvd", Ve, 54 },
        { "vmcall", Ve, 18 },
        { "monitor", Ve, 39 },
        { "mwait", Ve, 36 },
        { "vmmcall", Ud, 0 },
        { "ud2", Ud, 0 },
        { "rdtsc", TdxMachine.Finished, 0 },
        { "rdmsr c0000080", TdxMachine.Finished, 0 },
        { "rdmsr bd", TdxMachine.Finished, 0 },
        { "rdmsr 1a0", TdxMachine.Finished, 0 },
        { "rdmsr 345", TdxMachine.Finished, 0 },
        { "rdmsr 808", TdxMachine.Finished, 0 },
        { "rdmsr 1b", Ve, 31 },
        { "rdmsr 802", Ve, 31 },
        { "rdmsr 179", Ve, 31 },
        { "rdmsr 6e0", Ve, 31 },
        { "rdmsr c1", Gp, 0 },
        { "rdmsr 800", Gp, 0 },
        { "cr0 80010031", TdxMachine.Finished, 0 },     // NE set, CD, NW clear
        { "cr0 80010011", Gp, 0 },
        { "cr0 c0010031", Ve, 28 },
        { "cr0 30", Ve, 28 },
        { "cr0 80000030", Gp, 0 },
        { "cr4 60", TdxMachine.Finished, 0 },
        { "cr4 20", Ve, 28 },
        { "wrmsr 174", TdxMachine.Finished, 0 },
        { "wrmsr 1a0", Ve, 32 },
        { "wrmsr 10", Ve, 32 },
        { "wrmsr 830", Ve, 32 },
        { "wrmsr da0", TdxMachine.Finished, 0 },
        { "wrmsr c0000080", Ve, 32 },   // with all bits clear: LME and NXE would change
    };

    [Theory]
    [MemberData(nameof(Instructions))]
    public void Each_is_seen_by_whom_the_module_says(string name, ulong vector, ulong reason)
    {
        using var machine = new TdxMachine();
        string[] words = name.Split(' ');
        uint operand = words.Length == 1 ? 0 : Convert.ToUInt32(words[1], 16);
        MachineEnd end = machine.Run(a => Write(a, words[0], operand));

        Assert.True(end.Kind == MachineEndKind.InstructionLimit, end.ToString());
        Assert.Equal(vector, machine.Vector);
        if (vector == Ve)
        {
            Assert.Equal(reason, machine.Cpu.Gpr(1));
            Assert.Equal((ulong)LengthOf(words[0], operand), machine.Cpu.Gpr(10));
        }
    }

    [Fact]
    public void Cpuid_tells_that_this_is_tdx()
    {
        using var machine = new TdxMachine();
        machine.Run(a => Write(a, "cpuid", 0x21));

        Assert.Equal(
            (0ul, 0x6574_6E49ul, 0x2020_2020ul, 0x5844_546Cul),
            (machine.Cpu.Gpr(0), machine.Cpu.Gpr(3), machine.Cpu.Gpr(1), machine.Cpu.Gpr(2)));
    }

    [Theory]
    [InlineData(0x3F8, 1, true, 0x3F8_0008ul)]
    [InlineData(0x3F8, 1, false, 0x3F8_0000ul)]
    [InlineData(0xCFC, 4, true, 0xCFC_000Bul)]
    [InlineData(0x604, 2, false, 0x604_0001ul)]
    public void A_port_access_says_which(int port, int size, bool isInput, ulong qualification)
    {
        using var machine = new TdxMachine();
        machine.Run(a =>
        {
            a.mov(edx, port);
            switch (size, isInput)
            {
                case (1, true):
                    a.@in(al, dx);
                    break;
                case (1, false):
                    a.@out(dx, al);
                    break;
                case (2, false):
                    a.@out(dx, ax);
                    break;
                default:
                    a.@in(eax, dx);
                    break;
            }
        });

        Assert.Equal(Ve, machine.Vector);
        Assert.Equal(qualification, machine.Cpu.Gpr(2));
    }

    [Fact]
    public void Processors_begin_in_x2apic_mode_with_nxe_and_mce()
    {
        using var machine = new TdxMachine(processors: 2);

        Assert.Equal(0xFEE0_0D00ul, machine.Vm.Board.LocalApics[0].Base);
        Assert.Equal(0xFEE0_0C00ul, machine.Vm.Board.LocalApics[1].Base);
        Assert.Equal(0xD01ul, machine.Cpu.State.Efer);
        Assert.NotEqual(0ul, machine.Cpu.State.Cr4 & Cr4.MachineCheckEnable);
        Assert.NotEqual(0ul, machine.Cpu.State.Cr0 & Cr0.NumericError);
        Assert.Equal(Activity.WaitForStartup, machine.Vm.Processors[1].State.Activity);
    }

    [Fact]
    public void A_processor_wakes_when_the_mailbox_names_it()
    {
        const ulong Mailbox = 0x9_0000;
        const ulong Woken = 0x40_0000;
        using var machine = new TdxMachine(processors: 3);
        machine.Vm.Ram.Write(Woken, TdxMachine.Assemble(Woken, a =>
        {
            a.mov(__dword_ptr[0x50_0000], 77);
            TdxMachine.Finish(a);
        }));
        machine.Run(
            a =>
            {
                Label wait = a.CreateLabel();
                a.mov(ebx, (int)Mailbox);
                a.mov(__dword_ptr[rbx + 4], 2);
                a.mov(__qword_ptr[rbx + 8], (int)Woken);
                a.mov(__word_ptr[rbx], 1);
                a.Label(ref wait);
                a.cmp(__word_ptr[rbx], 0);
                a.jne(wait);
            },
            instructions: 200_000);

        Assert.Equal(TdxMachine.Finished, machine.Vector);
        Assert.Equal(77u, machine.Vm.Ram.Read<uint>(0x50_0000));
        Assert.Equal(Activity.WaitForStartup, machine.Vm.Processors[1].State.Activity);
        Assert.Equal(TdxMachine.Finished, machine.Vm.Processors[2].Gpr(15));
        Assert.Equal(0xD01ul, machine.Vm.Processors[2].State.Efer);
    }

    private static void Write(Assembler a, string name, uint operand)
    {
        switch (name)
        {
            case "cpuid":
                a.mov(eax, operand);
                a.xor(ecx, ecx);
                a.cpuid();
                break;
            case "rdmsr":
                a.mov(ecx, operand);
                a.rdmsr();
                break;
            case "wrmsr":
                a.mov(ecx, operand);
                a.xor(eax, eax);
                a.xor(edx, edx);
                a.wrmsr();
                break;
            case "cr0":
                a.mov(eax, operand);
                a.mov(cr0, rax);
                break;
            case "cr4":
                a.mov(eax, operand);
                a.mov(cr4, rax);
                break;
            case "hlt":
                a.hlt();
                break;
            case "invd":
                a.invd();
                break;
            case "wbinvd":
                a.wbinvd();
                break;
            case "vmcall":
                a.vmcall();
                break;
            case "vmmcall":
                a.vmmcall();
                break;
            case "monitor":
                a.monitor();
                break;
            case "mwait":
                a.mwait();
                break;
            case "ud2":
                a.ud2();
                break;
            default:
                a.rdtsc();
                break;
        }
    }

    private static int LengthOf(string name, uint operand)
    {
        int all = TdxMachine.Assemble(0, a => Write(a, name, operand)).Length;
        int before = name switch
        {
            "cpuid" => 7,
            "rdmsr" or "cr0" or "cr4" => 5,
            "wrmsr" => 9,
            _ => 0,
        };
        return all - before;
    }
}
