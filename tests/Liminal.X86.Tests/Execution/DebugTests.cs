// SPDX-License-Identifier: Apache-2.0
using Liminal.X86.State;
using static Iced.Intel.AssemblerRegisters;

namespace Liminal.X86.Tests.Execution;

public sealed class DebugTests
{
    private const int BreakpointVector = 1;

    [Fact]
    public void An_instruction_breakpoint_comes_before_the_instruction_and_lets_it_through_after_the_return()
    {
        using var machine = new TestMachine();
        CountExceptions(machine);
        machine.Load(a =>
        {
            Iced.Intel.Label target = a.CreateLabel();
            a.lea(rax, __[target]);
            a.mov(dr0, rax);
            a.mov(eax, 2);
            a.mov(dr7, rax);
            a.Label(ref target);
            a.inc(ebx);
            a.inc(ebx);
            a.hlt();
        });

        machine.RunToHalt();

        Assert.Equal(1ul, machine.Processor.Gpr(14));
        Assert.Equal(2ul, machine.Processor.Gpr(3));
        Assert.Equal(1ul, machine.Processor.State.Debug[4] & 0xf);
        Assert.Equal(0ul, machine.Processor.RflagsValue & Rflags.Resume);
    }

    [Theory]
    [InlineData(1, true, true)]   // on writes: a store
    [InlineData(1, false, false)] // on writes: a load passes
    [InlineData(3, true, true)]
    [InlineData(3, false, true)]
    public void A_data_breakpoint_comes_behind_the_access(int kind, bool isStore, bool isMet)
    {
        using var machine = new TestMachine();
        machine.Load(a =>
        {
            a.mov(rax, TestMachine.DataAddress + 4);
            a.mov(dr1, rax);
            a.mov(eax, (int)((uint)kind << 20) | (3 << 22) | 4); // four bytes, DR1, local
            a.mov(dr7, rax);
            a.mov(rbx, TestMachine.DataAddress);
            if (isStore)
                a.mov(__byte_ptr[rbx + 7], cl);
            else
                a.mov(cl, __byte_ptr[rbx + 7]);
            a.mov(__[rbx + 8], rcx);
            a.mov(r13d, 1);
            a.hlt();
        });

        machine.RunToHalt();

        Assert.Equal(isMet ? 1ul : 0, machine.Processor.Gpr(15));
        Assert.Equal(isMet ? 0ul : 1, machine.Processor.Gpr(13));
        if (isMet)
            Assert.Equal(2ul, machine.Processor.State.Debug[4] & 0xf);
    }

    [Fact]
    public void A_single_step_comes_behind_each_instruction_and_each_element_of_a_repeated_one()
    {
        using var machine = new TestMachine();
        CountExceptions(machine);
        machine.Load(a =>
        {
            a.mov(rdi, TestMachine.DataAddress);
            a.mov(ecx, 5);
            a.pushfq();
            a.or(__word_ptr[rsp], 0x100);
            a.popfq();
            a.nop();
            a.rep.stosb();
            a.pushfq();
            a.and(__word_ptr[rsp], ~0x100);
            a.popfq();
            a.nop();
            a.hlt();
        });

        machine.RunToHalt();

        // NOP, five elements, PUSHFQ, AND, and POPFQ, which clears TF but began with it.
        Assert.Equal(9ul, machine.Processor.Gpr(14));
        Assert.Equal(1ul << 14, machine.Processor.State.Debug[4] & (1 << 14));
    }

    [Fact]
    public void Mov_ss_holds_a_single_step_back()
    {
        using var machine = new TestMachine();
        machine.Load(a =>
        {
            a.mov(eax, TestMachine.KernelData);
            a.pushfq();
            a.or(__word_ptr[rsp], 0x100);
            a.popfq();
            a.mov(ss, ax);
            a.mov(ebx, 7);
            a.mov(ebx, 8);
            a.hlt();
        });

        machine.RunToHalt();

        Assert.Equal(1ul, machine.Processor.Gpr(15));
        Assert.Equal(7ul, machine.Processor.Gpr(3));
    }

    [Fact]
    public void General_detect_keeps_debug_registers_and_is_cleared_by_the_exception()
    {
        using var machine = new TestMachine();
        machine.Load(a =>
        {
            a.mov(eax, 0x2000);
            a.mov(dr7, rax);
            a.mov(dr0, rax);
            a.hlt();
        });

        machine.RunToHalt();

        Assert.Equal(1ul, machine.Processor.Gpr(15));
        Assert.Equal(0ul, machine.Processor.State.Debug[0]);
        Assert.Equal(1ul << 13, machine.Processor.State.Debug[4] & (1 << 13));
        Assert.Equal(0ul, machine.Processor.State.Debug[5] & (1 << 13));
    }

    [Fact]
    public void DR6_says_which_breakpoints_this_exception_met_and_keeps_what_only_software_clears()
    {
        using var machine = new TestMachine();
        machine.Load(a =>
        {
            Iced.Intel.Label target = a.CreateLabel();
            a.lea(rax, __[target]);
            a.mov(dr2, rax);
            a.mov(eax, 0x20);
            a.mov(dr7, rax);
            a.mov(eax, 0x4002);
            a.mov(dr6, rax);
            a.Label(ref target);
            a.nop();
        });

        machine.RunToHalt();

        Assert.Equal(1ul, machine.Processor.Gpr(15));
        Assert.Equal(0x4004ul, machine.Processor.State.Debug[4] & 0xe00f);
    }

    [Theory]
    [InlineData("int1", 0x0000)]
    [InlineData("mov dr6", 0x2000)]
    public void Behind_mov_ss_a_debug_exception_of_another_kind_says_nothing_of_the_step(string next, ulong status)
    {
        using var machine = new TestMachine();
        machine.Load(a =>
        {
            a.mov(ecx, 0x2000);
            if (next != "int1")
                a.mov(dr7, rcx);
            a.mov(eax, TestMachine.KernelData);
            a.pushfq();
            a.or(__word_ptr[rsp], 0x100);
            a.popfq();
            a.mov(ss, ax);
            if (next == "int1")
                a.int1();
            else
                a.mov(dr6, rcx);
        });

        machine.RunToHalt();

        Assert.Equal(1ul, machine.Processor.Gpr(15));
        Assert.Equal(status, machine.Processor.State.Debug[4] & 0xe00f);
    }

    [Theory]
    [InlineData("int1", 1)]
    [InlineData("int 1", 2)]
    public void A_watchpoint_that_mov_ss_holds_back_joins_INT1_and_follows_INT_n(string next, ulong exceptions)
    {
        using var machine = new TestMachine();
        CountExceptions(machine);
        machine.Load(a =>
        {
            a.mov(rbx, TestMachine.DataAddress);
            a.mov(__word_ptr[rbx], TestMachine.KernelData);
            a.mov(dr1, rbx);
            a.mov(eax, (3 << 20) | (1 << 22) | 4); // two bytes, loads and stores, DR1, local
            a.mov(dr7, rax);
            a.mov(ss, __word_ptr[rbx]);
            if (next == "int1")
                a.int1();
            else
                a.@int(1);
            a.hlt();
        });

        machine.RunToHalt();

        Assert.Equal(exceptions, machine.Processor.Gpr(14));
        Assert.Equal(2ul, machine.Processor.State.Debug[4] & 0xe00f);
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(2, 17)]
    public void An_alignment_check_needs_user_mode_and_a_misaligned_address(int offset, ulong vector)
    {
        using var machine = new TestMachine();
        machine.Processor.State.Cr0 |= Cr0.AlignmentMask;
        machine.Processor.StateChanged();
        machine.Load(TestMachine.UserCode, a =>
        {
            a.mov(rbx, TestMachine.DataAddress);
            a.mov(eax, __dword_ptr[rbx + offset]);
            a.hlt();
        });
        machine.Load(a =>
        {
            a.mov(rbx, TestMachine.DataAddress + 1);
            a.mov(eax, __dword_ptr[rbx]);
            a.push(TestMachine.UserData);
            a.push(0x1f_0000);
            a.push(0x40202);
            a.push(TestMachine.UserCodeSelector);
            a.push((int)TestMachine.UserCode);
            a.iretq();
        });

        machine.RunToHalt();

        Assert.Equal(vector == 0 ? 13ul : vector, machine.Processor.Gpr(15));
    }

    /// <summary>A handler that counts in R14 and goes on.</summary>
    private static void CountExceptions(TestMachine machine) => machine.Load(TestMachine.HandlerAddress + (BreakpointVector * 16), a =>
    {
        a.inc(r14d);
        a.iretq();
    });
}
