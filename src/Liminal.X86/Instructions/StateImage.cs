// SPDX-License-Identifier: Apache-2.0
using System;
using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Liminal.X86.Execution;
using Liminal.X86.State;

namespace Liminal.X86.Instructions;

/// <summary>The first 416 bytes of the image that FXSAVE and XSAVE store.</summary>
/// <remarks>
/// Outside 64-bit mode XMM8 to XMM15 stay as they are. Without REX.W the pointers are 32 bits with selectors, which are stored as zero.
/// Source: SDM2 "FXSAVE", layout tables.
/// </remarks>
internal static unsafe class StateImage
{
    public static void Write(Core* core, Span<byte> image, bool isWide)
    {
        ref FloatingPointState fpu = ref core->State.Fpu;
        image.Clear();
        BinaryPrimitives.WriteUInt16LittleEndian(image, fpu.Control);
        BinaryPrimitives.WriteUInt16LittleEndian(image[2..], fpu.Status);
        image[4] = fpu.Tags;
        BinaryPrimitives.WriteUInt16LittleEndian(image[6..], fpu.Opcode);
        BinaryPrimitives.WriteUInt64LittleEndian(image[8..], isWide ? fpu.InstructionPointer : (uint)fpu.InstructionPointer);
        BinaryPrimitives.WriteUInt64LittleEndian(image[16..], isWide ? fpu.DataPointer : (uint)fpu.DataPointer);
        BinaryPrimitives.WriteUInt32LittleEndian(image[24..], fpu.Mxcsr);
        BinaryPrimitives.WriteUInt32LittleEndian(image[28..], FloatingPointUnit.MxcsrMask);
        int top = (fpu.Status >> 11) & 7;
        for (int i = 0; i < 8; i++)
        {
            VectorRegister register = fpu.Stack[(top + i) & 7];
            MemoryMarshal.AsBytes(new ReadOnlySpan<VectorRegister>(in register))[..10].CopyTo(image[(32 + (16 * i))..]);
        }

        MemoryMarshal.AsBytes((ReadOnlySpan<VectorRegister>)fpu.Xmm)[..SseBytes(core)].CopyTo(image[160..]);
    }

    public static void ReadX87(Core* core, ReadOnlySpan<byte> image, bool isWide)
    {
        ref FloatingPointState fpu = ref core->State.Fpu;
        fpu.Status = BinaryPrimitives.ReadUInt16LittleEndian(image[2..]);
        fpu.Tags = image[4];
        fpu.Opcode = (ushort)(BinaryPrimitives.ReadUInt16LittleEndian(image[6..]) & 0x7ff);
        fpu.InstructionPointer = isWide ? BinaryPrimitives.ReadUInt64LittleEndian(image[8..]) : BinaryPrimitives.ReadUInt32LittleEndian(image[8..]);
        fpu.DataPointer = isWide ? BinaryPrimitives.ReadUInt64LittleEndian(image[16..]) : BinaryPrimitives.ReadUInt32LittleEndian(image[16..]);
        X87.SetControl(core, BinaryPrimitives.ReadUInt16LittleEndian(image));
        int top = (fpu.Status >> 11) & 7;
        for (int i = 0; i < 8; i++)
        {
            ReadOnlySpan<byte> slot = image[(32 + (16 * i))..];
            fpu.Stack[(top + i) & 7] = new VectorRegister(
                BinaryPrimitives.ReadUInt64LittleEndian(slot), BinaryPrimitives.ReadUInt16LittleEndian(slot[8..]));
        }
    }

    public static void ReadSse(Core* core, ReadOnlySpan<byte> image)
        => image.Slice(160, SseBytes(core)).CopyTo(MemoryMarshal.AsBytes((Span<VectorRegister>)core->State.Fpu.Xmm));

    /// <summary>Bytes of the XMM registers that the present mode has.</summary>
    public static int SseBytes(Core* core) => core->Is64Bit ? 256 : 128;
}
