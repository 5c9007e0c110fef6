// SPDX-License-Identifier: Apache-2.0
using System.Numerics;
using System.Runtime.Intrinsics;
using Liminal.X86.Execution;

namespace Liminal.X86.Instructions;

/// <summary>MOVAPS and every move of a whole register; also the loads that clear what they do not load.</summary>
internal readonly unsafe struct VectorMove : IVectorSource
{
    public static void Run(Core* core, Op* op, Vector128<byte> source) => VectorForm.Xmm(core, op->Destination) = source;
}

/// <summary>MOVQ between registers: the upper half is cleared.</summary>
internal readonly unsafe struct VectorMoveLow : IVectorSource
{
    public static void Run(Core* core, Op* op, Vector128<byte> source)
        => VectorForm.Xmm(core, op->Destination) = Vector128.CreateScalar(source.AsUInt64()[0]).AsByte();
}

/// <summary>MOVSS between registers: the other three elements stay.</summary>
internal readonly unsafe struct VectorMoveSingle : IVectorSource
{
    public static void Run(Core* core, Op* op, Vector128<byte> source)
    {
        ref Vector128<byte> place = ref VectorForm.Xmm(core, op->Destination);
        place = place.AsUInt32().WithElement(0, source.AsUInt32()[0]).AsByte();
    }
}

/// <summary>MOVSD between registers, MOVLPS, MOVLPD: the upper half stays.</summary>
internal readonly unsafe struct VectorMoveLowHalf : IVectorSource
{
    public static void Run(Core* core, Op* op, Vector128<byte> source)
    {
        ref Vector128<byte> place = ref VectorForm.Xmm(core, op->Destination);
        place = place.AsUInt64().WithElement(0, source.AsUInt64()[0]).AsByte();
    }
}

/// <summary>MOVHPS, MOVHPD, MOVLHPS: the source's low half into the upper half.</summary>
internal readonly unsafe struct VectorMoveHighHalf : IVectorSource
{
    public static void Run(Core* core, Op* op, Vector128<byte> source)
    {
        ref Vector128<byte> place = ref VectorForm.Xmm(core, op->Destination);
        place = place.AsUInt64().WithElement(1, source.AsUInt64()[0]).AsByte();
    }
}

/// <summary>MOVHLPS: the source's upper half into the low half.</summary>
internal readonly unsafe struct VectorMoveHighToLow : IVectorSource
{
    public static void Run(Core* core, Op* op, Vector128<byte> source)
    {
        ref Vector128<byte> place = ref VectorForm.Xmm(core, op->Destination);
        place = place.AsUInt64().WithElement(0, source.AsUInt64()[1]).AsByte();
    }
}

internal readonly unsafe struct VectorStore : IVectorStore
{
    public static Vector128<byte> Run(Core* core, Op* op) => VectorForm.Xmm(core, op->Source);
}

/// <summary>MOVHPS and MOVHPD to memory.</summary>
internal readonly unsafe struct VectorStoreHigh : IVectorStore
{
    public static Vector128<byte> Run(Core* core, Op* op)
        => Vector128.CreateScalar(VectorForm.Xmm(core, op->Source).AsUInt64()[1]).AsByte();
}

/// <summary>MOVD and MOVQ from a general register; width in <see cref="Op.Scale"/>.</summary>
internal readonly unsafe struct VectorFromGeneral : IInstruction
{
    public static Completion Run(Processor processor, Core* core, Op* op)
    {
        if (!VectorCheck.Allows(processor, core))
            return Completion.Fault;
        ulong value = *Core.Register(core, op->Source);
        VectorForm.Xmm(core, op->Destination) = Vector128.CreateScalar(op->Scale == 8 ? value : (uint)value).AsByte();
        return Completion.Next;
    }
}

/// <summary>MOVD and MOVQ to a general register.</summary>
internal readonly unsafe struct GeneralFromVector : IInstruction
{
    public static Completion Run(Processor processor, Core* core, Op* op)
    {
        if (!VectorCheck.Allows(processor, core))
            return Completion.Fault;
        ulong value = VectorForm.Xmm(core, op->Source).AsUInt64()[0];
        *Core.Register(core, op->Destination) = op->Scale == 8 ? value : (uint)value;
        return Completion.Next;
    }
}

internal static unsafe class VectorCheck
{
    public static bool Allows(Processor processor, Core* core) => core->VectorFault == 0 || processor.Raise((byte)core->VectorFault);
}

/// <summary>PMOVMSKB, MOVMSKPS, MOVMSKPD: the sign of each element into a general register.</summary>
internal readonly unsafe struct SignMask<TElement> : IVectorSource
    where TElement : struct
{
    public static void Run(Core* core, Op* op, Vector128<byte> source)
        => *Core.Register(core, op->Destination) = source.As<byte, TElement>().ExtractMostSignificantBits();
}

/// <summary>PEXTRW to a general register.</summary>
internal readonly unsafe struct ExtractWord : IVectorSource
{
    public static void Run(Core* core, Op* op, Vector128<byte> source)
        => *Core.Register(core, op->Destination) = source.AsUInt16()[(int)op->Immediate & 7];
}

/// <summary>PINSRW from memory.</summary>
internal readonly unsafe struct InsertWord : IVectorSource
{
    public static void Run(Core* core, Op* op, Vector128<byte> source)
    {
        ref Vector128<byte> place = ref VectorForm.Xmm(core, op->Destination);
        place = place.AsUInt16().WithElement((int)op->Immediate & 7, source.AsUInt16()[0]).AsByte();
    }
}

/// <summary>PINSRW from a general register.</summary>
internal readonly unsafe struct InsertWordFromGeneral : IInstruction
{
    public static Completion Run(Processor processor, Core* core, Op* op)
    {
        if (!VectorCheck.Allows(processor, core))
            return Completion.Fault;
        InsertWord.Run(core, op, Vector128.CreateScalar(*Core.Register(core, op->Source)).AsByte());
        return Completion.Next;
    }
}

/// <summary>MASKMOVDQU: bytes whose mask has the top bit set, to DS:RDI; address width in <see cref="Op.Scale"/>.</summary>
internal readonly unsafe struct MaskedStore : IInstruction
{
    public static Completion Run(Processor processor, Core* core, Op* op)
    {
        if (!VectorCheck.Allows(processor, core))
            return Completion.Fault;
        uint mask = VectorForm.Xmm(core, op->Source).ExtractMostSignificantBits();
        return TryStore(processor, core, op, mask, VectorForm.Xmm(core, op->Destination)) ? Completion.Next : Completion.Fault;
    }

    /// <summary>Stores the bytes named by a mask, all or none.</summary>
    public static bool TryStore(Processor processor, Core* core, Op* op, uint mask, Vector128<byte> bytes)
    {
        ulong address = StringOperand.Linear(core, StringOperand.Read(core, op, StringOperand.Rdi), op->Segment);
        for (uint left = mask; left != 0; left &= left - 1)
        {
            if (!processor.LoadForModify(address + (ulong)BitOperations.TrailingZeroCount(left), 1, out _))
                return false;
        }

        for (uint left = mask; left != 0; left &= left - 1)
        {
            int index = BitOperations.TrailingZeroCount(left);
            if (!processor.Store(address + (ulong)index, 1, bytes[index]))
                return false;
        }

        return true;
    }
}
