// SPDX-License-Identifier: Apache-2.0
using System;
using System.Collections.Generic;
using System.Linq;
using Iced.Intel;
using Liminal.X86.State;
using Liminal.X86.Tests.Execution;
using static Iced.Intel.AssemblerRegisters;

namespace Liminal.X86.Tests.Fuzzing;

/// <summary>Random guests, each from its kind and seed alone.</summary>
internal static class FuzzGuest
{
    private const int CodeLength = 2048;
    private const ulong GdtAddress = 0x5000;
    private const ulong IdtAddress = 0x6000;
    private const ulong TablesStart = 0x1000;

    private static readonly Code[] Legacy = [.. Enum.GetValues<Code>().Where(code => code.ToOpCode() is { IsInstruction: true, Encoding: EncodingKind.Legacy })];

    public static TestMachine Create(FuzzKind kind, int seed)
    {
        var random = new Random((seed * 8) + (int)kind);
        var machine = new TestMachine();
        WriteResumingHandlers(machine);
        int bitness = kind switch { FuzzKind.LegacyModes => random.Next(2) == 0 ? 16 : 32, FuzzKind.Tasks => 32, _ => 64 };
        byte[] code = new byte[CodeLength];
        if (kind == FuzzKind.Bytes)
            random.NextBytes(code);
        else
            FillWithEncodings(code, random, bitness, kind is FuzzKind.DescriptorTables or FuzzKind.Tasks ? IsFarTransfer : _ => true);
        if (kind == FuzzKind.MutatedEncodings)
        {
            for (int i = 0; i < CodeLength / 16; i++)
                code[random.Next(CodeLength)] = (byte)random.Next(256);
        }

        machine.Ram.Write(TestMachine.CodeAddress, code);
        byte[] data = new byte[0x4000];
        random.NextBytes(data);
        machine.Ram.Write(TestMachine.DataAddress, data);
        Processor processor = machine.Processor;
        for (int i = 0; i < 16; i++)
            processor.Gpr(i) = Register(random);
        processor.Gpr(4) = TestMachine.StackTop - 0x800;
        processor.Rip = TestMachine.CodeAddress;
        switch (kind)
        {
            case FuzzKind.PageTables:
                ScramblePageTables(machine, random);
                break;
            case FuzzKind.ControlRegisters:
                ScrambleControlRegisters(processor, random);
                break;
            case FuzzKind.DescriptorTables:
                ScrambleDescriptors(machine, random);
                break;
            case FuzzKind.LegacyModes:
                EnterLegacyMode(machine, random, bitness, isCompatibility: random.Next(3) == 0);
                break;
            case FuzzKind.Tasks:
                EnterLegacyMode(machine, random, bitness, isCompatibility: false);
                WriteTasks(machine, random);
                break;
        }

        processor.RflagsValue = ((ulong)random.Next() & 0x24_7dd5) | 2;
        return machine;
    }

    private static bool IsFarTransfer(Code code) => code.Mnemonic() is Mnemonic.Retf or Mnemonic.Iret or Mnemonic.Iretd or Mnemonic.Iretq or Mnemonic.Int
        or Mnemonic.Call or Mnemonic.Jmp or Mnemonic.Lldt or Mnemonic.Ltr or Mnemonic.Mov or Mnemonic.Lar or Mnemonic.Lsl or Mnemonic.Verr
        or Mnemonic.Verw or Mnemonic.Lss or Mnemonic.Lfs or Mnemonic.Push or Mnemonic.Pop or Mnemonic.Sysret or Mnemonic.Syscall or Mnemonic.Sysexit
        or Mnemonic.Sysenter or Mnemonic.Lgdt or Mnemonic.Lidt;

    private static ulong Register(Random random) => random.Next(6) switch
    {
        0 => (ulong)random.NextInt64(long.MinValue, long.MaxValue),
        1 => (ulong)random.Next(0x100),
        2 => TestMachine.CodeAddress + (ulong)random.Next(CodeLength),
        3 => (ulong)random.Next(0x10000),
        _ => TestMachine.DataAddress + (ulong)random.Next(0x4000),
    };

    /// <summary>Handlers that step over a byte and go on, so that one fault does not end the guest.</summary>
    private static void WriteResumingHandlers(TestMachine machine)
    {
        for (ulong vector = 0; vector < 256; vector++)
        {
            ulong handler = TestMachine.HandlerAddress + (vector * 16);
            machine.Ram.Write(handler, TestMachine.Assemble(handler, a =>
            {
                if (vector is 8 or (>= 10 and <= 14) or 17 or 21 or 29)
                    a.add(rsp, 8);
                a.inc(__qword_ptr[rsp]);
                a.iretq();
            }));
        }
    }

    private static void FillWithEncodings(byte[] code, Random random, int bitness, Func<Code, bool> isWanted)
    {
        Code[] usable = [.. Legacy.Where(isWanted)];
        int used = 0;
        while (used < code.Length - 16)
        {
            byte[]? bytes = TryEncode(usable[random.Next(usable.Length)], random, bitness);
            if (bytes == null || bytes.Length > code.Length - used)
                continue;
            bytes.CopyTo(code, used);
            used += bytes.Length;
        }
    }

    /// <summary>Opcode bytes as the table has them, with random ModRM, displacement and immediate bytes behind: the decoder takes what it needs.</summary>
    private static byte[]? TryEncode(Code code, Random random, int bitness)
    {
        OpCodeInfo info = code.ToOpCode();
        if (bitness == 64 ? !info.Mode64 : bitness == 32 ? !info.Mode32 : !info.Mode16)
            return null;
        var bytes = new List<byte>();
        byte[] prefixes = [0x66, 0x67, 0xf0, 0xf2, 0xf3, 0x2e, 0x36, 0x64, 0x65];
        if (random.Next(6) == 0)
            bytes.Add(prefixes[random.Next(prefixes.Length)]);
        if (info.MandatoryPrefix is not (MandatoryPrefix.None or MandatoryPrefix.PNP))
            bytes.Add(info.MandatoryPrefix switch { MandatoryPrefix.P66 => 0x66, MandatoryPrefix.PF3 => 0xf3, _ => 0xf2 });
        if (bitness == 64 && random.Next(3) == 0)
            bytes.Add((byte)(0x40 | random.Next(16)));
        if (info.Table != OpCodeTableKind.Normal)
            bytes.Add(0x0f);
        if (info.Table == OpCodeTableKind.T0F38)
            bytes.Add(0x38);
        else if (info.Table == OpCodeTableKind.T0F3A)
            bytes.Add(0x3a);
        if (info.OpCodeLength == 2)
            bytes.Add((byte)(info.OpCode >> 8));
        bytes.Add((byte)info.OpCode);
        int tail = random.Next(2, 9);
        int modRm = info.IsGroup ? (random.Next(256) & 0xc7) | (info.GroupIndex << 3) : random.Next(256);

        // Displacements that keep memory operands near the registers, most of the time.
        bytes.Add((byte)modRm);
        for (int i = 1; i < tail; i++)
            bytes.Add(random.Next(3) == 0 ? (byte)0 : (byte)random.Next(256));
        var reader = new ByteArrayCodeReader([.. bytes]);
        Instruction instruction = Decoder.Create(bitness, reader).Decode();
        return instruction.IsInvalid ? null : [.. bytes.Take(instruction.Length)];
    }

    private static void ScramblePageTables(TestMachine machine, Random random)
    {
        for (ulong address = TablesStart; address < 0x5000; address += 8)
        {
            if (random.Next(2) == 0)
                machine.Ram.Write(address, Entry(random));
        }

        for (int i = 0; i < 300; i++)
            machine.Ram.Write(machine.PageEntry(0) + ((ulong)random.Next(1024) * 8), Entry(random));

        // The way to the code stays, most of the time.
        if (random.Next(4) != 0)
        {
            machine.Ram.Write(0x1000ul, 0x2007ul);
            machine.Ram.Write(0x2000ul, 0x3007ul);
            machine.Ram.Write(0x3000ul, 0x9007ul);
            machine.Ram.Write(machine.PageEntry(TestMachine.CodeAddress), TestMachine.CodeAddress | 7);
        }
    }

    private static ulong Entry(Random random) => random.Next(5) switch
    {
        0 => (ulong)random.NextInt64(long.MinValue, long.MaxValue),
        1 => 0,
        2 => ((ulong)random.Next(1024) << 12) | (uint)random.Next(0x200),
        3 => ((ulong)random.NextInt64(0, 1L << 36) << 12) | (uint)random.Next(0x200) | 1,
        _ => ((ulong)random.Next(1024) << 12) | 7,
    };

    private static void ScrambleControlRegisters(Processor processor, Random random)
    {
        ref VcpuState state = ref processor.State;
        state.Cr0 ^= (ulong)random.Next() & (Cr0.WriteProtect | Cr0.AlignmentMask | Cr0.TaskSwitched | Cr0.Emulation | Cr0.NumericError | Cr0.MonitorCoprocessor);
        state.Cr4 ^= (ulong)random.Next() & (Cr4.SupervisorAccessPrevention | Cr4.SupervisorExecutionPrevention | Cr4.UserModeInstructionPrevention
            | Cr4.FsGsBase | Cr4.ProcessContextIds | Cr4.PageGlobalEnable | Cr4.OsFxsr | Cr4.OsXmmExceptions | Cr4.DebuggingExtensions | Cr4.TimeStampDisable);
        state.Efer ^= (ulong)random.Next() & (Efer.NoExecuteEnable | Efer.SyscallEnable);
        state.Cr3 |= (ulong)random.Next(4096) & ((state.Cr4 & Cr4.ProcessContextIds) != 0 ? 0xffful : 0x18);
        state.Debug[5] = (uint)random.Next() & 0xffff_00ff;
        for (int i = 0; i < 4; i++)
            state.Debug[i] = Register(random);
        state.Fpu.Control = (ushort)random.Next(0x10000);
        state.Fpu.Mxcsr = (uint)random.Next(0x10000);
        processor.StateChanged();
    }

    private static void ScrambleDescriptors(TestMachine machine, Random random)
    {
        for (ulong offset = 0x20; offset < 0x800; offset += 8)
        {
            if (offset is not (0x28 or 0x20))
                machine.Ram.Write(GdtAddress + offset, Descriptor(random));
        }

        for (ulong vector = 32; vector < 256; vector++)
        {
            machine.Ram.Write(IdtAddress + (vector * 16), Gate(random));
            machine.Ram.Write(IdtAddress + (vector * 16) + 8, random.Next(4) == 0 ? (ulong)random.NextInt64() : 0);
        }

        ref VcpuState state = ref machine.Processor.State;
        state.Ldtr = new SystemSegment(GdtAddress + 0x400, (uint)random.Next(0x400), 0x48, 0x82);
        if (random.Next(2) == 0)
            EnterUser(machine.Processor);
    }

    private static void EnterUser(Processor processor)
    {
        ref VcpuState state = ref processor.State;
        state.Segments[(int)SegmentIndex.Cs] = new SegmentRegister(TestMachine.UserCodeSelector, 0xa0fb, uint.MaxValue);
        state.Segments[(int)SegmentIndex.Ss] = new SegmentRegister(TestMachine.UserData, 0xc0f3, uint.MaxValue);
        processor.StateChanged();
    }

    private static ulong Descriptor(Random random)
    {
        ulong attributes = (ulong)random.Next(0x10000) & 0xf0ff;
        ulong address = random.Next(2) == 0 ? 0 : (ulong)random.Next(0x40_0000);
        return (uint)random.Next(0x10000) | ((address & 0xff_ffff) << 16) | (attributes << 40) | ((address >> 24) << 56) | (random.Next(4) != 0 ? 1ul << 47 : 0);
    }

    private static ulong Gate(Random random)
    {
        ulong target = TestMachine.HandlerAddress + ((ulong)random.Next(32) * 16);
        ulong selector = random.Next(2) == 0 ? TestMachine.KernelCode : (ulong)random.Next(0x800);
        return (target & 0xffff) | (selector << 16) | ((ulong)random.Next(0x10000) << 32) | ((target >> 16) << 48);
    }

    /// <summary>Descriptors of tasks all over the GDT, states that could run, and task gates for many vectors.</summary>
    private static void WriteTasks(TestMachine machine, Random random)
    {
        const ulong States = TestMachine.DataAddress;
        const uint Length = 0x68;
        const uint LowCode = 0xc000;
        for (ulong offset = 0x20; offset < 0x400; offset += 8)
        {
            ulong state = States + ((ulong)random.Next(64) * 0x80);
            ulong descriptor = random.Next(4) switch
            {
                0 => Descriptor(random),
                1 => (0xe5ul << 40) | ((ulong)random.Next(0x400) << 16),
                _ => (Length - 1) | ((state & 0xff_ffff) << 16) | ((random.Next(4) == 0 ? (ulong)random.Next(256) : 0xe9ul) << 40) | ((state >> 24) << 56),
            };
            machine.Ram.Write(GdtAddress + offset, descriptor);
        }

        for (uint i = 0; i < 64; i++)
        {
            ulong state = States + (i * 0x80);
            for (uint offset = 0; offset < Length; offset += 4)
                machine.Ram.Write(state + offset, random.Next(8) == 0 ? (uint)random.Next() : (uint)random.Next(0x100) * 8);
            machine.Ram.Write(state + 32, LowCode + (uint)random.Next(CodeLength));
            machine.Ram.Write(state + 36, (uint)random.Next() & (random.Next(4) == 0 ? 0x3f_7fd5u : 0x7cd5));
            machine.Ram.Write(state + 56, 0xb000u);
            if (random.Next(8) == 0)
                continue;
            machine.Ram.Write(state + 72, TestMachine.KernelData);
            machine.Ram.Write(state + 76, TestMachine.KernelCode32);
            machine.Ram.Write(state + 80, TestMachine.KernelData);
            machine.Ram.Write(state + 84, TestMachine.KernelData);
            machine.Ram.Write(state + 96, 0u);
        }

        machine.Ram.Write(GdtAddress + TestMachine.KernelCode32, 0x00cf_9b00_0000_fffful);
        for (ulong vector = 0; vector < 256; vector++)
        {
            if (random.Next(2) == 0)
                machine.Ram.Write(IdtAddress + (vector * 8), (0xe5ul << 40) | ((ulong)random.Next(0x400) << 16));
        }

        machine.Processor.State.Tr = new SystemSegment(States, Length - 1, 0x20, 0x8b);
    }

    private static void EnterLegacyMode(TestMachine machine, Random random, int bitness, bool isCompatibility)
    {
        Processor processor = machine.Processor;
        ref VcpuState state = ref processor.State;
        bool isReal = !isCompatibility && bitness == 16 && random.Next(2) == 0;
        if (!isCompatibility)
        {
            state.Efer &= ~(Efer.LongModeActive | Efer.LongModeEnable);
            state.Cr0 &= ~Cr0.Paging;
            if (isReal)
                state.Cr0 &= ~Cr0.ProtectionEnable;
        }

        ushort big = bitness == 32 ? (ushort)0x4000 : (ushort)0;
        byte[] code = new byte[CodeLength];
        machine.Ram.Read(TestMachine.CodeAddress, code);
        const ulong LowCode = 0xc000;
        machine.Ram.Write(LowCode, code);
        for (int i = 0; i < 6; i++)
        {
            state.Segments[i] = new SegmentRegister(isReal ? (ushort)0 : TestMachine.KernelData, (ushort)(0x8093 | big), uint.MaxValue);
            processor.SegmentBase((SegmentIndex)i) = 0;
        }

        state.Segments[(int)SegmentIndex.Cs] = new SegmentRegister(isReal ? (ushort)0 : TestMachine.KernelCode, (ushort)(0x809b | big), uint.MaxValue);
        if (!isCompatibility && !isReal)
        {
            // 8-byte gates for the handlers; they hold 64-bit code, which is as good as any here.
            for (ulong vector = 0; vector < 256; vector++)
            {
                ulong handler = TestMachine.HandlerAddress + (vector * 16);
                machine.Ram.Write(IdtAddress + (vector * 8), (handler & 0xffff) | ((ulong)TestMachine.KernelCode << 16) | (0x8eul << 40));
            }
        }

        if (isReal)
            state.Idtr = new DescriptorTable(0, 0x3ff);
        processor.Gpr(4) = 0xb000;
        processor.Rip = LowCode;
        processor.StateChanged();
    }
}
