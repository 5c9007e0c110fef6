// SPDX-License-Identifier: Apache-2.0
using System;
using System.Collections.Generic;
using System.Globalization;
using System.Text;

namespace Liminal.Machine.Debugging;

/// <summary>What stands between a byte stream and a packet of GDB's remote serial protocol.</summary>
public enum GdbInputKind
{
    /// <summary>A packet with a right checksum; <see cref="GdbInput.Payload"/> holds it.</summary>
    Packet,

    /// <summary>A packet with a wrong checksum, or one that is too long: to be asked for again.</summary>
    Garbled,

    /// <summary>The byte 3, Ctrl-C: stop the machine.</summary>
    Interrupt,

    /// <summary>Minus: the last reply is to be sent again.</summary>
    Resend,
}

/// <summary>One thing that gdb sent.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Payload">The packet, escapes removed; one character for each byte.</param>
public readonly record struct GdbInput(GdbInputKind Kind, string Payload = "");

/// <summary>Cuts bytes from gdb into packets.</summary>
/// <remarks>
/// Source: GDB manual, "Remote Protocol: Overview": <c>$payload#checksum</c>, two hexadecimal digits that are the sum of the payload's bytes as
/// sent; } escapes the next byte, which is then XORed with 20h. Bytes between packets are noise.
/// </remarks>
public sealed class GdbPacketReader
{
    /// <summary>Most bytes of a packet's payload.</summary>
    public const int MostBytes = 0x4000;

    private readonly StringBuilder _payload = new();
    private Place _place;
    private byte _sum;
    private int _expected;
    private bool _isTooLong;

    private enum Place
    {
        Between,
        Payload,
        Escaped,
        FirstDigit,
        SecondDigit,
    }

    /// <summary>Takes bytes as they came; what they complete is added to a list.</summary>
    public void Read(ReadOnlySpan<byte> bytes, ICollection<GdbInput> found)
    {
        foreach (byte value in bytes)
        {
            if (Read(value) is GdbInput input)
            {
                found.Add(input);
            }
        }
    }

    private GdbInput? Read(byte value)
    {
        switch (_place)
        {
            case Place.Between:
                if (value == '$')
                {
                    Begin();
                }

                return value switch
                {
                    3 => new GdbInput(GdbInputKind.Interrupt),
                    (byte)'-' => new GdbInput(GdbInputKind.Resend),
                    _ => null,
                };
            case Place.Payload when value == '$':
                // A packet that never ended; this one may.
                Begin();
                return null;
            case Place.Payload when value == '#':
                _place = Place.FirstDigit;
                return null;
            case Place.Payload:
                _sum += value;
                if (value == '}')
                {
                    _place = Place.Escaped;
                }
                else
                {
                    Append(value);
                }

                return null;
            case Place.Escaped:
                _sum += value;
                _place = Place.Payload;
                Append((byte)(value ^ 0x20));
                return null;
            case Place.FirstDigit:
                _expected = DigitOf(value) * 16;
                _place = Place.SecondDigit;
                return null;
            default:
                _place = Place.Between;
                _expected += DigitOf(value);
                return _expected == _sum && !_isTooLong ? new GdbInput(GdbInputKind.Packet, _payload.ToString()) : new GdbInput(GdbInputKind.Garbled);
        }
    }

    private void Begin()
    {
        _payload.Clear();
        _sum = 0;
        _isTooLong = false;
        _place = Place.Payload;
    }

    private void Append(byte value)
    {
        _isTooLong |= _payload.Length == MostBytes;
        if (!_isTooLong)
        {
            _payload.Append((char)value);
        }
    }

    private static int DigitOf(byte value) =>
        int.TryParse([(char)value], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out int digit) ? digit : 0x1000;
}

/// <summary>Text forms of the remote protocol.</summary>
internal static class GdbText
{
    /// <summary>A reply as bytes on the wire.</summary>
    public static byte[] Frame(string payload)
    {
        var text = new StringBuilder("$");
        byte sum = 0;
        foreach (char value in payload)
        {
            if (value is '#' or '$' or '}' or '*')
            {
                text.Append('}').Append((char)(value ^ 0x20));
                sum += (byte)('}' + (value ^ 0x20));
            }
            else
            {
                text.Append(value);
                sum += (byte)value;
            }
        }

        return Encoding.Latin1.GetBytes(text.Append('#').Append(sum.ToString("x2", CultureInfo.InvariantCulture)).ToString());
    }

    /// <summary>Two digits for each byte.</summary>
    public static string Hex(ReadOnlySpan<byte> bytes) => Convert.ToHexStringLower(bytes);

    /// <summary>Two digits for each character of a text.</summary>
    public static string HexOf(string text) => Hex(Encoding.UTF8.GetBytes(text));

    /// <summary>The bytes that digits stand for; null when they are not digits in pairs.</summary>
    public static byte[]? BytesOf(ReadOnlySpan<char> digits)
    {
        byte[] bytes = new byte[digits.Length / 2];
        return digits.Length % 2 == 0 && Convert.FromHexString(digits, bytes, out _, out _) == System.Buffers.OperationStatus.Done ? bytes : null;
    }

    /// <summary>A hexadecimal number of up to 64 bits.</summary>
    public static bool TryNumber(ReadOnlySpan<char> digits, out ulong value) =>
        ulong.TryParse(digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out value);
}
