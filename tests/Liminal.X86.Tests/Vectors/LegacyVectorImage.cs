// SPDX-License-Identifier: Apache-2.0
using System;
using System.Buffers.Binary;
using System.IO;
using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace Liminal.X86.Tests.Vectors;

/// <summary>As <see cref="VectorImage"/>, for cases in 32-bit protected mode and in real mode; each attempt has a place of its own.</summary>
/// <remarks>
/// An event has 24 dwords. Protected: EDI to EAX as PUSHAD has them, vector, error code, EIP, CS, EFLAGS, ESP and SS of an outer level, DS, ES,
/// FS, GS, SS, CR2, CS of the handler. Real: words GS FS ES DS, PUSHAD, vector, IP, CS, FLAGS, SS. The last dword tells which.
/// </remarks>
internal sealed class LegacyVectorImage
{
    public const uint Gdt = VectorImage.Gdt;
    public const uint Idt = VectorImage.Idt;
    public const uint Task = VectorImage.Task;
    public const uint PageDirectory = 0x10_4000;
    public const uint PageTable = 0x10_5000;
    public const uint PaePointers = 0x10_6000;
    public const uint PaeDirectory = 0x10_7000;
    public const uint PaeTable = 0x10_8000;
    public const uint Data = VectorImage.Data;
    public const uint StackTop = VectorImage.StackTop;

    public const ushort KernelCode = 0x08;
    public const ushort KernelData = 0x10;
    public const ushort UserDataSelector = 0x1b;
    public const ushort UserCodeSelector = 0x23;
    public const ushort TaskSelector = 0x28;
    public const ushort TestSelector = 0x30;
    public const ushort Code16 = 0x58;

    public const int EventLength = 24;
    public const int SlotLength = 256;
    public const int MostSlots = 320;
    public const uint RealCode = 0x8000;
    public const int RealSlotLength = 64;

    private const ushort Data16 = 0x60;
    private const uint Entry = VectorImage.Start + 0x40;
    private const uint GdtPointer = VectorImage.Start + 0x800;
    private const uint IdtPointer = VectorImage.Start + 0x810;
    private const uint RealIdtPointer = VectorImage.Start + 0x820;
    private const uint Handlers = 0x11_0000;
    private const uint CommonHandler = Handlers + 0x1000;
    private const uint FromReal = Handlers + 0x2000;
    private const uint LowSource = 0x17_0000;
    private const uint Low = 0x6000;
    private const uint LowLength = 0x6000;
    private const uint RealHandlers = 0x7000;
    private const uint RealCommonHandler = 0x7800;
    private const uint ToReal = 0x7900;
    private const uint InReal = 0x7940;
    private const uint RealStackTop = 0x6ff0;
    private const int VirtualBase = 0x1000;
    private const uint RealEvent = 0x5000;
    private const uint RealTarget = 0x5200;
    private const uint RealGdtPointer = 0x6500;
    private const uint MultibootMagic = 0x1bad_b002;
    private const uint HasAddresses = 1 << 16;

    private readonly byte[] _bytes = new byte[VectorImage.End - VectorImage.Start];

    public LegacyVectorImage()
    {
        uint[] header =
        [
            MultibootMagic, HasAddresses, unchecked(0 - MultibootMagic - HasAddresses), VectorImage.Start, VectorImage.Start, 0, VectorImage.End, Entry,
        ];
        for (int i = 0; i < header.Length; i++)
            Dword(VectorImage.Start + (uint)(4 * i), header[i]);
        WriteTables();
        WritePageTables();
        WriteHandlers();
        WriteRealMode();
        WriteStart();
    }

    public ReadOnlySpan<byte> Bytes => _bytes;

    public static uint EntryPoint => Entry;

    public static uint Slot(int number) => VectorImage.Code + (uint)(number * SlotLength);

    /// <summary>Goes to real mode, to code at an address below 64 KiB, with all registers and segments zero.</summary>
    public static void EnterReal(Assembler a, uint target)
    {
        a.mov(__dword_ptr[RealTarget], target);
        a.lidt(__[RealIdtPointer]);
        JumpFar(a, Code16, ToReal);
    }

    /// <summary>Goes to virtual-8086 mode, to code at an address from 1000h to 10FFFh.</summary>
    public static void EnterVirtual(Assembler a, uint target, uint flags)
    {
        const int VirtualFlags = 0x2_0002;
        a.xor(eax, eax);
        foreach (int segment in (ReadOnlySpan<int>)[0x533, 0x532, 0x530, 0x531, 0])   // GS, FS, DS, ES, SS
            a.push(segment);
        a.push((int)RealStackTop);
        a.push(VirtualFlags | (int)flags);
        a.push(VirtualBase >> 4);
        a.push((int)(target - VirtualBase));
        a.iretd();
    }

    public static void JumpFar(Assembler a, ushort selector, uint target)
    {
        a.db(0xea);
        a.dd(target);
        a.dw(selector);
    }

    /// <summary>Prints the events where there is a debug console, and ends.</summary>
    public static void Finish(Assembler a)
    {
        a.mov(esi, VectorImage.Events);
        a.mov(ecx, __dword_ptr[VectorImage.Next]);
        a.sub(ecx, esi);
        a.mov(edx, 0xe9);
        a.cld();
        a.rep.outsb();
        a.mov(edx, 0xf4);
        a.xor(eax, eax);
        a.@out(dx, eax);
        a.cli();
        a.hlt();
    }

    public int Put(uint address, int bitness, Action<Assembler> write)
    {
        var assembler = new Assembler(bitness);
        write(assembler);
        using var stream = new MemoryStream();
        assembler.Assemble(new StreamCodeWriter(stream), address);
        stream.ToArray().CopyTo(_bytes.AsSpan((int)(Place(address) - VectorImage.Start)));
        return (int)stream.Length;
    }

    /// <summary>What will be below 1 MiB stands at the end of the image until the start copies it.</summary>
    private static uint Place(uint address) => address < VectorImage.Start ? address - Low + LowSource : address;

    private void Dword(uint address, uint value) => BinaryPrimitives.WriteUInt32LittleEndian(_bytes.AsSpan((int)(Place(address) - VectorImage.Start)), value);

    private void Qword(uint address, ulong value) => BinaryPrimitives.WriteUInt64LittleEndian(_bytes.AsSpan((int)(Place(address) - VectorImage.Start)), value);

    private void Table(uint pointer, ushort limit, uint address)
    {
        Dword(pointer, limit);
        Dword(pointer + 2, address);
    }

    private void WriteTables()
    {
        Qword(Gdt + KernelCode, 0x00cf_9b00_0000_ffff);
        Qword(Gdt + KernelData, 0x00cf_9300_0000_ffff);
        Qword(Gdt + (UserDataSelector & ~7u), 0x00cf_f300_0000_ffff);
        Qword(Gdt + (UserCodeSelector & ~7u), 0x00cf_fb00_0000_ffff);
        Qword(Gdt + TaskSelector, 0x67 | ((ulong)(Task & 0xff_ffff) << 16) | (0x89ul << 40));
        Qword(Gdt + Code16, 0x0000_9b00_0000_ffff);
        Qword(Gdt + Data16, 0x0000_9300_0000_ffff);
        Dword(Task + 4, VectorImage.InnerStackTop);
        Dword(Task + 8, KernelData);
        Dword(Task + 100, 0x68u << 16);
        for (uint vector = 0; vector < 256; vector++)
        {
            uint handler = Handlers + (vector * 16);
            ulong attributes = vector is 0x80 or VectorImage.NoteVector ? 0xee00ul : 0x8e00;
            Qword(Idt + (vector * 8), (handler & 0xffff) | ((ulong)KernelCode << 16) | (attributes << 32) | ((ulong)(handler >> 16) << 48));
            Dword(Low + (vector * 4), RealHandlers + (vector * 8));
        }

        Table(GdtPointer, 0xff, Gdt);
        Table(IdtPointer, 0x7ff, Idt);
        Table(RealIdtPointer, 0x3ff, Low);
        Table(RealGdtPointer, 0xff, Gdt);
        Dword(VectorImage.Next, VectorImage.Events);
    }

    /// <summary>The first 4 MiB (2 with PAE) page by page, for the user from <see cref="VectorImage.UserCode"/> on; behind them large pages.</summary>
    private void WritePageTables()
    {
        Dword(PageDirectory, PageTable | 7);
        Dword(PageDirectory + 4, 0x40_0083);
        Dword(PaePointers, PaeDirectory | 1);
        Qword(PaeDirectory, PaeTable | 7);
        Qword(PaeDirectory + 8, 0x20_0083);
        for (uint page = 0; page < 1024; page++)
            Dword(PageTable + (page * 4), (page << 12) | (page >= VectorImage.UserCode >> 12 ? 7u : 3));
        for (uint page = 0; page < 512; page++)
            Qword(PaeTable + (page * 8), (page << 12) | (page >= VectorImage.UserCode >> 12 ? 7u : 3));
    }

    private void WriteHandlers()
    {
        for (uint vector = 0; vector < 256; vector++)
        {
            bool hasError = vector is 8 or (>= 10 and <= 14) or 17 or 21;
            Put(Handlers + (vector * 16), 32, a =>
            {
                if (!hasError)
                    a.push(0);
                a.push((int)vector);
                a.jmp(CommonHandler);
            });
        }

        Put(CommonHandler, 32, a =>
        {
            a.pushad();
            a.mov(ebx, ds);
            a.mov(ebp, es);
            a.mov(eax, KernelData);
            a.mov(ds, ax);
            a.mov(es, ax);
            a.cld();
            a.mov(esi, esp);
            a.mov(edi, __dword_ptr[VectorImage.Next]);
            a.mov(ecx, 15);
            a.rep.movsd();
            a.mov(eax, ebx);
            a.stosd();
            a.mov(eax, ebp);
            a.stosd();
            foreach (AssemblerRegisterSegment segment in (AssemblerRegisterSegment[])[fs, gs, ss])
            {
                a.mov(eax, segment);
                a.stosd();
            }

            a.mov(eax, cr2);
            a.stosd();
            a.mov(eax, cs);
            a.stosd();
            a.xor(eax, eax);
            a.stosd();
            a.stosd();
            GoOn(a);
        });
    }

    private static void GoOn(Assembler a)
    {
        a.mov(__dword_ptr[VectorImage.Next], edi);
        a.mov(eax, KernelData);
        a.mov(ss, ax);
        a.mov(esp, StackTop);
        a.xor(eax, eax);
        a.mov(fs, ax);
        a.mov(gs, ax);
        a.jmp(__dword_ptr[VectorImage.Resume]);
    }

    private void WriteRealMode()
    {
        for (uint vector = 0; vector < 256; vector++)
        {
            Put(RealHandlers + (vector * 8), 16, a =>
            {
                a.db(0x6a, (byte)vector);
                a.jmp(RealCommonHandler);
            });
        }

        Put(RealCommonHandler, 16, a =>
        {
            a.pushad();
            a.push(ds);
            a.push(es);
            a.push(fs);
            a.push(gs);
            a.mov(ax, ss);
            a.mov(ds, ax);
            a.xor(ax, ax);
            a.mov(es, ax);
            a.mov(si, sp);
            a.mov(di, (short)RealEvent);
            a.mov(cx, 24);
            a.cld();
            a.rep.movsw();
            a.mov(ax, ss);
            a.stosw();
            a.xor(ax, ax);
            a.mov(ds, ax);
            a.mov(ss, ax);
            a.mov(sp, (short)RealStackTop);
            a.lgdt(__[(int)RealGdtPointer]);
            a.mov(eax, cr0);
            a.or(al, 1);
            a.mov(cr0, eax);
            a.db(0x66, 0xea);
            a.dd(FromReal);
            a.dw(KernelCode);
        });
        Put(FromReal, 32, a =>
        {
            a.mov(eax, KernelData);
            a.mov(ds, ax);
            a.mov(es, ax);
            a.lidt(__[IdtPointer]);
            a.mov(esi, RealEvent);
            a.mov(edi, __dword_ptr[VectorImage.Next]);
            a.mov(ecx, EventLength - 1);
            a.rep.movsd();
            a.mov(eax, 1);
            a.stosd();
            GoOn(a);
        });
        Put(ToReal, 16, a =>
        {
            a.mov(ax, Data16);
            foreach (AssemblerRegisterSegment segment in (AssemblerRegisterSegment[])[ds, es, fs, gs, ss])
                a.mov(segment, ax);
            a.mov(eax, cr0);
            a.and(al, 0xfe);
            a.mov(cr0, eax);
            a.db(0xea);
            a.dw((ushort)InReal);
            a.dw(0);
        });
        Put(InReal, 16, a =>
        {
            a.xor(ax, ax);
            foreach (AssemblerRegisterSegment segment in (AssemblerRegisterSegment[])[ds, es, fs, gs, ss])
                a.mov(segment, ax);
            a.mov(esp, RealStackTop);
            foreach (AssemblerRegister32 register in (AssemblerRegister32[])[eax, ecx, edx, ebx, ebp, esi, edi])
                a.xor(register, register);
            a.db(0x6a, 2, 0x9d);    // PUSH 2; POPF
            a.jmp(__word_ptr[(int)RealTarget]);
        });
    }

    private void WriteStart()
    {
        Put(Entry, 32, a =>
        {
            a.cli();
            a.lgdt(__[GdtPointer]);
            JumpFar(a, KernelCode, Entry + 0x40);
        });
        Put(Entry + 0x40, 32, a =>
        {
            a.mov(eax, KernelData);
            foreach (AssemblerRegisterSegment segment in (AssemblerRegisterSegment[])[ds, es, ss])
                a.mov(segment, ax);
            a.xor(eax, eax);
            a.mov(fs, ax);
            a.mov(gs, ax);
            a.mov(esp, StackTop);
            a.lidt(__[IdtPointer]);
            a.mov(eax, TaskSelector);
            a.ltr(ax);
            a.xor(eax, eax);
            a.mov(cr4, eax);
            a.mov(cr3, eax);
            a.mov(eax, 0x11);   // ET, PE
            a.mov(cr0, eax);
            a.fninit();
            a.cld();
            a.mov(esi, LowSource);
            a.mov(edi, Low);
            a.mov(ecx, LowLength / 4);
            a.rep.movsd();
            foreach (AssemblerRegister32 register in (AssemblerRegister32[])[ecx, edx, ebx, ebp, esi, edi])
                a.xor(register, register);
            a.push(2);
            a.popfd();
            a.jmp(Slot(0));
        });
    }
}
