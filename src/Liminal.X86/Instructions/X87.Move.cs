// SPDX-License-Identifier: Apache-2.0
using System;
using System.Buffers.Binary;
using Liminal.X86.Execution;
using Liminal.X86.FloatingPoint;
using Liminal.X86.State;

namespace Liminal.X86.Instructions;

/// <summary>FLD FILD FBLD: the kind in <see cref="Op.Immediate"/>, a register's number in <see cref="Op.Source"/>.</summary>
internal readonly unsafe struct X87Load : IX87
{
    public static Completion Run(Processor processor, Core* core, Op* op, ulong address)
    {
        Number number = default;
        VectorRegister raw = default;
        if (op->Immediate is X87Operand.Extended or X87Operand.Decimal)
        {
            Span<byte> bytes = stackalloc byte[10];
            if (!processor.Load(address, bytes))
                return Completion.Fault;
            if (op->Immediate == X87Operand.Extended)
                raw = new VectorRegister(BinaryPrimitives.ReadUInt64LittleEndian(bytes), BinaryPrimitives.ReadUInt16LittleEndian(bytes[8..]));
            else
                number = X87Decimal.Decode(bytes);
        }
        else if (op->Immediate != X87Operand.Stack && !X87Operand.Load(processor, op->Immediate, address, out number))
        {
            return Completion.Fault;
        }

        bool isUnderflow = op->Immediate == X87Operand.Stack && X87.IsEmpty(core, op->Source);
        if (isUnderflow || !X87.IsEmpty(core, 7))
        {
            if (X87.ReportStackFault(core, isOverflow: !isUnderflow))
                Push(core, Number.Indefinite);
            return Completion.Next;
        }

        if (op->Immediate == X87Operand.Stack)
            raw = X87.Raw(core, op->Source);
        if (op->Immediate is X87Operand.Stack or X87Operand.Extended)
        {
            X87.ClearC1(core);
            X87.Rotate(core, -1);
            X87.WriteRaw(core, 0, raw);
            return Completion.Next;
        }

        FloatContext context = X87.Context(core, FloatFormat.Extended(64));
        if (number.Kind == NumberKind.SignalingNaN)
        {
            context.Raised |= FloatFlags.Invalid;
            number = number.Quieted();
        }

        // A denormal is loaded even when that is unmasked.
        context.NoteDenormal(number.IsDenormal);
        X87.Report(core, context);
        if ((context.Raised & ~context.Masked & FloatFlags.Invalid) == 0)
            Push(core, number);
        return Completion.Next;
    }

    private static void Push(Core* core, in Number number)
    {
        X87.Rotate(core, -1);
        X87.Write(core, 0, number);
    }
}

/// <summary>FLD1 FLDL2T FLDL2E FLDPI FLDLG2 FLDLN2 FLDZ: which, in <see cref="Op.Extra"/>; rounded as the control word says.</summary>
internal readonly unsafe struct X87LoadConstant : IX87
{
    public static Completion Run(Processor processor, Core* core, Op* op, ulong address)
    {
        if (!X87.IsEmpty(core, 7))
        {
            if (X87.ReportStackFault(core, isOverflow: true))
                Push(core, Number.Indefinite);
            return Completion.Next;
        }

        // The first bits behind the 64 that fit say to which side the nearest value lies.
        RoundingMode rounding = (RoundingMode)((core->State.Fpu.Control >> 10) & 3);
        bool isUp = rounding == RoundingMode.Up;
        bool isDown = rounding is RoundingMode.Down or RoundingMode.TowardZero;
        X87.ClearC1(core);
        Push(core, op->Extra switch
        {
            0 => Number.Of(1),
            1 => Constant(1, 0xD49A_784B_CD1B_8AFE + (isUp ? 1ul : 0)),      // log2(10)
            2 => Constant(0, 0xB8AA_3B29_5C17_F0BC - (isDown ? 1ul : 0)),    // log2(e)
            3 => Constant(1, 0xC90F_DAA2_2168_C235 - (isDown ? 1ul : 0)),    // pi
            4 => Constant(-2, 0x9A20_9A84_FBCF_F799 - (isDown ? 1ul : 0)),   // log10(2)
            5 => Constant(-1, 0xB172_17F7_D1CF_79AC - (isDown ? 1ul : 0)),   // ln(2)
            _ => Number.Zero(false),
        });
        return Completion.Next;
    }

    private static Number Constant(int exponent, ulong significand) => new(NumberKind.Finite, false, exponent, significand);

    private static void Push(Core* core, in Number number)
    {
        X87.Rotate(core, -1);
        X87.Write(core, 0, number);
    }
}

/// <summary>FST FSTP FIST FISTP FISTTP FBSTP: kind in <see cref="Op.Immediate"/>, pops in <see cref="Op.Extra"/>, truncation in <see cref="Op.Source"/>.</summary>
internal readonly unsafe struct X87Store : IX87
{
    public static Completion Run(Processor processor, Core* core, Op* op, ulong address)
    {
        ulong kind = op->Immediate;
        FloatContext context = X87.Context(core, kind switch
        {
            X87Operand.Single => FloatFormat.Single,
            X87Operand.Double => FloatFormat.Double,
            _ => FloatFormat.Extended(64),
        });
        if (op->Source != 0)
            context.Rounding = RoundingMode.TowardZero;
        bool isEmpty = X87.IsEmpty(core, 0);
        if (isEmpty && (context.Masked & FloatFlags.Invalid) == 0)
        {
            X87.ReportStackFault(core, isOverflow: false);
            return Completion.Next;
        }

        Number number = isEmpty ? Number.Indefinite : X87.Read(core, 0);
        Span<byte> bytes = stackalloc byte[10];
        int length = kind is X87Operand.Extended or X87Operand.Decimal ? 10 : X87Operand.Bytes(kind);
        Encode(core, ref context, kind, isEmpty, number, bytes);

        // An unmasked overflow or underflow keeps the value from being stored, unlike one in a register.
        bool isPrevented = (context.Raised & ~context.Masked & ~FloatFlags.Inexact) != 0;
        if (!isPrevented && !processor.Store(address, bytes[..length]))
            return Completion.Fault;
        if (isPrevented)
        {
            context.Raised &= ~FloatFlags.Inexact;
            context.RoundedUp = false;
        }

        if (isEmpty)
            X87.ReportStackFault(core, isOverflow: false);
        else
            X87.Report(core, context);
        if (!isPrevented)
            X87.Pop(core, op->Extra);
        return Completion.Next;
    }

    private static void Encode(Core* core, ref FloatContext context, ulong kind, bool isEmpty, Number number, Span<byte> bytes)
    {
        switch (kind)
        {
            case X87Operand.Single:
                BinaryPrimitives.WriteUInt32LittleEndian(bytes, FloatEncoding.ToSingle(X87Convert.Narrow(ref context, number)));
                break;
            case X87Operand.Double:
                BinaryPrimitives.WriteUInt64LittleEndian(bytes, FloatEncoding.ToDouble(X87Convert.Narrow(ref context, number)));
                break;
            case X87Operand.Extended:
                VectorRegister raw = X87.Raw(core, 0);
                ushort top = (ushort)raw.High;
                ulong significand = isEmpty ? FloatEncoding.ToExtended(number, out top) : raw.Low;
                BinaryPrimitives.WriteUInt64LittleEndian(bytes, significand);
                BinaryPrimitives.WriteUInt16LittleEndian(bytes[8..], top);
                break;
            case X87Operand.Decimal:
                X87Decimal.Encode(ref context, number, bytes);
                break;
            default:
                BinaryPrimitives.WriteInt64LittleEndian(bytes, FloatArithmetic.ToInteger(ref context, number, 8 * X87Operand.Bytes(kind)));
                break;
        }
    }
}

internal static class X87Convert
{
    /// <summary>To the context's narrower format; denormal sources are not reported.</summary>
    public static Number Narrow(ref FloatContext context, in Number number)
    {
        if (context.TryNaN(number, Number.Zero(false), out Number nan))
            return nan;
        return number.Kind == NumberKind.Finite ? context.Round(number) : number;
    }
}

/// <summary>Eighteen decimal digits and a sign.</summary>
internal static class X87Decimal
{
    private const ulong Limit = 1_000_000_000_000_000_000;

    public static Number Decode(ReadOnlySpan<byte> bytes)
    {
        ulong magnitude = 0;
        for (int i = 8; i >= 0; i--)
            magnitude = (magnitude * 100) + ((ulong)(bytes[i] >> 4) * 10) + (ulong)(bytes[i] & 15);
        return Number.Of((bytes[9] & 0x80) != 0, magnitude);
    }

    public static void Encode(ref FloatContext context, in Number number, Span<byte> bytes)
    {
        FloatContext trial = context;
        ulong magnitude = number.Kind == NumberKind.Zero ? 0 : ulong.MaxValue;
        if (number.Kind == NumberKind.Finite && number.Exponent < 60)
            magnitude = (ulong)FloatArithmetic.RoundMagnitude(ref trial, number);
        bytes.Clear();
        if (magnitude >= Limit)
        {
            context.Raised |= FloatFlags.Invalid;
            bytes[7] = 0xc0;
            bytes[8] = bytes[9] = 0xff;
            return;
        }

        context = trial;
        for (int i = 0; i < 9; i++)
        {
            bytes[i] = (byte)((magnitude % 10) | (magnitude / 10 % 10 << 4));
            magnitude /= 100;
        }

        bytes[9] = number.IsNegative ? (byte)0x80 : (byte)0;
    }
}

/// <summary>FST and FSTP to a register (number in Destination): a plain copy. Pops in <see cref="Op.Extra"/>; Source 1 is FSTPNCE, which only pops an empty register.</summary>
internal readonly unsafe struct X87Copy : IX87
{
    public static Completion Run(Processor processor, Core* core, Op* op, ulong address)
    {
        if (X87.IsEmpty(core, 0))
        {
            if (op->Source == 0 && !X87.ReportStackFault(core, isOverflow: false))
                return Completion.Next;
            if (op->Source == 0)
                X87.Write(core, op->Destination, Number.Indefinite);
            else
                X87.ClearC1(core);
        }
        else
        {
            X87.ClearC1(core);
            X87.WriteRaw(core, op->Destination, X87.Raw(core, 0));
        }

        X87.Pop(core, op->Extra);
        return Completion.Next;
    }
}

/// <summary>FXCH.</summary>
internal readonly unsafe struct X87Exchange : IX87
{
    public static Completion Run(Processor processor, Core* core, Op* op, ulong address)
    {
        bool isEmpty = X87.IsEmpty(core, 0) || X87.IsEmpty(core, op->Source);
        if (isEmpty)
        {
            if (!X87.ReportStackFault(core, isOverflow: false))
                return Completion.Next;
            if (X87.IsEmpty(core, 0))
                X87.Write(core, 0, Number.Indefinite);
            if (X87.IsEmpty(core, op->Source))
                X87.Write(core, op->Source, Number.Indefinite);
        }
        else
        {
            X87.ClearC1(core);
        }

        VectorRegister first = X87.Raw(core, 0);
        X87.WriteRaw(core, 0, X87.Raw(core, op->Source));
        X87.WriteRaw(core, op->Source, first);
        return Completion.Next;
    }
}

/// <summary>FCMOVcc.</summary>
internal readonly unsafe struct X87ConditionalMove<TCondition> : IX87
    where TCondition : struct, ICondition
{
    public static Completion Run(Processor processor, Core* core, Op* op, ulong address)
    {
        if (X87.IsEmpty(core, 0) || X87.IsEmpty(core, op->Source))
        {
            if (X87.ReportStackFault(core, isOverflow: false))
                X87.Write(core, 0, Number.Indefinite);
            return Completion.Next;
        }

        if (TCondition.FromFlags(core))
            X87.WriteRaw(core, 0, X87.Raw(core, op->Source));
        return Completion.Next;
    }
}
