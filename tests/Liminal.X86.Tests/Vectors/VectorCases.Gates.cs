// SPDX-License-Identifier: Apache-2.0
using System;
using static Iced.Intel.AssemblerRegisters;

namespace Liminal.X86.Tests.Vectors;

/// <content>Interrupt gates, call gates, double faults, and the fast calls.</content>
internal static partial class VectorCases
{
    private const uint Gate = VectorImage.Idt + (0x90 * 16);
    private const uint Landing = VectorImage.Data + 0x800;

    private static void WriteGate(VectorProgram program, int attributes, int selector, ulong target, int stackTable = 0)
    {
        program.Write(Gate, (target & 0xffff) | ((ulong)selector << 16) | ((ulong)stackTable << 32) | ((ulong)attributes << 40) | (((target >> 16) & 0xffff) << 48));
        program.Write(Gate + 8, target >> 32);
    }

    /// <summary>Where gates lead: RSP, flags and selectors are those that the delivery left.</summary>
    private static void PlaceLanding(VectorProgram program) => program.Place(Landing, 64, a =>
    {
        a.mov(rax, rsp);
        a.mov(rcx, __[rsp]);
        a.mov(rdx, __[rsp + 8]);
        a.@int(VectorImage.NoteVector);
    });

    private static void Gates(VectorProgram program)
    {
        program.IsBrief = true;
        PlaceLanding(program);
        for (int type = 0; type < 32; type++)
        {
            foreach (int rest in (ReadOnlySpan<int>)[0x00, 0x80, 0xe0])
            {
                WriteGate(program, type | rest, VectorImage.KernelCode, Landing);
                program.Attempt(a => a.@int(0x90));
            }
        }

        foreach (int selector in (ReadOnlySpan<int>)[0, 3, VectorImage.KernelData, VectorImage.UserCodeSelector, VectorImage.UserCode32Selector, VectorImage.Boot32Code, 0xfff8, VectorImage.KernelCode | 3])
        {
            WriteGate(program, 0x8e, selector, Landing);
            program.Attempt(a => a.@int(0x90));
        }

        WriteGate(program, 0x8e, VectorImage.KernelCode, 0x8000_0000_0000);
        program.Attempt(a => a.@int(0x90));
        WriteGate(program, 0x8e, VectorImage.KernelCode, Landing, stackTable: 1);
        program.Attempt(a => a.@int(0x90));
        WriteGate(program, 0x8f, VectorImage.KernelCode, Landing);
        program.Attempt(a => { a.sti(); a.nop(); a.@int(0x90); });
        program.A.cli();
    }

    private static void GatesFromUser(VectorProgram program)
    {
        PlaceLanding(program);
        foreach (int attributes in (ReadOnlySpan<int>)[0x8e, 0xae, 0xce, 0xee, 0xef, 0x6e])
        {
            WriteGate(program, attributes, VectorImage.KernelCode, Landing);
            program.AttemptAsUser(a => a.@int(0x90));
        }

        WriteGate(program, 0xee, VectorImage.UserCodeSelector, Landing);
        program.AttemptAsUser(a => a.@int(0x90));
        WriteGate(program, 0xee, VectorImage.KernelCode, Landing, stackTable: 1);
        program.AttemptAsUser(a => a.@int(0x90));
        program.AttemptAsUser(a => a.int3());
        program.AttemptAsUser(a => a.@int(3));
        program.AttemptAsUser(a => a.ud2());
        program.AttemptAsUser(a => { a.xor(edx, edx); a.div(edx); });
        program.Attempt(a => a.int3());
    }

    private static void CallGates(VectorProgram program)
    {
        PlaceLanding(program);
        void WriteCallGate(int attributes, int selector, ulong high = 0)
        {
            program.Write(VectorImage.Gdt + VectorImage.TestSelector, (Landing & 0xffff) | ((ulong)selector << 16) | ((ulong)attributes << 40) | ((ulong)(Landing >> 16) << 48));
            program.Write(VectorImage.Gdt + VectorImage.TestSelector + 8, high);
        }

        program.Write(VectorImage.Data, 0x1234 | ((ulong)VectorImage.TestSelector << 32));
        program.Write(VectorImage.UserData, 0x1234 | ((ulong)(VectorImage.TestSelector | 3) << 32));
        foreach (int attributes in (ReadOnlySpan<int>)[0x8c, 0xec, 0x6c])
        {
            WriteCallGate(attributes, VectorImage.KernelCode);
            program.Attempt(a => a.call(__fword_ptr[VectorImage.Data]));
            program.AttemptAsUser(a => a.call(__fword_ptr[VectorImage.UserData]));
            program.AttemptAsUser(a => a.jmp(__fword_ptr[VectorImage.UserData]));
        }

        WriteCallGate(0xec, VectorImage.KernelData);
        program.Attempt(a => a.call(__fword_ptr[VectorImage.Data]));
        WriteCallGate(0xec, 0);
        program.Attempt(a => a.call(__fword_ptr[VectorImage.Data]));
        WriteCallGate(0xec, VectorImage.UserCode32Selector);
        program.AttemptAsUser(a => a.call(__fword_ptr[VectorImage.UserData]));
        WriteCallGate(0xec, VectorImage.KernelCode, 0x0000_0c00_0000_0000);
        program.Attempt(a => a.call(__fword_ptr[VectorImage.Data]));
    }

    private static void InterruptTableLimit(VectorProgram program)
    {
        // A limit of one descriptor less than vector 90h needs, then of half of it.
        foreach (int limit in (ReadOnlySpan<int>)[(0x90 * 16) - 1, (0x90 * 16) + 7, (0x90 * 16) + 14, (0x90 * 16) + 15])
        {
            WriteGate(program, 0x8e, VectorImage.KernelCode, Landing);
            program.Write(VectorImage.Data, (uint)limit | ((ulong)VectorImage.Idt << 16));
            program.Write(VectorImage.Data + 8, 0);
            PlaceLanding(program);
            program.A.lidt(__[VectorImage.Data]);
            program.Attempt(a => a.@int(0x90));
        }
    }

    private static void DoubleFault(VectorProgram program)
    {
        // #GP through a gate that is not present is #NP, and that while delivering #GP is #DF.
        program.Write(VectorImage.Idt + (13 * 16), 0);
        program.Attempt(a => { a.mov(rcx, 0x8000_0000_0000); a.mov(rax, __[rcx]); });
        program.Write(VectorImage.Idt + (6 * 16), 0);
        program.Attempt(a => a.ud2());
        program.Write(VectorImage.Idt + (14 * 16), 0);
        program.Attempt(a => { a.mov(ecx, 0x4000_0000); a.mov(rax, __[rcx]); });
    }

    private static void TripleFault(VectorProgram program)
    {
        program.Attempt(a => a.nop());
        program.Write(VectorImage.Idt + (8 * 16), 0);
        program.Write(VectorImage.Idt + (13 * 16), 0);
        program.Attempt(a => { a.mov(rcx, 0x8000_0000_0000); a.mov(rax, __[rcx]); });
    }

    private static void StackTable(VectorProgram program)
    {
        PlaceLanding(program);
        WriteGate(program, 0xee, VectorImage.KernelCode, Landing);

        // The inner stack is not canonical, not mapped, and read-only.
        program.Write(VectorImage.Task + 4, 0x9000_0000_0000);
        program.Write(VectorImage.Idt + (14 * 16), ((ulong)0x0011_8e01 << 32) | ((ulong)VectorImage.KernelCode << 16) | 0xe0);
        program.Write(VectorImage.Idt + (12 * 16), ((ulong)0x0011_8e01 << 32) | ((ulong)VectorImage.KernelCode << 16) | 0xc0);
        program.Write(VectorImage.Idt + (8 * 16), ((ulong)0x0011_8e01 << 32) | ((ulong)VectorImage.KernelCode << 16) | 0x80);
        program.AttemptAsUser(a => a.@int(0x90));
        program.Write(VectorImage.Task + 4, 0x4000_0000);
        program.AttemptAsUser(a => a.@int(0x90));
    }

    private static void SystemCalls(VectorProgram program)
    {
        program.Place(Landing, 64, a => { a.mov(ax, cs); a.mov(dx, ss); a.@int(VectorImage.NoteVector); });
        WriteMsr(program, 0xc000_0081, ((ulong)VectorImage.KernelCode << 32) | (0x13ul << 48));
        WriteMsr(program, 0xc000_0082, Landing);
        WriteMsr(program, 0xc000_0084, 0x4700);
        program.AttemptAsUser(a => a.syscall(), 0x202); // QEMU loses the arithmetic flags
        program.AttemptAsUser(a => { a.mov(ecx, 1); a.sysretq(); });
        program.Place(VectorImage.UserCode + 0x8000, 64, a => { a.mov(ax, cs); a.mov(dx, ss); a.@int(VectorImage.NoteVector); });
        program.Attempt(a =>
        {
            a.mov(ecx, VectorImage.UserCode + 0x8000);
            a.mov(r11, 0xfff_ffff);
            a.and(r11, -0x1b0301); // VIF and VIP, which QEMU leaves out
            a.mov(esp, VectorImage.UserStackTop);
            a.sysretq();
        });
        program.Attempt(a => { a.mov(ecx, VectorImage.UserCode + 0x8000); a.mov(r11d, 2); a.mov(esp, VectorImage.UserStackTop); a.sysret(); });
        WriteMsr(program, 0xc000_0080, 0xd00);
        program.AttemptAsUser(a => a.syscall());
        program.Attempt(a => a.sysretq());
    }

    private static void SystemEnters(VectorProgram program)
    {
        program.Place(Landing, 64, a => { a.mov(ax, cs); a.mov(dx, ss); a.@int(VectorImage.NoteVector); });
        program.AttemptAsUser(a => a.sysenter());
        program.Attempt(a => a.sysexit());
        WriteMsr(program, 0x174, VectorImage.KernelCode);
        WriteMsr(program, 0x175, VectorImage.OtherStackTop);
        WriteMsr(program, 0x176, Landing);
        program.AttemptAsUser(a => a.sysenter(), 0x2d7);
        program.AttemptAsUser(a => a.sysenter(), 2, VectorImage.UserCode32Selector);
        program.AttemptAsUser(a => a.sysexit());
        program.Place(VectorImage.UserCode + 0x8000, 64, a => { a.mov(ax, cs); a.mov(dx, ss); a.@int(VectorImage.NoteVector); });
        program.Attempt(a => { a.mov(ecx, VectorImage.UserStackTop); a.mov(edx, VectorImage.UserCode + 0x8000); a.sysexitq(); });
        program.Attempt(a => { a.mov(ecx, VectorImage.UserStackTop); a.mov(edx, VectorImage.UserCode + 0x8000); a.sysexit(); });
    }
}
