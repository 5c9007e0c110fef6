// SPDX-License-Identifier: Apache-2.0
using System;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using Liminal.X86.Execution;
using Liminal.X86.Paging;
using Liminal.X86.State;

namespace Liminal.X86.Instructions;

/// <summary>What an SSE instruction does with its source; narrower memory operands arrive zero-extended.</summary>
internal unsafe interface IVectorSource
{
    static abstract void Run(Core* core, Op* op, Vector128<byte> source);
}

/// <summary>As <see cref="IVectorSource"/>, for instructions that can raise a floating-point exception.</summary>
internal unsafe interface ITryVectorSource
{
    /// <summary>Takes the source; false with the fault set and nothing written but flags of MXCSR.</summary>
    static abstract bool Try(Core* core, Op* op, Vector128<byte> source);
}

/// <summary>What an SSE instruction stores; the low bytes when the store is narrower.</summary>
internal unsafe interface IVectorStore
{
    static abstract Vector128<byte> Run(Core* core, Op* op);
}

/// <summary>Width and alignment of an SSE memory operand, as a type parameter.</summary>
internal interface IVectorWidth
{
    static abstract int Bytes { get; }

    static abstract bool IsAligned { get; }
}

internal readonly struct Vector2 : IVectorWidth
{
    public static int Bytes => 2;

    public static bool IsAligned => false;
}

internal readonly struct Vector4 : IVectorWidth
{
    public static int Bytes => 4;

    public static bool IsAligned => false;
}

internal readonly struct Vector8 : IVectorWidth
{
    public static int Bytes => 8;

    public static bool IsAligned => false;
}

/// <summary>16 bytes anywhere: MOVUPS and its kin.</summary>
internal readonly struct Vector16 : IVectorWidth
{
    public static int Bytes => 16;

    public static bool IsAligned => false;
}

/// <summary>16 bytes on a 16-byte boundary, else #GP(0).</summary>
internal readonly struct Vector16Aligned : IVectorWidth
{
    public static int Bytes => 16;

    public static bool IsAligned => true;
}

/// <summary>The shapes of SSE instructions. Register numbers stand in <see cref="Op.Destination"/> and <see cref="Op.Source"/>.</summary>
// SAFETY: a vector is loaded or stored through an entry only when all its bytes lie on the page of the entry.
internal static unsafe class VectorForm
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ref Vector128<byte> Xmm(Core* core, int number)
        => ref Unsafe.As<VectorRegister, Vector128<byte>>(ref Unsafe.Add(ref Unsafe.As<VectorRegisters, VectorRegister>(ref core->State.Fpu.Xmm), number));

    public static nint SourceRegister<TBody>(Core* core, Op* op)
        where TBody : struct, IVectorSource
    {
        if (core->VectorFault != 0)
            return Unavailable(core, op);
        TBody.Run(core, op, Xmm(core, op->Source));
        return Form.Next(core, op);
    }

    public static nint SourceMemory<TBody, TWidth, TAddress>(Core* core, Op* op)
        where TBody : struct, IVectorSource
        where TWidth : struct, IVectorWidth
        where TAddress : struct, IAddressForm
    {
        if (core->VectorFault != 0)
            return Unavailable(core, op);
        ulong address = TAddress.Of(core, op);
        FastEntry* entry = Core.Entry(core, address);
        bool isMisaligned = TWidth.IsAligned && (address & 15) != 0;
        if (isMisaligned || ((address + (ulong)(TWidth.Bytes - 1)) & ~0xffful) != entry->ReadTag)
            return SourceSlow<TBody>(core, op, address, TWidth.Bytes, isMisaligned);
        TBody.Run(core, op, Read<TWidth>((byte*)(address + entry->Addend)));
        return Form.Next(core, op);
    }

    public static nint TrySourceRegister<TBody>(Core* core, Op* op)
        where TBody : struct, ITryVectorSource
    {
        if (core->VectorFault != 0)
            return Unavailable(core, op);
        core->Op = op;
        if (!TryAt<TBody, Vector16>(core, op, (byte*)Unsafe.AsPointer(ref Xmm(core, op->Source))))
            return Form.Abort(core, op);
        return Form.Next(core, op);
    }

    public static nint TrySourceMemory<TBody, TWidth, TAddress>(Core* core, Op* op)
        where TBody : struct, ITryVectorSource
        where TWidth : struct, IVectorWidth
        where TAddress : struct, IAddressForm
    {
        if (core->VectorFault != 0)
            return Unavailable(core, op);
        ulong address = TAddress.Of(core, op);
        FastEntry* entry = Core.Entry(core, address);
        bool isMisaligned = TWidth.IsAligned && (address & 15) != 0;
        if (isMisaligned || ((address + (ulong)(TWidth.Bytes - 1)) & ~0xffful) != entry->ReadTag)
            return TrySourceSlow<TBody>(core, op, address, TWidth.Bytes, isMisaligned);
        core->Op = op;
        if (!TryAt<TBody, TWidth>(core, op, (byte*)(address + entry->Addend)))
            return Form.Abort(core, op);
        return Form.Next(core, op);
    }

    public static nint StoreMemory<TBody, TWidth, TAddress>(Core* core, Op* op)
        where TBody : struct, IVectorStore
        where TWidth : struct, IVectorWidth
        where TAddress : struct, IAddressForm
    {
        if (core->VectorFault != 0)
            return Unavailable(core, op);
        ulong address = TAddress.Of(core, op);
        FastEntry* entry = Core.Entry(core, address);
        bool isMisaligned = TWidth.IsAligned && (address & 15) != 0;
        if (isMisaligned || ((address + (ulong)(TWidth.Bytes - 1)) & ~0xffful) != entry->WriteTag)
            return StoreSlow<TBody>(core, op, address, TWidth.Bytes, isMisaligned);
        byte* place = (byte*)(address + entry->Addend);
        Vector128<byte> value = TBody.Run(core, op);
        switch (TWidth.Bytes)
        {
            case 4:
                *(uint*)place = value.AsUInt32()[0];
                break;
            case 8:
                *(ulong*)place = value.AsUInt64()[0];
                break;
            default:
                *(Vector128<byte>*)place = value;
                break;
        }

        return Form.Next(core, op);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<byte> Read<TWidth>(byte* place)
        where TWidth : struct, IVectorWidth
        => TWidth.Bytes switch
        {
            2 => Vector128.CreateScalar(*(ushort*)place).AsByte(),
            4 => Vector128.CreateScalar(*(uint*)place).AsByte(),
            8 => Vector128.CreateScalar(*(ulong*)place).AsByte(),
            _ => *(Vector128<byte>*)place,
        };

    /// <summary>Keeps the body's locals, whose address is taken, out of the handlers that tail-call.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static bool TryAt<TBody, TWidth>(Core* core, Op* op, byte* place)
        where TBody : struct, ITryVectorSource
        where TWidth : struct, IVectorWidth
        => TBody.Try(core, op, Read<TWidth>(place));

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static nint TrySourceSlow<TBody>(Core* core, Op* op, ulong address, int bytes, bool isMisaligned)
        where TBody : struct, ITryVectorSource
    {
        core->Op = op;
        Vector128<byte> value = default;
        Span<byte> span = MemoryMarshal.AsBytes(new Span<Vector128<byte>>(ref value))[..bytes];
        bool isLoaded = isMisaligned ? core->Processor.Raise(ExceptionVector.GeneralProtection) : core->Processor.Load(address, span);
        return isLoaded && TBody.Try(core, op, value) ? Form.NextOrLeave(core, op) : Form.Abort(core, op);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static nint SourceSlow<TBody>(Core* core, Op* op, ulong address, int bytes, bool isMisaligned)
        where TBody : struct, IVectorSource
    {
        core->Op = op;
        Vector128<byte> value = default;
        Span<byte> span = MemoryMarshal.AsBytes(new Span<Vector128<byte>>(ref value))[..bytes];
        bool isLoaded = isMisaligned ? core->Processor.Raise(ExceptionVector.GeneralProtection) : core->Processor.Load(address, span);
        if (!isLoaded)
            return Form.Abort(core, op);
        TBody.Run(core, op, value);
        return Form.NextOrLeave(core, op);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static nint StoreSlow<TBody>(Core* core, Op* op, ulong address, int bytes, bool isMisaligned)
        where TBody : struct, IVectorStore
    {
        core->Op = op;
        Vector128<byte> value = TBody.Run(core, op);
        Span<byte> span = MemoryMarshal.AsBytes(new Span<Vector128<byte>>(ref value))[..bytes];
        bool isStored = isMisaligned ? core->Processor.Raise(ExceptionVector.GeneralProtection) : core->Processor.Store(address, span);
        return isStored ? Form.NextOrLeave(core, op) : Form.Abort(core, op);
    }

    /// <summary>#UD with CR0.EM or without CR4.OSFXSR, #NM with CR0.TS.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static nint Unavailable(Core* core, Op* op)
    {
        core->Op = op;
        core->Processor.Raise((byte)core->VectorFault);
        return Form.Abort(core, op);
    }
}
