// SPDX-License-Identifier: Apache-2.0
using System;
using System.Numerics;

namespace Liminal.X86.FloatingPoint;

/// <summary>Mantissa * 2^Exponent, exactly.</summary>
internal readonly record struct Dyadic(BigInteger Mantissa, int Exponent)
{
    public Dyadic Magnitude => new(BigInteger.Abs(Mantissa), Exponent);

    /// <summary>A finite number.</summary>
    public static Dyadic Of(in Number number) => new(number.IsNegative ? -(BigInteger)number.Significand : number.Significand, number.Exponent - 63);

    public static Dyadic operator -(Dyadic value) => new(-value.Mantissa, value.Exponent);

    public static Dyadic operator *(Dyadic first, Dyadic second) => new(first.Mantissa * second.Mantissa, first.Exponent + second.Exponent);

    public static Dyadic operator +(Dyadic first, Dyadic second)
    {
        int exponent = Math.Min(first.Exponent, second.Exponent);
        return new((first.Mantissa << (first.Exponent - exponent)) + (second.Mantissa << (second.Exponent - exponent)), exponent);
    }

    public static Dyadic operator -(Dyadic first, Dyadic second) => first + -second;

    public static bool operator >(Dyadic first, Dyadic second) => (first - second).Mantissa.Sign > 0;

    public static bool operator <(Dyadic first, Dyadic second) => second > first;

    /// <summary>The quotient with at least so many significant bits, cut off.</summary>
    public Dyadic Over(Dyadic divisor, int bits)
    {
        int shift = Math.Max(0, bits + (int)(divisor.Mantissa.GetBitLength() - Mantissa.GetBitLength()) + 1);
        return new((Mantissa << shift) / divisor.Mantissa, Exponent - shift - divisor.Exponent);
    }

    /// <summary>In units of 2^-bits, cut off.</summary>
    public BigInteger ToFixed(int bits) => Exponent + bits >= 0 ? Mantissa << (Exponent + bits) : Mantissa >> -(Exponent + bits);

    /// <summary>The nearest integer; the larger of two.</summary>
    public BigInteger RoundToInteger() => (ToFixed(1) + 1) >> 1;
}
