// SPDX-License-Identifier: Apache-2.0
using System.Numerics;
using System.Runtime.CompilerServices;

namespace Liminal.X86.State;

/// <summary>CF, PF, AF, ZF, SF and OF, kept as what they follow from until somebody reads them.</summary>
/// <remarks>
/// Add and Sub keep the sign-extended result and second operand; CF and OF follow from the two. Explicit keeps CF, AF and OF as bits of
/// <see cref="Operand"/> while ZF, SF and PF follow from the result. Raw keeps all six as bits, because POPF can set combinations that no
/// result has; <see cref="Result"/> is then zero exactly when ZF is set, so ZF never needs the kind.
/// </remarks>
public struct LazyFlags
{
    /// <summary>CF, PF, AF, ZF, SF, OF as bits of RFLAGS.</summary>
    public const ulong Mask = Rflags.Carry | Rflags.Parity | Rflags.Adjust | Rflags.Zero | Rflags.Sign | Rflags.Overflow;

    internal const ulong Explicit = 0;
    internal const ulong Add = 1;
    internal const ulong Sub = 2;
    internal const ulong Raw = 3;
    private const ulong KindMask = 3;
    private const int ShiftPosition = 8;

    /// <summary>The result, sign-extended from its width.</summary>
    public ulong Result;

    /// <summary>The second operand, sign-extended; or flag bits.</summary>
    public ulong Operand;

    /// <summary>Bits 1:0 the kind; from bit 8 on, 64 minus the width in bits.</summary>
    public ulong Kind;

    /// <summary>CF.</summary>
    public readonly bool Carry
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get
        {
            ulong kind = Kind & KindMask;
            if (kind == Sub)
            {
                int shift = (int)(Kind >> ShiftPosition);
                return ((Result + Operand) << shift) < (Operand << shift);
            }

            return kind == Add ? Result < Operand : (Operand & Rflags.Carry) != 0;
        }
    }

    /// <summary>ZF.</summary>
    public readonly bool Zero => Result == 0;

    /// <summary>SF.</summary>
    public readonly bool Sign => (Kind & KindMask) == Raw ? (Operand & Rflags.Sign) != 0 : (long)Result < 0;

    /// <summary>PF: even number of ones in the low byte of the result.</summary>
    public readonly bool Parity
        => (Kind & KindMask) == Raw ? (Operand & Rflags.Parity) != 0 : (BitOperations.PopCount((byte)Result) & 1) == 0;

    /// <summary>OF.</summary>
    public readonly bool Overflow
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get
        {
            int top = 63 - (int)(Kind >> ShiftPosition);
            ulong kind = Kind & KindMask;
            if (kind == Sub)
            {
                ulong first = Result + Operand;
                return ((((first ^ Operand) & (first ^ Result)) >> top) & 1) != 0;
            }

            if (kind == Add)
            {
                ulong first = Result - Operand;
                return (((~(first ^ Operand) & (first ^ Result)) >> top) & 1) != 0;
            }

            return (Operand & Rflags.Overflow) != 0;
        }
    }

    /// <summary>AF: carry out of bit 3.</summary>
    public readonly bool Adjust => (Kind & KindMask) switch
    {
        Add => (((Result - Operand) ^ Operand ^ Result) & 0x10) != 0,
        Sub => (((Result + Operand) ^ Operand ^ Result) & 0x10) != 0,
        _ => (Operand & Rflags.Adjust) != 0,
    };

    /// <summary>The six flags as bits of RFLAGS.</summary>
    public ulong Bits
    {
        readonly get
        {
            if ((Kind & KindMask) == Raw)
                return Operand;
            return (Carry ? Rflags.Carry : 0) | (Parity ? Rflags.Parity : 0) | (Adjust ? Rflags.Adjust : 0)
                | (Zero ? Rflags.Zero : 0) | (Sign ? Rflags.Sign : 0) | (Overflow ? Rflags.Overflow : 0);
        }

        set
        {
            Kind = Raw;
            Operand = value & Mask;
            Result = (value & Rflags.Zero) != 0 ? 0ul : 1ul;
        }
    }

    /// <summary>Changes CF and nothing else.</summary>
    public void SetCarry(bool carry) => Bits = (Bits & ~Rflags.Carry) | (carry ? Rflags.Carry : 0);

    /// <summary>Changes CF and OF and nothing else: rotates.</summary>
    internal void SetCarryAndOverflow(bool carry, bool overflow)
    {
        ulong bits = (carry ? Rflags.Carry : 0) | (overflow ? Rflags.Overflow : 0);
        ulong kept = (Kind & KindMask) == Raw ? Operand & ~(Rflags.Carry | Rflags.Overflow) : Adjust ? Rflags.Adjust : 0;
        if ((Kind & KindMask) != Raw)
            Kind &= ~KindMask;
        Operand = kept | bits;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void Set(ulong kind, int bits, ulong result, ulong operand)
    {
        Result = result;
        Operand = operand;
        Kind = kind | ((ulong)(64 - bits) << ShiftPosition);
    }
}

/// <summary>Bits of RFLAGS.</summary>
public static class Rflags
{
    /// <summary>CF.</summary>
    public const ulong Carry = 1 << 0;

    /// <summary>Bit 1, always set.</summary>
    public const ulong Always = 1 << 1;

    /// <summary>PF.</summary>
    public const ulong Parity = 1 << 2;

    /// <summary>AF.</summary>
    public const ulong Adjust = 1 << 4;

    /// <summary>ZF.</summary>
    public const ulong Zero = 1 << 6;

    /// <summary>SF.</summary>
    public const ulong Sign = 1 << 7;

    /// <summary>TF.</summary>
    public const ulong Trap = 1 << 8;

    /// <summary>IF.</summary>
    public const ulong InterruptEnable = 1 << 9;

    /// <summary>DF.</summary>
    public const ulong Direction = 1 << 10;

    /// <summary>OF.</summary>
    public const ulong Overflow = 1 << 11;

    /// <summary>IOPL, two bits.</summary>
    public const ulong IoPrivilege = 3 << 12;

    /// <summary>NT.</summary>
    public const ulong NestedTask = 1 << 14;

    /// <summary>RF.</summary>
    public const ulong Resume = 1 << 16;

    /// <summary>VM.</summary>
    public const ulong Virtual8086 = 1 << 17;

    /// <summary>The bits that exist; all others are zero, but for bit 1.</summary>
    public const ulong Defined = 0x3f_7fd5;

    /// <summary>AC.</summary>
    public const ulong AlignmentCheck = 1 << 18;

    /// <summary>ID.</summary>
    public const ulong Identification = 1 << 21;
}
