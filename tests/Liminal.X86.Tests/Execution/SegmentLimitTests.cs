// SPDX-License-Identifier: Apache-2.0
using System;
using Iced.Intel;
using Liminal.X86.State;
using static Iced.Intel.AssemblerRegisters;

namespace Liminal.X86.Tests.Execution;

/// <summary>Limits and types of segments outside 64-bit mode. QEMU checks neither, so the manual is the only oracle: SDM3A "Limit checking", "Type checking".</summary>
public sealed class SegmentLimitTests
{
    private const ushort Test = LegacyMachine.FirstFree;
    private const uint NoFault = 0;
    private const uint StackFault = ExceptionVector.Stack;
    private const uint ProtectionFault = ExceptionVector.GeneralProtection;

    // Base 10000h, 100h bytes: data, read-only data, expand-down data (valid above FFh), execute-only code.
    private const ulong Data = 0x0040_9301_0000_00ff;
    private const ulong ReadOnlyData = 0x0040_9101_0000_00ff;
    private const ulong ExpandDown = 0x0040_9701_0000_00ff;
    private const ulong ExecuteOnly = 0x0040_9901_0000_00ff;

    [Theory]
    [InlineData(Data, 0xfcu, NoFault)]
    [InlineData(Data, 0xfdu, ProtectionFault)]
    [InlineData(Data, 0xffff_fffeu, ProtectionFault)]
    [InlineData(ExpandDown, 0xffu, ProtectionFault)]
    [InlineData(ExpandDown, 0x100u, NoFault)]
    [InlineData(ExpandDown, 0xffff_fffdu, ProtectionFault)]
    [InlineData(ReadOnlyData, 0xfcu, NoFault)]
    [InlineData(ExecuteOnly, 0u, ProtectionFault)]
    public void A_load_must_lie_inside_its_segment(ulong descriptor, uint offset, uint vector)
        => Expect(vector, descriptor, a => { a.mov(ebx, offset); a.mov(eax, __dword_ptr[ebx]); });

    [Theory]
    [InlineData(Data, 0xfcu, NoFault)]
    [InlineData(Data, 0x100u, ProtectionFault)]
    [InlineData(ReadOnlyData, 0u, ProtectionFault)]
    public void A_store_must_also_be_allowed_by_the_type(ulong descriptor, uint offset, uint vector)
    {
        Expect(vector, descriptor, a => { a.mov(ebx, offset); a.mov(__dword_ptr[ebx], eax); });
        Expect(vector, descriptor, a => { a.mov(ebx, offset); a.inc(__dword_ptr[ebx]); });
        Expect(vector, descriptor, a => { a.mov(ebx, offset); a.xchg(__dword_ptr[ebx], eax); });
        Expect(vector, descriptor, a => { a.mov(ebx, offset); a.fist(__dword_ptr[ebx]); });
    }

    [Fact]
    public void Every_form_of_operand_is_looked_at()
    {
        Action<Assembler>[] outside =
        [
            a => a.add(eax, __dword_ptr[ebx + 0xfd]), a => a.cmp(__dword_ptr[0xfd], 5), a => { a.mov(esi, 0x40); a.mov(eax, __dword_ptr[ebx + esi * 4]); },
            a => { a.mov(si, 0x100); a.mov(al, __byte_ptr[si]); }, a => a.movups(xmm0, __[ebx + 0xf1]), a => a.fld(__tbyte_ptr[ebx + 0xf7]),
            a => a.push(__dword_ptr[ebx + 0xfd]), a => a.pop(__dword_ptr[ebx + 0xfd]), a => a.jmp(__dword_ptr[ebx + 0xfd]), a => a.call(__dword_ptr[ebx + 0xfd]),
            a => { a.mov(ecx, 0x800); a.bt(__dword_ptr[ebx], ecx); }, a => { a.mov(ecx, -1); a.bts(__dword_ptr[ebx], ecx); }, a => a.fxsave(__[ebx]),
            a => { a.mov(al, 1); a.mov(ebx, 0xff); a.xlatb(); }, a => { a.mov(esi, 0xfd); a.lodsd(); }, a => { a.mov(esi, 0x100); a.outsb(); }, a => a.lgdt(__[ebx + 0xfb]),
            a => a.les(eax, __fword_ptr[ebx + 0xfb]), a => a.@lock.cmpxchg8b(__qword_ptr[ebx + 0xf9]), a => a.bound(eax, __qword_ptr[ebx + 0xf9]),
        ];
        foreach (Action<Assembler> access in outside)
            Expect(ProtectionFault, Data, a => { a.xor(ebx, ebx); access(a); });
    }

    [Fact]
    public void What_accesses_nothing_is_not_looked_at()
    {
        Expect(NoFault, Data, a => { a.mov(ebx, 0x1000); a.lea(eax, __[ebx]); a.nop(__dword_ptr[ebx]); a.prefetcht0(__[ebx]); });
        Expect(NoFault, Data, a => { a.mov(esi, 0x1000); a.xor(ecx, ecx); a.rep.lodsb(); });
    }

    [Fact]
    public void A_null_selector_may_not_be_used()
        => Expect(ProtectionFault, Data, a => { a.xor(eax, eax); a.mov(ds, ax); a.mov(al, __byte_ptr[0x100]); });

    [Fact]
    public void FS_is_looked_at_while_the_other_segments_are_flat()
    {
        Expect(ProtectionFault, 0, a => a.mov(al, __byte_ptr.fs[0x100]), prepare: a => { a.xor(eax, eax); a.mov(fs, ax); });
        Expect(ProtectionFault, Data, a => a.mov(al, __byte_ptr.fs[0x100]), prepare: LoadFs);
        Expect(NoFault, Data, a => a.mov(al, __byte_ptr.fs[0xff]), prepare: LoadFs);
        Expect(ProtectionFault, Data, a => a.mov(__byte_ptr.cs[0x8000], al), prepare: LoadFs);

        static void LoadFs(Assembler a)
        {
            a.mov(eax, Test);
            a.mov(fs, ax);
        }
    }

    [Theory]
    [InlineData(0x104u, StackFault)]
    [InlineData(0x100u, NoFault)]
    [InlineData(3u, StackFault)]
    public void The_stack_has_a_limit(uint top, uint vector)
    {
        // #SS cannot be delivered on such a stack: the handler's frame must fit, so the gate of 8 is what a double fault ends at.
        using LegacyMachine machine = Protected(Data, a => { a.mov(eax, Test); a.mov(ss, ax); a.mov(esp, top); a.push(5); a.mov(ecx, 1); a.mov(edx, LegacyMachine.KernelData); a.mov(ss, dx); a.hlt(); });
        StopReason reason = machine.Processor.Run(1000);

        Assert.Equal(vector == NoFault ? StopKind.Halted : StopKind.Shutdown, reason.Kind);
        Assert.Equal(vector == NoFault ? 1u : 0, (uint)machine.Processor.Gpr(1));
    }

    [Fact]
    public void A_pop_beyond_the_stack_is_a_stack_fault()
    {
        using LegacyMachine machine = Protected(Data, a => { a.mov(eax, Test); a.mov(ss, ax); a.mov(esp, 0xfe); a.pop(eax); });
        machine.Run();

        Assert.Equal(StackFault, machine.Vector);
    }

    [Fact]
    public void A_repeated_string_stops_at_the_last_element_inside()
    {
        using LegacyMachine machine = Protected(Data, a => { a.mov(eax, Test); a.mov(es, ax); a.cld(); a.mov(edi, 0xf0); a.mov(ecx, 0x20); a.mov(al, 7); a.rep.stosb(); }, keepEdi: true);
        machine.Run();

        Assert.Equal(ProtectionFault, machine.Vector);
        Assert.Equal(0x10ul, machine.Processor.Gpr(1));
        Assert.Equal((byte)7, machine.Ram.Read<byte>(0x1_00ff));
        Assert.Equal((byte)0, machine.Ram.Read<byte>(0x1_0100));
    }

    [Theory]
    [InlineData(0x10u, NoFault)]
    [InlineData(0x100u, ProtectionFault)]
    public void A_near_branch_must_stay_inside_the_code_segment(uint target, uint vector)
    {
        // Code segment: base 10000h, 100h bytes. A far jump enters it at 0, where the branch stands; a HLT waits at 10h.
        Action<Assembler>[] branches =
        [
            a => { a.mov(edx, target); a.jmp(edx); }, a => { a.mov(edx, target); a.call(edx); }, a => { a.push((int)target); a.ret(); }, a => a.jmp(target),
            a => { a.xor(eax, eax); a.jz(target); }, a => a.call(target),
        ];
        foreach (Action<Assembler> branch in branches)
        {
            using LegacyMachine machine = LegacyMachine.Protected(a => { a.xor(edi, edi); a.db(0xea); a.dd(0); a.dw(Test); });
            machine.WriteDescriptor(Test, 0x0040_9b01_0000_00ff);
            machine.Ram.Write(LegacyMachine.DataAddress, LegacyMachine.Assemble(32, 0, branch));
            machine.Ram.Write(LegacyMachine.DataAddress + 0x10, (byte)0xf4);
            machine.Run();

            Assert.Equal(vector, machine.Vector);
            if (vector == NoFault)
                continue;

            // The branch itself faults: nothing was pushed or popped, and the saved EIP is inside.
            uint stack = (uint)machine.Processor.Gpr(4);
            Assert.Equal(0u, machine.Ram.Read<uint>(stack));
            Assert.InRange(machine.Ram.Read<uint>(stack + 4), 0u, 0x20u);
        }
    }

    [Theory]
    [InlineData(0xffu, NoFault)]
    [InlineData(0x100u, ProtectionFault)]
    public void A_far_jump_must_enter_its_segment_inside(uint target, uint vector)
    {
        using LegacyMachine machine = LegacyMachine.Protected(a => { a.xor(edi, edi); a.db(0xea); a.dd(target); a.dw(Test); });
        machine.WriteDescriptor(Test, 0x0040_9b01_0000_00ff);
        machine.Ram.Write(LegacyMachine.DataAddress + 0xff, (byte)0xf4);
        machine.Run();

        Assert.Equal(vector, machine.Vector);
    }

    [Fact]
    public void An_instruction_must_end_inside_the_code_segment()
    {
        using LegacyMachine machine = LegacyMachine.Protected(a => { a.xor(edi, edi); a.db(0xea); a.dd(0xfd); a.dw(Test); });
        machine.WriteDescriptor(Test, 0x0040_9b01_0000_00ff);
        machine.Ram.Write(LegacyMachine.DataAddress + 0xfd, LegacyMachine.Assemble(32, 0xfd, a => a.mov(ecx, 0x1234)));
        machine.Run();

        Assert.Equal(ProtectionFault, machine.Vector);
        Assert.Equal(0xfdu, machine.Ram.Read<uint>((uint)machine.Processor.Gpr(4) + 4));
    }

    [Theory]
    [InlineData(0xfffeu, NoFault)]
    [InlineData(0xffffu, ProtectionFault)]
    public void A_word_across_the_end_of_a_real_mode_segment_faults(uint offset, uint vector)
    {
        using LegacyMachine machine = LegacyMachine.Real(a => { a.xor(di, di); a.mov(bx, (ushort)offset); a.mov(ax, __word_ptr[bx]); a.hlt(); });
        machine.Run();

        Assert.Equal(vector, machine.Vector);
    }

    [Fact]
    public void Offsets_wrap_in_real_mode_and_large_ones_fault()
    {
        using LegacyMachine wrapping = LegacyMachine.Real(a => { a.xor(di, di); a.mov(bx, 0xffff); a.mov(al, __byte_ptr[bx + 0x4001]); a.hlt(); });
        wrapping.Run();
        using LegacyMachine large = LegacyMachine.Real(a => { a.xor(di, di); a.mov(ebx, 0x1_0000); a.mov(al, __byte_ptr[ebx]); a.hlt(); });
        large.Run();

        Assert.Equal((NoFault, ProtectionFault), (wrapping.Vector, large.Vector));
        Assert.Equal(wrapping.Ram.Read<byte>(0x4000), (byte)wrapping.Processor.Gpr(0));
    }

    [Fact]
    public void Limits_from_protected_mode_stay_in_real_mode()
    {
        // "Unreal mode": DS keeps 4 GiB after a visit to protected mode.
        using LegacyMachine machine = LegacyMachine.Real(a =>
        {
            a.xor(di, di);
            a.lgdt(__[0x5000]);
            a.mov(eax, cr0);
            a.or(al, 1);
            a.mov(cr0, eax);
            a.mov(bx, LegacyMachine.KernelData);
            a.mov(ds, bx);
            a.and(al, 0xfe);
            a.mov(cr0, eax);
            a.xor(bx, bx);
            a.mov(ds, bx);
            a.mov(ebx, 0x10_0000);
            a.mov(ecx, __dword_ptr[ebx]);
            a.hlt();
        });
        machine.WriteDescriptor(LegacyMachine.KernelData, 0x00cf_9300_0000_ffff);
        machine.Ram.Write(0x5000, (ushort)0xff);
        machine.Ram.Write(0x5002, 0x2000u);
        machine.Ram.Write(0x10_0000, 0x1234_5678u);
        machine.Run();

        Assert.Equal((NoFault, 0x1234_5678ul), (machine.Vector, machine.Processor.Gpr(1)));
    }

    /// <summary>Runs an access with DS describing the test segment, unless it is prepared otherwise.</summary>
    private static void Expect(uint vector, ulong descriptor, Action<Assembler> access, Action<Assembler>? prepare = null)
    {
        using LegacyMachine machine = Protected(descriptor, a =>
        {
            if (prepare != null)
            {
                prepare(a);
            }
            else
            {
                a.mov(eax, Test);
                a.mov(ds, ax);
            }

            access(a);
            a.hlt();
        });
        machine.Run();

        Assert.True(vector == machine.Vector, $"{vector} expected, {machine.Vector} met");
    }

    private static LegacyMachine Protected(ulong descriptor, Action<Assembler> write, bool keepEdi = false)
    {
        LegacyMachine machine = LegacyMachine.Protected(a =>
        {
            if (!keepEdi)
                a.xor(edi, edi);
            write(a);
        });
        machine.WriteDescriptor(Test, descriptor);
        return machine;
    }
}
