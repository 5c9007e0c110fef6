// SPDX-License-Identifier: Apache-2.0
using System;
using System.Numerics;
using System.Runtime.Intrinsics;
using Liminal.X86.Execution;
using Liminal.X86.FloatingPoint;

namespace Liminal.X86.Instructions;

/// <summary>The single conversions that the instructions below are made of.</summary>
internal static class FloatConversion
{
    public static T FromInteger<T>(ref FloatElements elements, long value)
        where T : unmanaged
    {
        FloatContext context = elements.Context<T>();
        Number number = Number.Of(value);
        Number result = number.Kind == NumberKind.Zero ? number : context.Round(number);
        elements.Note(context);
        return FloatElements.Give<T>(result);
    }

    /// <summary>A signed integer of 32 or 64 bits; denormal operands are not reported.</summary>
    public static long ToInteger<T>(ref FloatElements elements, T value, bool truncates, int bits)
        where T : unmanaged
    {
        FloatContext context = elements.Context<T>();
        if (truncates)
            context.Rounding = RoundingMode.TowardZero;
        long result = FloatArithmetic.ToInteger(ref context, elements.Take(value), bits);
        elements.Note(context);
        return result;
    }

    public static TTo Between<TFrom, TTo>(ref FloatElements elements, TFrom value)
        where TFrom : unmanaged
        where TTo : unmanaged
    {
        FloatContext context = elements.Context<TTo>();
        Number number = elements.Take(value);
        if (context.TryNaN(number, Number.Zero(false), out Number result))
        {
            elements.Note(context);
            return FloatElements.Give<TTo>(result);
        }

        bool isPrevented = context.NoteDenormal(number.IsDenormal);
        if (!isPrevented && number.Kind == NumberKind.Finite)
            number = context.Round(number);
        elements.Note(context);
        return FloatElements.Give<TTo>(number);
    }
}

/// <summary>CVTSI2SS CVTSI2SD from a general register or memory; integer width in <see cref="Op.Extra"/>.</summary>
internal readonly unsafe struct IntegerToScalar<T> : ITryVectorSource
    where T : unmanaged
{
    public static bool Try(Core* core, Op* op, Vector128<byte> source)
    {
        ref Vector128<byte> place = ref VectorForm.Xmm(core, op->Destination);
        var elements = new FloatElements(core->State.Fpu.Mxcsr);
        long value = op->Extra == 8 ? source.AsInt64()[0] : source.AsInt32()[0];
        T result = FloatConversion.FromInteger<T>(ref elements, value);
        if (elements.Raised != FloatFlags.None && !elements.Commit(core))
            return false;
        place = place.As<byte, T>().WithElement(0, result).AsByte();
        return true;
    }
}

/// <summary>CVTSI2SS CVTSI2SD from a register of the general file.</summary>
internal readonly unsafe struct GeneralToScalar<T> : IInstruction
    where T : unmanaged
{
    public static Completion Run(Processor processor, Core* core, Op* op)
        => VectorCheck.Allows(processor, core)
            && IntegerToScalar<T>.Try(core, op, Vector128.CreateScalar(*Core.Register(core, op->Source)).AsByte())
            ? Completion.Next : Completion.Fault;
}

/// <summary>CVTSD2SI and CVTTSD2SI and their single forms: integer width in <see cref="Op.Immediate"/>, truncation with Extra 1.</summary>
internal readonly unsafe struct ScalarToInteger<T> : ITryVectorSource
    where T : unmanaged
{
    public static bool Try(Core* core, Op* op, Vector128<byte> source)
    {
        var elements = new FloatElements(core->State.Fpu.Mxcsr);
        bool isWide = op->Immediate == 8;
        long result = FloatConversion.ToInteger(ref elements, source.As<byte, T>()[0], op->Extra != 0, isWide ? 64 : 32);
        if (elements.Raised != FloatFlags.None && !elements.Commit(core))
            return false;
        *Core.Register(core, op->Destination) = isWide ? (ulong)result : (uint)result;
        return true;
    }
}

/// <summary>CVTSS2SD and CVTSD2SS.</summary>
internal readonly unsafe struct ConvertScalar<TFrom, TTo> : ITryVectorSource
    where TFrom : unmanaged
    where TTo : unmanaged
{
    public static bool Try(Core* core, Op* op, Vector128<byte> source)
    {
        ref Vector128<byte> place = ref VectorForm.Xmm(core, op->Destination);
        var elements = new FloatElements(core->State.Fpu.Mxcsr);
        TTo result = FloatConversion.Between<TFrom, TTo>(ref elements, source.As<byte, TFrom>()[0]);
        if (elements.Raised != FloatFlags.None && !elements.Commit(core))
            return false;
        place = place.As<byte, TTo>().WithElement(0, result).AsByte();
        return true;
    }
}

/// <summary>The packed conversions; which one, in <see cref="Op.Extra"/>.</summary>
internal readonly unsafe struct ConvertPacked : ITryVectorSource
{
    public const byte DwordsToSingles = 0;
    public const byte SinglesToDwords = 1;
    public const byte SinglesToDwordsTruncated = 2;
    public const byte DwordsToDoubles = 3;
    public const byte DoublesToDwords = 4;
    public const byte DoublesToDwordsTruncated = 5;
    public const byte SinglesToDoubles = 6;
    public const byte DoublesToSingles = 7;

    public static bool Try(Core* core, Op* op, Vector128<byte> source)
    {
        var elements = new FloatElements(core->State.Fpu.Mxcsr);
        Vector128<byte> result = op->Extra switch
        {
            DwordsToSingles => Singles(ref elements, source.AsInt32()),
            SinglesToDwords => Dwords(ref elements, source.AsSingle(), truncates: false),
            SinglesToDwordsTruncated => Dwords(ref elements, source.AsSingle(), truncates: true),
            DwordsToDoubles => Vector128.Create((double)source.AsInt32()[0], source.AsInt32()[1]).AsByte(),
            DoublesToDwords => Dwords(ref elements, source.AsDouble(), truncates: false),
            DoublesToDwordsTruncated => Dwords(ref elements, source.AsDouble(), truncates: true),
            SinglesToDoubles => Vector128.Create(
                FloatConversion.Between<float, double>(ref elements, source.AsSingle()[0]),
                FloatConversion.Between<float, double>(ref elements, source.AsSingle()[1])).AsByte(),
            _ => Vector128.Create(
                FloatConversion.Between<double, float>(ref elements, source.AsDouble()[0]),
                FloatConversion.Between<double, float>(ref elements, source.AsDouble()[1]), 0, 0).AsByte(),
        };
        if (elements.Raised != FloatFlags.None && !elements.Commit(core))
            return false;
        VectorForm.Xmm(core, op->Destination) = result;
        return true;
    }

    public static Vector128<byte> Dwords<T>(ref FloatElements elements, Vector128<T> source, bool truncates)
        where T : unmanaged
    {
        Vector128<int> result = default;
        for (int i = 0; i < Vector128<T>.Count; i++)
            result = result.WithElement(i, (int)FloatConversion.ToInteger(ref elements, source[i], truncates, 32));
        return result.AsByte();
    }

    public static Vector128<byte> Singles(ref FloatElements elements, Vector128<int> source)
    {
        Vector128<float> result = default;
        for (int i = 0; i < 4; i++)
            result = result.WithElement(i, FloatConversion.FromInteger<float>(ref elements, source[i]));
        return result.AsByte();
    }
}

/// <summary>RCP and RSQRT: no exceptions, no rounding control, denormals count as zero and are never results.</summary>
/// <remarks>
/// The manual bounds the relative error by 1.5 * 2^-12 and leaves the bits to the processor; ours are the nearest value to the true one, so
/// that they are the same on every host. Source: SDM2 "RCPPS", "RSQRTPS".
/// </remarks>
internal interface IApproximation
{
    static abstract float Of(float value);
}

internal readonly struct Reciprocal : IApproximation
{
    public static float Of(float value) => 1f / value;
}

internal readonly struct ReciprocalRoot : IApproximation
{
    public static float Of(float value) => (float)(1.0 / Math.Sqrt(value));
}

/// <summary>RCPSS RCPPS RSQRTSS RSQRTPS; <see cref="Op.Extra"/> elements.</summary>
internal readonly unsafe struct Approximate<TFunction> : IVectorSource
    where TFunction : struct, IApproximation
{
    public static void Run(Core* core, Op* op, Vector128<byte> source)
    {
        ref Vector128<byte> place = ref VectorForm.Xmm(core, op->Destination);
        Vector128<float> result = place.AsSingle();
        for (int i = 0; i < op->Extra; i++)
            result = result.WithElement(i, Of(source.AsSingle()[i]));
        place = result.AsByte();
    }

    private static float Of(float value)
    {
        if (float.IsNaN(value))
            return FloatElements.Give<float>(FloatEncoding.FromSingle(BitConverter.SingleToUInt32Bits(value)).Quieted());
        if (float.IsSubnormal(value))
            value = float.CopySign(0, value);
        float result = TFunction.Of(value);
        if (float.IsNaN(result))
            return FloatElements.Give<float>(Number.Indefinite);
        if (float.IsInfinity(result) && float.IsNegative(value))
            return float.NegativeInfinity;
        return float.IsSubnormal(result) ? float.CopySign(0, result) : result;
    }
}
