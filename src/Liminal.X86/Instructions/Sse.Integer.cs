// SPDX-License-Identifier: Apache-2.0
using System;
using System.Numerics;
using System.Runtime.Intrinsics;
using Liminal.X86.Execution;

namespace Liminal.X86.Instructions;

/// <summary>A function of two whole registers.</summary>
internal interface IVectorFunction
{
    static abstract Vector128<byte> Apply(Vector128<byte> first, Vector128<byte> second);
}

/// <summary>Destination register and source: PADDB and everything of its shape.</summary>
internal readonly unsafe struct VectorInto<TFunction> : IVectorSource
    where TFunction : struct, IVectorFunction
{
    public static void Run(Core* core, Op* op, Vector128<byte> source)
    {
        ref Vector128<byte> place = ref VectorForm.Xmm(core, op->Destination);
        place = TFunction.Apply(place, source);
    }
}

internal readonly struct AddElements<T> : IVectorFunction
    where T : struct
{
    public static Vector128<byte> Apply(Vector128<byte> first, Vector128<byte> second)
        => (first.As<byte, T>() + second.As<byte, T>()).AsByte();
}

internal readonly struct SubtractElements<T> : IVectorFunction
    where T : struct
{
    public static Vector128<byte> Apply(Vector128<byte> first, Vector128<byte> second)
        => (first.As<byte, T>() - second.As<byte, T>()).AsByte();
}

internal readonly struct AddSaturated<T> : IVectorFunction
    where T : struct
{
    public static Vector128<byte> Apply(Vector128<byte> first, Vector128<byte> second)
        => Vector128.AddSaturate(first.As<byte, T>(), second.As<byte, T>()).AsByte();
}

internal readonly struct SubtractSaturated<T> : IVectorFunction
    where T : struct
{
    public static Vector128<byte> Apply(Vector128<byte> first, Vector128<byte> second)
        => Vector128.SubtractSaturate(first.As<byte, T>(), second.As<byte, T>()).AsByte();
}

internal readonly struct EqualElements<T> : IVectorFunction
    where T : struct
{
    public static Vector128<byte> Apply(Vector128<byte> first, Vector128<byte> second)
        => Vector128.Equals(first.As<byte, T>(), second.As<byte, T>()).AsByte();
}

internal readonly struct GreaterElements<T> : IVectorFunction
    where T : struct
{
    public static Vector128<byte> Apply(Vector128<byte> first, Vector128<byte> second)
        => Vector128.GreaterThan(first.As<byte, T>(), second.As<byte, T>()).AsByte();
}

internal readonly struct LesserElements<T> : IVectorFunction
    where T : struct
{
    public static Vector128<byte> Apply(Vector128<byte> first, Vector128<byte> second)
        => Vector128.Min(first.As<byte, T>(), second.As<byte, T>()).AsByte();
}

internal readonly struct LargerElements<T> : IVectorFunction
    where T : struct
{
    public static Vector128<byte> Apply(Vector128<byte> first, Vector128<byte> second)
        => Vector128.Max(first.As<byte, T>(), second.As<byte, T>()).AsByte();
}

internal readonly struct AndBits : IVectorFunction
{
    public static Vector128<byte> Apply(Vector128<byte> first, Vector128<byte> second) => first & second;
}

internal readonly struct AndNotBits : IVectorFunction
{
    public static Vector128<byte> Apply(Vector128<byte> first, Vector128<byte> second) => ~first & second;
}

internal readonly struct OrBits : IVectorFunction
{
    public static Vector128<byte> Apply(Vector128<byte> first, Vector128<byte> second) => first | second;
}

internal readonly struct XorBits : IVectorFunction
{
    public static Vector128<byte> Apply(Vector128<byte> first, Vector128<byte> second) => first ^ second;
}

/// <summary>PMULLW.</summary>
internal readonly struct MultiplyLow : IVectorFunction
{
    public static Vector128<byte> Apply(Vector128<byte> first, Vector128<byte> second)
        => (first.AsInt16() * second.AsInt16()).AsByte();
}

/// <summary>PMULHW and PMULHUW: the upper half of each product.</summary>
internal readonly struct MultiplyHigh<T> : IVectorFunction
    where T : unmanaged, IBinaryInteger<T>
{
    public static Vector128<byte> Apply(Vector128<byte> first, Vector128<byte> second)
    {
        Vector128<ushort> result = default;
        for (int i = 0; i < 8; i++)
        {
            int product = int.CreateTruncating(first.As<byte, T>()[i]) * int.CreateTruncating(second.As<byte, T>()[i]);
            result = result.WithElement(i, (ushort)(product >> 16));
        }

        return result.AsByte();
    }
}

/// <summary>PMULUDQ.</summary>
internal readonly struct MultiplyWide : IVectorFunction
{
    public static Vector128<byte> Apply(Vector128<byte> first, Vector128<byte> second) => Vector128.Create(
        (ulong)first.AsUInt32()[0] * second.AsUInt32()[0], (ulong)first.AsUInt32()[2] * second.AsUInt32()[2]).AsByte();
}

/// <summary>PMADDWD.</summary>
internal readonly struct MultiplyAndAdd : IVectorFunction
{
    public static Vector128<byte> Apply(Vector128<byte> first, Vector128<byte> second)
    {
        Vector128<int> result = default;
        for (int i = 0; i < 4; i++)
        {
            int low = first.AsInt16()[2 * i] * second.AsInt16()[2 * i];
            int high = first.AsInt16()[(2 * i) + 1] * second.AsInt16()[(2 * i) + 1];
            result = result.WithElement(i, low + high);
        }

        return result.AsByte();
    }
}

/// <summary>PSADBW.</summary>
internal readonly struct SumOfDifferences : IVectorFunction
{
    public static Vector128<byte> Apply(Vector128<byte> first, Vector128<byte> second)
    {
        ulong low = 0;
        ulong high = 0;
        for (int i = 0; i < 8; i++)
        {
            low += (ulong)Math.Abs(first[i] - second[i]);
            high += (ulong)Math.Abs(first[i + 8] - second[i + 8]);
        }

        return Vector128.Create(low, high).AsByte();
    }
}

/// <summary>PAVGB and PAVGW: rounded up.</summary>
internal readonly struct AverageElements<T> : IVectorFunction
    where T : unmanaged, IBinaryInteger<T>
{
    public static Vector128<byte> Apply(Vector128<byte> first, Vector128<byte> second)
    {
        Vector128<T> result = default;
        for (int i = 0; i < Vector128<T>.Count; i++)
        {
            int sum = int.CreateTruncating(first.As<byte, T>()[i]) + int.CreateTruncating(second.As<byte, T>()[i]) + 1;
            result = result.WithElement(i, T.CreateTruncating(sum >> 1));
        }

        return result.AsByte();
    }
}

/// <summary>PACKSSWB PACKUSWB PACKSSDW: elements of both, halved with saturation; the destination's first.</summary>
internal readonly struct PackSaturated<TWide, TNarrow> : IVectorFunction
    where TWide : unmanaged, IBinaryInteger<TWide>
    where TNarrow : unmanaged, IBinaryInteger<TNarrow>, IMinMaxValue<TNarrow>
{
    public static Vector128<byte> Apply(Vector128<byte> first, Vector128<byte> second)
    {
        Vector128<TNarrow> result = default;
        int half = Vector128<TWide>.Count;
        for (int i = 0; i < half; i++)
        {
            result = result.WithElement(i, TNarrow.CreateSaturating(first.As<byte, TWide>()[i]));
            result = result.WithElement(i + half, TNarrow.CreateSaturating(second.As<byte, TWide>()[i]));
        }

        return result.AsByte();
    }
}

/// <summary>PUNPCKL and UNPCKL: elements of the low halves, alternately.</summary>
internal readonly struct InterleaveLow<T> : IVectorFunction
    where T : unmanaged
{
    public static Vector128<byte> Apply(Vector128<byte> first, Vector128<byte> second) => Interleave<T>(first, second, 0);

    public static Vector128<byte> Interleave<TElement>(Vector128<byte> first, Vector128<byte> second, int start)
        where TElement : unmanaged
    {
        Vector128<TElement> result = default;
        for (int i = 0; i < Vector128<TElement>.Count / 2; i++)
        {
            result = result.WithElement(2 * i, first.As<byte, TElement>()[start + i]);
            result = result.WithElement((2 * i) + 1, second.As<byte, TElement>()[start + i]);
        }

        return result.AsByte();
    }
}

/// <summary>PUNPCKH and UNPCKH.</summary>
internal readonly struct InterleaveHigh<T> : IVectorFunction
    where T : unmanaged
{
    public static Vector128<byte> Apply(Vector128<byte> first, Vector128<byte> second)
        => InterleaveLow<T>.Interleave<T>(first, second, Vector128<T>.Count / 2);
}

/// <summary>A shift of each element by one count; a count of the width or more gives zeros, or signs.</summary>
internal interface IVectorShift
{
    static abstract Vector128<byte> Shift(Vector128<byte> value, ulong count);
}

internal readonly struct ShiftElementsLeft<T> : IVectorShift
    where T : unmanaged, IBinaryInteger<T>
{
    public static Vector128<byte> Shift(Vector128<byte> value, ulong count)
        => count >= (ulong)(128 / Vector128<T>.Count) ? default : (value.As<byte, T>() << (int)count).AsByte();
}

internal readonly struct ShiftElementsRight<T> : IVectorShift
    where T : unmanaged, IBinaryInteger<T>
{
    public static Vector128<byte> Shift(Vector128<byte> value, ulong count)
        => count >= (ulong)(128 / Vector128<T>.Count) ? default : (value.As<byte, T>() >>> (int)count).AsByte();
}

internal readonly struct ShiftElementsArithmetic<T> : IVectorShift
    where T : unmanaged, IBinaryInteger<T>
{
    public static Vector128<byte> Shift(Vector128<byte> value, ulong count)
        => (value.As<byte, T>() >> (int)Math.Min(count, (ulong)(128 / Vector128<T>.Count) - 1)).AsByte();
}

/// <summary>PSLLDQ.</summary>
internal readonly struct ShiftBytesLeft : IVectorShift
{
    public static Vector128<byte> Shift(Vector128<byte> value, ulong count)
    {
        UInt128 wide = new(value.AsUInt64()[1], value.AsUInt64()[0]);
        wide = count > 15 ? 0 : wide << (int)(count * 8);
        return Vector128.Create((ulong)wide, (ulong)(wide >> 64)).AsByte();
    }
}

/// <summary>PSRLDQ.</summary>
internal readonly struct ShiftBytesRight : IVectorShift
{
    public static Vector128<byte> Shift(Vector128<byte> value, ulong count)
    {
        UInt128 wide = new(value.AsUInt64()[1], value.AsUInt64()[0]);
        wide = count > 15 ? 0 : wide >> (int)(count * 8);
        return Vector128.Create((ulong)wide, (ulong)(wide >> 64)).AsByte();
    }
}

/// <summary>The count is the low half of the source.</summary>
internal readonly unsafe struct ShiftBySource<TShift> : IVectorSource
    where TShift : struct, IVectorShift
{
    public static void Run(Core* core, Op* op, Vector128<byte> source)
    {
        ref Vector128<byte> place = ref VectorForm.Xmm(core, op->Destination);
        place = TShift.Shift(place, source.AsUInt64()[0]);
    }
}

/// <summary>The count is an immediate; the form's source is the register itself.</summary>
internal readonly unsafe struct ShiftByConstant<TShift> : IVectorSource
    where TShift : struct, IVectorShift
{
    public static void Run(Core* core, Op* op, Vector128<byte> source)
        => VectorForm.Xmm(core, op->Destination) = TShift.Shift(source, op->Immediate);
}

/// <summary>PSHUFD.</summary>
internal readonly unsafe struct ShuffleDwords : IVectorSource
{
    public static void Run(Core* core, Op* op, Vector128<byte> source)
    {
        Vector128<uint> from = source.AsUInt32();
        int order = (int)op->Immediate;
        VectorForm.Xmm(core, op->Destination) = Vector128.Create(
            from[order & 3], from[(order >> 2) & 3], from[(order >> 4) & 3], from[(order >> 6) & 3]).AsByte();
    }
}

/// <summary>PSHUFLW (Extra 0) and PSHUFHW (Extra 4): four words of one half; the other half is copied.</summary>
internal readonly unsafe struct ShuffleWords : IVectorSource
{
    public static void Run(Core* core, Op* op, Vector128<byte> source)
    {
        Vector128<ushort> from = source.AsUInt16();
        Vector128<ushort> result = from;
        for (int i = 0; i < 4; i++)
            result = result.WithElement(op->Extra + i, from[op->Extra + (int)((op->Immediate >> (2 * i)) & 3)]);
        VectorForm.Xmm(core, op->Destination) = result.AsByte();
    }
}

/// <summary>SHUFPS: two elements of the destination, then two of the source.</summary>
internal readonly unsafe struct ShuffleSingles : IVectorSource
{
    public static void Run(Core* core, Op* op, Vector128<byte> source)
    {
        ref Vector128<byte> place = ref VectorForm.Xmm(core, op->Destination);
        Vector128<uint> first = place.AsUInt32();
        Vector128<uint> second = source.AsUInt32();
        int order = (int)op->Immediate;
        place = Vector128.Create(first[order & 3], first[(order >> 2) & 3], second[(order >> 4) & 3], second[(order >> 6) & 3]).AsByte();
    }
}

/// <summary>SHUFPD.</summary>
internal readonly unsafe struct ShuffleDoubles : IVectorSource
{
    public static void Run(Core* core, Op* op, Vector128<byte> source)
    {
        ref Vector128<byte> place = ref VectorForm.Xmm(core, op->Destination);
        place = Vector128.Create(place.AsUInt64()[(int)op->Immediate & 1], source.AsUInt64()[(int)(op->Immediate >> 1) & 1]).AsByte();
    }
}
