// SPDX-License-Identifier: Apache-2.0
using System;
using System.Buffers.Binary;
using System.IO;
using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace Liminal.X86.Tests.Vectors;

/// <summary>A freestanding image that runs one case in 64-bit mode: Multiboot header, tables, handlers that write down each event, the case.</summary>
/// <remarks>
/// The same bytes run on QEMU, which prints the events through its debug console, and here, where they are read from RAM. All addresses are fixed.
/// Handlers never return: they note the event and jump to where the case said it goes on, at CPL 0 with a fresh stack.
/// </remarks>
internal sealed class VectorImage
{
    public const uint Start = 0x10_0000;
    public const uint Gdt = 0x10_1000;
    public const uint Idt = 0x10_2000;
    public const uint Task = 0x10_3000;
    public const uint Root = 0x10_4000;
    public const uint Pointers = 0x10_5000;
    public const uint Directory = 0x10_6000;
    public const uint FirstTable = 0x10_7000;
    public const uint Code = 0x12_0000;
    public const uint StackTop = 0x13_8000;
    public const uint InnerStackTop = 0x13_c000;
    public const uint OtherStackTop = 0x14_0000;
    public const uint Next = 0x15_0000;
    public const uint Resume = 0x15_0008;
    public const uint Events = 0x15_0010;
    public const uint Data = 0x16_0000;
    public const uint UserCode = 0x18_0000;
    public const uint UserData = 0x19_0000;
    public const uint UserStackTop = 0x1a_0000;
    public const uint End = 0x1b_0000;

    public const ushort KernelCode = 0x08;
    public const ushort KernelData = 0x10;
    public const ushort UserDataSelector = 0x1b;
    public const ushort UserCodeSelector = 0x23;
    public const ushort UserCode32Selector = 0x2b;
    public const ushort TaskSelector = 0x30;
    public const ushort TestSelector = 0x40;
    public const ushort Boot32Code = 0x50;

    /// <summary>Vector by which a case notes that nothing happened; open to CPL 3.</summary>
    public const byte NoteVector = 0x81;

    /// <summary>Qwords of one event: 15 registers, vector, error code, RIP, CS, RFLAGS, RSP, SS, CR2, DR6.</summary>
    public const int EventLength = 24;

    private const uint Handlers = 0x11_0000;
    private const uint CommonHandler = Handlers + 0x1000;
    private const uint Entry = Start + 0x40;
    private const uint Boot64 = Start + 0x400;
    private const uint MultibootMagic = 0x1bad_b002;
    private const uint HasAddresses = 1 << 16;
    private const uint DebugConsole = 0xe9;
    private const uint ExitPort = 0xf4;

    private readonly byte[] _bytes = new byte[End - Start];

    public VectorImage(Action<Assembler> write)
    {
        WriteHeader();
        WriteTables();
        WriteHandlers();
        WriteStart();
        Put(Code, 64, a =>
        {
            write(a);
            Finish(a);
        });
    }

    public ReadOnlySpan<byte> Bytes => _bytes;

    public uint EntryPoint => Entry;

    /// <summary>Code at a fixed address, such as the user's.</summary>
    public void Put(uint address, int bitness, Action<Assembler> write)
    {
        var assembler = new Assembler(bitness);
        write(assembler);
        using var stream = new MemoryStream();
        assembler.Assemble(new StreamCodeWriter(stream), address);
        stream.ToArray().CopyTo(_bytes.AsSpan((int)(address - Start)));
    }

    private void Qword(uint address, ulong value) => BinaryPrimitives.WriteUInt64LittleEndian(_bytes.AsSpan((int)(address - Start)), value);

    private void Dword(uint address, uint value) => BinaryPrimitives.WriteUInt32LittleEndian(_bytes.AsSpan((int)(address - Start)), value);

    private void WriteHeader()
    {
        Dword(Start, MultibootMagic);
        Dword(Start + 4, HasAddresses);
        Dword(Start + 8, unchecked(0 - MultibootMagic - HasAddresses));
        Dword(Start + 12, Start);
        Dword(Start + 16, Start);
        Dword(Start + 20, 0);
        Dword(Start + 24, End);
        Dword(Start + 28, Entry);
    }

    private void WriteTables()
    {
        Qword(Gdt + KernelCode, 0x00af_9b00_0000_ffff);
        Qword(Gdt + KernelData, 0x00cf_9300_0000_ffff);
        Qword(Gdt + (UserDataSelector & ~7u), 0x00cf_f300_0000_ffff);
        Qword(Gdt + (UserCodeSelector & ~7u), 0x00af_fb00_0000_ffff);
        Qword(Gdt + (UserCode32Selector & ~7u), 0x00cf_fb00_0000_ffff);
        Qword(Gdt + TaskSelector, 0x67 | ((ulong)(Task & 0xff_ffff) << 16) | (0x89ul << 40));
        Qword(Gdt + Boot32Code, 0x00cf_9b00_0000_ffff);
        Qword(Task + 4, InnerStackTop);
        Qword(Task + 36, OtherStackTop);
        Dword(Task + 100, 0x68u << 16);
        for (uint vector = 0; vector < 256; vector++)
        {
            uint handler = Handlers + (vector * 16);
            ulong attributes = vector is 0x80 or NoteVector ? 0xee00ul : 0x8e00;
            Qword(Idt + (vector * 16), (handler & 0xffff) | ((ulong)KernelCode << 16) | (attributes << 32) | ((ulong)(handler >> 16) << 48));
        }

        Qword(Root, Pointers | 7);
        Qword(Pointers, Directory | 7);
        Qword(Directory, FirstTable | 7);
        Qword(Directory + 8, 0x20_0083);
        for (uint page = 0; page < 512; page++)
            Qword(FirstTable + (page * 8), (page << 12) | (page >= UserCode >> 12 ? 7u : 3));
        Qword(Next, Events);
    }

    private void WriteHandlers()
    {
        for (uint vector = 0; vector < 256; vector++)
        {
            bool hasError = vector is 8 or (>= 10 and <= 14) or 17 or 21;
            Put(Handlers + (vector * 16), 64, a =>
            {
                if (!hasError)
                    a.push(0);
                a.push((int)vector);
                a.jmp(CommonHandler);
            });
        }

        Put(CommonHandler, 64, a =>
        {
            foreach (AssemblerRegister64 register in (AssemblerRegister64[])[rax, rcx, rdx, rbx, rbp, rsi, rdi, r8, r9, r10, r11, r12, r13, r14, r15])
                a.push(register);
            a.mov(rsi, rsp);
            a.mov(rdi, __qword_ptr[Next]);
            a.mov(ecx, EventLength - 2);
            a.cld();
            a.rep.movsq();
            a.mov(rax, cr2);
            a.stosq();
            a.xor(eax, eax);
            a.mov(dr7, rax);
            a.mov(rax, dr6);
            a.stosq();
            a.mov(eax, 0xffff0ff0);
            a.mov(dr6, rax);
            a.mov(__qword_ptr[Next], rdi);
            a.mov(eax, KernelData);
            a.mov(ss, ax);
            a.mov(esp, StackTop);
            a.jmp(__qword_ptr[Resume]);
        });
    }

    /// <summary>From 32-bit protected mode, as Multiboot begins, to the case in 64-bit mode.</summary>
    private void WriteStart()
    {
        const uint GdtPointer = Start + 0x800;
        const uint IdtPointer = Start + 0x810;
        _bytes[GdtPointer - Start] = 0xff;
        Dword(GdtPointer + 2, Gdt);
        _bytes[IdtPointer - Start] = 0xff;
        _bytes[IdtPointer - Start + 1] = 0x0f;
        Dword(IdtPointer + 2, Idt);
        Put(Entry, 32, a =>
        {
            a.cli();
            a.lgdt(__[GdtPointer]);
            a.mov(eax, cr4);
            a.mov(eax, 0x6a0); // PAE, PGE, OSFXSR, OSXMMEXCPT
            a.mov(cr4, eax);
            a.mov(eax, Root);
            a.mov(cr3, eax);
            a.mov(ecx, 0xc0000080);
            a.mov(eax, 0x901);  // SCE, LME, NXE
            a.xor(edx, edx);
            a.wrmsr();
            a.mov(eax, 0x80010033); // PG, WP, NE, ET, MP, PE
            a.mov(cr0, eax);
            a.db(0xea);
            a.dd(Boot64);
            a.dw(KernelCode);
        });
        Put(Boot64, 64, a =>
        {
            a.lidt(__[IdtPointer]);
            a.mov(eax, KernelData);
            a.mov(ss, ax);
            a.mov(ds, ax);
            a.mov(es, ax);
            a.xor(eax, eax);
            a.mov(fs, ax);
            a.mov(gs, ax);
            a.mov(esp, StackTop);
            a.mov(eax, TaskSelector);
            a.ltr(ax);
            a.fninit();
            a.push(2);
            a.popfq();
            foreach (AssemblerRegister32 register in (AssemblerRegister32[])[eax, ecx, edx, ebx, ebp, esi, edi, r8d, r9d, r10d, r11d, r12d, r13d, r14d, r15d])
                a.xor(register, register);
            a.push(2);
            a.popfq();
            a.jmp(Code);
        });
    }

    /// <summary>Prints the events where there is a debug console, and ends.</summary>
    private static void Finish(Assembler a)
    {
        a.mov(esi, Events);
        a.mov(rcx, __qword_ptr[Next]);
        a.sub(rcx, rsi);
        a.mov(edx, DebugConsole);
        a.cld();
        a.rep.outsb();
        a.mov(edx, ExitPort);
        a.xor(eax, eax);
        a.@out(dx, eax);
        a.cli();
        a.hlt();
    }
}
