// SPDX-License-Identifier: Apache-2.0
using System;
using System.Numerics;
using System.Runtime.Intrinsics;
using Liminal.X86.Execution;
using Liminal.X86.State;

namespace Liminal.X86.Instructions;

/// <summary>A function of two floating-point values.</summary>
/// <remarks>
/// Rounding is to nearest and exceptions are masked: LDMXCSR and FXRSTOR stop the machine for anything else. The sticky status flags of MXCSR
/// are not raised. The payload of a NaN that two NaNs meet in is the host's choice.
/// </remarks>
internal interface IFloatFunction
{
    static abstract T Apply<T>(T first, T second)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>;
}

internal readonly struct AddFloat : IFloatFunction
{
    public static T Apply<T>(T first, T second)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        => first + second;
}

internal readonly struct SubtractFloat : IFloatFunction
{
    public static T Apply<T>(T first, T second)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        => first - second;
}

internal readonly struct MultiplyFloat : IFloatFunction
{
    public static T Apply<T>(T first, T second)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        => first * second;
}

internal readonly struct DivideFloat : IFloatFunction
{
    public static T Apply<T>(T first, T second)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        => first / second;
}

/// <summary>MIN: the second value for equal values and NaNs.</summary>
internal readonly struct MinimumFloat : IFloatFunction
{
    public static T Apply<T>(T first, T second)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        => first < second ? first : second;
}

/// <summary>MAX: likewise.</summary>
internal readonly struct MaximumFloat : IFloatFunction
{
    public static T Apply<T>(T first, T second)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        => first > second ? first : second;
}

internal readonly struct SquareRoot : IFloatFunction
{
    public static T Apply<T>(T first, T second)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        => T.Sqrt(second);
}

/// <summary>The scalar form: the low element.</summary>
internal readonly unsafe struct ScalarFloat<TFunction, T> : IVectorSource
    where TFunction : struct, IFloatFunction
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    public static void Run(Core* core, Op* op, Vector128<byte> source)
    {
        ref Vector128<byte> place = ref VectorForm.Xmm(core, op->Destination);
        Vector128<T> first = place.As<byte, T>();
        place = first.WithElement(0, TFunction.Apply(first[0], source.As<byte, T>()[0])).AsByte();
    }
}

/// <summary>The packed form.</summary>
internal readonly unsafe struct PackedFloat<TFunction, T> : IVectorSource
    where TFunction : struct, IFloatFunction
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    public static void Run(Core* core, Op* op, Vector128<byte> source)
    {
        ref Vector128<byte> place = ref VectorForm.Xmm(core, op->Destination);
        Vector128<T> result = place.As<byte, T>();
        for (int i = 0; i < Vector128<T>.Count; i++)
            result = result.WithElement(i, TFunction.Apply(result[i], source.As<byte, T>()[i]));
        place = result.AsByte();
    }
}

/// <summary>CMPSS CMPSD CMPPS CMPPD: predicate in <see cref="Op.Immediate"/>, <see cref="Op.Extra"/> elements are compared.</summary>
internal readonly unsafe struct CompareFloat<T> : IVectorSource
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    public static void Run(Core* core, Op* op, Vector128<byte> source)
    {
        ref Vector128<byte> place = ref VectorForm.Xmm(core, op->Destination);
        Vector128<T> first = place.As<byte, T>();
        Vector128<byte> result = place;
        int width = 16 / Vector128<T>.Count;
        for (int i = 0; i < op->Extra; i++)
        {
            byte fill = Holds(first[i], source.As<byte, T>()[i], (int)op->Immediate & 7) ? (byte)0xff : (byte)0;
            for (int j = 0; j < width; j++)
                result = result.WithElement((i * width) + j, fill);
        }

        place = result;
    }

    private static bool Holds(T first, T second, int predicate) => predicate switch
    {
        0 => first == second,
        1 => first < second,
        2 => first <= second,
        3 => T.IsNaN(first) || T.IsNaN(second),
        4 => first != second,
        5 => !(first < second),
        6 => !(first <= second),
        _ => !T.IsNaN(first) && !T.IsNaN(second),
    };
}

/// <summary>COMISS UCOMISS COMISD UCOMISD: ZF PF CF; OF AF SF cleared.</summary>
internal readonly unsafe struct CompareToFlags<T> : IVectorSource
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    public static void Run(Core* core, Op* op, Vector128<byte> source)
    {
        T first = VectorForm.Xmm(core, op->Destination).As<byte, T>()[0];
        T second = source.As<byte, T>()[0];
        core->State.Flags.Bits = T.IsNaN(first) || T.IsNaN(second) ? Rflags.Zero | Rflags.Parity | Rflags.Carry
            : first == second ? Rflags.Zero
            : first < second ? Rflags.Carry : 0;
    }
}

/// <summary>CVTSI2SS CVTSI2SD from a general register or memory; the form's width is the integer's.</summary>
internal readonly unsafe struct IntegerToScalar<T> : ISource
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    public static void Run<TSize>(Core* core, Op* op, ulong value)
        where TSize : struct, IOperandSize
    {
        ref Vector128<byte> place = ref VectorForm.Xmm(core, op->Destination);
        place = place.As<byte, T>().WithElement(0, T.CreateTruncating((long)TSize.SignExtend(value))).AsByte();
    }
}

/// <summary>CVTSD2SI and CVTTSD2SI and their single forms: integer width in <see cref="Op.Immediate"/>, truncation with Extra 1.</summary>
internal readonly unsafe struct ScalarToInteger<T> : IVectorSource
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    public static void Run(Core* core, Op* op, Vector128<byte> source)
    {
        T value = FloatConversion.Round(source.As<byte, T>()[0], op->Extra != 0);
        *Core.Register(core, op->Destination) = op->Immediate == 8
            ? (ulong)FloatConversion.ToInt64(value)
            : (uint)FloatConversion.ToInt32(value);
    }
}

internal static class FloatConversion
{
    public static T Round<T>(T value, bool truncates)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        => truncates ? T.Truncate(value) : T.Round(value, MidpointRounding.ToEven);

    /// <summary>The integer indefinite value for NaN and everything out of range.</summary>
    public static int ToInt32<T>(T value)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        => double.CreateTruncating(value) is >= int.MinValue and <= int.MaxValue ? int.CreateTruncating(value) : int.MinValue;

    public static long ToInt64<T>(T value)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        => double.CreateTruncating(value) is >= -9223372036854775808.0 and < 9223372036854775808.0 ? long.CreateTruncating(value) : long.MinValue;
}

/// <summary>CVTSS2SD.</summary>
internal readonly unsafe struct SingleToDouble : IVectorSource
{
    public static void Run(Core* core, Op* op, Vector128<byte> source)
    {
        ref Vector128<byte> place = ref VectorForm.Xmm(core, op->Destination);
        place = place.AsDouble().WithElement(0, source.AsSingle()[0]).AsByte();
    }
}

/// <summary>CVTSD2SS.</summary>
internal readonly unsafe struct DoubleToSingle : IVectorSource
{
    public static void Run(Core* core, Op* op, Vector128<byte> source)
    {
        ref Vector128<byte> place = ref VectorForm.Xmm(core, op->Destination);
        place = place.AsSingle().WithElement(0, (float)source.AsDouble()[0]).AsByte();
    }
}

/// <summary>The packed conversions; which one, in <see cref="Op.Extra"/>.</summary>
internal readonly unsafe struct ConvertPacked : IVectorSource
{
    public const byte DwordsToSingles = 0;
    public const byte SinglesToDwords = 1;
    public const byte SinglesToDwordsTruncated = 2;
    public const byte DwordsToDoubles = 3;
    public const byte DoublesToDwords = 4;
    public const byte DoublesToDwordsTruncated = 5;
    public const byte SinglesToDoubles = 6;
    public const byte DoublesToSingles = 7;

    public static void Run(Core* core, Op* op, Vector128<byte> source)
        => VectorForm.Xmm(core, op->Destination) = op->Extra switch
        {
            DwordsToSingles => Vector128.ConvertToSingle(source.AsInt32()).AsByte(),
            SinglesToDwords => SinglesTo(source.AsSingle(), truncates: false),
            SinglesToDwordsTruncated => SinglesTo(source.AsSingle(), truncates: true),
            DwordsToDoubles => Vector128.Create((double)source.AsInt32()[0], source.AsInt32()[1]).AsByte(),
            DoublesToDwords => DoublesTo(source.AsDouble(), truncates: false),
            DoublesToDwordsTruncated => DoublesTo(source.AsDouble(), truncates: true),
            SinglesToDoubles => Vector128.Create((double)source.AsSingle()[0], source.AsSingle()[1]).AsByte(),
            _ => Vector128.Create((float)source.AsDouble()[0], (float)source.AsDouble()[1], 0, 0).AsByte(),
        };

    private static Vector128<byte> SinglesTo(Vector128<float> source, bool truncates)
    {
        Vector128<int> result = default;
        for (int i = 0; i < 4; i++)
            result = result.WithElement(i, FloatConversion.ToInt32(FloatConversion.Round(source[i], truncates)));
        return result.AsByte();
    }

    private static Vector128<byte> DoublesTo(Vector128<double> source, bool truncates) => Vector128.Create(
        FloatConversion.ToInt32(FloatConversion.Round(source[0], truncates)),
        FloatConversion.ToInt32(FloatConversion.Round(source[1], truncates)), 0, 0).AsByte();
}
