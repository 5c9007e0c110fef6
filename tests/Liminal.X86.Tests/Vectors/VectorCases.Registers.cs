// SPDX-License-Identifier: Apache-2.0
using System;
using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace Liminal.X86.Tests.Vectors;

/// <content>Control registers, MSRs, and what CPL 3 may not do.</content>
internal static partial class VectorCases
{
    private static void WriteMsr(VectorProgram program, uint index, ulong value)
    {
        program.A.mov(ecx, index);
        program.A.mov(eax, (uint)value);
        program.A.mov(edx, (uint)(value >> 32));
        program.A.wrmsr();
    }

    private static void ControlRegister0(VectorProgram program)
    {
        program.IsBrief = true;
        program.A.mov(r12, cr0);
        for (int bit = 0; bit < 64; bit++)
        {
            // Left out: reserved bits, and the checks of PE, PG and NW, none of which QEMU knows.
            if (bit is not (1 or 2 or 3 or 4 or 5 or 16 or 18 or 30))
                continue;
            program.Attempt(a => { a.mov(rcx, r12); a.mov(rdx, 1ul << bit); a.xor(rcx, rdx); a.mov(cr0, rcx); a.mov(rax, cr0); a.mov(cr0, r12); });
            program.A.mov(cr0, r12);
        }

        program.Attempt(a => { a.mov(rcx, r12); a.or(ecx, 0x6000_0000); a.mov(cr0, rcx); a.mov(rax, cr0); a.mov(cr0, r12); });
        program.Attempt(a => { a.or(r12, 8); a.mov(cr0, r12); a.clts(); a.mov(rax, cr0); });
        program.Attempt(a => { a.mov(ecx, 0xfffe); a.lmsw(cx); a.mov(rax, cr0); });
        program.Attempt(a => a.smsw(rax));
    }

    private static void ControlRegister8(VectorProgram program)
    {
        program.IsBrief = true;
        foreach (int number in (ReadOnlySpan<int>)[1, 5, 6, 7, 9, 15])
        {
            program.Attempt(a => { if (number > 7) a.db(0x44); a.db(0x0f, 0x20, (byte)(0xc0 | ((number & 7) << 3))); });
            program.Attempt(a => { if (number > 7) a.db(0x44); a.db(0x0f, 0x22, (byte)(0xc0 | ((number & 7) << 3))); });
        }
    }

    private static void Efer(VectorProgram program)
    {
        program.IsBrief = true;
        for (int bit = 0; bit < 64; bit++)
        {
            // QEMU ignores reserved bits, LME while paging is on, and LMA; the manual says #GP.
            if (bit is not (0 or 11))
                continue;
            program.Attempt(a =>
            {
                a.mov(ecx, 0xc000_0080);
                a.rdmsr();
                if (bit < 32)
                    a.xor(eax, (int)(1u << bit));
                else
                    a.xor(edx, (int)(1u << (bit - 32)));
                a.wrmsr();
                a.rdmsr();
            });
            WriteMsr(program, 0xc000_0080, 0x901);
        }
    }

    private static void AddressMsrs(VectorProgram program)
    {
        program.IsBrief = true;
        foreach (uint index in (ReadOnlySpan<uint>)[0x175, 0x176, 0xc000_0082, 0xc000_0083, 0xc000_0100, 0xc000_0101, 0xc000_0102])
        {
            foreach (ulong value in (ReadOnlySpan<ulong>)[0x7fff_ffff_ffff, 0xffff_8000_0000_0000])
            {
                program.Attempt(a =>
                {
                    a.mov(ecx, index);
                    a.mov(eax, (uint)value);
                    a.mov(edx, (uint)(value >> 32));
                    a.wrmsr();
                    a.rdmsr();
                    a.shl(rdx, 32);
                    a.or(rax, rdx);
                });
            }
        }
    }

    private static void PageAttributes(VectorProgram program)
    {
        program.IsBrief = true;
        foreach (uint type in (ReadOnlySpan<uint>)[0, 1, 4, 5, 6, 7])
            program.Attempt(a => { a.mov(ecx, 0x277); a.mov(eax, 0x0007_0400 | type); a.mov(edx, 0x0007_0406); a.wrmsr(); a.rdmsr(); });
    }

    private static void Privileged(VectorProgram program)
    {
        program.IsBrief = true;
        Action<Assembler>[] instructions =
        [
            a => a.hlt(), a => a.clts(), a => a.lmsw(cx), a => a.lgdt(__[VectorImage.UserData]), a => a.lidt(__[VectorImage.UserData]), a => a.lldt(cx),
            a => a.ltr(cx), a => a.mov(cr0, rcx), a => a.mov(rcx, cr0), a => a.mov(cr3, rcx), a => a.mov(rcx, cr4), a => a.mov(dr0, rcx), a => a.mov(rcx, dr7),
            a => a.invlpg(__[VectorImage.UserData]), a => a.wbinvd(), a => a.invd(), a => a.rdmsr(), a => a.wrmsr(), a => a.swapgs(), a => a.cli(), a => a.sti(),
            a => a.@in(al, 0x80), a => a.@out(0x80, al), a => a.sysretq(), a => a.clac(), a => a.stac(), a => a.xsetbv(),
            a => a.smsw(eax), a => a.sldt(ecx), a => a.str(ecx), a => a.verr(cx), a => a.rdtsc(), a => { a.cpuid(); a.xor(eax, eax); },
        ];
        foreach (Action<Assembler> instruction in instructions)
            program.AttemptAsUser(a => { instruction(a); a.xor(eax, eax); });
    }

    private static void FlagsAtUser(VectorProgram program)
    {
        foreach (ulong flags in (ReadOnlySpan<ulong>)[2, 0x202, 0x3002, 0x3202])
        {
            program.AttemptAsUser(a => { a.push(0x24_7dd5 & ~0x100); a.popfq(); a.pushfq(); a.pop(rax); }, flags);
            program.AttemptAsUser(a => { a.push(0); a.popfq(); a.pushfq(); a.pop(rax); }, flags);
            program.AttemptAsUser(a => { a.push(-1 & ~0x100); a.popf(); a.pushfq(); a.pop(rax); }, flags);
            program.AttemptAsUser(a => { a.cli(); a.pushfq(); a.pop(rax); }, flags);
            program.AttemptAsUser(a => { a.sti(); a.pushfq(); a.pop(rax); }, flags);
        }

        program.Attempt(a => { a.push(0x3f_7ed7); a.popfq(); a.pushfq(); a.pop(rax); a.push(2); a.popfq(); });
    }

    private static void PortsAtUser(VectorProgram program)
    {
        program.IsBrief = true;
        program.AttemptAsUser(a => { a.@in(al, 0x80); a.xor(eax, eax); });
        program.AttemptAsUser(a => { a.@in(al, 0x80); a.xor(eax, eax); }, 0x3002);

        // A bitmap that allows ports 80h to 87h but for 82h, with its last byte at the limit.
        program.Write(VectorImage.Gdt + VectorImage.TaskSelector, 0x0079 | ((ulong)VectorImage.Task << 16) | (0x89ul << 40));
        program.Write(VectorImage.Task + 0x68, ulong.MaxValue);
        program.Write(VectorImage.Task + 0x70, ulong.MaxValue);
        program.Write(VectorImage.Task + 0x78, 0xff04);
        program.A.mov(ecx, VectorImage.TaskSelector);
        program.A.ltr(cx);
        foreach (int port in (ReadOnlySpan<int>)[0x80, 0x82, 0x84, 0x87, 0x88, 0x90])
        {
            program.AttemptAsUser(a => { a.@out((byte)port, al); a.xor(eax, eax); });
            program.AttemptAsUser(a => { a.@out((byte)port, ax); a.xor(eax, eax); });
            program.AttemptAsUser(a => { a.@out((byte)port, eax); a.xor(eax, eax); });
        }
    }

    private static void UserModePrevention(VectorProgram program)
    {
        program.IsBrief = true;
        Action<Assembler>[] instructions =
        [
            a => a.sgdt(__[VectorImage.UserData]), a => a.sidt(__[VectorImage.UserData]), a => a.sldt(ecx), a => a.str(ecx), a => a.smsw(ecx),
        ];
        foreach (int bit in (ReadOnlySpan<int>)[0, 1 << 11])
        {
            program.A.mov(rcx, cr4);
            program.A.or(ecx, bit);
            program.A.mov(cr4, rcx);
            foreach (Action<Assembler> instruction in instructions)
            {
                program.AttemptAsUser(a => { instruction(a); a.xor(eax, eax); });
                program.Attempt(a => { instruction(a); a.xor(eax, eax); });
            }
        }
    }
}
