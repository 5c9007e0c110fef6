// SPDX-License-Identifier: Apache-2.0
using System;
using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace Liminal.X86.Tests.Vectors;

/// <content>Page faults, accessed and dirty bits, canonical addresses.</content>
internal static partial class VectorCases
{
    private const uint Page = VectorImage.Data + 0x4000;
    private const uint PageEntry = VectorImage.FirstTable + ((Page >> 12) * 8);

    /// <summary>Reads, writes and executes a page under every combination of P, W, U and NX; RAX is the entry afterwards.</summary>
    private static void Pages(VectorProgram program, int controlBits)
    {
        program.IsBrief = true;
        program.Place(Page, 64, a => { a.mov(rax, __[PageEntry]); a.nop(); a.@int(VectorImage.NoteVector); });
        program.A.mov(rcx, cr4);
        program.A.or(ecx, controlBits);
        program.A.mov(cr4, rcx);
        for (int bits = 0; bits < 16; bits++)
        {
            ulong entry = Page | (uint)(bits & 7) | ((bits & 8) != 0 ? 1ul << 63 : 0);
            for (int kind = 0; kind < 4; kind++)
            {
                if (kind == 3 && controlBits == 0)
                    continue;
                program.Write(PageEntry, entry);
                program.A.invlpg(__[Page]);
                Action<Assembler> access = kind switch
                {
                    0 => a => a.mov(cl, __byte_ptr[Page + 0x10]),
                    1 => a => a.mov(__byte_ptr[Page + 0x800], cl),
                    2 => a => { a.mov(ecx, Page + 8); a.jmp(rcx); }
                    ,
                    _ => a => { a.stac(); a.mov(cl, __byte_ptr[Page + 0x10]); a.clac(); }
                    ,
                };
                program.Attempt(access);
                program.A.push(2);
                program.A.popfq();
                program.Attempt(a => a.mov(rax, __[PageEntry]));
            }
        }
    }

    private static void PagesWithoutWriteProtect(VectorProgram program)
    {
        program.IsBrief = true;
        program.A.mov(rcx, cr0);
        program.A.and(ecx, ~(1 << 16));
        program.A.mov(cr0, rcx);
        for (uint bits = 0; bits < 8; bits++)
        {
            program.Write(PageEntry, Page | bits);
            program.A.invlpg(__[Page]);
            program.Attempt(a => a.mov(__byte_ptr[Page], cl));
            program.AttemptAsUser(a => a.mov(__byte_ptr[Page], cl));
            program.Attempt(a => a.mov(rax, __[PageEntry]));
        }
    }

    /// <summary>Large pages of 2 MiB and 1 GiB, and where a missing level shows.</summary>
    private static void Levels(VectorProgram program)
    {
        program.Write(VectorImage.Pointers + 8, 0x83);
        program.Write(VectorImage.Directory + 16, 0x83);
        program.A.mov(rcx, cr3);
        program.A.mov(cr3, rcx);
        program.Attempt(a => { a.mov(ecx, 0x4010_0000); a.mov(eax, __dword_ptr[rcx]); });
        program.Attempt(a => { a.mov(ecx, 0x50_0000); a.mov(eax, __dword_ptr[rcx]); });
        program.Attempt(a => { a.mov(ecx, 0x60_0000); a.mov(eax, __dword_ptr[rcx]); });
        program.Attempt(a => { a.mov(rcx, 0x8000_0000); a.mov(eax, __dword_ptr[rcx]); });
        program.Attempt(a => { a.mov(rcx, 0x80_0000_0000); a.mov(eax, __dword_ptr[rcx]); });
        program.Attempt(a => a.mov(rax, __[VectorImage.Pointers + 8]));
        program.Attempt(a => a.mov(rax, __[VectorImage.Directory + 16]));
    }

    private static void AccessedAndDirty(VectorProgram program)
    {
        void Fresh()
        {
            program.Write(PageEntry, Page | 7);
            program.Write(VectorImage.Directory + 8, 0x20_0083);
            program.A.mov(rcx, cr3);
            program.A.mov(cr3, rcx);
        }

        Action<Assembler>[] accesses =
        [
            a => a.mov(cl, __byte_ptr[Page]), a => a.mov(__byte_ptr[Page], cl), a => a.@lock.inc(__byte_ptr[Page]), a => a.cmpxchg(__[Page], rcx),
            a => { a.mov(ecx, 0x20_0000); a.mov(rdx, __[rcx]); }, a => { a.mov(ecx, 0x20_0000); a.mov(__[rcx], rdx); },
            a => a.verw(__word_ptr[Page]), a => a.bt(__dword_ptr[Page], 3), a => a.bts(__dword_ptr[Page], 3), a => a.prefetcht0(__[Page]), a => a.invlpg(__[Page]),
        ]; // CLFLUSH sets A, but not in QEMU
        foreach (Action<Assembler> access in accesses)
        {
            Fresh();
            program.Attempt(access);
            program.Attempt(a => { a.mov(rax, __[PageEntry]); a.mov(rdx, __[VectorImage.Directory + 8]); });
        }

        // A write that faults leaves D alone.
        program.Write(PageEntry, Page | 1);
        program.A.invlpg(__[Page]);
        program.Attempt(a => a.mov(__byte_ptr[Page], cl));
        program.Attempt(a => a.mov(rax, __[PageEntry]));
    }

    private static void NonCanonical(VectorProgram program)
    {
        const ulong Hole = 0x8000_0000_0000;

        // Where the stack pointer itself is not canonical, only a stack of its own can take the event. Accesses through the stack segment are left out:
        // QEMU raises #GP where the manual has #SS; see NonCanonicalStackTests.
        foreach (uint vector in (uint[])[12, 13, 14])
            program.Write(VectorImage.Idt + (vector * 16), (0x0011_8e01ul << 32) | ((ulong)VectorImage.KernelCode << 16) | (vector * 16));

        program.Attempt(a => { a.mov(rbx, Hole); a.mov(rax, __[rbx]); });
        program.Attempt(a => { a.mov(rsp, Hole); a.push(rax); });

        // Branches to such an address, which fault at their target in QEMU and at themselves on processors, are in NonCanonicalAddressTests.
        program.Attempt(a => { a.mov(rbx, Hole - 4); a.mov(rax, __[rbx]); });
        program.Attempt(a => { a.mov(rsi, Hole); a.mov(edi, VectorImage.Data); a.movsb(); });
        program.Attempt(a => { a.mov(rbx, Hole); a.invlpg(__[rbx]); });
        program.Attempt(a => { a.mov(rbx, Hole); a.prefetcht0(__[rbx]); });
        program.AttemptAsUser(a => { a.mov(rsp, Hole); a.push(rax); });
    }

    private static void PageCrossing(VectorProgram program)
    {
        program.Write(PageEntry + 8, 0);
        program.A.invlpg(__[Page + 0x1000]);
        program.Attempt(a => a.mov(rax, __[Page + 0xffc]));
        program.Attempt(a => a.mov(__[Page + 0xffc], rax));
        program.Attempt(a => a.movups(xmm0, __[Page + 0xff8]));
        program.Attempt(a => { a.mov(esp, Page + 0x1004); a.push(rax); });
        program.Attempt(a => { a.mov(esi, Page + 0xffe); a.mov(edi, VectorImage.Data); a.mov(ecx, 8); a.rep.movsb(); });
        program.Attempt(a => { a.mov(edi, Page + 0xffc); a.mov(ecx, 8); a.rep.stosb(); });
        program.Attempt(a => { a.std(); a.mov(edi, Page + 0x1003); a.mov(ecx, 8); a.rep.stosb(); });

        // Code whose last byte lies on the missing page: a MOV of five bytes. What reads and writes at once is left out:
        // it faults as the write that it will be, in QEMU as the read that it begins with.
        program.A.mov(__dword_ptr[Page + 0xffc], 0x0302_01b8);
        program.Attempt(a => { a.mov(ecx, Page + 0xffc); a.jmp(rcx); });
    }
}
