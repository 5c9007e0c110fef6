// SPDX-License-Identifier: Apache-2.0
using System.Numerics;

namespace Liminal.X86.FloatingPoint;

/// <summary>Between <see cref="Number"/> and the three formats in registers and memory.</summary>
internal static class FloatEncoding
{
    private const int ExtendedBias = 16383;

    public static Number FromSingle(uint bits)
        => FromNarrow((bits >> 31) != 0, (int)(bits >> 23) & 0xff, (ulong)(bits & 0x7f_ffff) << 40, 0xff, 127);

    public static Number FromDouble(ulong bits)
        => FromNarrow((bits >> 63) != 0, (int)(bits >> 52) & 0x7ff, (bits & 0xf_ffff_ffff_ffff) << 11, 0x7ff, 1023);

    public static Number FromExtended(ulong significand, ushort signAndExponent)
    {
        bool isNegative = (signAndExponent & 0x8000) != 0;
        int exponent = signAndExponent & 0x7fff;
        bool hasIntegerBit = (significand & Number.IntegerBit) != 0;
        if (exponent == 0)
        {
            if (significand == 0)
                return Number.Zero(isNegative);
            int shift = BitOperations.LeadingZeroCount(significand);
            return new Number(NumberKind.Finite, isNegative, 1 - ExtendedBias - shift, significand << shift, IsDenormal: true);
        }

        if (!hasIntegerBit)
            return new Number(NumberKind.Unsupported, isNegative, 0, significand);
        if (exponent != 0x7fff)
            return new Number(NumberKind.Finite, isNegative, exponent - ExtendedBias, significand);
        if (significand == Number.IntegerBit)
            return Number.Infinity(isNegative);
        return new Number((significand & Number.QuietBit) != 0 ? NumberKind.QuietNaN : NumberKind.SignalingNaN, isNegative, 0, significand);
    }

    public static uint ToSingle(in Number number)
        => (uint)ToNarrow(number, FloatFormat.Single, 0xff, 23) | (number.IsNegative ? 0x8000_0000 : 0);

    public static ulong ToDouble(in Number number)
        => ToNarrow(number, FloatFormat.Double, 0x7ff, 52) | (number.IsNegative ? 1ul << 63 : 0);

    public static ulong ToExtended(in Number number, out ushort signAndExponent)
    {
        (int exponent, ulong significand) = number.Kind switch
        {
            NumberKind.Zero => (0, 0ul),
            NumberKind.Infinity => (0x7fff, Number.IntegerBit),
            NumberKind.Finite when number.Exponent < 1 - ExtendedBias => (0, ShiftRight(number.Significand, 1 - ExtendedBias - number.Exponent)),
            NumberKind.Finite => (number.Exponent + ExtendedBias, number.Significand),
            _ => (0x7fff, number.Significand),
        };
        signAndExponent = (ushort)(exponent | (number.IsNegative ? 0x8000 : 0));
        return significand;
    }

    private static Number FromNarrow(bool isNegative, int exponent, ulong fraction, int allOnes, int bias)
    {
        if (exponent == 0)
        {
            if (fraction == 0)
                return Number.Zero(isNegative);
            int shift = BitOperations.LeadingZeroCount(fraction);
            return new Number(NumberKind.Finite, isNegative, 1 - bias - shift, fraction << shift, IsDenormal: true);
        }

        ulong significand = fraction | Number.IntegerBit;
        if (exponent != allOnes)
            return new Number(NumberKind.Finite, isNegative, exponent - bias, significand);
        if (fraction == 0)
            return Number.Infinity(isNegative);
        return new Number((fraction & Number.QuietBit) != 0 ? NumberKind.QuietNaN : NumberKind.SignalingNaN, isNegative, 0, significand);
    }

    /// <summary>Everything but the sign. The number has been rounded to the format, so nothing is lost.</summary>
    private static ulong ToNarrow(in Number number, FloatFormat format, ulong allOnes, int fractionBits)
    {
        int drop = 63 - fractionBits;
        ulong fractionMask = (1ul << fractionBits) - 1;
        return number.Kind switch
        {
            NumberKind.Zero => 0,
            NumberKind.Infinity => allOnes << fractionBits,
            NumberKind.Finite when number.Exponent < format.MinExponent => ShiftRight(number.Significand >> drop, format.MinExponent - number.Exponent),
            NumberKind.Finite => ((ulong)(number.Exponent + format.MaxExponent) << fractionBits) | ((number.Significand >> drop) & fractionMask),
            _ => (allOnes << fractionBits) | ((number.Significand >> drop) & fractionMask),
        };
    }

    private static ulong ShiftRight(ulong value, int count) => count > 63 ? 0 : value >> count;
}
