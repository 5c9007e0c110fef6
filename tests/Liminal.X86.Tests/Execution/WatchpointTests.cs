// SPDX-License-Identifier: Apache-2.0
using System;
using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace Liminal.X86.Tests.Execution;

public sealed class WatchpointTests
{
    private const ulong Data = TestMachine.DataAddress;

    [Theory]
    [InlineData(WatchKind.Write, 3)]
    [InlineData(WatchKind.Read, 4)]
    [InlineData(WatchKind.Access, 3)]
    public void A_run_stops_behind_the_access_and_goes_on(WatchKind kind, int instruction)
    {
        using TestMachine machine = Create(a =>
        {
            a.mov(rbx, Data);
            a.mov(__dword_ptr[rbx + 4], 1);
            a.mov(__dword_ptr[rbx], 5);
            a.mov(eax, __dword_ptr[rbx]);
            a.hlt();
        });
        machine.Processor.Watchpoints!.Add(new Watchpoint(Data + 1, 2, kind));

        Assert.Equal(StopKind.Watchpoint, machine.Processor.Run(100).Kind);
        Assert.Equal((ulong)instruction, machine.Processor.InstructionsRetired);
        Assert.Equal(new Watchpoint(Data + 1, 2, kind), machine.Processor.LastWatchpoint);
        while (machine.Processor.Run(100).Kind == StopKind.Watchpoint)
            Assert.Equal(WatchKind.Access, kind);
        Assert.Equal(5ul, machine.Processor.Gpr(0));
    }

    [Fact]
    public void A_page_that_was_used_before_is_watched_too()
    {
        using TestMachine machine = Create(a =>
        {
            Label again = a.CreateLabel();
            a.mov(rbx, Data);
            a.Label(ref again);
            a.inc(__qword_ptr[rbx]);
            a.jmp(again);
        });
        Assert.Equal(StopKind.BudgetExhausted, machine.Processor.Run(101).Kind);
        var watchpoint = new Watchpoint(Data, 8, WatchKind.Write);
        machine.Processor.Watchpoints!.Add(watchpoint);

        Assert.Equal(StopKind.Watchpoint, machine.Processor.Run(100).Kind);
        Assert.Equal(51ul, machine.Ram.Read<ulong>(Data));

        machine.Processor.Watchpoints.Remove(watchpoint);
        Assert.Equal(StopKind.BudgetExhausted, machine.Processor.Run(100).Kind);
    }

    [Fact]
    public void Bulk_and_page_crossing_accesses_are_seen_and_counted_as_ever()
    {
        static void Program(Assembler a)
        {
            a.mov(edi, (int)Data + 0xf00);
            a.mov(ecx, 0x300);
            a.mov(al, 7);
            a.rep.stosb();
            a.mov(esi, (int)Data + 0xf00);
            a.mov(edi, (int)Data + 0x2000);
            a.mov(ecx, 0x300);
            a.rep.movsb();
            a.mov(rbx, Data + 0xffc);
            a.mov(__qword_ptr[rbx], rax);
            a.movups(xmm0, __[rbx - 8]);
            a.hlt();
        }

        using TestMachine plain = Create(Program);
        plain.RunToHalt();
        using TestMachine watched = Create(Program);
        watched.Processor.Watchpoints!.Add(new Watchpoint(Data + 0x1000, 1, WatchKind.Access));
        int stops = 0;
        StopReason stop;
        while ((stop = watched.Processor.Run(1000)).Kind == StopKind.Watchpoint)
            stops++;

        Assert.Equal(StopKind.Halted, stop.Kind);
        Assert.Equal(4, stops);
        Assert.Equal(plain.Processor.InstructionsRetired, watched.Processor.InstructionsRetired);
        Span<byte> left = stackalloc byte[0x3000];
        Span<byte> right = stackalloc byte[0x3000];
        plain.Ram.Read(Data, left);
        watched.Ram.Read(Data, right);
        Assert.True(left.SequenceEqual(right));
    }

    [Fact]
    public void A_debugger_reads_and_writes_what_is_mapped_without_a_trace_in_the_tables()
    {
        using TestMachine machine = Create(a => a.hlt());
        ulong readOnly = Data + 0x1000;
        machine.Ram.Write(machine.PageEntry(readOnly), readOnly | 5);
        machine.Ram.Write(machine.PageEntry(readOnly + 0x1000), 0ul);
        byte[] bytes = new byte[8];

        Assert.True(machine.Processor.Poke(readOnly + 0xff8, [1, 2, 3, 4, 5, 6, 7, 8]));
        Assert.Equal(4, machine.Processor.Peek(readOnly + 0xffc, bytes));
        Assert.Equal([5, 6, 7, 8, 0, 0, 0, 0], bytes);
        Assert.False(machine.Processor.Poke(readOnly + 0xffc, bytes));
        Assert.Equal(0, machine.Processor.Peek(0x8000_0000_0000, bytes));
        Assert.Equal(readOnly | 5, machine.Ram.Read<ulong>(machine.PageEntry(readOnly)));
    }

    private static TestMachine Create(Action<Assembler> program)
    {
        var machine = new TestMachine();
        machine.Processor.Watchpoints = new WatchpointSet(machine.Processor.Code);
        machine.Load(program);
        return machine;
    }
}
