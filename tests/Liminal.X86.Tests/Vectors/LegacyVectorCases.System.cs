// SPDX-License-Identifier: Apache-2.0
using System;
using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace Liminal.X86.Tests.Vectors;

/// <content>Privilege, local descriptors, 16-bit code, and paging without long mode.</content>
internal static partial class LegacyVectorCases
{
    private const uint Page = VectorImage.UserData + 0x1000;
    private const uint PageVirtual = 0x80_0000;
    private const uint TestTable = 0x10_9000;
    private const uint Narrow = 0x9000;

    private static void Privileged(LegacyVectorProgram program)
    {
        program.IsBrief = true;
        Action<Assembler>[] instructions =
        [
            a => a.hlt(), a => a.clts(), a => a.lmsw(cx), a => a.lgdt(__[VectorImage.UserData]), a => a.lidt(__[VectorImage.UserData]), a => a.lldt(cx),
            a => a.ltr(cx), a => a.mov(cr0, ecx), a => a.mov(ecx, cr0), a => a.mov(cr3, ecx), a => a.mov(ecx, cr4), a => a.mov(dr0, ecx), a => a.mov(ecx, dr7),
            a => a.invlpg(__[VectorImage.UserData]), a => a.wbinvd(), a => a.invd(), a => a.rdmsr(), a => a.wrmsr(), a => a.cli(), a => a.sti(),
            a => a.@in(al, 0x80), a => a.@out(0x80, al), a => a.smsw(eax), a => a.sldt(ecx), a => a.str(ecx), a => a.verr(cx), a => a.rdtsc(),
            a => { a.mov(ecx, 0x20); a.mov(edx, 3); a.arpl(cx, dx); }, a => { a.push(cs); a.pop(eax); }, a => a.sysexit(),
        ];
        foreach (Action<Assembler> instruction in instructions)
            program.AttemptAsUser(a => { instruction(a); a.xor(eax, eax); });
        foreach (int port in (ReadOnlySpan<int>)[0x80, 0x82])
        {
            program.AttemptAsUser(a => { a.@in(al, (byte)port); a.xor(eax, eax); }, 0x3002);
            program.AttemptAsUser(a => { a.cli(); a.xor(eax, eax); }, 0x3002);
        }

        // A bitmap that allows ports 80h to 87h but for 82h.
        program.Write(LegacyVectorImage.Gdt + LegacyVectorImage.TaskSelector, 0x0079 | ((ulong)(LegacyVectorImage.Task & 0xff_ffff) << 16) | (0x89ul << 40));
        program.Write(LegacyVectorImage.Task + 0x68, ulong.MaxValue);
        program.Write(LegacyVectorImage.Task + 0x70, ulong.MaxValue);
        program.Write(LegacyVectorImage.Task + 0x78, 0xff04u);
        program.Prepare(a => { a.mov(ecx, LegacyVectorImage.TaskSelector); a.ltr(cx); });
        foreach (int port in (ReadOnlySpan<int>)[0x80, 0x82, 0x84, 0x87, 0x88, 0x90])
        {
            program.AttemptAsUser(a => { a.@out((byte)port, al); a.xor(eax, eax); });
            program.AttemptAsUser(a => { a.@out((byte)port, eax); a.xor(eax, eax); });
        }
    }

    private static void LocalTable(LegacyVectorProgram program)
    {
        const uint Table = LegacyVectorImage.Data;
        program.Write(Table + 8, 0x00cf_9300_0000_fffful);
        program.Write(Table + 16, 0x00cf_9b00_0000_fffful);
        PlaceLanding(program);
        program.Prepare(a => { a.xor(ecx, ecx); a.lldt(cx); });
        void Try(int selector) => program.Attempt(a => { a.mov(ecx, selector); a.mov(fs, cx); });
        Try(4);
        Try(12);

        // Two descriptors and a byte: the third is outside.
        program.Write(Test, 0x10 | ((ulong)Table << 16) | (0x82ul << 40));
        program.Attempt(a => { a.mov(ecx, LegacyVectorImage.TestSelector); a.lldt(cx); a.sldt(eax); });
        foreach (int selector in (ReadOnlySpan<int>)[4, 7, 12, 15, 20, 0x7c])
            Try(selector);
        program.Attempt(a => LegacyVectorImage.JumpFar(a, 20, Landing));
        program.Write(Test, 0x17 | ((ulong)Table << 16) | (0x82ul << 40));
        program.Prepare(a => { a.mov(ecx, LegacyVectorImage.TestSelector); a.lldt(cx); });
        program.Attempt(a => LegacyVectorImage.JumpFar(a, 20, Landing));
        program.Prepare(a => { a.xor(ecx, ecx); a.lldt(cx); });
        Try(12);
    }

    /// <summary>16-bit code on a 32-bit stack.</summary>
    private static void NarrowCode(LegacyVectorProgram program)
    {
        int places = 0;
        void Try(Action<Assembler> write)
        {
            uint address = Narrow + (uint)(places++ * 64);
            program.Place(address, 16, 64, a =>
            {
                write(a);
                a.@int(VectorImage.NoteVector);
            });
            program.Attempt(a => LegacyVectorImage.JumpFar(a, LegacyVectorImage.Code16, address));
        }

        Try(a => { a.mov(ax, 0x1234); a.push(ax); a.push(ax); a.pop(ecx); });
        Try(a => { a.mov(eax, 0x1234_5678); a.push(eax); a.pop(cx); a.pop(dx); });
        Try(a => { a.pushf(); a.pop(ax); });
        Try(a => { a.pusha(); a.mov(eax, esp); });
        Try(a => { a.pushad(); a.popad(); a.mov(eax, esp); });
        Try(a => { a.enter(8, 0); a.mov(eax, esp); });
        Try(a => { a.enter(8, 2); a.mov(eax, esp); a.leave(); });
        Try(a => { a.mov(esi, 0x16_0000); a.mov(__dword_ptr[esi], 0x55aa); a.mov(ax, __word_ptr[esi]); });
        Try(a => { a.xor(eax, eax); a.db(0x66, 0xe8, 1, 0, 0, 0, 0x90); a.pop(eax); });  // CALL rel32 over a NOP
        Try(a => { a.db(0xe8, 1, 0, 0x90); a.pop(ax); });
        Try(a => { a.push(LegacyVectorImage.KernelData); a.pop(es); a.mov(ax, es); });
    }

    /// <summary>Present, writable and user bits of both levels, and no-execute, for every kind of access.</summary>
    private static void Pages(LegacyVectorProgram program, bool isWide)
    {
        program.IsBrief = true;

        // Reserved bits are left out: the manual sets P in the error code with RSVD, QEMU does not.
        uint directoryEntry = isWide ? LegacyVectorImage.PaeDirectory + (8 * (PageVirtual >> 21)) : LegacyVectorImage.PageDirectory + (4 * (PageVirtual >> 22));
        program.Place(Page, 32, 64, a => a.@int(VectorImage.NoteVector));
        program.Prepare(a => EnablePaging(a, isWide));
        ulong[] entries = isWide ? [7, 5, 3, 1, 6, (1ul << 63) | 7, (1ul << 63) | 3] : [7, 5, 3, 1, 6];
        ulong[] tables = isWide ? [7, 5, 3, 6, (1ul << 63) | 7] : [7, 5, 3, 1, 6];
        foreach (ulong table in tables)
        {
            foreach (ulong entry in entries)
            {
                Action<Assembler>[] accesses =
                [
                    a => a.mov(cl, __byte_ptr[PageVirtual + 0x800]), a => a.mov(__byte_ptr[PageVirtual + 0x800], cl), a => a.jmp(PageVirtual),
                ];
                foreach (Action<Assembler> access in accesses)
                {
                    Map(table, entry);
                    program.Attempt(access);
                    Map(table, entry);
                    program.AttemptAsUser(a => { access(a); a.xor(eax, eax); });
                }
            }
        }

        void Map(ulong table, ulong entry)
        {
            if (isWide)
            {
                program.Write(directoryEntry, TestTable | table);
                program.Write(TestTable, Page | entry);
            }
            else
            {
                program.Write(directoryEntry, TestTable | (uint)table);
                program.Write(TestTable, Page | (uint)entry);
            }

            program.Prepare(Flush);
        }
    }

    /// <summary>What accesses leave in the entries, 4 MiB pages, and writes of the supervisor without CR0.WP.</summary>
    private static void EntryBits(LegacyVectorProgram program)
    {
        const uint DirectoryEntry = LegacyVectorImage.PageDirectory + (4 * (PageVirtual >> 22));
        const uint WriteProtect = 1 << 16;
        program.Place(Page, 32, 64, a => a.@int(VectorImage.NoteVector));
        program.Prepare(a => EnablePaging(a, isWide: false));
        Action<Assembler>[] accesses =
        [
            a => a.mov(cl, __byte_ptr[PageVirtual]), a => a.mov(__dword_ptr[PageVirtual + 0x800], ecx), a => a.inc(__byte_ptr[PageVirtual + 0x800]),
            a => a.jmp(PageVirtual), a => a.bt(__dword_ptr[PageVirtual], 3), a => a.invlpg(__[PageVirtual]),
        ];
        foreach (Action<Assembler> access in accesses)
        {
            program.Write(DirectoryEntry, TestTable | 7);
            program.Write(TestTable, Page | 7);
            program.Prepare(Flush);
            program.Attempt(access);
            program.Attempt(a => { a.mov(eax, __dword_ptr[TestTable]); a.mov(edx, __dword_ptr[DirectoryEntry]); });
        }

        foreach (uint flags in (ReadOnlySpan<uint>)[0x83, 0x81, 0x87, 0x82])
        {
            program.Write(DirectoryEntry, flags);
            program.Prepare(Flush);
            program.Attempt(a => a.mov(cl, __byte_ptr[PageVirtual + Page]));
            program.Attempt(a => a.mov(__byte_ptr[PageVirtual + Page + 0x800], cl));
            program.Attempt(a => a.mov(eax, __dword_ptr[DirectoryEntry]));
            program.AttemptAsUser(a => a.mov(__byte_ptr[PageVirtual + Page + 0x800], cl));
        }

        // Without CR4.PSE bit 7 means nothing: the entry names a table.
        program.Write(DirectoryEntry, TestTable | 0x87);
        program.Write(TestTable, Page | 7);
        program.Prepare(a => { a.xor(eax, eax); a.mov(cr4, eax); Flush(a); });
        program.Attempt(a => a.mov(__byte_ptr[PageVirtual + 0x800], cl));
        program.Attempt(a => { a.mov(eax, __dword_ptr[TestTable]); a.mov(edx, __dword_ptr[DirectoryEntry]); });
        program.Write(TestTable, Page | 5);
        program.Prepare(Flush);
        program.Attempt(a => a.mov(__byte_ptr[PageVirtual + 0x800], cl));
        program.Prepare(a => { a.mov(eax, cr0); a.and(eax, unchecked((int)~WriteProtect)); a.mov(cr0, eax); });
        program.Attempt(a => a.mov(__byte_ptr[PageVirtual + 0x800], cl));
        program.AttemptAsUser(a => a.mov(__byte_ptr[PageVirtual + 0x800], cl));
        program.Attempt(a => a.mov(eax, __dword_ptr[TestTable]));
    }

    private static void EnablePaging(Assembler a, bool isWide)
    {
        const int ProtectAndPage = unchecked((int)0x8001_0000);
        a.mov(eax, isWide ? 0x20 : 0x10);
        a.mov(cr4, eax);
        if (isWide)
        {
            a.mov(ecx, 0xc000_0080);
            a.rdmsr();
            a.or(eax, 0x800);
            a.wrmsr();
        }

        a.mov(eax, isWide ? LegacyVectorImage.PaePointers : LegacyVectorImage.PageDirectory);
        a.mov(cr3, eax);
        a.mov(eax, cr0);
        a.or(eax, ProtectAndPage);
        a.mov(cr0, eax);
    }

    private static void Flush(Assembler a)
    {
        a.mov(eax, cr3);
        a.mov(cr3, eax);
    }
}
