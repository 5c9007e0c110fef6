// SPDX-License-Identifier: Apache-2.0
using System;
using System.Numerics;
using System.Runtime.Intrinsics;
using Liminal.X86.Execution;
using Liminal.X86.FloatingPoint;
using Liminal.X86.State;

namespace Liminal.X86.Instructions;

/// <summary>A function of two floating-point values.</summary>
internal interface IFloatFunction
{
    /// <summary>The host's own operation, taken for ordinary operands and results only.</summary>
    static abstract T Host<T>(T first, T second)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>;

    /// <summary>The operation with every rounding, exception and NaN as the manuals say.</summary>
    static abstract Number Exact(ref FloatContext context, in Number first, in Number second);
}

internal readonly struct AddFloat : IFloatFunction
{
    public static T Host<T>(T first, T second)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        => first + second;

    public static Number Exact(ref FloatContext context, in Number first, in Number second) => FloatArithmetic.Add(ref context, first, second);
}

internal readonly struct SubtractFloat : IFloatFunction
{
    public static T Host<T>(T first, T second)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        => first - second;

    public static Number Exact(ref FloatContext context, in Number first, in Number second)
        => FloatArithmetic.Subtract(ref context, first, second);
}

internal readonly struct MultiplyFloat : IFloatFunction
{
    public static T Host<T>(T first, T second)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        => first * second;

    public static Number Exact(ref FloatContext context, in Number first, in Number second)
        => FloatArithmetic.Multiply(ref context, first, second);
}

internal readonly struct DivideFloat : IFloatFunction
{
    public static T Host<T>(T first, T second)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        => first / second;

    public static Number Exact(ref FloatContext context, in Number first, in Number second) => FloatArithmetic.Divide(ref context, first, second);
}

/// <summary>MIN: the second value for equal values and NaNs.</summary>
internal readonly struct MinimumFloat : IFloatFunction
{
    public static T Host<T>(T first, T second)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        => first < second ? first : second;

    public static Number Exact(ref FloatContext context, in Number first, in Number second)
        => FloatArithmetic.Compare(ref context, first, second, isQuietInvalid: true) == Ordering.Less ? first : second;
}

/// <summary>MAX: likewise.</summary>
internal readonly struct MaximumFloat : IFloatFunction
{
    public static T Host<T>(T first, T second)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        => first > second ? first : second;

    public static Number Exact(ref FloatContext context, in Number first, in Number second)
        => FloatArithmetic.Compare(ref context, first, second, isQuietInvalid: true) == Ordering.Greater ? first : second;
}

/// <summary>SQRT of the second value.</summary>
internal readonly struct SquareRoot : IFloatFunction
{
    public static T Host<T>(T first, T second)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        => T.Sqrt(second);

    public static Number Exact(ref FloatContext context, in Number first, in Number second) => FloatArithmetic.SquareRoot(ref context, second);
}

/// <summary>The elements of one instruction: MXCSR going in, and the exceptions of all elements together coming out.</summary>
internal ref struct FloatElements
{
    private const uint DenormalsAreZero = 1 << 6;
    private const uint FlushToZero = 1 << 15;
    private const uint Settings = 0xffa0;

    /// <summary>Everything masked, to nearest, no DAZ or FTZ, and Inexact raised already: ordinary results raise nothing new.</summary>
    private const uint Plain = 0x1fa0;

    private readonly uint _mxcsr;

    public FloatElements(uint mxcsr) => _mxcsr = mxcsr;

    public FloatFlags Raised { get; private set; }

    public readonly bool IsPlain => (_mxcsr & Settings) == Plain;

    public readonly bool HasDenormalsAreZero => (_mxcsr & DenormalsAreZero) != 0;

    public T Apply<TFunction, T>(T first, T second)
        where TFunction : struct, IFloatFunction
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        if (IsPlain && T.IsNormal(first) && T.IsNormal(second))
        {
            T result = TFunction.Host(first, second);
            if (T.IsNormal(result))
                return result;
        }

        FloatContext context = Context<T>();
        Number number = TFunction.Exact(ref context, Take(first), Take(second));
        Note(context);
        return Give<T>(number);
    }

    public readonly FloatContext Context<T>()
        where T : unmanaged
        => new()
        {
            Format = typeof(T) == typeof(float) ? FloatFormat.Single : FloatFormat.Double,
            Rounding = (RoundingMode)((_mxcsr >> 13) & 3),
            Masked = (FloatFlags)(_mxcsr >> 7) & FloatFlags.All,
            FlushesToZero = (_mxcsr & FlushToZero) != 0,
        };

    /// <summary>Adds what an element raised; one whose operation was prevented raises no more than what prevented it.</summary>
    public void Note(in FloatContext context) => Raised |= context.IsPrevented ? context.Raised & FloatFlags.Before : context.Raised;

    /// <summary>An operand, taken apart; zero for a denormal one with DAZ.</summary>
    public readonly Number Take<T>(T value)
        where T : unmanaged
    {
        Number number = typeof(T) == typeof(float)
            ? FloatEncoding.FromSingle(BitConverter.SingleToUInt32Bits((float)(object)value))
            : FloatEncoding.FromDouble(BitConverter.DoubleToUInt64Bits((double)(object)value));
        return number.IsDenormal && HasDenormalsAreZero ? Number.Zero(number.IsNegative) : number;
    }

    public static T Give<T>(in Number number)
        where T : unmanaged
        => typeof(T) == typeof(float)
            ? (T)(object)BitConverter.UInt32BitsToSingle(FloatEncoding.ToSingle(number))
            : (T)(object)BitConverter.UInt64BitsToDouble(FloatEncoding.ToDouble(number));

    /// <summary>Raises the flags in MXCSR; false with #XM or #UD when one is unmasked, and then nothing may be written.</summary>
    public readonly unsafe bool Commit(Core* core)
    {
        FloatFlags masked = (FloatFlags)(_mxcsr >> 7) & FloatFlags.All;
        FloatFlags raised = (Raised & ~masked & FloatFlags.Before) != 0 ? Raised & FloatFlags.Before : Raised;
        core->State.Fpu.Mxcsr |= (uint)raised;
        if ((raised & ~masked) == 0)
            return true;
        return core->Processor.Raise(
            (core->State.Cr4 & Cr4.OsXmmExceptions) != 0 ? ExceptionVector.SimdFloatingPoint : ExceptionVector.InvalidOpcode);
    }
}

/// <summary>The scalar form: the low element.</summary>
internal readonly unsafe struct ScalarFloat<TFunction, T> : ITryVectorSource
    where TFunction : struct, IFloatFunction
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    public static bool Try(Core* core, Op* op, Vector128<byte> source)
    {
        ref Vector128<byte> place = ref VectorForm.Xmm(core, op->Destination);
        Vector128<T> first = place.As<byte, T>();
        var elements = new FloatElements(core->State.Fpu.Mxcsr);
        T result = elements.Apply<TFunction, T>(first[0], source.As<byte, T>()[0]);
        if (elements.Raised != FloatFlags.None && !elements.Commit(core))
            return false;
        place = first.WithElement(0, result).AsByte();
        return true;
    }
}

/// <summary>The packed form.</summary>
internal readonly unsafe struct PackedFloat<TFunction, T> : ITryVectorSource
    where TFunction : struct, IFloatFunction
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    public static bool Try(Core* core, Op* op, Vector128<byte> source)
    {
        ref Vector128<byte> place = ref VectorForm.Xmm(core, op->Destination);
        Vector128<T> result = place.As<byte, T>();
        var elements = new FloatElements(core->State.Fpu.Mxcsr);
        for (int i = 0; i < Vector128<T>.Count; i++)
            result = result.WithElement(i, elements.Apply<TFunction, T>(result[i], source.As<byte, T>()[i]));
        if (elements.Raised != FloatFlags.None && !elements.Commit(core))
            return false;
        place = result.AsByte();
        return true;
    }
}

/// <summary>HADD and HSUB: neighbours of the destination, then of the source.</summary>
internal readonly unsafe struct HorizontalFloat<TFunction, T> : ITryVectorSource
    where TFunction : struct, IFloatFunction
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    public static bool Try(Core* core, Op* op, Vector128<byte> source)
    {
        ref Vector128<byte> place = ref VectorForm.Xmm(core, op->Destination);
        Vector128<T> first = place.As<byte, T>();
        Vector128<T> second = source.As<byte, T>();
        Vector128<T> result = default;
        int half = Vector128<T>.Count / 2;
        var elements = new FloatElements(core->State.Fpu.Mxcsr);
        for (int i = 0; i < half; i++)
        {
            result = result.WithElement(i, elements.Apply<TFunction, T>(first[2 * i], first[(2 * i) + 1]));
            result = result.WithElement(half + i, elements.Apply<TFunction, T>(second[2 * i], second[(2 * i) + 1]));
        }

        if (elements.Raised != FloatFlags.None && !elements.Commit(core))
            return false;
        place = result.AsByte();
        return true;
    }
}

/// <summary>ADDSUB: even elements are subtracted, odd ones added.</summary>
internal readonly unsafe struct AlternatingFloat<T> : ITryVectorSource
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    public static bool Try(Core* core, Op* op, Vector128<byte> source)
    {
        ref Vector128<byte> place = ref VectorForm.Xmm(core, op->Destination);
        Vector128<T> result = place.As<byte, T>();
        Vector128<T> second = source.As<byte, T>();
        var elements = new FloatElements(core->State.Fpu.Mxcsr);
        for (int i = 0; i < Vector128<T>.Count; i++)
        {
            result = result.WithElement(i, (i & 1) == 0
                ? elements.Apply<SubtractFloat, T>(result[i], second[i])
                : elements.Apply<AddFloat, T>(result[i], second[i]));
        }

        if (elements.Raised != FloatFlags.None && !elements.Commit(core))
            return false;
        place = result.AsByte();
        return true;
    }
}
