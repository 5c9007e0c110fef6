// SPDX-License-Identifier: Apache-2.0

using System;

namespace Liminal.Linux.Packages;

/// <summary>A Debian package version, ordered as dpkg orders it: 6.12.117-1~deb12u1 comes before 6.12.117-1.</summary>
/// <param name="Text">[epoch:]upstream[-revision].</param>
/// <remarks>Source: deb-version(7), "Sorting algorithm".</remarks>
public readonly record struct DebianVersion(string Text) : IComparable<DebianVersion>
{
    /// <inheritdoc/>
    public int CompareTo(DebianVersion other)
    {
        Split(Text, out ReadOnlySpan<char> epoch, out ReadOnlySpan<char> upstream, out ReadOnlySpan<char> revision);
        Split(other.Text, out ReadOnlySpan<char> otherEpoch, out ReadOnlySpan<char> otherUpstream, out ReadOnlySpan<char> otherRevision);
        int order = Compare(epoch, otherEpoch);
        if (order == 0)
            order = Compare(upstream, otherUpstream);

        return order != 0 ? order : Compare(revision, otherRevision);
    }

    /// <inheritdoc/>
    public override string ToString() => Text;

    /// <summary>Whether the left version is older.</summary>
    public static bool operator <(DebianVersion left, DebianVersion right) => left.CompareTo(right) < 0;

    /// <summary>Whether the left version is newer.</summary>
    public static bool operator >(DebianVersion left, DebianVersion right) => left.CompareTo(right) > 0;

    /// <summary>Whether the left version is not newer.</summary>
    public static bool operator <=(DebianVersion left, DebianVersion right) => left.CompareTo(right) <= 0;

    /// <summary>Whether the left version is not older.</summary>
    public static bool operator >=(DebianVersion left, DebianVersion right) => left.CompareTo(right) >= 0;

    private static void Split(
        ReadOnlySpan<char> text, out ReadOnlySpan<char> epoch, out ReadOnlySpan<char> upstream, out ReadOnlySpan<char> revision)
    {
        int colon = text.IndexOf(':');
        epoch = colon < 0 ? "0" : text[..colon];
        upstream = text[(colon + 1)..];
        int hyphen = upstream.LastIndexOf('-');
        revision = hyphen < 0 ? "" : upstream[(hyphen + 1)..];
        upstream = hyphen < 0 ? upstream : upstream[..hyphen];
    }

    /// <summary>Alternates between a part without digits, compared by <see cref="Rank"/>, and a number.</summary>
    private static int Compare(ReadOnlySpan<char> left, ReadOnlySpan<char> right)
    {
        while (!left.IsEmpty || !right.IsEmpty)
        {
            while (HasNonDigit(left) || HasNonDigit(right))
            {
                int order = Rank(left).CompareTo(Rank(right));
                if (order != 0)
                    return order;

                left = left[1..];
                right = right[1..];
            }

            ReadOnlySpan<char> number = TakeNumber(ref left), otherNumber = TakeNumber(ref right);
            int difference = number.Length != otherNumber.Length
                ? number.Length.CompareTo(otherNumber.Length)
                : number.SequenceCompareTo(otherNumber);
            if (difference != 0)
                return difference;
        }

        return 0;
    }

    private static bool HasNonDigit(ReadOnlySpan<char> text) => !text.IsEmpty && !char.IsAsciiDigit(text[0]);

    /// <summary>A tilde sorts before the end, the end (and a digit) before letters, letters before everything
    /// else.</summary>
    private static int Rank(ReadOnlySpan<char> text) => text switch
    {
        [] or [>= '0' and <= '9', ..] => 0,
        ['~', ..] => -1,
        [char c, ..] when char.IsAsciiLetter(c) => c,
        _ => text[0] + 256,
    };

    /// <summary>The leading digits without leading zeros; longer is then larger.</summary>
    private static ReadOnlySpan<char> TakeNumber(ref ReadOnlySpan<char> text)
    {
        int length = text.IndexOfAnyExceptInRange('0', '9');
        ReadOnlySpan<char> digits = length < 0 ? text : text[..length];
        text = text[digits.Length..];
        return digits.TrimStart('0');
    }
}
