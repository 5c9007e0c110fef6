// SPDX-License-Identifier: Apache-2.0
using System;
using System.Buffers.Binary;
using Iced.Intel;
using Liminal.X86.State;
using Liminal.X86.Tests.Execution;

namespace Liminal.X86.Tests.Instructions;

/// <summary>Random states for an instruction, with the values that matter drawn often.</summary>
internal static unsafe class OperandValues
{
    private const ulong Middle = TestMachine.DataAddress + 0x1000;
    private const uint AllMasked = 0x1f80;

    public static Machinery Start(Random random, in Instruction instruction)
    {
        Machinery machinery = default;
        for (int i = 0; i < 15; i++)
            machinery.Registers[i] = (ulong)Interesting(random);
        StartFloating(random, new Span<byte>(machinery.Floating, 512));
        machinery.Registers[3] = Middle;
        machinery.Registers[14] = (ulong)random.Next(-4, 4);
        machinery.Flags = ((ulong)random.Next() & LazyFlags.Mask) | Rflags.Always | Rflags.InterruptEnable;
        if (instruction.IsStringInstruction)
        {
            machinery.Registers[1] = (ulong)random.Next(6);
            machinery.Registers[6] = Middle - 20 + (ulong)random.Next(40);
            machinery.Registers[7] = Middle - 20 + (ulong)random.Next(40);
            machinery.Flags |= random.Next(2) == 0 ? Rflags.Direction : 0;
        }

        bool isBitString = instruction.Mnemonic is Mnemonic.Bt or Mnemonic.Bts or Mnemonic.Btr or Mnemonic.Btc;
        for (int i = 0; isBitString && i < 14; i++)
        {
            if (i != 3)
                machinery.Registers[i] = (ulong)random.Next(-300, 300);
        }

        if (instruction.Mnemonic is Mnemonic.Shld or Mnemonic.Shrd)
            machinery.Registers[1] = (ulong)random.Next(17);
        if (instruction.Mnemonic is Mnemonic.Maskmovdqu or Mnemonic.Maskmovq)
            machinery.Registers[7] = Middle - 8;
        return machinery;
    }

    public static long Interesting(Random random) => random.Next(8) switch
    {
        0 => 0,
        1 => -1,
        2 => random.Next(-130, 130),
        3 => 1L << random.Next(64),
        4 => (1L << random.Next(64)) - 1,
        5 => random.Next(),
        _ => random.NextInt64(long.MinValue, long.MaxValue),
    };

    /// <summary>Every rounding, precision, mask (x87 only: an unmasked SSE exception would end the test), tag and TOP.</summary>
    private static void StartFloating(Random random, Span<byte> image)
    {
        int masks = random.Next(4) == 0 ? random.Next(64) : 63;
        int[] precisions = [0, 2, 3, 3];
        int control = masks | 0x40 | (precisions[random.Next(4)] << 8) | (random.Next(4) << 10);
        int status = (random.Next(64) & masks) | (random.Next(2) * 0x40) | (random.Next() & 0x7f00);
        BinaryPrimitives.WriteUInt16LittleEndian(image, (ushort)control);
        BinaryPrimitives.WriteUInt16LittleEndian(image[2..], (ushort)status);
        int top = (status >> 11) & 7;
        image[4] = random.Next(4) switch
        {
            0 => (byte)random.Next(256),
            1 => 0xff,
            _ => (byte)~(1 << ((top + 7) & 7)),   // room for one more
        };
        uint mxcsr = AllMasked | (uint)random.Next(64);
        if (random.Next(3) == 0)
            mxcsr |= (uint)random.Next(4) << 13;
        if (random.Next(6) == 0)
            mxcsr |= 1 << 6;
        if (random.Next(6) == 0)
            mxcsr |= 1 << 15;
        BinaryPrimitives.WriteUInt32LittleEndian(image[Machinery.Mxcsr..], mxcsr);
        for (int i = 0; i < 8; i++)
        {
            Span<byte> register = image[(Machinery.StackRegisters + (16 * i))..];
            BinaryPrimitives.WriteUInt64LittleEndian(register, Significand(random));
            BinaryPrimitives.WriteUInt16LittleEndian(register[8..], Exponent(random));
        }

        for (int i = 0; i < 32; i++)
            BinaryPrimitives.WriteUInt64LittleEndian(image[(Machinery.XmmRegisters + (8 * i))..], InterestingVector(random));
    }

    private static ulong Significand(Random random) => random.Next(8) switch
    {
        0 => 1ul << 63,
        1 => 0,
        2 => (ulong)random.NextInt64(long.MinValue, long.MaxValue),     // denormal, pseudo or unsupported by its exponent
        3 => (1ul << 63) | (1ul << random.Next(64)),
        4 => (1ul << 63) | ((ulong)random.Next() << 33),
        _ => (1ul << 63) | (ulong)random.NextInt64(),
    };

    private static ushort Exponent(Random random)
    {
        int sign = random.Next(2) << 15;
        return (ushort)(sign | (random.Next(8) switch
        {
            0 => 0,
            1 => 0x7fff,
            2 => 0x3fff,
            3 => random.Next(0x8000),
            4 => random.Next(2) == 0 ? random.Next(70) : 0x7ffe - random.Next(70),
            _ => 0x3fff + random.Next(-70, 70),
        }));
    }

    /// <summary>Bits that are integers, singles and doubles of every size, denormals, infinities and NaNs among them.</summary>
    private static ulong InterestingVector(Random random) => random.Next(9) switch
    {
        0 => (ulong)BitConverter.DoubleToInt64Bits(random.Next(-1000, 1000) / 8.0),
        1 => BitConverter.SingleToUInt32Bits(random.Next(-1000, 1000) / 8f) * 0x1_0000_0001ul,
        2 => (ulong)random.NextInt64(long.MinValue, long.MaxValue),
        3 => (ulong)random.Next(-2, 3) * 0x0001_0001_0001_0001,
        4 => (ulong)random.NextInt64(0x3ff0_0000_0000_0000, 0x43f0_0000_0000_0000),
        5 => Special(random, 0x7ff0_0000_0000_0000, 1ul << 63, 1ul << 51),
        6 => Special(random, 0x7f80_0000_7f80_0000, 0x8000_0000_8000_0000, 0x0040_0000_0040_0000),
        7 => (ulong)random.NextInt64() & 0x800f_ffff_807f_ffff,
        _ => (uint)random.Next() | ((ulong)random.Next(0x3f00_0000, 0x4700_0000) << 32),
    };

    private static ulong Special(Random random, ulong infinity, ulong sign, ulong quiet)
        => infinity | (random.Next(2) == 0 ? sign : 0) | (random.Next(2) == 0 ? quiet : 0)
            | (random.Next(2) == 0 ? 0x0000_0100_0000_0100ul << random.Next(8) : 0);
}
