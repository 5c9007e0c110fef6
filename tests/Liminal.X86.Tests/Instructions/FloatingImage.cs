// SPDX-License-Identifier: Apache-2.0
using System;
using System.Buffers.Binary;
using Iced.Intel;
using Liminal.X86.State;

namespace Liminal.X86.Tests.Instructions;

/// <summary>x87, MMX and SSE state between FXSAVE64's layout and the processor's.</summary>
internal static unsafe class FloatingImage
{
    public static void Load(Processor processor, in Machinery machinery)
    {
        ref FloatingPointState fpu = ref processor.State.Fpu;
        fixed (byte* bytes = machinery.Floating)
        {
            var image = new ReadOnlySpan<byte>(bytes, 512);
            fpu.Control = BinaryPrimitives.ReadUInt16LittleEndian(image);
            fpu.Status = BinaryPrimitives.ReadUInt16LittleEndian(image[2..]);
            fpu.Tags = image[4];
            fpu.Mxcsr = BinaryPrimitives.ReadUInt32LittleEndian(image[Machinery.Mxcsr..]);
            for (int i = 0; i < 8; i++)
            {
                ReadOnlySpan<byte> register = image[(Machinery.StackRegisters + (16 * i))..];
                fpu.Stack[(((fpu.Status >> 11) & 7) + i) & 7] = new VectorRegister(
                    BinaryPrimitives.ReadUInt64LittleEndian(register), BinaryPrimitives.ReadUInt16LittleEndian(register[8..]));
            }

            for (int i = 0; i < 16; i++)
            {
                ReadOnlySpan<byte> register = image[(Machinery.XmmRegisters + (16 * i))..];
                fpu.Xmm[i] = new VectorRegister(
                    BinaryPrimitives.ReadUInt64LittleEndian(register), BinaryPrimitives.ReadUInt64LittleEndian(register[8..]));
            }
        }
    }

    public static void Save(Processor processor, ref Machinery machinery)
    {
        ref FloatingPointState fpu = ref processor.State.Fpu;
        fixed (byte* bytes = machinery.Floating)
        {
            var image = new Span<byte>(bytes, 512);
            BinaryPrimitives.WriteUInt16LittleEndian(image, fpu.Control);
            BinaryPrimitives.WriteUInt16LittleEndian(image[2..], fpu.Status);
            image[4] = fpu.Tags;
            BinaryPrimitives.WriteUInt32LittleEndian(image[Machinery.Mxcsr..], fpu.Mxcsr);
            for (int i = 0; i < 8; i++)
            {
                VectorRegister register = fpu.Stack[(((fpu.Status >> 11) & 7) + i) & 7];
                BinaryPrimitives.WriteUInt64LittleEndian(image[(Machinery.StackRegisters + (16 * i))..], register.Low);
                BinaryPrimitives.WriteUInt16LittleEndian(image[(Machinery.StackRegisters + (16 * i) + 8)..], (ushort)register.High);
            }

            for (int i = 0; i < 16; i++)
            {
                BinaryPrimitives.WriteUInt64LittleEndian(image[(Machinery.XmmRegisters + (16 * i))..], fpu.Xmm[i].Low);
                BinaryPrimitives.WriteUInt64LittleEndian(image[(Machinery.XmmRegisters + (16 * i) + 8)..], fpu.Xmm[i].High);
            }
        }
    }

    /// <summary>Everything but the pointers of the last x87 instruction, and condition codes that Iced says are undefined.</summary>
    public static void Compare(in Instruction instruction, Machinery before, Machinery host, Machinery guest)
    {
        string description = $"{instruction} from control {Word(before, 0):x}, status {Word(before, 2):x}, tags {before.Floating[4]:x}, mxcsr {Word(before, 24):x}";
        ushort defined = 0xffff;
        RflagsBits undefined = instruction.RflagsUndefined;
        defined &= (undefined & RflagsBits.C0) != 0 ? unchecked((ushort)~0x100) : defined;
        defined &= (undefined & RflagsBits.C2) != 0 ? unchecked((ushort)~0x400) : defined;
        // The manual clears C1; the processors of one maker leave it.
        if (instruction.Mnemonic is Mnemonic.Fcomi or Mnemonic.Fcomip or Mnemonic.Fucomi or Mnemonic.Fucomip)
            undefined |= RflagsBits.C1;
        defined &= (undefined & RflagsBits.C1) != 0 ? unchecked((ushort)~0x200) : defined;
        defined &= (undefined & RflagsBits.C3) != 0 ? unchecked((ushort)~0x4000) : defined;
        for (int i = 0; i < 8; i++)
        {
            string operands = $"{Stack(before, 0)}, {Stack(before, instruction.OpCount > 1 && instruction.Op1Register >= Register.ST0 ? instruction.Op1Register - Register.ST0 : 1)}";
            Assert.True(Stack(host, i) == Stack(guest, i), $"st{i}: host {Stack(host, i)}, guest {Stack(guest, i)} after {description} with {operands}");
        }

        Assert.True(Word(host, 0) == Word(guest, 0), $"control: host {Word(host, 0):x}, guest {Word(guest, 0):x} after {description}");
        Assert.True(
            (Word(host, 2) & defined) == (Word(guest, 2) & defined),
            $"status: host {Word(host, 2) & defined:x}, guest {Word(guest, 2) & defined:x} after {description} with {Stack(before, 0)}, {Stack(before, 1)}");
        Assert.True(host.Floating[4] == guest.Floating[4], $"tags: host {host.Floating[4]:x}, guest {guest.Floating[4]:x} after {description}");
        for (int i = 0; i < 16; i++)
            Assert.True(Xmm(host, i) == Xmm(guest, i), $"xmm{i}: host {Xmm(host, i)}, guest {Xmm(guest, i)} after {description} with {Operands(instruction, before)}");
        Assert.True(Word(host, 24) == Word(guest, 24), $"mxcsr: host {Word(host, 24):x}, guest {Word(guest, 24):x} after {description} with {Operands(instruction, before)}");
    }

    /// <summary>Takes the pointers out of an image that FNSTENV or FNSAVE stored.</summary>
    public static void ForgetPointers(in Instruction instruction, byte[] memory, ulong start, Machinery before)
    {
        ulong index = instruction.MemoryIndex == Register.None ? 0 : before.Registers[14] * (ulong)instruction.MemoryIndexScale;
        ulong address = before.Registers[3] + index + (ulong)(long)(int)instruction.MemoryDisplacement64;
        bool isNarrow = instruction.MemorySize is MemorySize.FpuEnv14 or MemorySize.FpuState94;
        Span<byte> image = memory.AsSpan((int)(address - start));
        image.Slice(isNarrow ? 6 : 12, isNarrow ? 8 : 16).Clear();
    }

    private static string Operands(in Instruction instruction, Machinery before)
        => instruction.Op0Register.IsXMM()
            ? $"{Xmm(before, instruction.Op0Register - Register.XMM0)}, {(instruction.Op1Register.IsXMM() ? Xmm(before, instruction.Op1Register - Register.XMM0) : "memory")}"
            : "other operands";

    private static ushort Word(Machinery machinery, int offset) => *(ushort*)(machinery.Floating + offset);

    private static string Stack(Machinery machinery, int number)
    {
        byte* register = machinery.Floating + Machinery.StackRegisters + (16 * number);
        return $"{*(ushort*)(register + 8):x4}_{*(ulong*)register:x16}";
    }

    private static string Xmm(Machinery machinery, int number)
    {
        byte* register = machinery.Floating + Machinery.XmmRegisters + (16 * number);
        return $"{*(ulong*)(register + 8):x16}_{*(ulong*)register:x16}";
    }
}
