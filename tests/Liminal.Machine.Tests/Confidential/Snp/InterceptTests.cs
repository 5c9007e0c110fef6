// SPDX-License-Identifier: Apache-2.0

using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace Liminal.Machine.Tests.Confidential.Snp;

public sealed class InterceptTests
{
    [Theory]
    [InlineData("cpuid", 0x72ul)]
    [InlineData("in", 0x7Bul)]
    [InlineData("rdmsr", 0x7Cul)]
    [InlineData("vmmcall", 0x81ul)]
    [InlineData("wbinvd", 0x89ul)]
    [InlineData("invd", 0x76ul)]
    [InlineData("mov dr7", 0x37ul)]
    [InlineData("mov from dr7", 0x27ul)]
    [InlineData("monitor", 0x8Aul)]
    [InlineData("mwait", 0x8Bul)]
    public void An_intercepted_instruction_raises_VC_with_its_exit_code(string instruction, ulong code)
    {
        using SnpProgram program = SnpProgram.Load(assembler => Write(assembler, instruction));
        program.Run();

        Assert.Equal((29ul, code), (program.Vector, program.ErrorCode));
    }

    [Theory]
    [InlineData("rdtsc")]
    [InlineData("mov dr0")]
    [InlineData("rdmsr efer")]
    [InlineData("rdmsr status")]
    [InlineData("mov cr4")]
    public void What_needs_no_hypervisor_executes_natively(string instruction)
    {
        using SnpProgram program = SnpProgram.Load(assembler =>
        {
            Write(assembler, instruction);
            assembler.hlt();
        });

        Assert.Equal(MachineEndKind.IdleForever, program.Run().Kind);
        Assert.Equal(0ul, program.Vector);
    }

    private static void Write(Assembler code, string instruction)
    {
        switch (instruction)
        {
            case "cpuid":
                code.cpuid();
                break;
            case "in":
                code.@in(al, 0x80);
                break;
            case "rdmsr":
                code.mov(ecx, 0x1B);
                code.rdmsr();
                break;
            case "rdmsr efer":
                code.mov(ecx, 0xC000_0080);
                code.rdmsr();
                break;
            case "rdmsr status":
                code.mov(ecx, 0xC001_0131);
                code.rdmsr();
                break;
            case "vmmcall":
                code.vmmcall();
                break;
            case "wbinvd":
                code.wbinvd();
                break;
            case "invd":
                code.invd();
                break;
            case "monitor":
                code.monitor();
                break;
            case "mwait":
                code.mwait();
                break;
            case "mov dr7":
                code.mov(dr7, rax);
                break;
            case "mov from dr7":
                code.mov(rax, dr7);
                break;
            case "mov dr0":
                code.mov(dr0, rax);
                break;
            case "mov cr4":
                code.mov(rax, cr4);
                code.mov(cr4, rax);
                break;
            default:
                code.rdtsc();
                break;
        }
    }
}
