// SPDX-License-Identifier: Apache-2.0
namespace Liminal.X86.FloatingPoint;

/// <summary>What a floating-point operand is. Everything from <see cref="QuietNaN"/> on is not a number.</summary>
internal enum NumberKind : byte
{
    Zero,
    Finite,
    Infinity,
    QuietNaN,
    SignalingNaN,

    /// <summary>An 80-bit pattern that no x87 operation accepts: pseudo-NaN, pseudo-infinity, unnormal.</summary>
    Unsupported,
}

/// <summary>A floating-point value of any width, taken apart.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="IsNegative">The sign; zeros, infinities and NaNs have one too.</param>
/// <param name="Exponent">Of a finite value: it is <paramref name="Significand"/> / 2^63 * 2^Exponent.</param>
/// <param name="Significand">Of a finite value, with bit 63 set; of a NaN, its 80-bit significand.</param>
/// <param name="IsDenormal">The operand was denormal (or pseudo-denormal) where it came from.</param>
internal readonly record struct Number(NumberKind Kind, bool IsNegative, int Exponent, ulong Significand, bool IsDenormal = false)
{
    public const ulong IntegerBit = 1ul << 63;
    public const ulong QuietBit = 1ul << 62;

    /// <summary>The quiet NaN that an invalid operation gives.</summary>
    public static Number Indefinite => new(NumberKind.QuietNaN, true, 0, IntegerBit | QuietBit);

    public bool IsNaN => Kind >= NumberKind.QuietNaN;

    public static Number Zero(bool isNegative) => new(NumberKind.Zero, isNegative, 0, 0);

    public static Number Infinity(bool isNegative) => new(NumberKind.Infinity, isNegative, 0, 0);

    public Number Negated() => this with { IsNegative = !IsNegative };

    public Number Quieted() => this with { Kind = NumberKind.QuietNaN, Significand = Significand | QuietBit };

    /// <summary>A signed integer, exactly.</summary>
    public static Number Of(long value) => Of(value < 0, value < 0 ? 0 - (ulong)value : (ulong)value);

    public static Number Of(bool isNegative, ulong magnitude)
    {
        if (magnitude == 0)
            return Zero(isNegative);
        int shift = System.Numerics.BitOperations.LeadingZeroCount(magnitude);
        return new Number(NumberKind.Finite, isNegative, 63 - shift, magnitude << shift);
    }
}

/// <summary>Exception flags of MXCSR and of the x87 status word, which have the same bits.</summary>
[System.Flags]
internal enum FloatFlags : byte
{
    None = 0,
    Invalid = 1,
    Denormal = 2,
    DivideByZero = 4,
    Overflow = 8,
    Underflow = 16,
    Inexact = 32,

    /// <summary>Found before the operation is carried out: when unmasked, it is not.</summary>
    Before = Invalid | Denormal | DivideByZero,
    All = 63,
}

/// <summary>RC of MXCSR and of the x87 control word.</summary>
internal enum RoundingMode : byte
{
    Nearest,
    Down,
    Up,
    TowardZero,
}

/// <summary>Precision and exponent range of results.</summary>
internal readonly record struct FloatFormat(int Precision, int MinExponent, int MaxExponent)
{
    public static FloatFormat Single => new(24, -126, 127);

    public static FloatFormat Double => new(53, -1022, 1023);

    /// <summary>An x87 register, with the precision that the control word asks for.</summary>
    public static FloatFormat Extended(int precision) => new(precision, -16382, 16383);
}
