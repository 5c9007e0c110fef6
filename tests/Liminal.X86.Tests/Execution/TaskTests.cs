// SPDX-License-Identifier: Apache-2.0
using System;
using Iced.Intel;
using Liminal.X86.State;
using static Iced.Intel.AssemblerRegisters;

namespace Liminal.X86.Tests.Execution;

/// <summary>What QEMU does otherwise than the manual, or not at all, in tasks and virtual-8086 mode; the rest is in the vectors. SDM3A "Task management".</summary>
public sealed class TaskTests
{
    private const ushort OldTask = LegacyMachine.FirstFree;
    private const ushort NewTask = OldTask + 8;
    private const ushort Segment = NewTask + 8;
    private const ushort OtherTask = Segment + 8;
    private const uint OldState = LegacyMachine.DataAddress;
    private const uint NewState = OldState + 0x100;
    private const uint OtherState = NewState + 0x100;
    private const uint InNewTask = LegacyMachine.CodeAddress + 0x800;
    private const ulong Available = 0x89;
    private const uint Marker = 0x1234;

    [Fact]
    public void A_task_of_the_80286_stops_the_machine()
    {
        using LegacyMachine machine = Tasks(Jump);
        machine.WriteDescriptor(NewTask, TaskDescriptor(NewState, attributes: 0x81));

        StopReason reason = machine.Processor.Run(100);

        Assert.Equal(StopKind.NotModelled, reason.Kind);
        Assert.Contains("16-bit task", reason.Detail);
    }

    [Fact]
    public void A_stack_that_is_not_present_is_a_stack_fault_of_the_new_task()
    {
        using LegacyMachine machine = Tasks(Jump);
        machine.WriteDescriptor(Segment, 0x00cf_1300_0000_ffff);
        machine.Ram.Write(NewState + 80, (uint)Segment);
        HandleInTask(machine, ExceptionVector.Stack);
        machine.Run();

        Assert.Equal(Marker, (uint)machine.Processor.Gpr(1));
        Assert.Equal((uint)Segment, machine.Ram.Read<uint>((ulong)machine.Processor.Gpr(4)));
        Assert.Equal(NewTask, machine.Ram.Read<ushort>(OtherState));
        Assert.Equal(InNewTask, machine.Ram.Read<uint>(NewState + 32));
    }

    [Fact]
    public void The_trap_bit_of_a_task_is_a_debug_exception_before_its_first_instruction()
    {
        using LegacyMachine machine = Tasks(Jump);
        machine.Ram.Write(NewState + 100, (ushort)1);
        machine.Run();

        Assert.Equal((uint)ExceptionVector.Debug, machine.Vector);
        Assert.Equal(1ul << 15, machine.Processor.State.Debug[4] & (1ul << 15));
        Assert.Equal(InNewTask, machine.Ram.Read<uint>((ulong)machine.Processor.Gpr(4)));
    }

    [Fact]
    public void A_switch_sets_TS_and_disables_local_breakpoints()
    {
        using LegacyMachine machine = Tasks(Jump);
        machine.Processor.State.Debug[5] = 0x4ff;
        machine.Processor.StateChanged();
        machine.Run();

        Assert.Equal(NewTask, machine.Processor.State.Tr.Selector);
        Assert.NotEqual(0ul, machine.Processor.State.Cr0 & Cr0.TaskSwitched);
        Assert.Equal(0x4aaul, machine.Processor.State.Debug[5]);
    }

    [Fact]
    public void Handlers_that_are_tasks_and_fault_end_in_a_shutdown()
    {
        using LegacyMachine machine = Tasks(a => a.ud2());
        machine.Ram.Write(OtherState + 76, (uint)Segment);
        foreach (byte vector in (ReadOnlySpan<byte>)[ExceptionVector.InvalidOpcode, ExceptionVector.DoubleFault, ExceptionVector.InvalidTss, ExceptionVector.GeneralProtection])
            machine.WriteGate(vector, TaskGate(OtherTask));

        Assert.Equal(StopKind.Shutdown, machine.Processor.Run(1000).Kind);
    }

    [Theory]
    [InlineData(true, (uint)Segment | 1)]
    [InlineData(false, (uint)Segment)]
    public void EXT_tells_that_the_delivery_of_an_exception_faulted_and_not_an_INT(bool isException, uint error)
    {
        using LegacyMachine machine = Tasks(a =>
        {
            if (isException)
                a.ud2();
            else
                a.@int(ExceptionVector.InvalidOpcode);
        });
        machine.WriteGate(ExceptionVector.InvalidOpcode, 0x8eul << 40 | (ulong)Segment << 16);
        machine.Run();

        Assert.Equal((uint)ExceptionVector.GeneralProtection, machine.Vector);
        Assert.Equal(error, machine.Ram.Read<uint>((ulong)machine.Processor.Gpr(4)));
    }

    [Fact]
    public void A_gate_of_the_GDT_to_a_task_of_the_LDT_is_refused()
    {
        using LegacyMachine machine = Tasks(a => JumpTo(a, Segment));
        machine.WriteDescriptor(Segment, TaskGate(NewTask | 4));
        machine.Run();

        Assert.Equal((uint)ExceptionVector.GeneralProtection, machine.Vector);
        Assert.Equal((uint)NewTask | 4, machine.Ram.Read<uint>((ulong)machine.Processor.Gpr(4)));
    }

    [Fact]
    public void The_image_of_flags_of_a_user_does_not_lead_to_virtual_8086_mode()
    {
        const uint UserCode = Segment | 3;
        const uint UserData = OtherTask | 3;
        using LegacyMachine machine = Tasks(a =>
        {
            PushFrame(a, flags: 2, InNewTask);
            a.iretd();
        });
        machine.WriteDescriptor(Segment, 0x00cf_fb00_0000_ffff);
        machine.WriteDescriptor(OtherTask, 0x00cf_f300_0000_ffff);
        machine.Ram.Write(InNewTask, LegacyMachine.Assemble(32, InNewTask, a =>
        {
            PushFrame(a, flags: 0x2_0002, InNewTask + 0x100);
            a.iretd();
        }));
        machine.Ram.Write(InNewTask + 0x100, LegacyMachine.Assemble(32, InNewTask + 0x100, a => { a.mov(ecx, Marker); a.hlt(); }));
        machine.Ram.Write(OldState + 4, LegacyMachine.StackTop);
        machine.Ram.Write(OldState + 8, (uint)LegacyMachine.KernelData);
        machine.Run();

        Assert.Equal(Marker, (uint)machine.Processor.Gpr(1));
        Assert.Equal((uint)ExceptionVector.GeneralProtection, machine.Vector);

        static void PushFrame(Assembler a, int flags, uint target)
        {
            a.push((int)UserData);
            a.push((int)LegacyMachine.StackTop - 0x400);
            a.push(flags);
            a.push((int)UserCode);
            a.push((int)target);
        }
    }

    private static void Jump(Assembler a) => JumpTo(a, NewTask);

    private static void JumpTo(Assembler a, ushort selector)
    {
        a.db(0xea);
        a.dd(0);
        a.dw(selector);
    }

    private static ulong TaskDescriptor(uint state, ulong attributes = Available) => 0x67 | ((ulong)state << 16) | (attributes << 40);

    private static ulong TaskGate(int selector) => (0x85ul << 40) | ((ulong)selector << 16);

    /// <summary>Lets a vector's handler be a task; it halts with the error code on its stack.</summary>
    private static void HandleInTask(LegacyMachine machine, byte vector)
    {
        machine.WriteGate(vector, TaskGate(OtherTask));
        machine.Ram.Write(InNewTask + 0x200, LegacyMachine.Assemble(32, InNewTask + 0x200, a => { a.mov(ecx, Marker); a.hlt(); }));
        machine.Ram.Write(OtherState + 32, InNewTask + 0x200);
    }

    /// <summary>An old task, a new one that halts, and another.</summary>
    private static LegacyMachine Tasks(Action<Assembler> write)
    {
        LegacyMachine machine = LegacyMachine.Protected(write);
        machine.WriteDescriptor(OldTask, TaskDescriptor(OldState, attributes: 0x8b));
        machine.WriteDescriptor(NewTask, TaskDescriptor(NewState));
        machine.WriteDescriptor(OtherTask, TaskDescriptor(OtherState));
        machine.Processor.State.Tr = new SystemSegment(OldState, 0x67, OldTask, 0x8b);
        foreach (uint state in (ReadOnlySpan<uint>)[NewState, OtherState])
        {
            machine.Ram.Write(state + 32, InNewTask);
            machine.Ram.Write(state + 56, LegacyMachine.StackTop - 0x100);
            for (uint segment = 0; segment < 6; segment++)
                machine.Ram.Write(state + 72 + (4 * segment), segment == 1 ? (uint)LegacyMachine.KernelCode : LegacyMachine.KernelData);
        }

        machine.Ram.Write(InNewTask, LegacyMachine.Assemble(32, InNewTask, a => a.hlt()));
        return machine;
    }
}
