// SPDX-License-Identifier: Apache-2.0
using System;
using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace Liminal.X86.Tests.Vectors;

/// <content>Real mode. Limits, which QEMU does not check, are in SegmentLimitTests; interrupts stay off, because QEMU's board has a timer.</content>
internal static partial class LegacyVectorCases
{
    private const int RealData = 0x5300;
    private const int RealLanding = 0xb000;

    private static void PlaceRealLanding(LegacyVectorProgram program) => program.Place(RealLanding, 16, 64, a =>
    {
        a.mov(bp, sp);
        a.mov(ax, __word_ptr[bp]);
        a.mov(cx, __word_ptr[bp + 2]);
        a.mov(dx, __word_ptr[bp + 4]);
        a.@int(VectorImage.NoteVector);
    });

    private static void RealInterrupts(LegacyVectorProgram program)
    {
        PlaceRealLanding(program);
        foreach (byte vector in (ReadOnlySpan<byte>)[0, 3, 8, 13, 0x21, 0xff])
            program.AttemptReal(a => a.@int(vector));
        program.AttemptReal(a => a.int3());
        program.AttemptReal(a => a.into());
        program.AttemptReal(a => { a.mov(al, 0x7f); a.inc(al); a.into(); });
        program.AttemptReal(a => { a.mov(cl, 0); a.div(cl); });
        program.AttemptReal(a => { a.mov(ax, 0x1000); a.mov(cl, 1); a.div(cl); });
        program.AttemptReal(a => { a.mov(edx, 1); a.mov(ecx, 1); a.div(ecx); });
        program.AttemptReal(a => { a.mov(ax, 0x8000); a.mov(dx, -1); a.mov(cx, -1); a.idiv(cx); });
        program.AttemptReal(a => a.db(0xd4, 0));
        program.AttemptReal(a => a.ud2());
        foreach (short index in (ReadOnlySpan<short>)[-1, 0, 5, 6])
        {
            program.AttemptReal(a =>
            {
                a.mov(__word_ptr[RealData], 0);
                a.mov(__word_ptr[RealData + 2], 5);
                a.mov(ax, index);
                a.bound(ax, __dword_ptr[RealData]);
            });
        }

        // IRET restores what it can; IOPL and NT can be changed in real mode.
        foreach (ushort flags in (ReadOnlySpan<ushort>)[0x0002, 0x7cd7, 0x4002, 0x3002])
        {
            program.AttemptReal(a => { a.push(flags); a.push(cs); a.push(RealLanding); a.iret(); });
            program.AttemptReal(a => { a.mov(eax, flags | 0x20_0000u); a.push(eax); a.xor(eax, eax); a.push(eax); a.mov(eax, RealLanding); a.push(eax); a.iretd(); });
            program.AttemptReal(a => { a.push(flags); a.popf(); a.pushf(); a.pop(ax); });
        }

        // A table that ends behind vector 20h.
        program.AttemptReal(a =>
        {
            a.mov(__word_ptr[RealData], (0x21 * 4) - 1);
            a.mov(__dword_ptr[RealData + 2], 0x6000);
            a.lidt(__[RealData]);
            a.@int(0x20);
        });
    }

    private static void RealTransfers(LegacyVectorProgram program)
    {
        PlaceRealLanding(program);
        program.AttemptReal(a => { a.db(0xea); a.dw(0); a.dw(RealLanding >> 4); });
        program.AttemptReal(a => { a.db(0x9a); a.dw(0); a.dw(RealLanding >> 4); });
        program.AttemptReal(a => { a.db(0x66, 0x9a); a.dd(0); a.dw(RealLanding >> 4); });
        program.AttemptReal(a => { a.mov(__word_ptr[RealData], 0x10); a.mov(__word_ptr[RealData + 2], (RealLanding >> 4) - 1); a.db(0xff, 0x1e); a.dw(RealData); });
        program.AttemptReal(a => { a.mov(__word_ptr[RealData], 0x10); a.mov(__word_ptr[RealData + 2], (RealLanding >> 4) - 1); a.db(0xff, 0x2e); a.dw(RealData); });
        program.AttemptReal(a => { a.push(RealLanding >> 4); a.push(0); a.retf(); });
        program.AttemptReal(a => { a.push(RealLanding >> 4); a.push(0); a.retf(4); });
        program.AttemptReal(a => { a.push(RealLanding); a.ret(2); });
        program.AttemptReal(a => { a.mov(ax, unchecked((short)RealLanding)); a.call(ax); });
        program.AttemptReal(a => { a.mov(eax, RealLanding); a.jmp(eax); });
        foreach (AssemblerRegisterSegment segment in (AssemblerRegisterSegment[])[ds, es, fs, gs])
        {
            program.AttemptReal(a => { a.mov(ax, 0xb00); a.mov(segment, ax); a.mov(dx, segment); });
            program.AttemptReal(a => { a.push(0x123); a.pop(segment); a.push(segment); a.pop(ax); });
        }

        program.AttemptReal(a => { a.mov(ax, 0x5); a.mov(ds, ax); a.mov(bx, RealData - 0x50); a.mov(__word_ptr[bx], 0x77); a.mov(ax, 0x0); a.mov(ds, ax); a.mov(cx, __word_ptr[RealData]); });
        Action<Assembler>[] loads =
        [
            a => a.lds(bx, __dword_ptr[RealData]), a => a.les(bx, __dword_ptr[RealData]), a => a.lfs(bx, __dword_ptr[RealData]), a => a.lgs(bx, __dword_ptr[RealData]),
            a => { a.lss(bx, __dword_ptr[RealData]); a.mov(dx, ss); a.xor(cx, cx); a.mov(ss, cx); }, a => a.les(ebx, __fword_ptr[RealData]),
        ];
        foreach (Action<Assembler> load in loads)
            program.AttemptReal(a => { a.mov(__dword_ptr[RealData], 0x1234_5678); a.mov(__word_ptr[RealData + 4], 0x77); load(a); });
        program.AttemptReal(a => a.db(0x8e, 0xc8));
        program.AttemptReal(a => { a.mov(cx, 3); a.db(0xe2, 0xfe); });
        program.AttemptReal(a => { a.xor(cx, cx); a.db(0xe3, 1, 0x40); });
        program.AttemptReal(a => { a.mov(ecx, 0x1_0000); a.db(0xe3, 1, 0x40, 0x67, 0xe3, 1, 0x40); });
    }

    private static void RealStack(LegacyVectorProgram program)
    {
        program.AttemptReal(a => { a.mov(ax, 0x1234); a.push(ax); a.pop(cx); a.push(-2); a.pop(dx); });
        program.AttemptReal(a => { a.mov(eax, 0x1234_5678); a.push(eax); a.pop(cx); a.pop(dx); });
        program.AttemptReal(a => { a.mov(ax, 1); a.mov(bx, 2); a.mov(di, 3); a.pusha(); a.mov(bp, sp); a.mov(cx, __word_ptr[bp + 8]); });
        program.AttemptReal(a => { a.push(7); a.push(6); a.push(5); a.push(4); a.push(3); a.push(2); a.push(1); a.push(0); a.popa(); });
        program.AttemptReal(a => { a.pushad(); a.popad(); a.mov(eax, esp); });
        program.AttemptReal(a => { a.mov(bp, 0x5800); a.enter(16, 0); a.mov(ax, sp); a.leave(); });
        program.AttemptReal(a => { a.mov(bp, 0x5800); a.mov(__word_ptr[0x57fe], 0x66); a.enter(16, 3); a.mov(ax, __word_ptr[bp - 2]); });
        program.AttemptReal(a => { a.pushf(); a.pop(ax); a.pushfd(); a.pop(ecx); });
        program.AttemptReal(a => { a.mov(sp, 0x5800); a.push(sp); a.pop(ax); });
        program.AttemptReal(a => { a.mov(esp, 0x1_5800); a.push(5); a.mov(eax, esp); });
        program.AttemptReal(a => { a.mov(__word_ptr[RealData], 0x55); a.push(__word_ptr[RealData]); a.pop(__word_ptr[RealData + 2]); a.mov(ax, __word_ptr[RealData + 2]); });
    }

    private static void RealSystem(LegacyVectorProgram program)
    {
        program.AttemptReal(a => a.smsw(ax));
        program.AttemptReal(a => { a.mov(ax, 0x0e); a.lmsw(ax); a.smsw(cx); a.clts(); a.smsw(dx); a.mov(ax, 0); a.lmsw(ax); });
        foreach (Action<Assembler> refused in (Action<Assembler>[])
            [a => a.sldt(ax), a => a.str(ax), a => a.lldt(ax), a => a.ltr(ax), a => a.verr(ax), a => a.verw(ax), a => a.lar(cx, ax), a => a.lsl(cx, ax), a => a.db(0x63, 0xc8)])
        {
            program.AttemptReal(refused);
        }

        program.AttemptReal(a => { a.sgdt(__[RealData]); a.mov(ax, __word_ptr[RealData]); a.mov(ecx, __dword_ptr[RealData + 2]); });
        program.AttemptReal(a => { a.sidt(__[RealData]); a.mov(ax, __word_ptr[RealData]); a.mov(ecx, __dword_ptr[RealData + 2]); });

        // A 16-bit operand loads 24 bits of the base.
        program.AttemptReal(a =>
        {
            a.mov(__word_ptr[RealData], 0x777);
            a.mov(__dword_ptr[RealData + 2], 0x1234_5678);
            a.db(0x0f, 0x01, 0x16);
            a.dw(RealData);
            a.sgdt(__[RealData + 8]);
            a.mov(eax, __dword_ptr[RealData + 10]);
        });
        program.AttemptReal(a => { a.mov(eax, cr0); a.mov(ecx, cr4); a.mov(edx, cr3); });
        program.AttemptReal(a => { a.mov(ecx, 0x1b); a.cli(); a.pushf(); a.pop(ax); });
    }

    private static void RealAddresses(LegacyVectorProgram program)
    {
        Action<Assembler>[] forms =
        [
            a => a.lea(ax, __[bx + si]), a => a.lea(ax, __[bx + di]), a => a.lea(ax, __[bp + si]), a => a.lea(ax, __[bp + di]), a => a.lea(ax, __[si + 5]),
            a => a.lea(ax, __[di - 5]), a => a.lea(ax, __[bp + 0x100]), a => a.lea(ax, __[bx - 0x100]), a => a.lea(eax, __[bx + si + 1]), a => a.lea(ax, __[ebx + esi * 4 + 1]),
            a => a.mov(ax, __word_ptr[bx + si]), a => a.mov(ax, __word_ptr[bp + di]), a => a.mov(ax, __word_ptr[bx + 0x10]), a => { a.mov(al, 5); a.xlatb(); },
            a => a.add(__word_ptr[bx + si], 0x77), a => { a.mov(cx, 20); a.bts(__word_ptr[bx], cx); }, a => { a.mov(cx, -1); a.btc(__word_ptr[bx], cx); },
        ];
        foreach (Action<Assembler> form in forms)
        {
            program.AttemptReal(a =>
            {
                a.mov(bx, RealData);
                a.mov(si, 0xfff0);
                a.mov(di, 0x20);
                a.mov(bp, 0x52f0);
                form(a);
                a.mov(ecx, __dword_ptr[bx]);
            });
        }

        program.AttemptReal(a => { a.mov(__byte_ptr[0], 0x33); a.mov(bx, 0x8000); a.mov(al, __byte_ptr[bx + 0x8000]); a.mov(ah, __byte_ptr.cs[bx]); });
        program.AttemptReal(a => { a.mov(ax, 0x500); a.mov(fs, ax); a.mov(__byte_ptr.fs[0x300], 9); a.mov(cl, __byte_ptr[RealData]); });
    }

    private static void RealStrings(LegacyVectorProgram program)
    {
        program.AttemptReal(a => { a.mov(si, 0x8000); a.mov(di, RealData); a.mov(cx, 8); a.rep.movsb(); a.mov(eax, __dword_ptr[RealData]); });
        program.AttemptReal(a => { a.mov(si, 0x8006); a.mov(di, RealData + 6); a.mov(cx, 4); a.std(); a.rep.movsw(); a.mov(eax, __dword_ptr[RealData]); });
        program.AttemptReal(a => { a.mov(al, 7); a.mov(di, RealData); a.mov(cx, 5); a.rep.stosb(); a.mov(edx, __dword_ptr[RealData + 2]); });
        program.AttemptReal(a => { a.mov(si, 0xffff); a.mov(__byte_ptr[si], 0x11); a.lodsb(); });
        program.AttemptReal(a => { a.xor(si, si); a.mov(__byte_ptr[si], 0x22); a.std(); a.lodsb(); });
        program.AttemptReal(a => { a.mov(si, 0x8000); a.mov(di, 0x8000); a.mov(cx, 9); a.repe.cmpsb(); });
        program.AttemptReal(a => { a.mov(al, 0xcd); a.mov(di, 0x8000); a.mov(cx, 0x40); a.repne.scasb(); });
        program.AttemptReal(a => { a.mov(ax, 0xfff0); a.mov(es, ax); a.mov(di, 0xfffe); a.mov(cx, 0); a.rep.stosw(); });

        // The counter and the offsets of a 32-bit address.
        program.AttemptReal(a => { a.mov(esi, 0x8000); a.mov(edi, RealData); a.mov(ecx, 4); a.db(0x67, 0xf3, 0xa4); a.mov(eax, __dword_ptr[RealData]); });

        // DI wraps from FFFFh to 0; the segment begins where both ends are free.
        program.AttemptReal(a => { a.mov(ax, 0x2000); a.mov(es, ax); a.mov(al, 0x5a); a.mov(di, 0xfffe); a.mov(cx, 4); a.rep.stosb(); a.mov(edx, __dword_ptr.es[0]); a.mov(bx, __word_ptr.es[0xfffe]); });
    }

    private static void RealArithmetic(LegacyVectorProgram program)
    {
        program.AttemptReal(a => { a.mov(al, 0x79); a.add(al, 0x35); a.daa(); });
        program.AttemptReal(a => { a.mov(al, 0x35); a.sub(al, 0x47); a.das(); });
        program.AttemptReal(a => { a.mov(ax, 0x0109); a.add(al, 5); a.aaa(); a.setc(dl); a.test(dx, dx); });
        program.AttemptReal(a => { a.mov(ax, 0x0103); a.sub(al, 5); a.aas(); a.setc(dl); a.test(dx, dx); });
        program.AttemptReal(a => { a.mov(ax, 0x0105); a.aad(10); a.aam(7); });
        program.AttemptReal(a => { a.mov(ax, 0x8000); a.cwd(); a.cwde(); });
        program.AttemptReal(a => { a.mov(eax, 0x1234_5678); a.mov(ecx, 0x9abc_def0u); a.mul(ecx); });
        program.AttemptReal(a => { a.mov(ax, 0x7fff); a.mov(cx, 3); a.imul(cx); });
        program.AttemptReal(a => { a.mov(ax, 0x1234); a.shl(ax, 4); a.rcr(ax, 1); a.sar(ax, 2); });
        program.AttemptReal(a => { a.mov(eax, 0x8000_0001u); a.rol(eax, 5); a.bswap(eax); });
        program.AttemptReal(a => { a.mov(al, 0xff); a.db(0xd6); });
        program.AttemptReal(a => { a.stc(); a.db(0xd6); });
        program.AttemptReal(a => { a.mov(ax, 0xff00); a.sahf(); a.lahf(); });
    }
}
