// SPDX-License-Identifier: Apache-2.0
using System;
using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Liminal.X86.Execution;
using Liminal.X86.State;

namespace Liminal.X86.Instructions;

/// <summary>XSAVE, and XSAVEOPT with bit 1 of Extra set: x87 and SSE state in the standard format. Bit 0 of Extra: the 64-bit form.</summary>
/// <remarks>
/// A component is in use unless it has its initial value. XSAVEOPT leaves out what is not in use; it does not track modifications.
/// Source: SDM1 "Managing state using the XSAVE feature set".
/// </remarks>
internal readonly unsafe struct SaveExtended<TAddress> : IInstruction
    where TAddress : struct, IAddressForm
{
    public static Completion Run(Processor processor, Core* core, Op* op)
    {
        ulong address = TAddress.Of(core, op);
        if (!ExtendedState.Allows(processor, core, address))
            return Completion.Fault;
        ulong requested = ExtendedState.Requested(core);
        ulong inUse = ExtendedState.InUse(core);
        ulong saved = (op->Extra & 2) != 0 ? requested & inUse : requested;
        Span<byte> image = stackalloc byte[512];
        if (!processor.Load(address + 512, 8, out ulong present) || !processor.Probe(address, 576, processor.Privilege | Paging.PageAccess.Write))
            return Completion.Fault;
        StateImage.Write(core, image, isWide: (op->Extra & 1) != 0);
        bool isStored = true;
        if ((saved & ExtendedState.X87) != 0)
            isStored &= processor.Store(address, image[..24]) && processor.Store(address + 32, image[32..160]);
        if ((requested & ExtendedState.Sse) != 0)
            isStored &= processor.Store(address + 24, image[24..32]);
        if ((saved & ExtendedState.Sse) != 0)
            isStored &= processor.Store(address + 160, image[160..(core->Is64Bit ? 416 : 288)]);
        isStored &= processor.Store(address + 512, 8, (present & ~requested) | (requested & inUse));
        return isStored ? Completion.Next : Completion.Fault;
    }
}

/// <summary>XRSTOR in the standard format: a component whose bit is clear in the header gets its initial value.</summary>
internal readonly unsafe struct RestoreExtended<TAddress> : IInstruction
    where TAddress : struct, IAddressForm
{
    public static Completion Run(Processor processor, Core* core, Op* op)
    {
        ulong address = TAddress.Of(core, op);
        if (!ExtendedState.Allows(processor, core, address))
            return Completion.Fault;
        ulong requested = ExtendedState.Requested(core);
        Span<byte> image = stackalloc byte[576];
        if (!processor.Load(address, image))
            return Completion.Fault;
        ulong present = BinaryPrimitives.ReadUInt64LittleEndian(image[512..]);
        bool isReserved = (present & ~core->State.Xcr0) != 0 || image[520..536].ContainsAnyExcept((byte)0);
        uint mxcsr = BinaryPrimitives.ReadUInt32LittleEndian(image[24..]);
        bool loadsMxcsr = (requested & ExtendedState.Sse) != 0;
        if (isReserved || (loadsMxcsr && (mxcsr & ~FloatingPointUnit.MxcsrMask) != 0))
        {
            processor.Raise(ExceptionVector.GeneralProtection);
            return Completion.Fault;
        }

        if ((requested & ExtendedState.X87) != 0)
        {
            if ((present & ExtendedState.X87) != 0)
                StateImage.ReadX87(core, image, isWide: (op->Extra & 1) != 0);
            else
                ExtendedState.ResetX87(core);
        }

        if (loadsMxcsr)
            core->State.Fpu.Mxcsr = mxcsr;
        if ((requested & ExtendedState.Sse) != 0)
        {
            if ((present & ExtendedState.Sse) == 0)
                image[160..416].Clear();
            StateImage.ReadSse(core, image);
        }

        return Completion.Next;
    }
}

internal static unsafe class ExtendedState
{
    public const ulong X87 = 1;
    public const ulong Sse = 2;
    private const int Alignment = 64;

    public static bool Allows(Processor processor, Core* core, ulong address)
    {
        if ((core->State.Cr4 & Cr4.OsXsave) == 0)
            return processor.Raise(ExceptionVector.InvalidOpcode);
        if ((core->State.Cr0 & Cr0.TaskSwitched) != 0)
            return processor.Raise(ExceptionVector.DeviceNotAvailable);
        return (address & (Alignment - 1)) == 0 || processor.Raise(ExceptionVector.GeneralProtection);
    }

    /// <summary>XCR0 and EDX:EAX.</summary>
    public static ulong Requested(Core* core) => core->State.Xcr0 & ((Core.Gpr(core, 2) << 32) | (uint)Core.Gpr(core, 0));

    public static ulong InUse(Core* core)
    {
        ref FloatingPointState fpu = ref core->State.Fpu;
        bool isX87 = fpu.Control != 0x37f || fpu.Status != 0 || fpu.Tags != 0 || fpu.Opcode != 0 || fpu.InstructionPointer != 0 || fpu.DataPointer != 0;
        bool isSse = MemoryMarshal.AsBytes((ReadOnlySpan<VectorRegister>)fpu.Xmm).ContainsAnyExcept((byte)0);
        foreach (VectorRegister register in (ReadOnlySpan<VectorRegister>)fpu.Stack)
            isX87 |= register != default;
        return (isX87 ? X87 : 0) | (isSse ? Sse : 0);
    }

    public static void ResetX87(Core* core)
    {
        X87Initialise.Reset(core);
        core->State.Fpu.Stack = default;
    }
}
