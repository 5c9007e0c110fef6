// SPDX-License-Identifier: Apache-2.0
using System;

namespace Liminal.X86.FloatingPoint;

/// <summary>How one operation rounds, which exceptions are masked, and what it raised.</summary>
/// <remarks>
/// Results have the right bits in every rounding mode, precision and masking. Tininess is detected after rounding, as x86 processors do.
/// Source: SDM1 "Overview of floating-point exceptions", "x87 FPU floating-point exception conditions", "SSE and SSE2 floating-point exceptions".
/// </remarks>
internal struct FloatContext
{
    /// <summary>Added to or taken from the exponent of an x87 result whose overflow or underflow is unmasked.</summary>
    private const int ExponentAdjustment = 24576;

    public FloatFormat Format;
    public RoundingMode Rounding;
    public FloatFlags Masked;
    public FloatFlags Raised;

    /// <summary>FTZ of MXCSR.</summary>
    public bool FlushesToZero;

    /// <summary>NaN rules of x87 rather than those of SSE.</summary>
    public bool IsX87;

    /// <summary>The result's magnitude was rounded up: C1.</summary>
    public bool RoundedUp;

    /// <summary>An unmasked exception keeps the operation from being carried out.</summary>
    public readonly bool IsPrevented => (Raised & ~Masked & FloatFlags.Before) != 0;

    public Number Invalid()
    {
        Raised |= FloatFlags.Invalid;
        return Number.Indefinite;
    }

    /// <summary>Notes denormal operands; true when that prevents the operation.</summary>
    public bool NoteDenormal(bool isAny)
    {
        if (isAny)
            Raised |= FloatFlags.Denormal;
        return IsPrevented;
    }

    /// <summary>The result when one of two operands is not a number.</summary>
    public bool TryNaN(in Number first, in Number second, out Number result)
    {
        result = Number.Indefinite;
        if (!first.IsNaN && !second.IsNaN)
            return false;
        if (first.Kind == NumberKind.Unsupported || second.Kind == NumberKind.Unsupported)
        {
            Raised |= FloatFlags.Invalid;
            return true;
        }

        bool isFirstSignaling = first.Kind == NumberKind.SignalingNaN;
        bool isSecondSignaling = second.Kind == NumberKind.SignalingNaN;
        if (isFirstSignaling || isSecondSignaling)
            Raised |= FloatFlags.Invalid;
        bool takesFirst;
        if (!first.IsNaN || !second.IsNaN || !IsX87)
            takesFirst = first.IsNaN;
        else if (isFirstSignaling != isSecondSignaling)
            takesFirst = isSecondSignaling;
        else if (first.Quieted().Significand != second.Quieted().Significand)
            takesFirst = first.Quieted().Significand > second.Quieted().Significand;
        else
            takesFirst = !first.IsNegative;
        result = takesFirst ? first.Quieted() : second.Quieted();
        return true;
    }

    /// <summary>Rounds sig / 2^127 * 2^exponent, bit 127 set and every lost bit gathered in bit 0, to the format.</summary>
    public Number Round(bool isNegative, int exponent, UInt128 significand)
    {
        int drop = 128 - Format.Precision;
        Number result = RoundAt(drop, isNegative, exponent, significand, out bool isInexact, out bool isUp);
        if (result.Exponent > Format.MaxExponent)
            return Overflow(result, isInexact, isUp);
        if (result.Kind == NumberKind.Finite && result.Exponent < Format.MinExponent)
        {
            if ((Masked & FloatFlags.Underflow) == 0)
            {
                Raised |= FloatFlags.Underflow;
                bool isMassive = result.Exponent + ExponentAdjustment < Format.MinExponent; // FSCALE only
                isInexact |= isMassive;
                result = isMassive
                    ? Number.Zero(isNegative)
                    : result with { Exponent = result.Exponent + ExponentAdjustment };
            }
            else if (FlushesToZero)
            {
                Raised |= FloatFlags.Underflow | FloatFlags.Inexact;
                return Number.Zero(isNegative);
            }
            else
            {
                result = RoundAt(drop + Format.MinExponent - exponent, isNegative, exponent, significand, out isInexact, out isUp);
                if (isInexact)
                    Raised |= FloatFlags.Underflow;
            }
        }

        if (isInexact)
            Raised |= FloatFlags.Inexact;
        RoundedUp = isUp;
        return result;
    }

    public Number Round(in Number exact) => Round(exact.IsNegative, exact.Exponent, (UInt128)exact.Significand << 64);

    private Number Overflow(in Number result, bool isInexact, bool isUp)
    {
        Raised |= FloatFlags.Overflow;
        if ((Masked & FloatFlags.Overflow) == 0)
        {
            bool isMassive = result.Exponent - ExponentAdjustment > Format.MaxExponent; // FSCALE only
            if (isInexact || isMassive)
                Raised |= FloatFlags.Inexact;
            RoundedUp = isUp || isMassive;
            return isMassive
                ? Number.Infinity(result.IsNegative)
                : result with { Exponent = result.Exponent - ExponentAdjustment };
        }

        Raised |= FloatFlags.Inexact;
        RoundedUp = Rounding == RoundingMode.Nearest || Rounding == (result.IsNegative ? RoundingMode.Down : RoundingMode.Up);
        return RoundedUp
            ? Number.Infinity(result.IsNegative)
            : new Number(NumberKind.Finite, result.IsNegative, Format.MaxExponent, ulong.MaxValue << (64 - Format.Precision));
    }

    private readonly Number RoundAt(int drop, bool isNegative, int exponent, UInt128 significand, out bool isInexact, out bool isUp)
    {
        UInt128 kept = drop >= 128 ? UInt128.Zero : significand >> drop;
        UInt128 lost = drop >= 128 ? significand : significand & ((UInt128.One << drop) - UInt128.One);
        UInt128 half = drop > 128 ? UInt128.Zero : UInt128.One << (drop - 1);
        isInexact = lost != UInt128.Zero;
        bool isAboveHalf = drop <= 128 && lost > half;
        bool isHalf = drop <= 128 && lost == half;
        isUp = isInexact && Rounding switch
        {
            RoundingMode.Nearest => isAboveHalf || (isHalf && (kept & UInt128.One) != UInt128.Zero),
            RoundingMode.Down => isNegative,
            RoundingMode.Up => !isNegative,
            _ => false,
        };
        if (isUp)
            kept += UInt128.One;
        if (kept == UInt128.Zero)
            return Number.Zero(isNegative);

        // The unit of the kept part is 2^(exponent - 127 + drop).
        int shift = (int)UInt128.LeadingZeroCount(kept);
        ulong top = (ulong)((kept << shift) >> 64);
        return new Number(NumberKind.Finite, isNegative, exponent + drop - shift, top);
    }
}
