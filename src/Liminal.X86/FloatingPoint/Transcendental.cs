// SPDX-License-Identifier: Apache-2.0
using System;
using System.Linq;
using System.Numerics;

namespace Liminal.X86.FloatingPoint;

/// <summary>The transcendental x87 functions: computed to some 250 bits, rounded once by the context.</summary>
/// <remarks>
/// <para>
/// Results are those nearest to the true value, in the direction that the control word asks for, and so the same on every computer; hardware may
/// differ by the last bit (SDM1 "Transcendental instruction accuracy": less than one unit in the last place to nearest, 1.5 otherwise). What zeros,
/// infinities and values out of range give: SDM2, the tables of F2XM1, FYL2X, FYL2XP1, FPATAN, FSIN, FCOS, FSINCOS, FPTAN.
/// </para>
/// <para>
/// A value that is not zero never has an exact result, but for powers of two. So the bits that are not computed are gathered as a one.
/// </para>
/// </remarks>
internal static class Transcendental
{
    /// <summary>Bits behind the point of a fixed-point number, which is an integer counting units of 2^-Bits.</summary>
    private const int Bits = 256;

    /// <summary>From 2^63 on a trigonometric function leaves its operand alone and sets C2.</summary>
    private const int LargestAngleExponent = 62;

    /// <summary>Arctangents are looked up for multiples of 1/8, and computed for the rest.</summary>
    private const int ArctangentSteps = 8;

    private static readonly BigInteger One = BigInteger.One << Bits;
    private static readonly BigInteger Pi = 4 * ((4 * ArctangentOf(1, 5)) - ArctangentOf(1, 239));
    private static readonly BigInteger Ln2 = (2 * InverseHyperbolicTangentRatio(One / 9)) / 3;
    private static readonly BigInteger[] Arctangents = [.. Enumerable.Range(0, ArctangentSteps + 1).Select(static step => ArctangentOf(step, ArctangentSteps))];

    /// <summary>Half of the Pi that processors reduce angles by, which has 66 bits: SDM1 "Approximation of Pi".</summary>
    private static readonly Dyadic HalfPi66 = new(BigInteger.Parse("0C90FDAA22168C234C", System.Globalization.NumberStyles.HexNumber, System.Globalization.CultureInfo.InvariantCulture), -67);

    /// <summary>F2XM1: two to the power of a value between -1 and 1, less one.</summary>
    public static Number PowerLessOne(ref FloatContext context, in Number value)
    {
        if (context.TryNaN(value, Number.Zero(false), out Number nan))
            return nan;
        if (value.Kind == NumberKind.Zero)
            return value;
        if (value.Kind == NumberKind.Infinity)
            return value.IsNegative ? Number.Of(-1) : value;
        if (context.NoteDenormal(value.IsDenormal))
            return default;
        if (value.Exponent >= 0)
            return value.IsNegative && IsOne(value) ? value with { Exponent = -1 } : value; // what is out of range is undefined by the manual; processors leave it alone

        // 2^x - 1 = e^t - 1 = t * (1 + t/2! + t^2/3! + ...) with t = x * ln 2.
        BigInteger power = Multiply(Dyadic.Of(value).ToFixed(Bits), Ln2);
        BigInteger sum = One;
        BigInteger term = One;
        for (int n = 2; !term.IsZero; n++)
        {
            term = Multiply(term, power) / n;
            sum += term;
        }

        return Round(ref context, Dyadic.Of(value) * new Dyadic(Ln2, -Bits) * new Dyadic(sum, -Bits));
    }

    /// <summary>FYL2X: a factor times the binary logarithm of a value.</summary>
    public static Number Logarithm(ref FloatContext context, in Number value, in Number factor)
    {
        if (context.TryNaN(value, factor, out Number nan))
            return nan;
        if (value.Kind != NumberKind.Zero && value.IsNegative)
            return context.Invalid();
        bool isOne = IsOne(value);
        bool isInvalid = factor.Kind switch
        {
            NumberKind.Infinity => isOne,
            NumberKind.Zero => value.Kind is NumberKind.Zero or NumberKind.Infinity,
            _ => false,
        };
        if (isInvalid)
            return context.Invalid();
        if (value.Kind == NumberKind.Zero && factor.Kind == NumberKind.Finite)
        {
            context.Raised |= FloatFlags.DivideByZero;
            return Number.Infinity(!factor.IsNegative);
        }

        if (context.NoteDenormal(value.IsDenormal | factor.IsDenormal))
            return default;
        bool isLogarithmNegative = value.Kind == NumberKind.Zero || (value.Kind == NumberKind.Finite && value.Exponent < 0);
        bool isNegative = factor.IsNegative != isLogarithmNegative;
        if (value.Kind != NumberKind.Finite || factor.Kind == NumberKind.Infinity)
            return Number.Infinity(isNegative);
        if (factor.Kind == NumberKind.Zero || isOne)
            return Number.Zero(isNegative);

        return TimesLogarithm(ref context, factor, Dyadic.Of(value));
    }

    /// <summary>FYL2XP1: a factor times the binary logarithm of one plus a value.</summary>
    public static Number LogarithmOfOnePlus(ref FloatContext context, in Number value, in Number factor)
    {
        if (context.TryNaN(value, factor, out Number nan))
            return nan;
        bool isInvalid = value.Kind switch
        {
            NumberKind.Infinity => value.IsNegative || factor.Kind == NumberKind.Zero,
            NumberKind.Zero => factor.Kind == NumberKind.Infinity,
            _ => false,
        };
        if (isInvalid)
            return context.Invalid();
        if (context.NoteDenormal(value.IsDenormal | factor.IsDenormal))
            return default;
        bool isNegative = factor.IsNegative != value.IsNegative;
        if (factor.Kind == NumberKind.Infinity || value.Kind == NumberKind.Infinity)
            return Number.Infinity(isNegative);
        if (factor.Kind == NumberKind.Zero || value.Kind == NumberKind.Zero)
            return Number.Zero(isNegative);

        // Undefined by the manual; processors leave such a value alone.
        if (value.IsNegative && value.Exponent >= 0)
            return value;
        return value.Exponent < -2
            ? Round(ref context, Dyadic.Of(factor) * LogarithmOfOnePlus(Dyadic.Of(value)))
            : TimesLogarithm(ref context, factor, Dyadic.Of(value) + new Dyadic(1, 0));
    }

    /// <summary>FPATAN: the angle of a point, from -Pi to Pi.</summary>
    public static Number Angle(ref FloatContext context, in Number x, in Number y)
    {
        if (context.TryNaN(x, y, out Number nan))
            return nan;
        if (context.NoteDenormal(x.IsDenormal | y.IsDenormal))
            return default;

        Dyadic angle;
        if (y.Kind == NumberKind.Infinity || x.Kind == NumberKind.Zero)
            angle = Quarters(y.Kind == NumberKind.Zero ? 0 : x.Kind == NumberKind.Infinity ? 1 : 2);
        else if (x.Kind == NumberKind.Infinity || y.Kind == NumberKind.Zero)
            angle = Quarters(0);
        else
            angle = Arctangent(Dyadic.Of(y).Magnitude, Dyadic.Of(x).Magnitude);

        if (x.IsNegative)
            angle = Quarters(4) - angle;
        return angle.Mantissa.IsZero
            ? Number.Zero(y.IsNegative)
            : Round(ref context, y.IsNegative ? -angle : angle);
    }

    /// <summary>FSIN.</summary>
    public static bool TrySine(ref FloatContext context, in Number value, out Number sine)
    {
        if (!TryReduce(ref context, value, out sine, out Dyadic angle, out int quarter))
            return false;
        if (quarter >= 0)
            sine = Round(ref context, SineOfQuarter(angle, quarter));
        return true;
    }

    /// <summary>FCOS.</summary>
    public static bool TryCosine(ref FloatContext context, in Number value, out Number cosine)
    {
        if (!TryReduce(ref context, value, out cosine, out Dyadic angle, out int quarter))
            return false;
        if (quarter >= 0)
            cosine = Round(ref context, SineOfQuarter(angle, quarter + 1));
        else if (value.Kind == NumberKind.Zero)
            cosine = Number.Of(1);
        return true;
    }

    /// <summary>FPTAN.</summary>
    public static bool TryTangent(ref FloatContext context, in Number value, out Number tangent)
    {
        if (!TryReduce(ref context, value, out tangent, out Dyadic angle, out int quarter))
            return false;
        if (quarter < 0)
            return true;

        Dyadic opposite = SineOfQuarter(angle, quarter);
        Dyadic adjacent = SineOfQuarter(angle, quarter + 1);
        Dyadic ratio = opposite.Over(adjacent, Bits);
        // Of a tiny angle both are cut off so that only the angle is left; its tangent is larger.
        if ((ratio - angle).Mantissa.IsZero)
            ratio = new Dyadic(ratio.Mantissa + ratio.Mantissa.Sign, ratio.Exponent);
        tangent = Round(ref context, ratio);
        return true;
    }

    /// <summary>Takes multiples of half Pi from an angle.</summary>
    /// <param name="context">Rounding and exceptions.</param>
    /// <param name="value">The angle.</param>
    /// <param name="result">The result when <paramref name="quarter"/> is -1: that of a zero, infinity or NaN.</param>
    /// <param name="angle">What is left, at most a quarter of Pi on either side.</param>
    /// <param name="quarter">How many halves of Pi were taken, modulo 4.</param>
    /// <returns>False when the angle is out of range.</returns>
    private static bool TryReduce(ref FloatContext context, in Number value, out Number result, out Dyadic angle, out int quarter)
    {
        angle = default;
        quarter = -1;
        if (context.TryNaN(value, Number.Zero(false), out result))
            return true;
        if (value.Kind == NumberKind.Infinity)
        {
            result = context.Invalid();
            return true;
        }

        result = value;
        if (context.NoteDenormal(value.IsDenormal) || value.Kind == NumberKind.Zero)
            return true;
        if (value.Exponent > LargestAngleExponent)
            return false;

        Dyadic whole = Dyadic.Of(value);
        BigInteger halves = whole.Over(HalfPi66, Bits).RoundToInteger();
        angle = whole - (HalfPi66 * new Dyadic(halves, 0));
        quarter = (int)(((halves % 4) + 4) % 4);
        return true;
    }

    /// <summary>The sine of an angle of at most a quarter of Pi, plus some halves of Pi.</summary>
    private static Dyadic SineOfQuarter(Dyadic angle, int quarter)
    {
        BigInteger square = (angle * angle).ToFixed(Bits);
        bool isCosine = (quarter & 1) != 0;
        Dyadic result = isCosine ? new Dyadic(BelowOne(Series(square, 0)), -Bits) : angle * new Dyadic(BelowOne(Series(square, 1)), -Bits);
        return (quarter & 2) != 0 ? -result : result;

        // 1 - x^2/((n+1)(n+2)) + x^4/((n+1)(n+2)(n+3)(n+4)) - ...
        static BigInteger Series(BigInteger square, int n)
        {
            BigInteger sum = One;
            BigInteger term = One;
            for (; !term.IsZero; n += 2)
            {
                term = -(Multiply(term, square) / ((n + 1) * (n + 2)));
                sum += term;
            }

            return sum;
        }
    }

    /// <summary>A factor times the binary logarithm of a positive value.</summary>
    private static Number TimesLogarithm(ref FloatContext context, in Number factor, Dyadic value)
    {
        // The value is m * 2^e with m from sqrt(1/2) to sqrt(2), so that the logarithm of m never takes the size from e.
        int length = (int)value.Mantissa.GetBitLength();
        int exponent = value.Exponent + length - 1;
        Dyadic fraction = value with { Exponent = 1 - length };
        if ((fraction - new Dyadic(1, 0)).Mantissa.IsZero)
            return Round(ref context, Dyadic.Of(factor) * new Dyadic(exponent, 0), isExact: true);
        if (fraction * fraction > new Dyadic(2, 0))
        {
            fraction = value with { Exponent = -length };
            exponent++;
        }

        return Round(ref context, Dyadic.Of(factor) * (LogarithmOfOnePlus(fraction - new Dyadic(1, 0)) + new Dyadic(exponent, 0)));
    }

    /// <summary>The binary logarithm of one plus a value from -0.3 to 0.42.</summary>
    private static Dyadic LogarithmOfOnePlus(Dyadic value)
    {
        // ln(1 + x) = 2 * artanh(x / (2 + x))
        Dyadic z = value.Over(value + new Dyadic(2, 0), Bits);
        BigInteger ratio = InverseHyperbolicTangentRatio((z * z).ToFixed(Bits));
        return (z * new Dyadic(ratio, 1 - Bits)).Over(new Dyadic(Ln2, -Bits), Bits);
    }

    /// <summary>artanh(z) / z = 1 + z^2/3 + z^4/5 + ..., of the square of z.</summary>
    private static BigInteger InverseHyperbolicTangentRatio(BigInteger square)
    {
        BigInteger sum = One;
        BigInteger power = One;
        for (int n = 3; !power.IsZero; n += 2)
        {
            power = Multiply(power, square);
            sum += power / n;
        }

        return sum;
    }

    /// <summary>The arctangent of the ratio of two values that are not negative.</summary>
    private static Dyadic Arctangent(Dyadic y, Dyadic x)
    {
        bool isSteep = y > x;
        (Dyadic small, Dyadic large) = isSteep ? (x, y) : (y, x);

        // atan(s/l) = atan(k/8) + atan(r) with r = (8s - kl) / (8l + ks)
        int step = (int)(small * new Dyadic(ArctangentSteps, 0)).Over(large, Bits).RoundToInteger();
        Dyadic eight = new(ArctangentSteps, 0);
        Dyadic k = new(step, 0);
        Dyadic angle = step == 0
            ? ArctangentOfSmall(small, large)
            : new Dyadic(Arctangents[step], -Bits) + ArctangentOfSmall((small * eight) - (large * k), (large * eight) + (small * k));
        return isSteep ? Quarters(2) - angle : angle;
    }

    /// <summary>Euler's series: atan(q) = q/(1+q^2) * (1 + 2/3 u + 2/3 4/5 u^2 + ...) with u = q^2/(1+q^2).</summary>
    private static Dyadic ArctangentOfSmall(Dyadic numerator, Dyadic denominator)
    {
        Dyadic ratio = numerator.Over(denominator, Bits);
        BigInteger square = (ratio * ratio).ToFixed(Bits);
        BigInteger share = (square << Bits) / (One + square);
        BigInteger sum = One;
        BigInteger term = One;
        for (int n = 2; !term.IsZero; n += 2)
        {
            term = Multiply(term, share) * n / (n + 1);
            sum += term;
        }

        return ratio * new Dyadic(BelowOne((sum << Bits) / (One + square)), -Bits);
    }

    private static BigInteger ArctangentOf(int numerator, int denominator) =>
        ArctangentOfSmall(new Dyadic(numerator, 0), new Dyadic(denominator, 0)).ToFixed(Bits);

    private static Dyadic Quarters(int count) => new(Pi * count, -Bits - 2);

    /// <summary>A factor below one that was too near to it for its bits.</summary>
    private static BigInteger BelowOne(BigInteger value) => value == One ? One - 1 : value;

    private static BigInteger Multiply(BigInteger first, BigInteger second) => (first * second) >> Bits;

    private static bool IsOne(in Number value) => value is { Kind: NumberKind.Finite, Exponent: 0, Significand: Number.IntegerBit };

    private static Number Round(ref FloatContext context, Dyadic value, bool isExact = false)
    {
        BigInteger magnitude = BigInteger.Abs(value.Mantissa);
        int length = (int)magnitude.GetBitLength();
        int drop = length - 128;
        context.Format = FloatFormat.Extended(64);
        UInt128 significand = (UInt128)(drop < 0 ? magnitude << -drop : magnitude >> drop);
        if (!isExact || (drop > 0 && !(magnitude & ((BigInteger.One << drop) - 1)).IsZero))
            significand |= UInt128.One;
        return context.Round(value.Mantissa.Sign < 0, value.Exponent + length - 1, significand);
    }
}
