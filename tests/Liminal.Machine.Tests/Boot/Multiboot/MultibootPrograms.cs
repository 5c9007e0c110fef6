// SPDX-License-Identifier: Apache-2.0

using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace Liminal.Machine.Tests.Boot.Multiboot;

/// <summary>Programs that print to the first serial port and end through port F4h, the same on QEMU as here.</summary>
internal static class MultibootPrograms
{
    private const uint Long64 = 0x10_1000;
    private const uint Real16 = 0x10_2000;
    private const uint Listening32 = 0x10_3000;
    private const uint ListenerHandler = 0x10_3800;
    private const uint Tables = 0x20_0000;
    private const uint Trampoline = 0x8000;
    private const uint Mailbox = 0x9F00;

    /// <summary>Prints both registers of the specification, the command line and each module's text and line.</summary>
    public static byte[] Information { get; } = MultibootElf.Build(PrintInformation);

    /// <summary>The same without an ELF.</summary>
    public static byte[] Bare { get; } = MultibootElf.BuildBare(PrintInformation);

    /// <summary>Switches paging on with one page mapped elsewhere, and writes through that mapping.</summary>
    public static byte[] Paging { get; } = MultibootElf.Build(a =>
    {
        Begin(a);
        a.mov(__dword_ptr[Tables], 0x83);
        a.mov(__dword_ptr[Tables + 4], 0x83);
        a.mov(eax, cr4);
        a.or(eax, 0x10);
        a.mov(cr4, eax);
        a.mov(eax, (int)Tables);
        a.mov(cr3, eax);
        a.mov(eax, cr0);
        a.or(eax, unchecked((int)0x8000_0000));
        a.mov(cr0, eax);
        a.mov(__dword_ptr[0x70_0000], 0x6b6f);  // "ok", to physical 300000h
        a.mov(esi, 0x30_0000);
        PrintText(a);
        Exit(a, 3);
    });

    /// <summary>Goes on to long mode and prints the top half of a 64-bit product there.</summary>
    public static byte[] LongMode { get; } = MultibootElf.Build(
        a =>
        {
            Begin(a);
            a.mov(__dword_ptr[Tables], (int)Tables + 0x1003);
            a.mov(__dword_ptr[Tables + 0x1000], (int)Tables + 0x2003);
            a.mov(__dword_ptr[Tables + 0x2000], 0x83);
            a.mov(__dword_ptr[Tables + 0x2008], 0x20_0083);
            a.mov(eax, cr4);
            a.or(eax, 0x20);
            a.mov(cr4, eax);
            a.mov(eax, (int)Tables);
            a.mov(cr3, eax);
            a.mov(ecx, unchecked((int)0xC000_0080));
            a.rdmsr();
            a.or(eax, 0x100);
            a.wrmsr();
            a.mov(eax, cr0);
            a.or(eax, unchecked((int)0x8000_0000));
            a.mov(cr0, eax);
            a.mov(__dword_ptr[Tables + 0x3000], 0);
            a.mov(__dword_ptr[Tables + 0x3004], 0);
            a.mov(__dword_ptr[Tables + 0x3008], 0xffff);
            a.mov(__dword_ptr[Tables + 0x300c], 0x00af_9b00);
            a.mov(__word_ptr[Tables + 0x3010], 0x0f);
            a.mov(__dword_ptr[Tables + 0x3012], (int)Tables + 0x3000);
            a.lgdt(__[Tables + 0x3010]);
            a.push(8);
            a.push((int)Long64);
            a.retf();
        },
        (Long64, MultibootElf.Assemble(64, Long64, a =>
        {
            a.mov(rax, 0xfedc_ba98_7654_3210);
            a.mov(rbx, 0x1000_0000_0000);
            a.mul(rbx);
            a.mov(rbx, rdx);
            PrintHex(a, 64);
            Exit(a, 0);
        })));

    /// <summary>Starts the second processor in real mode, which prints where it is and answers with its APIC identifier.</summary>
    public static byte[] SecondProcessor { get; } = MultibootElf.Build(
        a =>
        {
            Begin(a);
            Label wait = a.CreateLabel();
            Label delay = a.CreateLabel();
            a.cld();
            a.mov(esi, (int)Real16);
            a.mov(edi, (int)Trampoline);
            a.mov(ecx, 0x100);
            a.rep.movsb();
            a.mov(__dword_ptr[Mailbox], 0);
            a.mov(ebx, unchecked((int)0xFEE0_0000));
            a.mov(__dword_ptr[ebx + 0xF0], 0x1FF);
            a.mov(__dword_ptr[ebx + 0x310], 0x0100_0000);
            a.mov(__dword_ptr[ebx + 0x300], 0x4500);    // INIT to processor 1
            a.mov(ecx, 2_000_000);
            a.Label(ref delay);
            a.dec(ecx);
            a.jnz(delay);
            a.mov(__dword_ptr[ebx + 0x310], 0x0100_0000);
            a.mov(__dword_ptr[ebx + 0x300], 0x4608);    // start-up at page 8
            a.Label(ref wait);
            a.pause();
            a.cmp(__dword_ptr[Mailbox], 0);
            a.je(wait);
            a.mov(ebx, __dword_ptr[Mailbox]);
            PrintHex(a, 32);
            Exit(a, 0);
        },
        (Real16, MultibootElf.Assemble(16, 0, a =>
        {
            a.mov(dx, 0x3f8);
            a.mov(al, (sbyte)'R');
            a.@out(dx, al);
            a.mov(ax, cs);
            a.mov(bx, ax);
            a.shl(ebx, 16);
            a.xor(ax, ax);
            a.mov(ds, ax);
            a.mov(bx, 0x1234);
            a.mov(__dword_ptr[(int)Mailbox], ebx);
            Label halt = a.CreateLabel();
            a.Label(ref halt);
            a.hlt();
            a.jmp(halt);
        })));

    /// <summary>Prints what it is sent, each byte in brackets, until a q.</summary>
    public static byte[] Echo { get; } = MultibootElf.Build(a =>
    {
        Begin(a);
        Label again = a.CreateLabel();
        Label end = a.CreateLabel();
        a.mov(edx, 0x3f8);
        a.mov(al, (sbyte)'>');
        a.@out(dx, al);
        a.Label(ref again);
        a.mov(edx, 0x3fd);
        a.@in(al, dx);
        a.test(al, 1);
        a.jz(again);
        a.mov(edx, 0x3f8);
        a.@in(al, dx);
        a.cmp(al, (sbyte)'q');
        a.je(end);
        a.mov(bl, al);
        a.mov(al, (sbyte)'[');
        a.@out(dx, al);
        a.mov(al, bl);
        a.@out(dx, al);
        a.mov(al, (sbyte)']');
        a.@out(dx, al);
        a.jmp(again);
        a.Label(ref end);
        Exit(a, 0);
    });

    /// <summary>Sleeps until the serial port interrupts; prints what it is sent, each byte in brackets, until Ctrl-D.</summary>
    public static byte[] Listener { get; } = MultibootElf.Build(
        a =>
        {
            Begin(a);
            a.mov(__dword_ptr[Tables + 8], 0xffff);
            a.mov(__dword_ptr[Tables + 12], 0x00cf_9b00);
            a.mov(__dword_ptr[Tables + 16], 0xffff);
            a.mov(__dword_ptr[Tables + 20], 0x00cf_9300);
            a.mov(__word_ptr[Tables + 0x20], 0x17);
            a.mov(__dword_ptr[Tables + 0x22], (int)Tables);
            a.lgdt(__[Tables + 0x20]);
            a.push(8);
            a.push((int)Listening32);
            a.retf();
        },
        (Listening32, MultibootElf.Assemble(32, Listening32, Listen)),
        (ListenerHandler, MultibootElf.Assemble(32, ListenerHandler, TakeBytes)));

    /// <summary>Prints items of the firmware configuration, first bytes of the program among them, and what the test device makes of its ports and memory.</summary>
    public static byte[] TestDevices { get; } = MultibootElf.Build(a =>
    {
        Begin(a);
        foreach ((int item, int words) in ((int, int)[])[(0x00, 1), (0x03, 2), (0x05, 1), (0x07, 1), (0x0F, 1), (0x10, 1), (0x11, 3)])
        {
            a.mov(edx, 0x510);
            a.mov(eax, item);
            a.@out(dx, ax);
            for (int word = 0; word < words; word++)
            {
                a.mov(edx, 0x511);
                for (int octet = 0; octet < 4; octet++)
                {
                    a.@in(al, dx);
                    a.mov(bl, al);
                    a.ror(ebx, 8);
                }

                PrintHex(a, 32);
            }
        }

        a.mov(eax, 0x12345678);
        a.@out(0xe0, eax);
        a.mov(al, 0x2b);
        a.@out(0xe1, al);
        a.mov(eax, 0x4d3c);
        a.@out(0xea, ax);
        a.mov(eax, 0x10_0000);
        a.@out(0xe4, eax);
        foreach (int port in (int[])[0xe0, 0xe8])
        {
            a.@in(eax, (byte)port);
            a.mov(ebx, eax);
            PrintHex(a, 32);
        }

        a.xor(ebx, ebx);
        a.@in(ax, 0xe2);
        a.mov(bx, ax);
        PrintHex(a, 32);
        a.mov(__dword_ptr[0xff00_fffc], 0x6a5b4c3d);
        a.mov(ebx, __dword_ptr[0xff00_fffc]);
        PrintHex(a, 32);
        Exit(a, 0);
    });

    /// <summary>Counts for ever.</summary>
    public static byte[] Endless { get; } = MultibootElf.Build(a =>
    {
        Begin(a);
        Label again = a.CreateLabel();
        a.Label(ref again);
        a.inc(eax);
        a.jmp(again);
    });

    /// <summary>Vector 40h from I/O APIC input 4, then sleep.</summary>
    private static void Listen(Assembler a)
    {
        const uint InterruptTable = Tables + 0x1000;
        const int LocalApic = unchecked((int)0xFEE0_0000);
        const int IoApic = unchecked((int)0xFEC0_0000);
        Label sleep = a.CreateLabel();
        a.mov(eax, 16);
        a.mov(ds, ax);
        a.mov(es, ax);
        a.mov(ss, ax);
        a.mov(__dword_ptr[InterruptTable + (0x40 * 8)], (int)((ListenerHandler & 0xffff) | (8 << 16)));
        a.mov(__dword_ptr[InterruptTable + (0x40 * 8) + 4], (int)((ListenerHandler & 0xffff_0000) | 0x8e00));
        a.mov(__word_ptr[Tables + 0x30], 0x7ff);
        a.mov(__dword_ptr[Tables + 0x32], (int)InterruptTable);
        a.lidt(__[Tables + 0x30]);
        a.mov(ebx, LocalApic);
        a.mov(__dword_ptr[ebx + 0xF0], 0x1FF);
        a.mov(ebx, IoApic);
        a.mov(__dword_ptr[ebx], 0x18);
        a.mov(__dword_ptr[ebx + 0x10], 0x40);
        a.mov(__dword_ptr[ebx], 0x19);
        a.mov(__dword_ptr[ebx + 0x10], 0);
        foreach ((int port, int value) in ((int, int)[])[(0x3fa, 1), (0x3fc, 8), (0x3f9, 1), (0x3f8, '>')])
        {
            a.mov(edx, port);
            a.mov(al, (sbyte)value);
            a.@out(dx, al);
        }

        a.Label(ref sleep);
        a.sti();
        a.hlt();
        a.jmp(sleep);
    }

    private static void TakeBytes(Assembler a)
    {
        Label next = a.CreateLabel();
        Label done = a.CreateLabel();
        Label end = a.CreateLabel();
        a.Label(ref next);
        a.mov(edx, 0x3fd);
        a.@in(al, dx);
        a.test(al, 1);
        a.jz(done);
        a.mov(edx, 0x3f8);
        a.@in(al, dx);
        a.cmp(al, 4);
        a.je(end);
        a.mov(cl, al);
        a.mov(al, (sbyte)'[');
        a.@out(dx, al);
        a.mov(al, cl);
        a.@out(dx, al);
        a.mov(al, (sbyte)']');
        a.@out(dx, al);
        a.jmp(next);
        a.Label(ref done);
        a.mov(ebx, unchecked((int)0xFEE0_0000));
        a.mov(__dword_ptr[ebx + 0xB0], 0);
        a.iretd();
        a.Label(ref end);
        Exit(a, 0);
    }

    private static void PrintInformation(Assembler a)
    {
        Label next = a.CreateLabel();
        Label done = a.CreateLabel();
        Begin(a);
        a.mov(ebp, ebx);
        a.mov(ebx, eax);
        PrintHex(a, 32);
        a.mov(esi, __dword_ptr[ebp + 16]);
        PrintText(a);
        a.mov(edi, __dword_ptr[ebp + 24]);
        a.mov(ecx, __dword_ptr[ebp + 20]);
        a.Label(ref next);
        a.test(ecx, ecx);
        a.jz(done);
        a.push(ecx);
        a.mov(esi, __dword_ptr[edi + 8]);
        PrintText(a);
        a.mov(esi, __dword_ptr[edi]);
        PrintText(a);
        a.mov(ebx, __dword_ptr[edi + 4]);
        a.sub(ebx, __dword_ptr[edi]);
        PrintHex(a, 32);
        a.add(edi, 16);
        a.pop(ecx);
        a.dec(ecx);
        a.jmp(next);
        a.Label(ref done);
        a.mov(ebx, cr0);
        a.and(ebx, unchecked((int)0x8000_0001));
        PrintHex(a, 32);
        Exit(a, 0);
    }

    private static void Begin(Assembler a) => a.mov(esp, 0x18_0000);

    /// <summary>Prints the text at ESI and a line feed; changes EAX, EDX, ESI.</summary>
    private static void PrintText(Assembler a)
    {
        Label next = a.CreateLabel();
        Label done = a.CreateLabel();
        a.mov(edx, 0x3f8);
        a.cld();
        a.Label(ref next);
        a.lodsb();
        a.test(al, al);
        a.jz(done);
        a.@out(dx, al);
        a.jmp(next);
        a.Label(ref done);
        a.mov(al, 10);
        a.@out(dx, al);
    }

    /// <summary>Prints EBX or RBX and a line feed; changes EAX, ECX, EDX.</summary>
    private static void PrintHex(Assembler a, int bits)
    {
        Label next = a.CreateLabel();
        Label digit = a.CreateLabel();
        a.mov(ecx, bits / 4);
        a.mov(edx, 0x3f8);
        a.Label(ref next);
        if (bits == 64)
            a.rol(rbx, 4);
        else
            a.rol(ebx, 4);

        a.mov(eax, ebx);
        a.and(eax, 15);
        a.add(al, (sbyte)'0');
        a.cmp(al, (sbyte)'9');
        a.jbe(digit);
        a.add(al, 'a' - '9' - 1);
        a.Label(ref digit);
        a.@out(dx, al);
        a.dec(ecx);
        a.jnz(next);
        a.mov(al, 10);
        a.@out(dx, al);
    }

    private static void Exit(Assembler a, int value)
    {
        Label halt = a.CreateLabel();
        a.mov(eax, value);
        a.@out(0xf4, eax);
        a.Label(ref halt);
        a.hlt();
        a.jmp(halt);
    }
}
