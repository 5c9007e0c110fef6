// SPDX-License-Identifier: Apache-2.0
using System;
using Liminal.X86.State;
using static Iced.Intel.AssemblerRegisters;

namespace Liminal.X86.Tests.Execution;

public sealed class ProgramTests
{
    [Fact]
    public void A_loop_adds_up_and_every_instruction_is_counted()
    {
        using var machine = new TestMachine();
        machine.Load(a =>
        {
            Iced.Intel.Label again = a.CreateLabel();
            a.mov(ecx, 1000);
            a.xor(eax, eax);
            a.Label(ref again);
            a.add(rax, rcx);
            a.dec(rcx);
            a.jne(again);
            a.hlt();
        });

        machine.RunToHalt();

        Assert.Equal(500_500ul, machine.Processor.Gpr(0));
        Assert.Equal(2ul + 3000 + 1, machine.Processor.InstructionsRetired);
    }

    [Fact]
    public void A_run_cut_into_budgets_ends_in_the_same_state_as_a_whole_one()
    {
        static void Program(Iced.Intel.Assembler a)
        {
            Iced.Intel.Label again = a.CreateLabel();
            Iced.Intel.Label function = a.CreateLabel();
            Iced.Intel.Label over = a.CreateLabel();
            a.mov(ecx, 300);
            a.mov(rbx, TestMachine.DataAddress);
            a.Label(ref again);
            a.call(function);
            a.cmp(ecx, 100);
            a.jae(over);
            a.add(__qword_ptr[rbx + (rcx * 8)], rax);
            a.Label(ref over);
            a.dec(ecx);
            a.jne(again);
            a.hlt();
            a.Label(ref function);
            a.push(rcx);
            a.imul(rax, rcx, 77);
            a.xor(rax, __[rbx + (rcx * 8)]);
            a.pop(rdx);
            a.ret();
        }

        using var whole = new TestMachine();
        whole.Load(Program);
        whole.RunToHalt();
        foreach (int budget in (int[])[1, 2, 3, 7, 23, 100])
        {
            using var cut = new TestMachine();
            cut.Load(Program);
            StopReason reason;
            do
            {
                reason = cut.Processor.Run(budget);
            }
            while (reason.Kind == StopKind.BudgetExhausted);

            Assert.Equal(StopKind.Halted, reason.Kind);
            Assert.Equal(whole.Processor.InstructionsRetired, cut.Processor.InstructionsRetired);
            for (int i = 0; i < 16; i++)
                Assert.Equal(whole.Processor.Gpr(i), cut.Processor.Gpr(i));
            Assert.Equal(whole.Processor.RflagsValue, cut.Processor.RflagsValue);
        }
    }

    [Fact]
    public void A_page_fault_reports_the_first_byte_of_the_missing_page_and_leaves_the_register()
    {
        using var machine = new TestMachine();
        ulong missing = TestMachine.DataAddress + 0x1000;
        machine.Ram.Write(machine.PageEntry(missing), 0ul);
        machine.Load(a =>
        {
            a.mov(rax, 0x1234);
            a.mov(rbx, missing - 4);
            a.mov(rax, __[rbx]);
            a.hlt();
        });

        machine.RunToHalt();

        Assert.Equal(14ul, machine.Processor.Gpr(15));
        Assert.Equal(missing, machine.Processor.State.Cr2);
        Assert.Equal(0x1234ul, machine.Processor.Gpr(0));
    }

    [Fact]
    public void A_read_modify_write_of_a_read_only_page_changes_no_flag()
    {
        using var machine = new TestMachine();
        machine.Ram.Write(machine.PageEntry(TestMachine.DataAddress), TestMachine.DataAddress | 5);
        machine.Load(a =>
        {
            a.mov(rbx, TestMachine.DataAddress);
            a.stc();
            a.@lock.cmpxchg(__[rbx], rcx);
            a.hlt();
        });

        machine.RunToHalt();

        Assert.Equal(14ul, machine.Processor.Gpr(15));
        ulong saved = machine.Ram.Read<ulong>(machine.Processor.Gpr(4) + 24);
        Assert.Equal(1ul, saved & 1);
        Assert.Equal(3ul, machine.Ram.Read<ulong>(machine.Processor.Gpr(4)));
    }

    [Fact]
    public void Code_that_overwrites_the_next_instruction_executes_the_new_one()
    {
        using var machine = new TestMachine();
        machine.Load(a =>
        {
            Iced.Intel.Label target = a.CreateLabel();
            a.lea(rbx, __[target]);
            a.mov(__byte_ptr[rbx + 1], 42);
            a.Label(ref target);
            a.mov(al, 1);
            a.hlt();
        });

        machine.RunToHalt();

        Assert.Equal(42ul, machine.Processor.Gpr(0) & 0xff);
    }

    [Fact]
    public void System_call_and_return_change_privilege_and_keep_flags()
    {
        using var machine = new TestMachine();
        ref VcpuState state = ref machine.Processor.State;
        state.Msr.Star = ((ulong)TestMachine.KernelCode << 32) | ((ulong)0x1b << 48);
        state.Msr.LongStar = TestMachine.CodeAddress + 0x800;
        state.Msr.SyscallFlagMask = Rflags.InterruptEnable;
        machine.Load(TestMachine.CodeAddress + 0x800, a =>
        {
            a.mov(rsi, rcx);
            a.mov(ax, cs);
            a.sysretq();
        });
        machine.Load(TestMachine.UserCode, a =>
        {
            a.stc();
            a.syscall();
            a.mov(bx, cs);
            a.setc(dl);
            a.hlt();
        });
        machine.Load(a =>
        {
            a.mov(rcx, TestMachine.UserCode);
            a.mov(r11d, 0x202);
            a.sysretq();
        });

        machine.RunToHalt();

        Assert.Equal(13ul, machine.Processor.Gpr(15));
        Assert.Equal(TestMachine.KernelCode, (ushort)machine.Processor.Gpr(0));
        Assert.Equal(TestMachine.UserCodeSelector, (ushort)machine.Processor.Gpr(3));
        Assert.Equal(1ul, machine.Processor.Gpr(2) & 0xff);
    }

    [Fact]
    public void An_interrupt_waits_for_the_instruction_behind_sti()
    {
        using var machine = new TestMachine();
        machine.Bus.Vector = 0x40;
        machine.Load(a =>
        {
            a.mov(al, 1);
            a.@out(0x80, al);
            a.mov(ecx, 1);
            a.sti();
            a.inc(ecx);
            a.inc(ecx);
            a.hlt();
        });

        machine.RunToHalt();

        Assert.Equal(0x40ul, machine.Processor.Gpr(15));
        Assert.Equal(2ul, machine.Processor.Gpr(1));
    }

    [Fact]
    public void A_string_copy_across_a_missing_page_stops_there_and_goes_on_when_the_page_is_back()
    {
        using var machine = new TestMachine();
        ulong target = TestMachine.DataAddress + 0x1000 - 16;
        byte[] bytes = new byte[64];
        new Random(3).NextBytes(bytes);
        machine.Ram.Write(TestMachine.DataAddress, bytes);
        ulong entry = machine.PageEntry(TestMachine.DataAddress + 0x1000);
        machine.Ram.Write(entry, 0ul);
        machine.Load(a =>
        {
            a.mov(rsi, TestMachine.DataAddress);
            a.mov(rdi, target);
            a.mov(ecx, 64);
            a.rep.movsb();
            a.hlt();
        });

        machine.RunToHalt();

        Assert.Equal(14ul, machine.Processor.Gpr(15));
        Assert.Equal(48ul, machine.Processor.Gpr(1));
        Assert.Equal(target + 16, machine.Processor.Gpr(7));
        machine.Ram.Write(entry, (TestMachine.DataAddress + 0x1000) | 7);
        machine.Processor.State.Activity = Activity.Running;
        machine.Processor.Rip = machine.Ram.Read<ulong>(machine.Processor.Gpr(4) + 8);
        machine.Processor.StateChanged();
        machine.RunToHalt();
        byte[] copy = new byte[64];
        machine.Ram.Read(target, copy);
        Assert.Equal(bytes, copy);
    }

    [Fact]
    public void An_encoding_of_a_feature_that_is_never_announced_is_undefined()
    {
        using var machine = new TestMachine();
        machine.Load(a => a.vaddps(ymm0, ymm1, ymm2));

        machine.RunToHalt();

        Assert.Equal(6ul, machine.Processor.Gpr(15));
    }

    [Fact]
    public void A_triple_fault_shuts_the_processor_down()
    {
        using var machine = new TestMachine();
        machine.Processor.State.Idtr = default;
        machine.Load(a => a.int3());

        Assert.Equal(StopKind.Shutdown, machine.Processor.Run(10).Kind);
    }
}
