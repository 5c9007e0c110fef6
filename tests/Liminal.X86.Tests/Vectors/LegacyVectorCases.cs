// SPDX-License-Identifier: Apache-2.0
using System;
using System.Collections.Generic;
using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace Liminal.X86.Tests.Vectors;

/// <summary>The cases outside long mode by name: segments, gates, far transfers and tasks in protected mode, virtual-8086 mode, real mode.</summary>
internal static partial class LegacyVectorCases
{
    private const uint Landing = LegacyVectorImage.Data + 0x800;
    private const uint Test = LegacyVectorImage.Gdt + LegacyVectorImage.TestSelector;
    private const uint Gate = LegacyVectorImage.Idt + (0x90 * 8);

    public static IReadOnlyDictionary<string, Action<LegacyVectorProgram>> All { get; } = new Dictionary<string, Action<LegacyVectorProgram>>(StringComparer.Ordinal)
    {
        ["protected-load-ds"] = program => LoadSweep(program, (a, selector) => { a.mov(ecx, selector); a.mov(ds, cx); }),
        ["protected-load-ss"] = program => LoadSweep(program, (a, selector) => { a.mov(ecx, selector); a.mov(ss, cx); a.nop(); }, isStack: true),
        ["protected-pop-fs"] = program => LoadSweep(program, (a, selector) => { a.push(selector); a.pop(fs); }),
        ["protected-lar"] = program => LoadSweep(program, (a, selector) => { a.mov(ecx, selector); a.lar(eax, ecx); a.and(eax, unchecked((int)0xfff0_ffff)); }),   // bits 19:16 are undefined
        ["protected-lsl"] = program => LoadSweep(program, (a, selector) => { a.mov(ecx, selector); a.lsl(eax, ecx); }),
        ["protected-verr"] = program => LoadSweep(program, (a, selector) => { a.mov(ecx, selector); a.verr(cx); a.setz(al); }),
        ["protected-verw"] = program => LoadSweep(program, (a, selector) => { a.mov(ecx, selector); a.verw(cx); a.setz(al); }),
        ["protected-lldt"] = program => LoadSweep(program, (a, selector) => { a.mov(ecx, selector); a.lldt(cx); }),
        ["protected-ltr"] = program => LoadSweep(program, (a, selector) => { a.mov(ecx, selector); a.ltr(cx); a.mov(eax, __dword_ptr[Test + 4]); }),
        ["protected-far-jump"] = program => FarSweep(program, LegacyVectorImage.JumpFar),
        ["protected-far-call"] = program => FarSweep(program, (a, selector, target) => { a.db(0x9a); a.dd(target); a.dw(selector); }),
        ["protected-far-return"] = program => ReturnSweep(program, isInterrupt: false),
        ["protected-iret"] = program => ReturnSweep(program, isInterrupt: true),
        ["protected-flags"] = Flags,
        ["protected-gates"] = Gates,
        ["protected-gates-user"] = GatesFromUser,
        ["protected-call-gates"] = CallGates,
        ["protected-inner-stack"] = InnerStacks,
        ["protected-privileged"] = Privileged,
        ["protected-local-table"] = LocalTable,
        ["protected-16-bit"] = NarrowCode,
        ["tasks"] = Tasks,
        ["tasks-returns"] = TaskReturns,
        ["tasks-refused"] = TasksRefused,
        ["tasks-es"] = program => TaskSegments(program, Es),
        ["tasks-cs"] = program => TaskSegments(program, Cs),
        ["tasks-ss"] = program => TaskSegments(program, Ss),
        ["tasks-ldt"] = program => TaskSegments(program, LocalTableOf),
        ["tasks-selectors"] = TaskSelectors,
        ["tasks-paging"] = TasksWithPaging,
        ["virtual-8086"] = Virtual,
        ["virtual-8086-segments"] = VirtualSegments,
        ["virtual-8086-entries"] = VirtualEntries,
        ["paging-32"] = program => Pages(program, isWide: false),
        ["paging-pae"] = program => Pages(program, isWide: true),
        ["paging-32-bits"] = EntryBits,
        ["real-interrupts"] = RealInterrupts,
        ["real-transfers"] = RealTransfers,
        ["real-stack"] = RealStack,
        ["real-system"] = RealSystem,
        ["real-addresses"] = RealAddresses,
        ["real-strings"] = RealStrings,
        ["real-arithmetic"] = RealArithmetic,
    };

    /// <summary>Every type at DPL 0 and 3, present and not, named with RPL 0 and 3.</summary>
    private static void LoadSweep(LegacyVectorProgram program, Action<Assembler, int> load, bool isStack = false)
    {
        const int ExpandDown = 0x16;
        program.IsBrief = true;
        for (int type = 0; type < 32; type++)
        {
            // No offset is inside an expand-down segment of 4 GiB, so nothing could be pushed; QEMU looks at no limits.
            if (isStack && (type & 0x1e) == ExpandDown)
                continue;
            foreach (int attributes in (ReadOnlySpan<int>)[0, 0x60, 0x80, 0xe0])
            {
                foreach (int rpl in (ReadOnlySpan<int>)[0, 3])
                {
                    program.Write(Test, 0xffff | ((ulong)(type | attributes) << 40) | 0x00cf_0000_0000_0000);
                    program.Attempt(a => load(a, LegacyVectorImage.TestSelector | rpl));
                }
            }
        }
    }

    private static void PlaceLanding(LegacyVectorProgram program) => program.Place(Landing, 32, 64, a =>
    {
        a.mov(eax, esp);
        a.mov(ecx, __dword_ptr[esp]);
        a.mov(edx, __dword_ptr[esp + 4]);
        a.mov(ebx, __dword_ptr[esp + 8]);
        a.@int(VectorImage.NoteVector);
    });

    private static void FarSweep(LegacyVectorProgram program, Action<Assembler, ushort, uint> transfer)
    {
        program.IsBrief = true;
        PlaceLanding(program);
        for (int type = 0; type < 32; type++)
        {
            // Gates are cases of their own.
            if (type is 1 or 3 or 4 or 5 or 9 or 0xb or 0xc)
                continue;
            foreach (int attributes in (ReadOnlySpan<int>)[0, 0x60, 0x80, 0xe0])
            {
                foreach (int rpl in (ReadOnlySpan<int>)[0, 3])
                {
                    program.Write(Test, 0xffff | ((ulong)(type | attributes) << 40) | 0x00cf_0000_0000_0000);
                    program.Attempt(a => transfer(a, (ushort)(LegacyVectorImage.TestSelector | rpl), Landing));
                }
            }
        }

        foreach (int selector in (ReadOnlySpan<int>)[0, 3, 0xf8, 0x100, LegacyVectorImage.TestSelector | 4])
            program.Attempt(a => transfer(a, (ushort)selector, Landing));

        // A target behind the limit is in SegmentLimitTests: QEMU's error code for a call names the segment, the manual's is 0.
        program.Place(VectorImage.UserCode + 0x8000, 32, 64, a => a.@int(VectorImage.NoteVector));
        program.AttemptAsUser(a => transfer(a, LegacyVectorImage.UserCodeSelector, VectorImage.UserCode + 0x8000));
    }

    /// <summary>Far returns to the same and to the outer level, with every kind of code and of stack segment.</summary>
    private static void ReturnSweep(LegacyVectorProgram program, bool isInterrupt)
    {
        program.IsBrief = !isInterrupt;
        PlaceLanding(program);
        program.Place(VectorImage.UserCode + 0x8000, 32, 64, a => a.@int(VectorImage.NoteVector));
        void Return(int selector, uint target, int stack) => program.Attempt(a =>
        {
            a.push(stack);
            a.push((int)VectorImage.UserStackTop);
            if (isInterrupt)
                a.push(0xcd7);
            a.push(selector);
            a.push((int)target);
            if (isInterrupt)
                a.iretd();
            else
                a.retf();
        });
        for (int type = 0; type < 32; type++)
        {
            foreach (int attributes in (ReadOnlySpan<int>)[0x60, 0x80, 0xe0])
            {
                program.Write(Test, 0xffff | ((ulong)(type | attributes) << 40) | 0x00cf_0000_0000_0000);
                Return(LegacyVectorImage.TestSelector, Landing, LegacyVectorImage.UserDataSelector);
                Return(LegacyVectorImage.TestSelector | 3, VectorImage.UserCode + 0x8000, LegacyVectorImage.UserDataSelector);

                // A stack that is not present is #SS; QEMU says #NP.
                if (attributes == 0xe0)
                    Return(LegacyVectorImage.UserCodeSelector, VectorImage.UserCode + 0x8000, LegacyVectorImage.TestSelector | 3);
            }
        }

        Return(0, Landing, LegacyVectorImage.UserDataSelector);
        Return(LegacyVectorImage.UserCodeSelector, VectorImage.UserCode + 0x8000, 0);
        Return(LegacyVectorImage.UserCodeSelector, VectorImage.UserCode + 0x8000, LegacyVectorImage.KernelData);
        program.AttemptAsUser(a => { a.push(LegacyVectorImage.KernelCode); a.push((int)Landing); a.retf(); });
    }

    private static void Flags(LegacyVectorProgram program)
    {
        foreach (uint flags in (ReadOnlySpan<uint>)[2, 0x202, 0x3002, 0x3202])
        {
            program.AttemptAsUser(a => { a.push(0x24_3dd5 & ~0x4100); a.popfd(); a.pushfd(); a.pop(eax); }, flags);
            program.AttemptAsUser(a => { a.push(0); a.popfd(); a.pushfd(); a.pop(eax); }, flags);
            program.AttemptAsUser(a => { a.db(0x66, 0x6a, 0x55, 0x66, 0x9d); a.pushfd(); a.pop(eax); }, flags);
            program.AttemptAsUser(a => { a.cli(); a.pushfd(); a.pop(eax); }, flags);
            program.AttemptAsUser(a => { a.sti(); a.pushfd(); a.pop(eax); }, flags);
        }

        program.Attempt(a => { a.push(0x24_7ed7 & ~0x4200); a.popfd(); a.pushfd(); a.pop(eax); a.push(2); a.popfd(); });
    }

    private static void WriteGate(LegacyVectorProgram program, uint entry, int attributes, int selector, uint target, int parameters = 0)
        => program.Write(entry, (target & 0xffff) | ((ulong)selector << 16) | ((ulong)parameters << 32) | ((ulong)attributes << 40) | ((ulong)(target >> 16) << 48));

    private static void Gates(LegacyVectorProgram program)
    {
        PlaceLanding(program);
        for (int type = 0; type < 32; type++)
        {
            // Task gates are cases of their own; a 16-bit gate leads to the low 64 KiB, where nothing is.
            if (type is 5 or 6 or 7)
                continue;
            foreach (int rest in (ReadOnlySpan<int>)[0x00, 0x80, 0xe0])
            {
                WriteGate(program, Gate, type | rest, LegacyVectorImage.KernelCode, Landing);
                program.Attempt(a => a.@int(0x90));
            }
        }

        foreach (int selector in (ReadOnlySpan<int>)[0, 3, LegacyVectorImage.KernelData, LegacyVectorImage.UserCodeSelector, 0xf8, 0x100, LegacyVectorImage.KernelCode | 3])
        {
            WriteGate(program, Gate, 0x8e, selector, Landing);
            program.Attempt(a => a.@int(0x90));
        }

        program.Place(0x9000, 32, 64, a => { a.mov(eax, esp); a.mov(ecx, __dword_ptr[esp]); a.mov(edx, __dword_ptr[esp + 4]); a.@int(VectorImage.NoteVector); });
        foreach (int attributes in (ReadOnlySpan<int>)[0x86, 0x87])
        {
            WriteGate(program, Gate, attributes, LegacyVectorImage.KernelCode, 0x9000);
            program.Attempt(a => a.@int(0x90));
        }

        program.Attempt(a => a.int3());
        program.Attempt(a => { a.mov(al, 0x7f); a.inc(al); a.into(); });
        program.Attempt(a => a.into());
        program.Attempt(a => a.ud2());
        program.Attempt(a => { a.xor(edx, edx); a.div(edx); });
    }

    private static void GatesFromUser(LegacyVectorProgram program)
    {
        PlaceLanding(program);
        foreach (int attributes in (ReadOnlySpan<int>)[0x8e, 0xae, 0xce, 0xee, 0xef, 0x6e, 0xe6])
        {
            WriteGate(program, Gate, attributes, LegacyVectorImage.KernelCode, attributes == 0xe6 ? 0x9000 : Landing);
            program.AttemptAsUser(a => a.@int(0x90));
        }

        program.Place(0x9000, 32, 64, a => { a.mov(eax, esp); a.mov(ecx, __dword_ptr[esp]); a.mov(edx, __dword_ptr[esp + 4]); a.@int(VectorImage.NoteVector); });
        WriteGate(program, Gate, 0xee, LegacyVectorImage.UserCodeSelector, Landing);
        program.AttemptAsUser(a => a.@int(0x90));
        program.AttemptAsUser(a => a.int3());
        program.AttemptAsUser(a => a.ud2());
        program.AttemptAsUser(a => a.@int(0x80));

        // A conforming handler stays at the level of whom it interrupts.
        program.Write(Test, 0x00cf_9f00_0000_ffff);
        program.Place(VectorImage.UserCode + 0x8000, 32, 64, a => { a.mov(eax, esp); a.@int(VectorImage.NoteVector); });
        WriteGate(program, Gate, 0xee, LegacyVectorImage.TestSelector, VectorImage.UserCode + 0x8000);
        program.AttemptAsUser(a => a.@int(0x90));
    }

    private static void CallGates(LegacyVectorProgram program)
    {
        PlaceLanding(program);
        foreach (int attributes in (ReadOnlySpan<int>)[0x8c, 0xec, 0x6c])
        {
            foreach (int parameters in (ReadOnlySpan<int>)[0, 1, 3])
            {
                WriteGate(program, Test, attributes, LegacyVectorImage.KernelCode, Landing, parameters);
                program.Attempt(Call);
                program.AttemptAsUser(CallAsUser);
            }

            program.AttemptAsUser(a => LegacyVectorImage.JumpFar(a, LegacyVectorImage.TestSelector | 3, 0));
            program.Attempt(a => LegacyVectorImage.JumpFar(a, LegacyVectorImage.TestSelector, 0));
        }

        foreach (int selector in (ReadOnlySpan<int>)[0, LegacyVectorImage.KernelData, LegacyVectorImage.UserCodeSelector, 0xf8])
        {
            WriteGate(program, Test, 0xec, selector, Landing);
            program.Attempt(Call);
            program.AttemptAsUser(CallAsUser);
        }

        program.Place(0x9000, 32, 64, a => { a.mov(eax, esp); a.mov(ecx, __dword_ptr[esp]); a.mov(edx, __dword_ptr[esp + 4]); a.@int(VectorImage.NoteVector); });
        WriteGate(program, Test, 0xe4, LegacyVectorImage.KernelCode, 0x9000, 2);
        program.Attempt(Call);
        program.AttemptAsUser(CallAsUser);
        static void Call(Assembler a)
        {
            a.push(0x11);
            a.push(0x22);
            a.push(0x33);
            a.db(0x9a);
            a.dd(0);
            a.dw(LegacyVectorImage.TestSelector);
        }

        static void CallAsUser(Assembler a)
        {
            a.push(0x11);
            a.push(0x22);
            a.push(0x33);
            a.db(0x9a);
            a.dd(0);
            a.dw(LegacyVectorImage.TestSelector | 3);
        }
    }

    /// <summary>SS0 in the TSS of every kind.</summary>
    private static void InnerStacks(LegacyVectorProgram program)
    {
        PlaceLanding(program);
        WriteGate(program, Gate, 0xee, LegacyVectorImage.KernelCode, Landing);

        // The handlers of #TS, #SS and #GP need a stack as well: a conforming segment stays at the user's level. Without paging the user can repair the TSS.
        program.Write(Test, 0x00cf_9f00_0000_ffff);
        program.Place(VectorImage.UserCode + 0x8000, 32, 64, a =>
        {
            a.mov(eax, __dword_ptr[esp]);
            a.mov(__dword_ptr[LegacyVectorImage.Task + 8], (int)LegacyVectorImage.KernelData);
            a.@int(VectorImage.NoteVector);
        });
        foreach (uint vector in (ReadOnlySpan<uint>)[10, 12, 13])
            WriteGate(program, LegacyVectorImage.Idt + (vector * 8), 0x8e, LegacyVectorImage.TestSelector, VectorImage.UserCode + 0x8000);
        foreach (int selector in (ReadOnlySpan<int>)[0, LegacyVectorImage.KernelData | 3, LegacyVectorImage.UserDataSelector, LegacyVectorImage.KernelCode, 0xf8])
        {
            program.Write(LegacyVectorImage.Task + 8, (uint)selector);
            program.AttemptAsUser(a => a.@int(0x90));
        }
    }
}
