// SPDX-License-Identifier: Apache-2.0
using System;

namespace Liminal.X86.FloatingPoint;

/// <summary>How two numbers compare.</summary>
internal enum Ordering : byte
{
    Less,
    Equal,
    Greater,
    Unordered,
}

/// <summary>Arithmetic with exact intermediate results, rounded once by the context.</summary>
internal static class FloatArithmetic
{
    public static Number Add(ref FloatContext context, in Number first, in Number second)
    {
        if (context.TryNaN(first, second, out Number nan))
            return nan;
        if (first.Kind == NumberKind.Infinity && second.Kind == NumberKind.Infinity && first.IsNegative != second.IsNegative)
            return context.Invalid();
        if (context.NoteDenormal(first.IsDenormal | second.IsDenormal))
            return default;
        if (first.Kind == NumberKind.Infinity)
            return first;
        if (second.Kind == NumberKind.Infinity)
            return second;
        if (first.Kind == NumberKind.Zero && second.Kind == NumberKind.Zero)
            return Number.Zero(first.IsNegative == second.IsNegative ? first.IsNegative : context.Rounding == RoundingMode.Down);
        if (first.Kind == NumberKind.Zero)
            return context.Round(second);
        if (second.Kind == NumberKind.Zero)
            return context.Round(first);

        bool isFirstLarger = first.Exponent > second.Exponent || (first.Exponent == second.Exponent && first.Significand >= second.Significand);
        Number large = isFirstLarger ? first : second;
        Number small = isFirstLarger ? second : first;
        UInt128 sum = (UInt128)large.Significand << 63;
        UInt128 other = ShiftRightSticky((UInt128)small.Significand << 63, large.Exponent - small.Exponent);
        sum = large.IsNegative == small.IsNegative ? sum + other : sum - other;
        if (sum == UInt128.Zero)
            return Number.Zero(context.Rounding == RoundingMode.Down);
        int shift = (int)UInt128.LeadingZeroCount(sum);
        return context.Round(large.IsNegative, large.Exponent + 1 - shift, sum << shift);
    }

    public static Number Subtract(ref FloatContext context, in Number first, in Number second)
        => Add(ref context, first, second.IsNaN ? second : second.Negated());

    public static Number Multiply(ref FloatContext context, in Number first, in Number second)
    {
        if (context.TryNaN(first, second, out Number nan))
            return nan;
        bool isNegative = first.IsNegative != second.IsNegative;
        bool isInfinite = first.Kind == NumberKind.Infinity || second.Kind == NumberKind.Infinity;
        bool isZero = first.Kind == NumberKind.Zero || second.Kind == NumberKind.Zero;
        if (isInfinite && isZero)
            return context.Invalid();
        if (context.NoteDenormal(first.IsDenormal | second.IsDenormal))
            return default;
        if (isInfinite)
            return Number.Infinity(isNegative);
        if (isZero)
            return Number.Zero(isNegative);
        UInt128 product = (UInt128)first.Significand * second.Significand;
        int shift = (int)UInt128.LeadingZeroCount(product);
        return context.Round(isNegative, first.Exponent + second.Exponent + 1 - shift, product << shift);
    }

    public static Number Divide(ref FloatContext context, in Number first, in Number second)
    {
        if (context.TryNaN(first, second, out Number nan))
            return nan;
        bool isNegative = first.IsNegative != second.IsNegative;
        if (first.Kind == second.Kind && first.Kind is NumberKind.Zero or NumberKind.Infinity)
            return context.Invalid();
        if (second.Kind == NumberKind.Zero && first.Kind == NumberKind.Finite)
        {
            context.Raised |= FloatFlags.DivideByZero;
            return Number.Infinity(isNegative);
        }

        if (context.NoteDenormal(first.IsDenormal | second.IsDenormal))
            return default;
        if (first.Kind == NumberKind.Infinity)
            return Number.Infinity(isNegative);
        if (first.Kind == NumberKind.Zero || second.Kind == NumberKind.Infinity)
            return Number.Zero(isNegative);

        bool isBelowOne = first.Significand < second.Significand;
        UInt128 dividend = (UInt128)first.Significand << (isBelowOne ? 64 : 63);
        (UInt128 high, UInt128 rest) = UInt128.DivRem(dividend, second.Significand);
        (UInt128 low, rest) = UInt128.DivRem(rest << 64, second.Significand);
        UInt128 quotient = (high << 64) | low | (rest == UInt128.Zero ? UInt128.Zero : UInt128.One);
        return context.Round(isNegative, first.Exponent - second.Exponent - (isBelowOne ? 1 : 0), quotient);
    }

    public static Number SquareRoot(ref FloatContext context, in Number value)
    {
        if (context.TryNaN(value, Number.Zero(false), out Number nan))
            return nan;
        if (value.Kind == NumberKind.Zero)
            return value;
        if (value.IsNegative)
            return context.Invalid();
        if (context.NoteDenormal(value.IsDenormal))
            return default;
        if (value.Kind == NumberKind.Infinity)
            return value;
        bool isOdd = (value.Exponent & 1) != 0;
        UInt128 radicand = (UInt128)value.Significand << (isOdd ? 64 : 63);
        ulong root = IntegerRoot(radicand);
        UInt128 rest = radicand - ((UInt128)root * root);
        UInt128 significand = (UInt128)root << 64;
        if (rest > root)
            significand |= UInt128.One << 63;
        if (rest != UInt128.Zero)
            significand |= UInt128.One;
        return context.Round(false, (value.Exponent - (isOdd ? 1 : 0)) / 2, significand);
    }

    /// <summary>Compares; a quiet NaN is invalid when <paramref name="isQuietInvalid"/>.</summary>
    public static Ordering Compare(ref FloatContext context, in Number first, in Number second, bool isQuietInvalid)
    {
        if (first.IsNaN || second.IsNaN)
        {
            if (isQuietInvalid || first.Kind > NumberKind.QuietNaN || second.Kind > NumberKind.QuietNaN)
                context.Raised |= FloatFlags.Invalid;
            return Ordering.Unordered;
        }

        context.NoteDenormal(first.IsDenormal | second.IsDenormal);
        return Order(first, second);
    }

    /// <summary>Rounds to an integer in the format's range: FRNDINT.</summary>
    public static Number RoundToInteger(ref FloatContext context, in Number value)
    {
        if (context.TryNaN(value, Number.Zero(false), out Number nan))
            return nan;
        if (value.Kind != NumberKind.Finite)
            return value;
        if (context.NoteDenormal(value.IsDenormal))
            return default;
        if (value.Exponent >= 63)
            return value;
        UInt128 magnitude = RoundMagnitude(ref context, value);
        return Number.Of(value.IsNegative, (ulong)magnitude);
    }

    /// <summary>A signed integer of some bits; the indefinite integer for everything that does not fit.</summary>
    public static long ToInteger(ref FloatContext context, in Number value, int bits)
    {
        long indefinite = long.MinValue >> (64 - bits);
        if (value.Kind == NumberKind.Zero)
            return 0;
        if (value.Kind != NumberKind.Finite || value.Exponent > 63)
        {
            context.Raised |= FloatFlags.Invalid;
            return indefinite;
        }

        FloatContext trial = context;
        UInt128 magnitude = RoundMagnitude(ref trial, value);
        UInt128 limit = UInt128.One << (bits - 1);
        if (magnitude > limit || (magnitude == limit && !value.IsNegative))
        {
            context.Raised |= FloatFlags.Invalid;
            return indefinite;
        }

        context = trial;
        return value.IsNegative ? 0 - (long)(ulong)magnitude : (long)(ulong)magnitude;
    }

    public static Ordering Order(in Number first, in Number second)
    {
        bool isFirstZero = first.Kind == NumberKind.Zero;
        bool isSecondZero = second.Kind == NumberKind.Zero;
        if (isFirstZero && isSecondZero)
            return Ordering.Equal;
        if (isFirstZero || isSecondZero || first.IsNegative != second.IsNegative)
        {
            bool isGreater = isFirstZero ? second.IsNegative : !first.IsNegative;
            return isGreater ? Ordering.Greater : Ordering.Less;
        }

        int magnitudes = Magnitudes(first, second);
        if (magnitudes == 0)
            return Ordering.Equal;
        return magnitudes > 0 != first.IsNegative ? Ordering.Greater : Ordering.Less;
    }

    /// <summary>The magnitude rounded to an integer; at most 2^64. Sets Inexact and RoundedUp.</summary>
    public static UInt128 RoundMagnitude(ref FloatContext context, in Number value)
    {
        int drop = 63 - value.Exponent;
        if (drop <= 0)
            return value.Significand;
        UInt128 wide = (UInt128)value.Significand << 64;
        UInt128 whole = drop > 63 ? UInt128.Zero : value.Significand >> drop;
        UInt128 fraction = drop > 65 ? UInt128.One : (wide >> drop) & ulong.MaxValue;
        if (drop > 65 || (wide >> drop << drop) != wide)
            fraction |= UInt128.One;
        if (fraction == UInt128.Zero)
            return whole;
        UInt128 half = UInt128.One << 63;
        bool isUp = context.Rounding switch
        {
            RoundingMode.Nearest => fraction > half || (fraction == half && (whole & UInt128.One) != UInt128.Zero),
            RoundingMode.Down => value.IsNegative,
            RoundingMode.Up => !value.IsNegative,
            _ => false,
        };
        context.Raised |= FloatFlags.Inexact;
        context.RoundedUp = isUp;
        return isUp ? whole + UInt128.One : whole;
    }

    private static int Magnitudes(in Number first, in Number second)
    {
        if (first.Kind == NumberKind.Infinity || second.Kind == NumberKind.Infinity)
            return (first.Kind == NumberKind.Infinity ? 1 : 0) - (second.Kind == NumberKind.Infinity ? 1 : 0);
        return first.Exponent != second.Exponent ? first.Exponent.CompareTo(second.Exponent) : first.Significand.CompareTo(second.Significand);
    }

    private static UInt128 ShiftRightSticky(UInt128 value, int count)
    {
        if (count == 0)
            return value;
        if (count > 127)
            return UInt128.One;
        UInt128 shifted = value >> count;
        return (shifted << count) == value ? shifted : shifted | UInt128.One;
    }

    private static ulong IntegerRoot(UInt128 value)
    {
        ulong root = 0;
        for (int bit = 63; bit >= 0; bit--)
        {
            ulong trial = root | (1ul << bit);
            if ((UInt128)trial * trial <= value)
                root = trial;
        }

        return root;
    }
}
