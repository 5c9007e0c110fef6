// SPDX-License-Identifier: Apache-2.0
using System;
using System.Numerics;
using System.Runtime.Intrinsics;
using Liminal.X86.Execution;
using Liminal.X86.State;

namespace Liminal.X86.Instructions;

/// <summary>The MMX registers: the significands of the x87 registers, by physical number.</summary>
/// <remarks>Source: SDM1 "Compatibility with x87 FPU architecture": TOP becomes 0, every tag valid, exponents of written registers all ones.</remarks>
internal static unsafe class Mmx
{
    public static ulong Read(Core* core, int number) => core->State.Fpu.Stack[number].Low;

    public static void Write(Core* core, int number, ulong value) => core->State.Fpu.Stack[number] = new VectorRegister(value, 0xffff);

    /// <summary>#UD with CR0.EM, #NM with CR0.TS, #MF for a pending x87 exception.</summary>
    public static bool Allows(Processor processor, Core* core)
    {
        if ((core->State.Cr0 & Cr0.Emulation) != 0)
            return processor.Raise(ExceptionVector.InvalidOpcode);
        if ((core->State.Cr0 & Cr0.TaskSwitched) != 0)
            return processor.Raise(ExceptionVector.DeviceNotAvailable);
        return X87.TakePending(processor, core);
    }

    public static void Enter(Core* core)
    {
        core->State.Fpu.Status &= 0xc7ff;
        core->State.Fpu.Tags = 0xff;
    }
}

/// <summary>What an MMX instruction does with its source.</summary>
internal unsafe interface IMmx
{
    /// <summary>With a memory operand the x87 registers stay what they are: CVTPI2PS, CVTPI2PD.</summary>
    static virtual bool KeepsX87 => false;

    static abstract bool Try(Core* core, Op* op, ulong source);
}

/// <summary>Source: MMX register, or memory of <see cref="Op.LinkKey"/> bytes when that is not zero.</summary>
internal readonly unsafe struct MmxSource<TBody, TAddress> : IInstruction
    where TBody : struct, IMmx
    where TAddress : struct, IAddressForm
{
    public static Completion Run(Processor processor, Core* core, Op* op)
    {
        if (!Mmx.Allows(processor, core))
            return Completion.Fault;
        ulong source = Mmx.Read(core, op->Source & 7);
        if (op->LinkKey != 0 && !processor.Load(TAddress.Of(core, op), (int)op->LinkKey, out source))
            return Completion.Fault;
        if (!TBody.Try(core, op, source))
            return Completion.Fault;
        if (op->LinkKey == 0 || !TBody.KeepsX87)
            Mmx.Enter(core);
        return Completion.Next;
    }
}

/// <summary>As <see cref="MmxSource{TBody, TAddress}"/>, from a whole XMM register or 8 or 16 bytes of memory.</summary>
internal readonly unsafe struct MmxFromVector<TAddress> : IInstruction
    where TAddress : struct, IAddressForm
{
    public static Completion Run(Processor processor, Core* core, Op* op)
    {
        if (!Mmx.Allows(processor, core))
            return Completion.Fault;
        Vector128<byte> source = VectorForm.Xmm(core, op->Source & 15);
        ulong address = TAddress.Of(core, op);
        if (op->LinkKey == 16 && (address & 15) != 0)
        {
            processor.Raise(ExceptionVector.GeneralProtection);
            return Completion.Fault;
        }

        if (op->LinkKey != 0)
        {
            Span<byte> bytes = stackalloc byte[16];
            bytes.Clear();
            if (!processor.Load(address, bytes[..(int)op->LinkKey]))
                return Completion.Fault;
            source = Vector128.Create<byte>(bytes);
        }

        var elements = new FloatElements(core->State.Fpu.Mxcsr);
        bool truncates = (op->Extra & 1) != 0;
        Vector128<byte> result = (op->Extra & 2) != 0
            ? ConvertPacked.Dwords(ref elements, source.AsDouble(), truncates)
            : ConvertPacked.Dwords(ref elements, source.AsSingle().WithElement(2, 0).WithElement(3, 0), truncates);
        if (!elements.Commit(core))
            return Completion.Fault;
        Mmx.Write(core, op->Destination, result.AsUInt64()[0]);
        Mmx.Enter(core);
        return Completion.Next;
    }
}

/// <summary>PADDB and everything of its shape: the low half of what the SSE2 instruction does.</summary>
internal readonly unsafe struct MmxInto<TFunction> : IMmx
    where TFunction : struct, IVectorFunction
{
    public static bool Try(Core* core, Op* op, ulong source)
    {
        Vector128<byte> first = Vector128.CreateScalar(Mmx.Read(core, op->Destination)).AsByte();
        Mmx.Write(core, op->Destination, TFunction.Apply(first, Vector128.CreateScalar(source).AsByte()).AsUInt64()[0]);
        return true;
    }
}

/// <summary>PACK: both operands as one vector, packed.</summary>
internal readonly unsafe struct MmxPack<TFunction> : IMmx
    where TFunction : struct, IVectorFunction
{
    public static bool Try(Core* core, Op* op, ulong source)
    {
        Vector128<byte> both = Vector128.Create(Mmx.Read(core, op->Destination), source).AsByte();
        Mmx.Write(core, op->Destination, TFunction.Apply(both, both).AsUInt64()[0]);
        return true;
    }
}

/// <summary>PUNPCKH: the upper half of the interleaved low halves.</summary>
internal readonly unsafe struct MmxInterleaveHigh<T> : IMmx
    where T : unmanaged
{
    public static bool Try(Core* core, Op* op, ulong source)
    {
        Vector128<byte> first = Vector128.CreateScalar(Mmx.Read(core, op->Destination)).AsByte();
        Mmx.Write(core, op->Destination, InterleaveLow<T>.Apply(first, Vector128.CreateScalar(source).AsByte()).AsUInt64()[1]);
        return true;
    }
}

/// <summary>Shifts; the count from the source, or from <see cref="Op.Immediate"/> with Extra 1.</summary>
internal readonly unsafe struct MmxShift<TShift> : IMmx
    where TShift : struct, IVectorShift
{
    public static bool Try(Core* core, Op* op, ulong source)
    {
        Vector128<byte> value = Vector128.CreateScalar(Mmx.Read(core, op->Destination)).AsByte();
        Mmx.Write(core, op->Destination, TShift.Shift(value, op->Extra != 0 ? op->Immediate : source).AsUInt64()[0]);
        return true;
    }
}

/// <summary>MOVD and MOVQ to an MMX register, and MOVDQ2Q.</summary>
internal readonly unsafe struct MmxMove : IMmx
{
    public static bool Try(Core* core, Op* op, ulong source)
    {
        Mmx.Write(core, op->Destination, source);
        return true;
    }
}

/// <summary>PSHUFW.</summary>
internal readonly unsafe struct MmxShuffle : IMmx
{
    public static bool Try(Core* core, Op* op, ulong source)
    {
        ulong result = 0;
        for (int i = 0; i < 4; i++)
            result |= ((source >> (16 * (int)((op->Immediate >> (2 * i)) & 3))) & 0xffff) << (16 * i);
        Mmx.Write(core, op->Destination, result);
        return true;
    }
}

/// <summary>PINSRW from memory.</summary>
internal readonly unsafe struct MmxInsertWord : IMmx
{
    public static bool Try(Core* core, Op* op, ulong source)
    {
        int shift = 16 * ((int)op->Immediate & 3);
        Mmx.Write(core, op->Destination, (Mmx.Read(core, op->Destination) & ~(0xfffful << shift)) | ((source & 0xffff) << shift));
        return true;
    }
}

/// <summary>PMOVMSKB to a general register.</summary>
internal readonly unsafe struct MmxSignMask : IMmx
{
    public static bool Try(Core* core, Op* op, ulong source)
    {
        *Core.Register(core, op->Destination) = Vector128.CreateScalar(source).AsByte().ExtractMostSignificantBits();
        return true;
    }
}

/// <summary>PEXTRW to a general register.</summary>
internal readonly unsafe struct MmxExtractWord : IMmx
{
    public static bool Try(Core* core, Op* op, ulong source)
    {
        *Core.Register(core, op->Destination) = (source >> (16 * ((int)op->Immediate & 3))) & 0xffff;
        return true;
    }
}

/// <summary>MOVD and MOVQ from an MMX register to a general one; width in <see cref="Op.Scale"/>.</summary>
internal readonly unsafe struct MmxToGeneral : IMmx
{
    public static bool Try(Core* core, Op* op, ulong source)
    {
        *Core.Register(core, op->Destination) = op->Scale == 8 ? source : (uint)source;
        return true;
    }
}

/// <summary>MOVQ2DQ: into the low half of an XMM register, the upper half cleared.</summary>
internal readonly unsafe struct MmxToVector : IMmx
{
    public static bool Try(Core* core, Op* op, ulong source)
    {
        VectorForm.Xmm(core, op->Destination) = Vector128.CreateScalar(source).AsByte();
        return true;
    }
}

/// <summary>CVTPI2PS: two dwords into the low half.</summary>
internal readonly unsafe struct MmxToSingles : IMmx
{
    public static bool KeepsX87 => true;

    public static bool Try(Core* core, Op* op, ulong source)
    {
        ref Vector128<byte> place = ref VectorForm.Xmm(core, op->Destination);
        var elements = new FloatElements(core->State.Fpu.Mxcsr);
        Vector128<byte> result = ConvertPacked.Singles(ref elements, Vector128.CreateScalar(source).AsInt32());
        if (!elements.Commit(core))
            return false;
        place = place.AsUInt64().WithElement(0, result.AsUInt64()[0]).AsByte();
        return true;
    }
}

/// <summary>CVTPI2PD.</summary>
internal readonly unsafe struct MmxToDoubles : IMmx
{
    public static bool KeepsX87 => true;

    public static bool Try(Core* core, Op* op, ulong source)
    {
        VectorForm.Xmm(core, op->Destination) = Vector128.Create((double)(int)source, (int)(source >> 32)).AsByte();
        return true;
    }
}

/// <summary>An MMX instruction whose source is a general register: MOVD, MOVQ, PINSRW.</summary>
internal readonly unsafe struct MmxFromGeneral<TBody> : IInstruction
    where TBody : struct, IMmx
{
    public static Completion Run(Processor processor, Core* core, Op* op)
    {
        if (!Mmx.Allows(processor, core))
            return Completion.Fault;
        ulong source = *Core.Register(core, op->Source);
        TBody.Try(core, op, op->Scale == 8 ? source : (uint)source);
        Mmx.Enter(core);
        return Completion.Next;
    }
}

/// <summary>MOVDQ2Q.</summary>
internal readonly unsafe struct MmxFromLowHalf : IInstruction
{
    public static Completion Run(Processor processor, Core* core, Op* op)
    {
        if (!Mmx.Allows(processor, core))
            return Completion.Fault;
        Mmx.Write(core, op->Destination, VectorForm.Xmm(core, op->Source).AsUInt64()[0]);
        Mmx.Enter(core);
        return Completion.Next;
    }
}

/// <summary>MOVD, MOVQ and MOVNTQ to memory; bytes in <see cref="Op.LinkKey"/>.</summary>
internal readonly unsafe struct MmxStore<TAddress> : IInstruction
    where TAddress : struct, IAddressForm
{
    public static Completion Run(Processor processor, Core* core, Op* op)
    {
        if (!Mmx.Allows(processor, core) || !processor.Store(TAddress.Of(core, op), (int)op->LinkKey, Mmx.Read(core, op->Source)))
            return Completion.Fault;
        Mmx.Enter(core);
        return Completion.Next;
    }
}

/// <summary>MASKMOVQ: bytes whose mask has the top bit set, to DS:RDI.</summary>
internal readonly unsafe struct MmxMaskedStore : IInstruction
{
    public static Completion Run(Processor processor, Core* core, Op* op)
    {
        if (!Mmx.Allows(processor, core))
            return Completion.Fault;
        ulong value = Mmx.Read(core, op->Destination);
        uint mask = Vector128.CreateScalar(Mmx.Read(core, op->Source)).AsByte().ExtractMostSignificantBits();
        if (!MaskedStore.TryStore(processor, core, op, mask, Vector128.CreateScalar(value).AsByte()))
            return Completion.Fault;
        Mmx.Enter(core);
        return Completion.Next;
    }
}

/// <summary>EMMS: all registers empty.</summary>
internal readonly unsafe struct MmxLeave : IInstruction
{
    public static Completion Run(Processor processor, Core* core, Op* op)
    {
        if (!Mmx.Allows(processor, core))
            return Completion.Fault;
        Mmx.Enter(core);
        core->State.Fpu.Tags = 0;
        return Completion.Next;
    }
}
