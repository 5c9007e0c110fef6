// SPDX-License-Identifier: Apache-2.0
using System;
using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Liminal.X86.Execution;
using Liminal.X86.State;

namespace Liminal.X86.Instructions;

/// <summary>When x87 state may be touched, and which MXCSR values are modelled.</summary>
internal static unsafe class FloatingPoint
{
    public const uint MxcsrMask = 0xffff;
    private const uint AllMasked = 0x1f80;
    private const uint NotModelled = 0xe040;

    /// <summary>#NM with CR0.EM or CR0.TS.</summary>
    public static bool Allows(Processor processor, Core* core)
        => (core->State.Cr0 & (Cr0.Emulation | Cr0.TaskSwitched)) == 0 || processor.Raise(ExceptionVector.DeviceNotAvailable);

    /// <summary>Sets MXCSR; #GP(0) for reserved bits, a stop for unmasked exceptions, other roundings, DAZ and FTZ.</summary>
    public static bool SetMxcsr(Processor processor, Core* core, uint value)
    {
        if (!CheckMxcsr(processor, value))
            return false;
        core->State.Fpu.Mxcsr = value;
        return true;
    }

    public static bool CheckMxcsr(Processor processor, uint value)
    {
        if ((value & ~MxcsrMask) != 0)
            return processor.Raise(ExceptionVector.GeneralProtection);
        return ((value & AllMasked) == AllMasked && (value & NotModelled) == 0)
            || processor.StopNotModelled($"MXCSR 0x{value:x}: unmasked exceptions, directed rounding, DAZ and FTZ");
    }
}

/// <summary>FXSAVE and FXSAVE64 (Extra 1): 512 bytes on a 16-byte boundary.</summary>
/// <remarks>Outside 64-bit mode XMM8 to XMM15 are left out. Source: SDM2 "FXSAVE", layout tables.</remarks>
internal readonly unsafe struct SaveState<TAddress> : IInstruction
    where TAddress : struct, IAddressForm
{
    public static Completion Run(Processor processor, Core* core, Op* op)
    {
        ulong address = TAddress.Of(core, op);
        if (!FloatingPoint.Allows(processor, core))
            return Completion.Fault;
        if ((address & 15) != 0)
        {
            processor.Raise(ExceptionVector.GeneralProtection);
            return Completion.Fault;
        }

        ref FloatingPointState fpu = ref core->State.Fpu;
        Span<byte> image = stackalloc byte[512];
        image.Clear();
        BinaryPrimitives.WriteUInt16LittleEndian(image, fpu.Control);
        BinaryPrimitives.WriteUInt16LittleEndian(image[2..], fpu.Status);
        image[4] = fpu.Tags;
        BinaryPrimitives.WriteUInt16LittleEndian(image[6..], fpu.Opcode);
        BinaryPrimitives.WriteUInt64LittleEndian(image[8..], fpu.InstructionPointer);
        BinaryPrimitives.WriteUInt64LittleEndian(image[16..], fpu.DataPointer);
        BinaryPrimitives.WriteUInt32LittleEndian(image[24..], fpu.Mxcsr);
        BinaryPrimitives.WriteUInt32LittleEndian(image[28..], FloatingPoint.MxcsrMask);
        int top = (fpu.Status >> 11) & 7;
        for (int i = 0; i < 8; i++)
        {
            VectorRegister register = fpu.Stack[(top + i) & 7];
            MemoryMarshal.AsBytes(new ReadOnlySpan<VectorRegister>(in register))[..10].CopyTo(image[(32 + (16 * i))..]);
        }

        int registers = core->Is64Bit ? 16 : 8;
        MemoryMarshal.AsBytes((ReadOnlySpan<VectorRegister>)fpu.Xmm)[..(16 * registers)].CopyTo(image[160..]);

        // Bytes 464 to 511 are software's and stay as they are.
        return processor.Store(address, image[..(160 + (16 * registers))]) ? Completion.Next : Completion.Fault;
    }
}

/// <summary>FXRSTOR and FXRSTOR64.</summary>
internal readonly unsafe struct RestoreState<TAddress> : IInstruction
    where TAddress : struct, IAddressForm
{
    public static Completion Run(Processor processor, Core* core, Op* op)
    {
        ulong address = TAddress.Of(core, op);
        if (!FloatingPoint.Allows(processor, core))
            return Completion.Fault;
        if ((address & 15) != 0)
        {
            processor.Raise(ExceptionVector.GeneralProtection);
            return Completion.Fault;
        }

        Span<byte> image = stackalloc byte[512];
        if (!processor.Load(address, image))
            return Completion.Fault;
        uint mxcsr = BinaryPrimitives.ReadUInt32LittleEndian(image[24..]);
        if (!FloatingPoint.SetMxcsr(processor, core, mxcsr))
            return Completion.Fault;

        ref FloatingPointState fpu = ref core->State.Fpu;
        fpu.Control = (ushort)(BinaryPrimitives.ReadUInt16LittleEndian(image) | 0x40);
        fpu.Status = BinaryPrimitives.ReadUInt16LittleEndian(image[2..]);
        fpu.Tags = image[4];
        fpu.Opcode = (ushort)(BinaryPrimitives.ReadUInt16LittleEndian(image[6..]) & 0x7ff);
        fpu.InstructionPointer = BinaryPrimitives.ReadUInt64LittleEndian(image[8..]);
        fpu.DataPointer = BinaryPrimitives.ReadUInt64LittleEndian(image[16..]);
        int top = (fpu.Status >> 11) & 7;
        for (int i = 0; i < 8; i++)
        {
            ReadOnlySpan<byte> slot = image[(32 + (16 * i))..];
            fpu.Stack[(top + i) & 7] = new VectorRegister(
                BinaryPrimitives.ReadUInt64LittleEndian(slot), BinaryPrimitives.ReadUInt16LittleEndian(slot[8..]));
        }

        int registers = core->Is64Bit ? 16 : 8;
        image.Slice(160, 16 * registers).CopyTo(MemoryMarshal.AsBytes((Span<VectorRegister>)fpu.Xmm));
        return Completion.Next;
    }
}

/// <summary>LDMXCSR.</summary>
internal readonly unsafe struct LoadMxcsr<TAddress> : IInstruction
    where TAddress : struct, IAddressForm
{
    public static Completion Run(Processor processor, Core* core, Op* op)
        => VectorCheck.Allows(processor, core) && processor.Load(TAddress.Of(core, op), 4, out ulong value)
            && FloatingPoint.SetMxcsr(processor, core, (uint)value) ? Completion.Next : Completion.Fault;
}

/// <summary>STMXCSR.</summary>
internal readonly unsafe struct StoreMxcsr<TAddress> : IInstruction
    where TAddress : struct, IAddressForm
{
    public static Completion Run(Processor processor, Core* core, Op* op)
        => VectorCheck.Allows(processor, core) && processor.Store(TAddress.Of(core, op), 4, core->State.Fpu.Mxcsr)
            ? Completion.Next : Completion.Fault;
}

/// <summary>FNINIT.</summary>
internal readonly unsafe struct InitialiseX87 : IInstruction
{
    public static Completion Run(Processor processor, Core* core, Op* op)
    {
        if (!FloatingPoint.Allows(processor, core))
            return Completion.Fault;
        ref FloatingPointState fpu = ref core->State.Fpu;
        fpu.Control = 0x37f;
        fpu.Status = 0;
        fpu.Tags = 0;
        fpu.Opcode = 0;
        fpu.InstructionPointer = 0;
        fpu.DataPointer = 0;
        return Completion.Next;
    }
}

/// <summary>FNCLEX.</summary>
internal readonly unsafe struct ClearX87Exceptions : IInstruction
{
    public static Completion Run(Processor processor, Core* core, Op* op)
    {
        if (!FloatingPoint.Allows(processor, core))
            return Completion.Fault;
        core->State.Fpu.Status &= 0x7f00;
        return Completion.Next;
    }
}

/// <summary>EMMS: all registers empty.</summary>
internal readonly unsafe struct EmptyX87 : IInstruction
{
    public static Completion Run(Processor processor, Core* core, Op* op)
    {
        if (!FloatingPoint.Allows(processor, core))
            return Completion.Fault;
        core->State.Fpu.Tags = 0;
        return Completion.Next;
    }
}

/// <summary>WAIT: #NM with CR0.TS and CR0.MP; a pending unmasked exception is #MF.</summary>
internal readonly unsafe struct WaitX87 : IInstruction
{
    public static Completion Run(Processor processor, Core* core, Op* op)
    {
        const ulong Both = Cr0.TaskSwitched | Cr0.MonitorCoprocessor;
        if ((core->State.Cr0 & Both) == Both)
            processor.Raise(ExceptionVector.DeviceNotAvailable);
        else if ((core->State.Fpu.Status & 0x80) != 0)
            processor.Raise(ExceptionVector.FloatingPoint);
        else
            return Completion.Next;
        return Completion.Fault;
    }
}

/// <summary>FNSTCW, FNSTSW (Extra 1) to memory, and FNSTSW AX (Extra 2).</summary>
internal readonly unsafe struct StoreX87Word<TAddress> : IInstruction
    where TAddress : struct, IAddressForm
{
    public const byte Control = 0;
    public const byte Status = 1;
    public const byte StatusToAx = 2;

    public static Completion Run(Processor processor, Core* core, Op* op)
    {
        if (!FloatingPoint.Allows(processor, core))
            return Completion.Fault;
        ushort value = op->Extra == Control ? core->State.Fpu.Control : core->State.Fpu.Status;
        if (op->Extra != StatusToAx)
            return processor.Store(TAddress.Of(core, op), 2, value) ? Completion.Next : Completion.Fault;
        *(ushort*)core = value;
        return Completion.Next;
    }
}

/// <summary>FLDCW. Precision and rounding are kept; no x87 arithmetic is modelled that they would change.</summary>
internal readonly unsafe struct LoadX87Control<TAddress> : IInstruction
    where TAddress : struct, IAddressForm
{
    public static Completion Run(Processor processor, Core* core, Op* op)
    {
        if (!FloatingPoint.Allows(processor, core) || !processor.Load(TAddress.Of(core, op), 2, out ulong value))
            return Completion.Fault;
        core->State.Fpu.Control = (ushort)(value | 0x40);
        return Completion.Next;
    }
}
