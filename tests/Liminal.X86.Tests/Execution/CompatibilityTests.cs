// SPDX-License-Identifier: Apache-2.0
using System;
using System.IO;
using Iced.Intel;
using Liminal.X86.State;
using static Iced.Intel.AssemblerRegisters;

namespace Liminal.X86.Tests.Execution;

/// <summary>32-bit programs under a 64-bit kernel, and how they call it.</summary>
public sealed class CompatibilityTests
{
    private const ushort User32 = 0x33;
    private const ulong User32Descriptor = 0x00cf_fb00_0000_fffful;
    private const ulong Stack = 0x31_0000;

    [Fact]
    public void Int80_reaches_the_kernel_and_comes_back()
    {
        using TestMachine machine = Create(isAmd: false);
        machine.Load(TestMachine.HandlerAddress + (0x80 * 16), a =>
        {
            a.add(ebx, 1);
            a.iretq();
        });
        LoadUser(machine, a =>
        {
            a.mov(ebx, 41);
            a.@int(0x80);
            a.mov(ecx, ebx);
            a.mov(esi, 0x12345678);
            a.inc(esi);
            a.hlt();
        });

        machine.RunToHalt();

        Assert.Equal(13ul, machine.Processor.Gpr(15));
        Assert.Equal(42ul, machine.Processor.Gpr(1));
        Assert.Equal(0x12345679ul, machine.Processor.Gpr(6));
    }

    [Fact]
    public void Sysenter_reaches_the_kernel_and_sysexit_comes_back()
    {
        using TestMachine machine = Create(isAmd: false);
        ref VcpuState state = ref machine.Processor.State;

        // SYSEXIT without REX.W: user code is 16 behind the kernel's, its stack segment 24 behind.
        state.Msr.SysenterCs = 0x50;
        state.Msr.SysenterEip = TestMachine.CodeAddress + 0x800;
        state.Msr.SysenterEsp = TestMachine.StackTop;
        machine.Ram.Write(0x5050ul, 0x00af_9b00_0000_fffful);
        machine.Ram.Write(0x5058ul, 0x00cf_9300_0000_fffful);
        machine.Ram.Write(0x5060ul, User32Descriptor);
        machine.Ram.Write(0x5068ul, 0x00cf_f300_0000_fffful);
        machine.Load(TestMachine.CodeAddress + 0x800, a =>
        {
            a.mov(r14, rsp);
            a.mov(r13w, cs);
            a.sysexit();
        });
        LoadUser(machine, a =>
        {
            Label back = a.CreateLabel();
            a.mov(edx, (int)TestMachine.UserCode + 0x100);
            a.mov(ecx, esp);
            a.sysenter();
            a.Label(ref back);
            a.nop();
        });
        machine.Ram.Write(TestMachine.UserCode + 0x100, Assemble(TestMachine.UserCode + 0x100, a =>
        {
            a.mov(bx, cs);
            a.mov(di, ss);
            a.hlt();
        }));

        machine.RunToHalt();

        Assert.Equal(13ul, machine.Processor.Gpr(15));
        Assert.Equal(TestMachine.StackTop, machine.Processor.Gpr(14));
        Assert.Equal(0x50, (ushort)machine.Processor.Gpr(13));
        Assert.Equal(0x63, (ushort)machine.Processor.Gpr(3));
        Assert.Equal(0x6b, (ushort)machine.Processor.Gpr(7));
    }

    [Theory]
    [InlineData(true, 0)]
    [InlineData(false, 6)]
    public void Syscall_from_32_bit_code_exists_on_one_maker_only(bool isAmd, ulong vector)
    {
        using TestMachine machine = Create(isAmd);
        machine.Processor.State.Msr.Star = (ulong)TestMachine.KernelCode << 32;
        machine.Processor.State.Msr.CompatibilityStar = TestMachine.CodeAddress + 0x800;
        machine.Load(TestMachine.CodeAddress + 0x800, a => a.hlt());
        LoadUser(machine, a => a.syscall());

        machine.RunToHalt();

        Assert.Equal(vector, machine.Processor.Gpr(15));
    }

    [Fact]
    public void Decimal_adjustments_follow_the_manual()
    {
        using TestMachine machine = Create(isAmd: false);
        LoadUser(machine, a =>
        {
            a.mov(al, 0x79);
            a.add(al, 0x35);
            a.daa();
            a.mov(bl, al);
            a.setc(cl);
            a.mov(ax, 0x0a);
            a.aaa();
            a.mov(dx, ax);
            a.mov(al, 57);
            a.aam(10);
            a.mov(si, ax);
            a.mov(ax, 0x0507);
            a.aad(10);
            a.mov(di, ax);
            a.hlt();
        });

        machine.RunToHalt();

        Assert.Equal(0x14, (byte)machine.Processor.Gpr(3));
        Assert.Equal(1, (byte)machine.Processor.Gpr(1));
        Assert.Equal(0x100, (ushort)machine.Processor.Gpr(2));
        Assert.Equal(0x507, (ushort)machine.Processor.Gpr(6));
        Assert.Equal(57, (ushort)machine.Processor.Gpr(7));
    }

    private static TestMachine Create(bool isAmd)
    {
        CpuidTable table = TestMachine.Features();
        if (isAmd)
            table[0, 0] = new CpuidResult(0x16, 0x6874_7541, 0x444d_4163, 0x6974_6e65);
        var machine = new TestMachine(table);
        machine.Ram.Write(0x5030ul, User32Descriptor);
        return machine;
    }

    /// <summary>Puts 32-bit code at the user's address and enters it with IRETQ.</summary>
    private static void LoadUser(TestMachine machine, Action<Assembler> write)
    {
        machine.Ram.Write(TestMachine.UserCode, Assemble(TestMachine.UserCode, write));
        machine.Load(a =>
        {
            a.xor(r15d, r15d);
            a.push(TestMachine.UserData);
            a.push((int)Stack);
            a.push(0x202);
            a.push(User32);
            a.push((int)TestMachine.UserCode);
            a.iretq();
        });
    }

    private static byte[] Assemble(ulong address, Action<Assembler> write)
    {
        var assembler = new Assembler(32);
        write(assembler);
        using var stream = new MemoryStream();
        assembler.Assemble(new StreamCodeWriter(stream), address);
        return stream.ToArray();
    }
}
