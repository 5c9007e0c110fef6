// SPDX-License-Identifier: Apache-2.0
using System;
using System.Buffers.Binary;
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

        Span<byte> image = stackalloc byte[512];
        StateImage.Write(core, image, isWide: op->Extra != 0);

        // Bytes 464 to 511 are software's and stay as they are.
        return processor.Store(address, image[..(160 + StateImage.SseBytes(core))]) ? Completion.Next : Completion.Fault;
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

        StateImage.ReadX87(core, image, isWide: op->Extra != 0);
        StateImage.ReadSse(core, image);
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
