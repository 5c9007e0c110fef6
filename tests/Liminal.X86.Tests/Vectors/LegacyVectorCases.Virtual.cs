// SPDX-License-Identifier: Apache-2.0
using System;
using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace Liminal.X86.Tests.Vectors;

/// <content>Virtual-8086 mode.</content>
internal static partial class LegacyVectorCases
{
    private const uint IoPrivilege3 = 0x3000;

    private static void Virtual(LegacyVectorProgram program)
    {
        foreach (uint flags in (ReadOnlySpan<uint>)[IoPrivilege3, 0, 0x2000, IoPrivilege3 | 0x4cd5])
        {
            Try(a => a.nop());
            Try(a => { a.pushf(); a.pop(ax); });
            Try(a => { a.pushfd(); a.pop(eax); });
            Try(a => { a.push(0x7cd5); a.popf(); a.pushf(); a.pop(ax); });
            Try(a => { a.db(0x66, 0x68); a.dd(0x24_4dd5 & ~0x100); a.popfd(); a.pushfd(); a.pop(eax); });
            Try(a => { a.cli(); a.pushf(); a.pop(ax); });
            Try(a => { a.@int(0x80); });
            Try(a => { a.@int(0x21); });
            Try(a => a.int3());
            Try(a => { a.mov(al, 0x7f); a.inc(al); a.into(); });
            Try(a => { a.push(0x3cd5); a.push(cs); a.db(0xe8, 2, 0, 0x90, 0xf4, 0x5b, 0x83, 0xc3, 8, 0x53); a.iret(); a.mov(ax, 0x77); });   // CALL over NOP and HLT; POP BX; ADD BX, 8; PUSH BX: to behind the IRET
            Try(a => a.hlt());
            Try(a => a.@in(al, 0x80));
            Try(a => { a.mov(dx, 0xf4); a.@out(dx, al); });
            Try(a => a.ud2());
            Try(a => { a.mov(eax, cr0); });
            Try(a => { a.smsw(eax); });
            Try(a => { a.sldt(ax); });
            Try(a => { a.mov(cx, 0x10); a.lar(ax, cx); });
            Try(a => { a.mov(cx, 0x10); a.verr(cx); });
            Try(a => { a.db(0x63, 0xc8); });   // ARPL AX, CX
            Try(a => { a.lgdt(__[0]); });
            Try(a => { a.xor(cx, cx); a.div(cl); });

            void Try(Action<Assembler> write) => program.AttemptVirtual(write, flags);
        }
    }

    private static void VirtualSegments(LegacyVectorProgram program)
    {
        Try(a => { a.mov(ax, ds); a.mov(cx, es); a.mov(dx, fs); a.mov(bx, gs); });
        Try(a => { a.mov(ax, 0x1234); a.mov(es, ax); a.xor(ax, ax); a.mov(ax, es); });
        Try(a => { a.mov(ax, 0x533); a.mov(ds, ax); a.mov(__word_ptr[2], 0x55aa); a.xor(ax, ax); a.mov(ds, ax); a.mov(ax, __word_ptr[0x5332]); });
        Try(a => { a.mov(__word_ptr.fs[2], 0x66bb); a.mov(ax, __word_ptr.fs[2]); });
        Try(a => { a.push(0x532); a.push(4); a.mov(bp, sp); a.les(di, __dword_ptr[bp]); a.mov(ax, es); });
        Try(a => { a.push(es); a.pop(ds); a.mov(ax, ds); });
        Try(a => { a.mov(eax, 0x1234_5678); a.push(eax); a.pop(cx); a.pop(dx); });
        Try(a => { a.pusha(); a.mov(ax, sp); });

        // Far transfers: the landing at B000h by another segment.
        program.Place(RealLanding, 16, 64, a => { a.mov(bp, sp); a.mov(ax, __word_ptr[bp]); a.mov(cx, __word_ptr[bp + 2]); a.mov(dx, cs); a.@int(VectorImage.NoteVector); });
        Try(a => { a.db(0xea); a.dw(0x100); a.dw(0xaf0); });
        Try(a => { a.db(0x9a); a.dw(0x100); a.dw(0xaf0); });
        Try(a => { a.push(0xaf0); a.push(0x100); a.retf(); });
        Try(a => { a.push(0x7002); a.push(0xaf0); a.push(0x100); a.iret(); });

        // Events go to a handler at CPL 0 alone.
        foreach (int selector in (ReadOnlySpan<int>)[LegacyVectorImage.UserCodeSelector, 0, LegacyVectorImage.KernelData, LegacyVectorImage.TestSelector])
        {
            program.Write(Test, 0x00cf_9f00_0000_fffful);   // conforming
            WriteGate(program, Gate, 0xee, selector, Landing);
            Try(a => a.@int(0x90));
        }

        foreach (int attributes in (ReadOnlySpan<int>)[0x8e, 0xee, 0xef, 0x6e])
        {
            PlaceLanding(program);
            WriteGate(program, Gate, attributes, LegacyVectorImage.KernelCode, Landing);
            Try(a => a.@int(0x90));
        }

        void Try(Action<Assembler> write) => program.AttemptVirtual(write, IoPrivilege3);
    }

    /// <summary>A task in virtual-8086 mode, and tasks that interrupt it. Left out: an IRET of CPL 3 with VM, by which QEMU 7.2 enters it.</summary>
    private static void VirtualEntries(LegacyVectorProgram program)
    {
        const uint VirtualFlags = 0x2_3000 | AfterXor;
        PlaceTasks(program);
        program.Place(RealLanding, 16, 64, a => { a.mov(si, ds); a.mov(di, cs); a.@int(VectorImage.NoteVector); });
        program.Write(NewState + Eflags, VirtualFlags);
        program.Write(NewState + Eip, 0x100u);
        program.Write(NewState + Cs, 0xaf0u);
        program.Write(NewState + Ss, 0x5f0u);
        program.Write(NewState + 56, 0x1000u);
        program.Write(NewState + 84, 0x4321u);
        TrySwitch(program, a => CallTask(a, NewTask));

        // Out of it by a task gate, and back.
        WriteGate(program, Gate, 0xe5, NewTask, 0);
        program.Place(InNewTask, 32, 64, a => { a.mov(eax, __dword_ptr[LegacyVectorImage.Task + Eflags]); a.mov(ecx, __dword_ptr[LegacyVectorImage.Task + Cs]); a.@int(VectorImage.NoteVector); });
        program.AttemptVirtual(a => a.@int(0x90), IoPrivilege3);
        program.Prepare(a => a.call(Reset));
        program.Place(InNewTask + 0x40, 32, 64, a => a.iretd());
        program.Write(NewState + Eip, InNewTask + 0x40);
        program.AttemptVirtual(a => { a.mov(cx, 0x1111); a.@int(0x90); a.mov(ax, cx); }, IoPrivilege3);
        program.Prepare(a => a.call(Reset));
    }
}
