// SPDX-License-Identifier: Apache-2.0
using System;

namespace Liminal.X86.FloatingPoint;

/// <summary>FPREM and FPREM1.</summary>
/// <remarks>
/// One step reduces the exponent by at most 63, as the manual asks; which number between 32 and 63 is left to the processor, and is
/// here as in Bochs: the low five bits of the difference plus 32. Source: SDM2 "FPREM", "FPREM1".
/// </remarks>
internal static class FloatRemainder
{
    public const long Incomplete = -1;
    public const long None = -2;

    /// <summary>One step of a partial remainder.</summary>
    /// <param name="context">Rounds the result, which is exact, and takes exceptions.</param>
    /// <param name="first">Dividend.</param>
    /// <param name="second">Divisor.</param>
    /// <param name="toNearest">FPREM1: the quotient is rounded to nearest rather than truncated.</param>
    /// <param name="quotient">Low bits of the quotient; <see cref="Incomplete"/> when it must go on, <see cref="None"/> when there is no remainder.</param>
    public static Number Step(ref FloatContext context, in Number first, in Number second, bool toNearest, out long quotient)
    {
        quotient = None;
        if (context.TryNaN(first, second, out Number nan))
            return nan;
        if (first.Kind == NumberKind.Infinity || second.Kind == NumberKind.Zero)
            return context.Invalid();
        if (context.NoteDenormal(first.IsDenormal | second.IsDenormal))
            return default;
        quotient = 0;
        if (first.Kind == NumberKind.Zero || second.Kind == NumberKind.Infinity)
            return first;

        int difference = first.Exponent - second.Exponent;
        if (difference < (toNearest ? -1 : 0))
            return context.Round(first);
        if (difference > 63)
        {
            int steps = (difference & 0x1f) | 0x20;
            UInt128 partial = ((UInt128)first.Significand << steps) % second.Significand;
            quotient = Incomplete;
            return Result(ref context, first.IsNegative, second.Exponent + difference - steps, partial);
        }

        // In units of half the divisor's last place, so that a dividend of half the divisor fits.
        UInt128 divisor = (UInt128)second.Significand << 1;
        (UInt128 whole, UInt128 rest) = WideDivide(first.Significand, difference + 1, divisor);
        bool isNegative = first.IsNegative;
        if (toNearest)
        {
            UInt128 other = divisor - rest;
            if (rest > other || (rest == other && (whole & UInt128.One) != UInt128.Zero))
            {
                whole += UInt128.One;
                rest = other;
                isNegative = !isNegative;
            }
        }

        quotient = (long)((ulong)whole & 7);
        if (rest == UInt128.Zero)
            return Number.Zero(first.IsNegative);
        return Result(ref context, isNegative, second.Exponent - 1, rest);
    }

    /// <summary>value * 2^shift divided; shift up to 64.</summary>
    private static (UInt128 Quotient, UInt128 Remainder) WideDivide(ulong value, int shift, UInt128 divisor)
    {
        // The first 63 places and the last one apart, because value * 2^64 has no room for the doubled divisor's top bit.
        int firstShift = Math.Min(shift, 63);
        (UInt128 quotient, UInt128 rest) = UInt128.DivRem((UInt128)value << firstShift, divisor);
        for (int i = firstShift; i < shift; i++)
        {
            quotient <<= 1;
            rest <<= 1;
            if (rest >= divisor)
            {
                rest -= divisor;
                quotient |= UInt128.One;
            }
        }

        return (quotient, rest);
    }

    private static Number Result(ref FloatContext context, bool isNegative, int exponent, UInt128 significand)
    {
        if (significand == UInt128.Zero)
            return Number.Zero(isNegative);
        int shift = (int)UInt128.LeadingZeroCount(significand);
        return context.Round(isNegative, exponent + 64 - shift, significand << shift);
    }
}
