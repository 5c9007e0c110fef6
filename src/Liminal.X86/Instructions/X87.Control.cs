// SPDX-License-Identifier: Apache-2.0
using System;
using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Liminal.X86.Execution;
using Liminal.X86.FloatingPoint;
using Liminal.X86.State;

namespace Liminal.X86.Instructions;

/// <summary>FCHS, and FABS with Extra 1: the sign of whatever ST(0) holds.</summary>
internal readonly unsafe struct X87Sign : IX87
{
    public static Completion Run(Processor processor, Core* core, Op* op, ulong address)
    {
        if (X87.IsEmpty(core, 0))
        {
            if (X87.ReportStackFault(core, isOverflow: false))
                X87.Write(core, 0, Number.Indefinite);
            return Completion.Next;
        }

        X87.ClearC1(core);
        VectorRegister raw = X87.Raw(core, 0);
        X87.WriteRaw(core, 0, raw with { High = op->Extra != 0 ? raw.High & 0x7fff : raw.High ^ 0x8000 });
        return Completion.Next;
    }
}

/// <summary>FXAM: what ST(0) is, in C3 C2 C0; its sign in C1.</summary>
internal readonly unsafe struct X87Examine : IX87
{
    public static Completion Run(Processor processor, Core* core, Op* op, ulong address)
    {
        Number number = X87.Read(core, 0);
        int code = X87.IsEmpty(core, 0) ? X87.C3 | X87.C0 : number.Kind switch
        {
            NumberKind.Zero => X87.C3,
            NumberKind.Finite when number.IsDenormal => X87.C3 | X87.C2,
            NumberKind.Finite => X87.C2,
            NumberKind.Infinity => X87.C2 | X87.C0,
            NumberKind.Unsupported => 0,
            _ => X87.C0,
        };
        X87.SetCodes(core, code | (number.IsNegative ? X87.C1 : 0));
        return Completion.Next;
    }
}

/// <summary>FINCSTP, and FDECSTP with Extra 1: the stack turns, tags stay with their registers.</summary>
internal readonly unsafe struct X87Turn : IX87
{
    public static Completion Run(Processor processor, Core* core, Op* op, ulong address)
    {
        X87.ClearC1(core);
        X87.Rotate(core, op->Extra != 0 ? -1 : 1);
        return Completion.Next;
    }
}

/// <summary>FFREE, and FFREEP with pops in Extra.</summary>
internal readonly unsafe struct X87Free : IX87
{
    public static Completion Run(Processor processor, Core* core, Op* op, ulong address)
    {
        X87.Free(core, op->Destination);
        X87.Pop(core, op->Extra);
        return Completion.Next;
    }
}

/// <summary>FNOP, and FENI FDISI FSETPM, which meant something to the 8087 and 80287.</summary>
internal readonly unsafe struct X87Nothing : IX87
{
    public static Completion Run(Processor processor, Core* core, Op* op, ulong address) => Completion.Next;
}

/// <summary>FNINIT.</summary>
internal readonly unsafe struct X87Initialise : IX87
{
    public static Completion Run(Processor processor, Core* core, Op* op, ulong address)
    {
        Reset(core);
        return Completion.Next;
    }

    public static void Reset(Core* core)
    {
        ref FloatingPointState fpu = ref core->State.Fpu;
        fpu.Control = 0x37f;
        fpu.Status = 0;
        fpu.Tags = 0;
        fpu.Opcode = 0;
        fpu.InstructionPointer = 0;
        fpu.DataPointer = 0;
    }
}

/// <summary>FNCLEX.</summary>
internal readonly unsafe struct X87ClearExceptions : IX87
{
    public static Completion Run(Processor processor, Core* core, Op* op, ulong address)
    {
        core->State.Fpu.Status &= 0x7f00;
        return Completion.Next;
    }
}

/// <summary>FNSTCW, FNSTSW (Extra 1) to memory, and FNSTSW AX (Extra 2).</summary>
internal readonly unsafe struct X87StoreWord : IX87
{
    public const byte Control = 0;
    public const byte Status = 1;
    public const byte StatusToAx = 2;

    public static Completion Run(Processor processor, Core* core, Op* op, ulong address)
    {
        ushort value = op->Extra == Control ? core->State.Fpu.Control : core->State.Fpu.Status;
        if (op->Extra != StatusToAx)
            return processor.Store(address, 2, value) ? Completion.Next : Completion.Fault;
        *(ushort*)core = value;
        return Completion.Next;
    }
}

/// <summary>FLDCW.</summary>
internal readonly unsafe struct X87LoadControl : IX87
{
    public static Completion Run(Processor processor, Core* core, Op* op, ulong address)
    {
        if (!processor.Load(address, 2, out ulong value))
            return Completion.Fault;
        X87.SetControl(core, (ushort)value);
        return Completion.Next;
    }
}

/// <summary>FNSTENV, and FNSAVE with Extra 1; operand width 2 or 4 in <see cref="Op.Immediate"/>.</summary>
/// <remarks>Code and data selectors are stored as zero, as on a processor that announces their deprecation.</remarks>
internal readonly unsafe struct X87StoreEnvironment : IX87
{
    public static Completion Run(Processor processor, Core* core, Op* op, ulong address)
    {
        bool isWide = op->Immediate == 4;
        Span<byte> image = stackalloc byte[28 + 80];
        int length = X87Environment.Write(core, image, isWide);
        bool savesRegisters = op->Extra != 0;
        for (int i = 0; savesRegisters && i < 8; i++, length += 10)
        {
            VectorRegister register = X87.Raw(core, i);
            BinaryPrimitives.WriteUInt64LittleEndian(image[length..], register.Low);
            BinaryPrimitives.WriteUInt16LittleEndian(image[(length + 8)..], (ushort)register.High);
        }

        if (!processor.Store(address, image[..length]))
            return Completion.Fault;
        if (savesRegisters)
        {
            X87Initialise.Reset(core);
        }
        else
        {
            core->State.Fpu.Control |= (ushort)FloatFlags.All;
            X87.RefreshSummary(core);
        }

        return Completion.Next;
    }
}

/// <summary>FLDENV, and FRSTOR with Extra 1; operand width in <see cref="Op.Immediate"/>.</summary>
internal readonly unsafe struct X87LoadEnvironment : IX87
{
    public static Completion Run(Processor processor, Core* core, Op* op, ulong address)
    {
        bool isWide = op->Immediate == 4;
        bool loadsRegisters = op->Extra != 0;
        int length = isWide ? 28 : 14;
        Span<byte> image = stackalloc byte[28 + 80];
        if (!processor.Load(address, image[..(length + (loadsRegisters ? 80 : 0))]))
            return Completion.Fault;
        X87Environment.Read(core, image, isWide);
        for (int i = 0; loadsRegisters && i < 8; i++, length += 10)
        {
            core->State.Fpu.Stack[X87.Physical(core, i)] = new VectorRegister(
                BinaryPrimitives.ReadUInt64LittleEndian(image[length..]), BinaryPrimitives.ReadUInt16LittleEndian(image[(length + 8)..]));
        }

        return Completion.Next;
    }
}

/// <summary>The 14- and 28-byte images of FNSTENV in protected and in real mode.</summary>
/// <remarks>Source: SDM1 figures "Protected mode x87 FPU state image in memory" and "Real mode x87 FPU state image in memory".</remarks>
internal static unsafe class X87Environment
{
    public static int Write(Core* core, Span<byte> image, bool isWide)
    {
        ref FloatingPointState fpu = ref core->State.Fpu;
        uint instruction = (uint)fpu.InstructionPointer;
        uint data = (uint)fpu.DataPointer;
        uint opcode = fpu.Opcode;
        ushort tags = FullTags(core);
        bool isReal = !core->HasDescriptors;
        if (isWide)
        {
            ReadOnlySpan<uint> words =
            [
                0xffff_0000 | fpu.Control, 0xffff_0000 | fpu.Status, 0xffff_0000 | tags,
                isReal ? instruction & 0xffff : instruction,
                isReal ? ((instruction >> 16) << 12) | opcode : opcode << 16,
                isReal ? data & 0xffff : data,
                isReal ? (data >> 16) << 12 : 0xffff_0000,
            ];
            MemoryMarshal.AsBytes(words).CopyTo(image);
            return 28;
        }

        ReadOnlySpan<ushort> halves =
        [
            fpu.Control, fpu.Status, tags, (ushort)instruction,
            isReal ? (ushort)(((instruction >> 4) & 0xf000) | opcode) : (ushort)0,
            (ushort)data,
            isReal ? (ushort)((data >> 4) & 0xf000) : (ushort)0,
        ];
        MemoryMarshal.AsBytes(halves).CopyTo(image);
        return 14;
    }

    public static void Read(Core* core, ReadOnlySpan<byte> image, bool isWide)
    {
        ref FloatingPointState fpu = ref core->State.Fpu;
        int step = isWide ? 4 : 2;
        bool isReal = !core->HasDescriptors;
        fpu.Status = BinaryPrimitives.ReadUInt16LittleEndian(image[step..]);
        ushort tags = BinaryPrimitives.ReadUInt16LittleEndian(image[(2 * step)..]);
        fpu.Tags = 0;
        for (int i = 0; i < 8; i++)
            fpu.Tags |= (byte)(((tags >> (2 * i)) & 3) != 3 ? 1 << i : 0);
        uint instruction = isWide ? BinaryPrimitives.ReadUInt32LittleEndian(image[12..]) : BinaryPrimitives.ReadUInt16LittleEndian(image[6..]);
        uint selector = isWide ? BinaryPrimitives.ReadUInt32LittleEndian(image[16..]) : BinaryPrimitives.ReadUInt16LittleEndian(image[8..]);
        uint data = isWide ? BinaryPrimitives.ReadUInt32LittleEndian(image[20..]) : BinaryPrimitives.ReadUInt16LittleEndian(image[10..]);
        fpu.InstructionPointer = isReal ? (instruction & 0xffff) | ((selector & 0x0fff_f000) << 4) : instruction;
        fpu.DataPointer = data;
        fpu.Opcode = (ushort)((isReal ? selector : isWide ? selector >> 16 : 0) & 0x7ff);
        X87.SetControl(core, BinaryPrimitives.ReadUInt16LittleEndian(image));
    }

    /// <summary>Two bits to a register: 0 valid, 1 zero, 2 special, 3 empty.</summary>
    private static ushort FullTags(Core* core)
    {
        int tags = 0;
        for (int i = 0; i < 8; i++)
        {
            VectorRegister register = core->State.Fpu.Stack[i];
            Number number = FloatEncoding.FromExtended(register.Low, (ushort)register.High);
            int tag = (core->State.Fpu.Tags & (1 << i)) == 0 ? 3
                : number.Kind == NumberKind.Zero ? 1
                : number.Kind == NumberKind.Finite && !number.IsDenormal ? 0 : 2;
            tags |= tag << (2 * i);
        }

        return (ushort)tags;
    }
}
