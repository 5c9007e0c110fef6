// SPDX-License-Identifier: Apache-2.0
using System;
using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace Liminal.X86.Tests.Vectors;

/// <content>Task switches between 32-bit tasks.</content>
/// <remarks>Left out: 16-bit tasks, which stop the machine; SS that is not present, #SS in the manual and #NP in QEMU; what is in TaskTests.</remarks>
internal static partial class LegacyVectorCases
{
    private const ushort NewTask = LegacyVectorImage.TestSelector;
    private const ushort GateSelector = 0x68;
    private const ushort TableSelector = 0x70;
    private const ushort FirstHandler = 0x78;
    private const ushort OddSegment = 0xa8;
    private const uint Template = LegacyVectorImage.Data + 0x2000;
    private const uint HandlerTemplate = Template + 0x100;
    private const uint NewState = Template + 0x200;
    private const uint HandlerStates = Template + 0x300;
    private const uint Reset = LegacyVectorImage.Data + 0x3000;
    private const uint InNewTask = Reset + 0x200;
    private const uint InHandler = Reset + 0x300;
    private const uint AsUser = VectorImage.UserCode + 0x8000;
    private const int TaskLength = 104;
    private const ulong AvailableTask = 0x89;
    private const int Nested = 0x4000;

    // QEMU 7.2 loses the arithmetic flags of a task that JMP or CALL enters, so they are what the attempt has before; VIF and VIP stay zero there.
    private const int AfterXor = 0x46;

    private static readonly byte[] HandledByTasks = [10, 11, 12, 13];

    // Offsets in a TSS.
    private const uint Eip = 32;
    private const uint Eflags = 36;
    private const uint Ebx = 52;
    private const uint Es = 72;
    private const uint Cs = 76;
    private const uint Ss = 80;
    private const uint Ds = 84;
    private const uint Gs = 92;
    private const uint LocalTableOf = 96;

    /// <summary>A new task, and for what it may be refused handlers that are tasks themselves: EAX has the vector and the error code.</summary>
    private static void PlaceTasks(LegacyVectorProgram program)
    {
        program.Place(Template, 32, TaskLength, a => WriteTask(a, InNewTask, VectorImage.OtherStackTop));
        program.Place(HandlerTemplate, 32, TaskLength, a => WriteTask(a, InHandler, VectorImage.OtherStackTop - 0x1000));
        program.Place(Reset, 32, 0x200, a =>
        {
            Copy(a, Template, NewState);
            Descriptor(a, NewTask, NewState);
            for (int i = 0; i < HandledByTasks.Length; i++)
            {
                uint state = HandlerStates + ((uint)i * 0x80);
                Copy(a, HandlerTemplate, state);
                a.mov(__byte_ptr[state + Ebx], HandledByTasks[i]);
                Descriptor(a, FirstHandler + (8 * i), state);
            }

            Descriptor(a, LegacyVectorImage.TaskSelector, LegacyVectorImage.Task);
            a.mov(eax, LegacyVectorImage.TaskSelector);
            a.ltr(ax);
            a.clts();
            a.xor(eax, eax);
            a.mov(ebx, eax);
            a.mov(ecx, eax);
            a.mov(edx, eax);
            a.ret();
        });
        program.Place(InNewTask, 32, 64, a => a.@int(VectorImage.NoteVector));
        program.Place(AsUser, 32, 64, a => a.@int(VectorImage.NoteVector));
        program.Place(InHandler, 32, 64, a => { a.pop(eax); a.shl(ebx, 16); a.or(eax, ebx); a.@int(VectorImage.NoteVector); });
        program.Prepare(a => a.call(Reset));

        static void WriteTask(Assembler a, uint eip, uint esp)
        {
            uint[] words =
            [
                0, VectorImage.InnerStackTop, LegacyVectorImage.KernelData, 0, 0, 0, 0, LegacyVectorImage.PageDirectory, eip, AfterXor, 0xa0, 0xc1, 0xd2, 0xb3, esp, 0xb5, 0x56, 0xd7,
                LegacyVectorImage.KernelData, LegacyVectorImage.KernelCode, LegacyVectorImage.KernelData, LegacyVectorImage.KernelData, 0, LegacyVectorImage.UserDataSelector, 0, 0x68 << 16,
            ];
            foreach (uint word in words)
                a.dd(word);
        }

        static void Copy(Assembler a, uint from, uint to)
        {
            a.mov(esi, from);
            a.mov(edi, to);
            a.mov(ecx, TaskLength / 4);
            a.rep.movsd();
        }

        static void Descriptor(Assembler a, int selector, uint state)
        {
            ulong value = (TaskLength - 1) | ((ulong)(state & 0xff_ffff) << 16) | (AvailableTask << 40);
            a.mov(__dword_ptr[LegacyVectorImage.Gdt + (uint)selector], (uint)value);
            a.mov(__dword_ptr[LegacyVectorImage.Gdt + (uint)selector + 4], (uint)(value >> 32));
        }
    }

    /// <summary>An attempt from a fresh state, and what it left: TR, CR0, both descriptors, the link, and EIP and EFLAGS of the old task.</summary>
    private static void TrySwitch(LegacyVectorProgram program, Action<Assembler> write, bool isUser = false)
    {
        if (isUser)
            program.AttemptAsUser(a => { a.push(AfterXor); a.popfd(); write(a); });
        else
            program.Attempt(write);
        program.Attempt(a =>
        {
            a.str(eax);
            a.smsw(ecx);
            a.mov(edx, __dword_ptr[LegacyVectorImage.Gdt + LegacyVectorImage.TaskSelector + 4]);
            a.mov(ebx, __dword_ptr[LegacyVectorImage.Gdt + NewTask + 4]);
            a.mov(ebp, __dword_ptr[NewState]);
            a.mov(esi, __dword_ptr[LegacyVectorImage.Task + Eip]);
            a.mov(edi, __dword_ptr[LegacyVectorImage.Task + Eflags]);
            a.and(edi, ~0x1_0000);   // RF: the manual sets it for a fault, QEMU does not
        });
        program.Prepare(a => a.call(Reset));
    }

    private static void CallTask(Assembler a, int selector)
    {
        a.db(0x9a);
        a.dd(0);
        a.dw((ushort)selector);
    }

    private static void Tasks(LegacyVectorProgram program)
    {
        PlaceTasks(program);
        TrySwitch(program, a => LegacyVectorImage.JumpFar(a, NewTask, 0));
        TrySwitch(program, a => CallTask(a, NewTask));
        foreach (int flags in (ReadOnlySpan<int>)[0x3400 | AfterXor, Nested | AfterXor, 0x24_0000 | AfterXor, (-1 & ~0x1b_0bd5) | AfterXor])
        {
            program.Write(NewState + Eflags, (uint)flags);
            TrySwitch(program, a => LegacyVectorImage.JumpFar(a, NewTask, 0));
            program.Write(NewState + Eflags, (uint)flags);
            TrySwitch(program, a => CallTask(a, NewTask));
        }

        // Through gates, from both levels.
        foreach (int attributes in (ReadOnlySpan<int>)[0x85, 0xe5, 0x65])
        {
            WriteGate(program, LegacyVectorImage.Gdt + GateSelector, attributes, NewTask, 0);
            TrySwitch(program, a => LegacyVectorImage.JumpFar(a, GateSelector, 0));
            TrySwitch(program, a => CallTask(a, GateSelector));
            TrySwitch(program, a => CallTask(a, GateSelector | 3), isUser: true);
            WriteGate(program, Gate, attributes, NewTask, 0);
            TrySwitch(program, a => a.@int(0x90));
            TrySwitch(program, a => a.@int(0x90), isUser: true);
        }

        // To a user's task; exceptions, with and without an error code.
        program.Write(NewState + Cs, LegacyVectorImage.UserCodeSelector);
        program.Write(NewState + Ss, LegacyVectorImage.UserDataSelector);
        program.Write(NewState + Es, LegacyVectorImage.UserDataSelector);
        program.Write(NewState + Ds, LegacyVectorImage.UserDataSelector);
        program.Write(NewState + Eip, AsUser);
        TrySwitch(program, a => LegacyVectorImage.JumpFar(a, NewTask, 0));
        WriteGate(program, LegacyVectorImage.Idt + (6 * 8), 0x85, NewTask, 0);
        TrySwitch(program, a => a.ud2());
        TrySwitch(program, a => a.ud2(), isUser: true);
        WriteGate(program, LegacyVectorImage.Idt + (13 * 8), 0x85, FirstHandler + 24, 0);
        TrySwitch(program, a => { a.mov(eax, 0xf8); a.mov(fs, ax); });
        TrySwitch(program, a => a.hlt(), isUser: true);
    }

    private static void TaskReturns(LegacyVectorProgram program)
    {
        PlaceTasks(program);
        program.Place(InNewTask, 32, 64, a => { a.mov(eax, 0x77); a.iretd(); a.mov(eax, 0x78); a.iretd(); });
        TrySwitch(program, a => CallTask(a, NewTask));

        // The second time it goes on behind its IRET.
        TrySwitch(program, a => { CallTask(a, NewTask); CallTask(a, NewTask); });
        WriteGate(program, Gate, 0xe5, NewTask, 0);
        TrySwitch(program, a => a.@int(0x90));
        TrySwitch(program, a => { a.mov(ecx, 0x1234); a.std(); a.@int(0x90); a.mov(eax, 0x99); }, isUser: true);

        // Links of no use: null, of a table that is not there, a segment, a task that is not busy, one that is not present.
        program.Write(LegacyVectorImage.Gdt + OddSegment, 0x0000_0b00_0000_0067ul);
        foreach (uint link in (ReadOnlySpan<uint>)[0, 0x100, LegacyVectorImage.KernelData, NewTask, LegacyVectorImage.TaskSelector | 4, OddSegment])
        {
            program.Write(LegacyVectorImage.Task, link);
            TrySwitch(program, a => { a.push(Nested | 2); a.popfd(); a.iretd(); });
        }
    }

    /// <summary>Descriptors of every kind in the place of the new task.</summary>
    private static void TasksRefused(LegacyVectorProgram program)
    {
        const int NarrowTask = 1;
        PlaceTasks(program);
        program.IsBrief = true;
        for (int type = 0; type < 16; type++)
        {
            // Call gates are cases of their own, as are task gates.
            if (type is NarrowTask or 4 or 5 or 0xc)
                continue;
            foreach (int attributes in (ReadOnlySpan<int>)[0, 0x60, 0x80, 0xe0])
            {
                foreach (int rpl in (ReadOnlySpan<int>)[0, 3])
                {
                    program.Prepare(a => a.call(Reset));
                    program.Write(Test + 4, (NewState >> 16) | ((uint)(type | attributes) << 8));
                    program.Attempt(a => LegacyVectorImage.JumpFar(a, (ushort)(NewTask | rpl), 0));
                }
            }
        }

        // A state that is too short.
        program.Prepare(a => a.call(Reset));
        program.Write(Test, (TaskLength - 2) | (NewState << 16));
        program.Attempt(a => LegacyVectorImage.JumpFar(a, NewTask, 0));
        program.Attempt(a => CallTask(a, NewTask));

        // Gates to what is no available task.
        foreach (int selector in (ReadOnlySpan<int>)[0, 0x100, LegacyVectorImage.KernelData, LegacyVectorImage.TaskSelector])
        {
            program.Prepare(a => a.call(Reset));
            WriteGate(program, LegacyVectorImage.Gdt + GateSelector, 0xe5, selector, 0);
            program.Attempt(a => CallTask(a, GateSelector));
            WriteGate(program, Gate, 0xe5, selector, 0);
            program.Attempt(a => a.@int(0x90));
            program.AttemptAsUser(a => a.@int(0x90));
        }
    }

    /// <summary>Selectors in the new task's state that are refused when it has been entered: another task is told.</summary>
    private static void TaskSegments(LegacyVectorProgram program, uint place)
    {
        PlaceTasks(program);
        program.IsBrief = true;
        for (int i = 0; i < HandledByTasks.Length; i++)
            WriteGate(program, LegacyVectorImage.Idt + (HandledByTasks[i] * 8u), 0x85, FirstHandler + (8 * i), 0);
        for (int type = 0; type < 32; type++)
        {
            foreach (int attributes in (ReadOnlySpan<int>)[0, 0x60, 0x80, 0xe0])
            {
                bool isPresent = (attributes & 0x80) != 0;
                program.Write(LegacyVectorImage.Gdt + OddSegment, 0xffff | ((ulong)(type | attributes) << 40) | 0x00cf_0000_0000_0000);

                // In an expand-down stack of 4 GiB nothing has room.
                if (place == Ss && (!isPresent || (type & 0x1e) == 0x16))
                    continue;
                program.Write(NewState + place, OddSegment | (place == Es ? 3u : 0));
                program.Attempt(a => LegacyVectorImage.JumpFar(a, NewTask, 0));
                program.Prepare(a => a.call(Reset));
            }
        }
    }

    private static void TaskSelectors(LegacyVectorProgram program)
    {
        PlaceTasks(program);
        for (int i = 0; i < HandledByTasks.Length; i++)
            WriteGate(program, LegacyVectorImage.Idt + (HandledByTasks[i] * 8u), 0x85, FirstHandler + (8 * i), 0);
        foreach (uint selector in (ReadOnlySpan<uint>)[0, 3, 0x100, LegacyVectorImage.KernelData | 3, LegacyVectorImage.UserCodeSelector, LegacyVectorImage.TestSelector | 4])
        {
            foreach (uint place in (ReadOnlySpan<uint>)[Cs, Ss, Gs, LocalTableOf])
            {
                program.Write(NewState + place, selector);
                TrySwitch(program, a => CallTask(a, NewTask));
            }
        }

        // A local table, with a segment in it.
        const uint Table = LegacyVectorImage.Data;
        program.Write(Table + 8, 0x00cf_9300_0000_fffful);
        program.Write(LegacyVectorImage.Gdt + TableSelector, 0xf | ((ulong)Table << 16) | (0x82ul << 40));
        program.Write(NewState + LocalTableOf, TableSelector);
        program.Write(NewState + Gs, 0xcu);
        program.Place(InNewTask, 32, 64, a => { a.sldt(eax); a.mov(ecx, gs); a.@int(VectorImage.NoteVector); });
        TrySwitch(program, a => LegacyVectorImage.JumpFar(a, NewTask, 0));
    }

    /// <summary>CR3 of the new task.</summary>
    private static void TasksWithPaging(LegacyVectorProgram program)
    {
        const uint WriteThrough = 8;
        PlaceTasks(program);
        program.Place(InNewTask, 32, 64, a => { a.mov(eax, cr3); a.@int(VectorImage.NoteVector); });
        program.Prepare(a => EnablePaging(a, isWide: false));
        program.Attempt(a => a.nop());
        foreach (uint directory in (ReadOnlySpan<uint>)[LegacyVectorImage.PageDirectory, LegacyVectorImage.PageDirectory | WriteThrough])
        {
            program.Write(NewState + 28, directory);
            TrySwitch(program, a => CallTask(a, NewTask));
        }

        // A state that is not mapped, or not to be written by the supervisor where the link goes.
        foreach (uint entry in (ReadOnlySpan<uint>)[0, 1])
        {
            program.Write(LegacyVectorImage.PageTable + ((NewState >> 12) * 4), (NewState & ~0xfffu) | entry);
            program.Prepare(Flush);
            if (entry == 0)
                program.Attempt(a => LegacyVectorImage.JumpFar(a, NewTask, 0));
            program.Attempt(a => CallTask(a, NewTask));
            program.Write(LegacyVectorImage.PageTable + ((NewState >> 12) * 4), (NewState & ~0xfffu) | 3);
            program.Prepare(a => { Flush(a); a.call(Reset); });
        }
    }
}
