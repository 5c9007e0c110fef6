// SPDX-License-Identifier: Apache-2.0
using System;
using System.Collections.Generic;
using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace Liminal.X86.Tests.Vectors;

/// <summary>The cases by name: segments, gates and far transfers. <see cref="VectorCases.All"/> is the list.</summary>
internal static partial class VectorCases
{
    public static IReadOnlyDictionary<string, Action<VectorProgram>> All { get; } = new Dictionary<string, Action<VectorProgram>>(StringComparer.Ordinal)
    {
        ["load-ds"] = program => LoadSweep(program, (a, selector) => { a.mov(ecx, selector); a.mov(ds, cx); }),
        ["load-fs"] = program => LoadSweep(program, (a, selector) => { a.mov(ecx, selector); a.mov(fs, cx); }),
        ["load-ss"] = program => LoadSweep(program, (a, selector) => { a.mov(ecx, selector); a.mov(ss, cx); a.nop(); }),
        ["lar"] = program => LoadSweep(program, (a, selector) => { a.mov(ecx, selector); a.lar(eax, ecx); Zero(a); }),
        ["lsl"] = program => LoadSweep(program, (a, selector) => { a.mov(ecx, selector); a.lsl(eax, ecx); Zero(a); }),
        ["verr"] = program => LoadSweep(program, (a, selector) => { a.mov(ecx, selector); a.verr(cx); Zero(a); }),
        ["verw"] = program => LoadSweep(program, (a, selector) => { a.mov(ecx, selector); a.verw(cx); Zero(a); }),
        ["lldt"] = program => LoadSweep(program, (a, selector) => { a.mov(ecx, selector); a.lldt(cx); }),
        ["ltr"] = program => LoadSweep(program, (a, selector) => { a.mov(ecx, selector); a.ltr(cx); a.mov(eax, __dword_ptr[VectorImage.Gdt + VectorImage.TestSelector + 4]); }),
        ["far-jump"] = program => FarSweep(program, isCall: false),
        ["far-call"] = program => FarSweep(program, isCall: true),
        ["far-return"] = FarReturns,
        ["iret-code"] = ReturnSweep,
        ["iret-misc"] = ReturnsOfAllKinds,
        ["gates"] = Gates,
        ["gates-user"] = GatesFromUser,
        ["call-gates"] = CallGates,
        ["idt-limit"] = InterruptTableLimit,
        ["double-fault"] = DoubleFault,
        ["triple-fault"] = TripleFault,
        ["stack-table"] = StackTable,
        ["cr0"] = ControlRegister0,
        ["cr8"] = ControlRegister8,
        ["efer"] = Efer,
        ["address-msrs"] = AddressMsrs,
        ["pat"] = PageAttributes,
        ["privileged-at-cpl3"] = Privileged,
        ["flags-at-cpl3"] = FlagsAtUser,
        ["ports-at-cpl3"] = PortsAtUser,
        ["umip"] = UserModePrevention,
        ["syscall"] = SystemCalls,
        ["sysenter"] = SystemEnters,
        ["page-supervisor"] = program => Pages(program, 0),
        ["page-smep-smap"] = program => Pages(program, (1 << 20) | (1 << 21)),
        ["page-no-wp"] = PagesWithoutWriteProtect,
        ["page-levels"] = Levels,
        ["accessed-dirty"] = AccessedAndDirty,
        ["non-canonical"] = NonCanonical,
        ["page-crossing"] = PageCrossing,
        ["debug-breakpoints"] = Breakpoints,
        ["debug-registers"] = DebugRegisters,
        ["fpu-alignment"] = FloatingPointAlignment,
        ["invalid-opcodes"] = InvalidOpcodes,
        ["compatibility-mode"] = CompatibilityMode,
    };

    private static void Zero(Assembler a)
    {
        a.setz(dl);
        a.movzx(edx, dl);
        a.shl(rdx, 40);
        a.or(rax, rdx);
    }

    /// <summary>Every type at DPL 0 and 3, present and not, named with RPL 0 and 3.</summary>
    private static void LoadSweep(VectorProgram program, Action<Assembler, int> load)
    {
        program.IsBrief = true;
        for (int type = 0; type < 32; type++)
        {
            // 16-bit TSS and call gate, and the task gate, do not exist in long mode; to QEMU they do.
            if (type is 1 or 3 or 4 or 5)
                continue;
            foreach (int dpl in (ReadOnlySpan<int>)[0, 3])
            {
                foreach (int present in (ReadOnlySpan<int>)[0, 0x80])
                {
                    foreach (int rpl in (ReadOnlySpan<int>)[0, 3])
                    {
                        WriteTest(program, (ulong)(type | (dpl << 5) | present) << 40);
                        program.Attempt(a => load(a, VectorImage.TestSelector | rpl));
                        program.A.mov(ecx, VectorImage.KernelData);
                        program.A.mov(ds, cx);
                    }
                }
            }
        }
    }

    private static void WriteTest(VectorProgram program, ulong attributes, ulong flags = 0x00a0_0000_0000_0000)
    {
        program.Write(VectorImage.Gdt + VectorImage.TestSelector, 0x5432 | attributes | flags);
        program.Write(VectorImage.Gdt + VectorImage.TestSelector + 8, 0);
    }

    private static void FarSweep(VectorProgram program, bool isCall)
    {
        program.IsBrief = true;
        program.Place(VectorImage.Data + 0x800, 64, a => a.@int(VectorImage.NoteVector));
        for (int type = 0; type < 32; type++)
        {
            foreach (int dpl in (ReadOnlySpan<int>)[0, 3])
            {
                foreach (int present in (ReadOnlySpan<int>)[0, 0x80])
                {
                    foreach (ulong size in (ReadOnlySpan<ulong>)[0x0080, 0x00a0, 0x00c0]) // L with D is #GP, which QEMU does not check
                    {
                        if (type is 1 or 3 or 5 or 9 or 11 or 4 or 12)
                            continue;
                        WriteTest(program, (ulong)(type | (dpl << 5) | present) << 40, (size << 48) | 0x000f_0000_0000_0000);
                        program.Write(VectorImage.Data, VectorImage.Data + 0x800 | ((ulong)VectorImage.TestSelector << 32));
                        program.Attempt(a =>
                        {
                            if (isCall)
                                a.call(__fword_ptr[VectorImage.Data]);
                            else
                                a.jmp(__fword_ptr[VectorImage.Data]);
                        });
                    }
                }
            }
        }
    }

    private static void FarReturns(VectorProgram program)
    {
        program.Place(VectorImage.UserCode + 0x8000, 64, a => { a.mov(eax, cs); a.@int(VectorImage.NoteVector); });
        program.Place(VectorImage.Data + 0x800, 64, a => a.@int(VectorImage.NoteVector));
        foreach (int selector in (ReadOnlySpan<int>)[VectorImage.UserCodeSelector, VectorImage.UserCode32Selector, VectorImage.KernelData, 0, 0x20, VectorImage.KernelCode | 3])
        {
            program.Attempt(a =>
            {
                a.push(VectorImage.UserDataSelector);
                a.push((int)VectorImage.UserStackTop);
                a.push(selector);
                a.push((int)VectorImage.UserCode + 0x8000);
                a.db(0x48, 0xcb);
            });
        }

        program.Attempt(a => { a.push(VectorImage.KernelCode); a.push((int)VectorImage.Data + 0x800); a.db(0x48, 0xcb); });
        program.Attempt(a => { a.push(0x55); a.push(VectorImage.KernelCode); a.push((int)VectorImage.Data + 0x800); a.db(0x48, 0xca, 8, 0); });
    }

    /// <summary>The stack is left out: one that is not present is #SS, which QEMU calls #NP.</summary>
    private static void ReturnSweep(VectorProgram program)
    {
        program.IsBrief = true;
        program.Place(VectorImage.UserCode + 0x8000, 64, a => a.@int(VectorImage.NoteVector));
        for (int type = 16; type < 32; type++)
        {
            foreach (int dpl in (ReadOnlySpan<int>)[0, 3])
            {
                foreach (int present in (ReadOnlySpan<int>)[0, 0x80])
                {
                    foreach (int rpl in (ReadOnlySpan<int>)[0, 3])
                    {
                        WriteTest(program, (ulong)(type | (dpl << 5) | present) << 40, 0x00af_0000_0000_0000ul);
                        int test = VectorImage.TestSelector | rpl;
                        int code = test;
                        int stack = rpl == 3 ? VectorImage.UserDataSelector : VectorImage.KernelData;
                        program.Attempt(a =>
                        {
                            a.push(stack);
                            a.push((int)(rpl == 3 ? VectorImage.UserStackTop : VectorImage.StackTop));
                            a.push(2);
                            a.push(code);
                            a.push((int)VectorImage.UserCode + 0x8000);
                            a.iretq();
                        });
                    }
                }
            }
        }
    }

    private static void ReturnsOfAllKinds(VectorProgram program)
    {
        program.Place(VectorImage.UserCode + 0x8000, 64, a => a.@int(VectorImage.NoteVector));
        void Iret(int stack, int flags, int code, ulong rip) => program.Attempt(a =>
        {
            a.push(stack);
            a.push((int)VectorImage.StackTop);
            a.push(flags);
            a.push(code);
            a.mov(rcx, rip);
            a.push(rcx);
            a.iretq();
        });
        Iret(0, 2, VectorImage.KernelCode, VectorImage.UserCode + 0x8000);                      // null SS at CPL 0
        Iret(3, 2, VectorImage.UserCodeSelector, VectorImage.UserCode + 0x8000);                // null SS at CPL 3

        // A target that is not canonical faults at the IRET on Intel; QEMU faults at the target.
        Iret(VectorImage.KernelData, 0x4002, VectorImage.KernelCode, VectorImage.UserCode + 0x8000);    // NT
        Iret(VectorImage.KernelData, 0x3200d7, VectorImage.KernelCode, VectorImage.UserCode + 0x8000);  // ID, VM, IF off
        program.Attempt(a => { a.pushfq(); a.or(__dword_ptr[rsp], 0x4000); a.popfq(); a.iretq(); });
        program.AttemptAsUser(a => { a.push(VectorImage.KernelData); a.push(0); a.push(2); a.push(VectorImage.KernelCode); a.push(0); a.iretq(); });
        program.AttemptAsUser(a =>
        {
            a.mov(rcx, rsp);
            a.push(VectorImage.UserDataSelector);
            a.push(rcx);
            a.push(0x3202);
            a.push(VectorImage.UserCodeSelector);
            a.push((int)VectorImage.UserCode + 0x8000);
            a.iretq();
        });
    }
}
