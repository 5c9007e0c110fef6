// SPDX-License-Identifier: Apache-2.0
using System;
using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Liminal.X86.Execution;
using Liminal.X86.State;

namespace Liminal.X86.Instructions;

/// <summary>When x87 state may be touched, and which MXCSR values exist.</summary>
internal static unsafe class FloatingPointUnit
{
    public const uint MxcsrMask = 0xffff;

    /// <summary>#NM with CR0.EM or CR0.TS.</summary>
    public static bool Allows(Processor processor, Core* core)
        => (core->State.Cr0 & (Cr0.Emulation | Cr0.TaskSwitched)) == 0 || processor.Raise(ExceptionVector.DeviceNotAvailable);

    /// <summary>Sets MXCSR; #GP(0) for reserved bits.</summary>
    public static bool SetMxcsr(Processor processor, Core* core, uint value)
    {
        if ((value & ~MxcsrMask) != 0)
            return processor.Raise(ExceptionVector.GeneralProtection);
        core->State.Fpu.Mxcsr = value;
        return true;
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
        if (!FloatingPointUnit.Allows(processor, core))
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
        bool isWide = op->Extra != 0;
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
        if (!FloatingPointUnit.Allows(processor, core))
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
        if (!FloatingPointUnit.SetMxcsr(processor, core, mxcsr))
            return Completion.Fault;

        ref FloatingPointState fpu = ref core->State.Fpu;
        bool isWide = op->Extra != 0;
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
            && FloatingPointUnit.SetMxcsr(processor, core, (uint)value) ? Completion.Next : Completion.Fault;
}

/// <summary>STMXCSR.</summary>
internal readonly unsafe struct StoreMxcsr<TAddress> : IInstruction
    where TAddress : struct, IAddressForm
{
    public static Completion Run(Processor processor, Core* core, Op* op)
        => VectorCheck.Allows(processor, core) && processor.Store(TAddress.Of(core, op), 4, core->State.Fpu.Mxcsr)
            ? Completion.Next : Completion.Fault;
}

/// <summary>WAIT: #NM with CR0.TS and CR0.MP; a pending unmasked exception is #MF.</summary>
internal readonly unsafe struct WaitX87 : IInstruction
{
    public static Completion Run(Processor processor, Core* core, Op* op)
    {
        const ulong Both = Cr0.TaskSwitched | Cr0.MonitorCoprocessor;
        if ((core->State.Cr0 & Both) == Both)
            processor.Raise(ExceptionVector.DeviceNotAvailable);
        else if (X87.TakePending(processor, core))
            return Completion.Next;
        return Completion.Fault;
    }
}
