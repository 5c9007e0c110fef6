// SPDX-License-Identifier: Apache-2.0
using System;
using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace Liminal.X86.Tests.Vectors;

/// <content>Debug registers, floating-point availability, opcodes, compatibility mode.</content>
internal static partial class VectorCases
{
    private static void Breakpoints(VectorProgram program)
    {
        void Armed(int control, uint address, Action<Assembler> write) => program.Attempt(a =>
        {
            a.mov(ecx, address);
            a.mov(dr0, rcx);
            a.mov(ecx, control);
            a.mov(dr7, rcx);
            write(a);
            a.xor(ecx, ecx);
            a.mov(dr7, rcx);
        });
        const int OnWrite = 0x1_0001;
        const int OnAccess = 0x3_0001;
        const int Four = 0xc_0000;
        Armed(OnWrite, VectorImage.Data, a => a.mov(__byte_ptr[VectorImage.Data], al));
        Armed(OnWrite, VectorImage.Data, a => a.mov(al, __byte_ptr[VectorImage.Data]));
        Armed(OnAccess, VectorImage.Data, a => a.mov(al, __byte_ptr[VectorImage.Data]));
        Armed(OnAccess | Four, VectorImage.Data, a => a.mov(al, __byte_ptr[VectorImage.Data + 3]));
        Armed(OnAccess | Four, VectorImage.Data, a => a.mov(al, __byte_ptr[VectorImage.Data + 4]));
        Armed(OnAccess | Four, VectorImage.Data, a => a.mov(rax, __[VectorImage.Data - 4]));
        Armed(OnWrite, VectorImage.Data, a => a.@lock.inc(__byte_ptr[VectorImage.Data]));
        Armed(OnWrite, VectorImage.Data + 2, a => { a.mov(edi, VectorImage.Data); a.mov(ecx, 5); a.rep.stosb(); });
        program.Place(Landing, 64, a => { a.inc(eax); a.@int(VectorImage.NoteVector); });
        Armed(1, Landing, a => { a.mov(ecx, Landing); a.jmp(rcx); });
        Armed(2, Landing, a => { a.mov(ecx, Landing); a.jmp(rcx); });
    }

    private static void DebugRegisters(VectorProgram program)
    {
        program.Attempt(a => { a.mov(rcx, 0x1_0000_0000); a.mov(dr6, rcx); });
        program.Attempt(a => { a.mov(rcx, 0x1_0000_0000); a.mov(dr7, rcx); });
        program.Attempt(a => { a.mov(ecx, 0x0234); a.db(0x0f, 0x23, 0xe1); a.mov(rax, dr6); });  // DR4
        program.Attempt(a => { a.mov(rcx, cr4); a.or(ecx, 8); a.mov(cr4, rcx); a.db(0x0f, 0x21, 0xe1); });

        // DR7.GD, which QEMU has not, is in DebugTests.
        program.Attempt(a => { a.mov(rcx, 0x1234_5678_9abc_def0); a.mov(dr1, rcx); a.mov(rax, dr1); });
    }

    private static void FloatingPointAlignment(VectorProgram program)
    {
        program.Attempt(a => a.movaps(xmm0, __[VectorImage.Data + 8]));
        program.Attempt(a => a.movups(xmm0, __[VectorImage.Data + 8]));
        program.Attempt(a => a.paddb(xmm0, __[VectorImage.Data + 4]));
        program.Attempt(a => a.fxsave(__[VectorImage.Data + 8]));

        // Reserved bits of MXCSR, unmasked SSE exceptions and alignment checks are not in QEMU.
        program.Attempt(a => a.cmpxchg16b(__[VectorImage.Data + 8]));
        program.Attempt(a => { a.mov(__word_ptr[VectorImage.Data], 0x37b); a.fldcw(__word_ptr[VectorImage.Data]); a.fld1(); a.fldz(); a.fdivp(st1, st0); a.fnop(); });
    }

    private static void InvalidOpcodes(VectorProgram program)
    {
        program.IsBrief = true;
        byte[][] opcodes =
        [
            [0x06], [0x27], [0x60], [0x62, 0x00], [0x9a, 0, 0, 0, 0], [0xc4, 0xe1, 0x7c, 0x58, 0xc0], [0xd6], [0x0f, 0x04], [0x0f, 0x0a], [0x0f, 0xff, 0xc0], [0x0f, 0xb9, 0xc0],
            [0xf0, 0x90], [0xf0, 0x01, 0xc0], [0x0f, 0x38, 0xf0, 0xc0], [0x8d, 0xc0], [0x0f, 0xc7, 0xc0], [0x0f, 0xc7, 0xf0],
            [0x8e, 0xc8], [0x8e, 0xf0], [0x0f, 0x01, 0xc1], [0x0f, 0x01, 0xd9], [0x0f, 0x01, 0xd8], [0x0f, 0x01, 0xc8], [0x0f, 0x01, 0xf8], [0x0f, 0x01, 0xf9],
            [0xf3, 0x0f, 0xb8, 0xc1], [0x0f, 0x1e, 0xfa], [0xf3, 0x0f, 0x1e, 0xc8], [0x0f, 0x18, 0xf8], [0x0f, 0x0d, 0x08], [0x0f, 0x1f, 0xc0], [0x66, 0x0f, 0x38, 0x82, 0x03],
            [0x82, 0xc0, 0x01], [0xfe, 0xd0], [0xff, 0xf8], [0x0f, 0x00, 0xf0], [0x0f, 0x0b],
            [0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x90], [0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x90],
        ];
        foreach (byte[] opcode in opcodes)
            program.Attempt(a => { a.mov(ebx, VectorImage.Data); a.db(opcode); a.xor(eax, eax); });
    }

    private static void CompatibilityMode(VectorProgram program)
    {
        // The return to CPL 3 leaves DS null, which QEMU does not mind.
        void Attempt(Action<Assembler> write) => program.AttemptAsUser(
            a =>
            {
                a.push(VectorImage.UserDataSelector);
                a.pop(ds);
                write(a);
            },
            2,
            VectorImage.UserCode32Selector);

        Attempt(a => { a.mov(eax, 0xffff_ffff); a.inc(eax); });
        Attempt(a => { a.push(cs); a.pop(eax); });
        Attempt(a => { a.mov(ecx, 0x8000_0000); a.mov(eax, __dword_ptr[ecx]); });
        Attempt(a => a.@int(0x80));

        // SYSCALL, which QEMU has in compatibility mode whoever made the processor, is in CompatibilityTests.
        Attempt(a => { a.mov(al, 0x79); a.add(al, 0x35); a.daa(); });
        Attempt(a => { a.mov(ax, 0x105); a.aad(10); a.aam(7); });
        Attempt(a => { a.pushad(); a.popad(); a.mov(eax, esp); });
        Attempt(a => { a.mov(__dword_ptr[VectorImage.UserData], 5); a.mov(__dword_ptr[VectorImage.UserData + 4], 9); a.mov(ecx, 10); a.bound(ecx, __qword_ptr[VectorImage.UserData]); });
        Attempt(a => { a.mov(ecx, 0x20); a.mov(edx, 3); a.arpl(cx, dx); a.setz(al); });
        Attempt(a => { a.enter(16, 2); a.mov(eax, esp); });
        Attempt(a => { a.db(0x67, 0xa1, 0x10, 0x00); });
        program.AttemptAsUser(a => { a.enter(16, 3); a.mov(rax, rsp); });
    }
}
