// SPDX-License-Identifier: Apache-2.0
using Liminal.X86.Execution;
using Liminal.X86.FloatingPoint;
using Liminal.X86.State;

namespace Liminal.X86.Instructions;

/// <summary>The other way round: FSUBR, FDIVR.</summary>
internal readonly struct Reversed<TFunction> : IFloatFunction
    where TFunction : struct, IFloatFunction
{
    public static T Host<T>(T first, T second)
        where T : unmanaged, System.Numerics.IBinaryFloatingPointIeee754<T>
        => TFunction.Host(second, first);

    public static Number Exact(ref FloatContext context, in Number first, in Number second) => TFunction.Exact(ref context, second, first);
}

/// <summary>FADD FSUB FMUL FDIV and their kin: destination and source registers in the op, or memory; pops in <see cref="Op.Extra"/>.</summary>
internal readonly unsafe struct X87Arithmetic<TFunction> : IX87
    where TFunction : struct, IFloatFunction
{
    public static Completion Run(Processor processor, Core* core, Op* op, ulong address)
    {
        Number second = default;
        if (op->Immediate != X87Operand.Stack && !X87Operand.Load(processor, op->Immediate, address, out second))
            return Completion.Fault;
        if (X87.IsEmpty(core, op->Destination) || (op->Immediate == X87Operand.Stack && X87.IsEmpty(core, op->Source)))
        {
            if (X87.ReportStackFault(core, isOverflow: false))
                Finish(core, op, Number.Indefinite);
            return Completion.Next;
        }

        if (op->Immediate == X87Operand.Stack)
            second = X87.Read(core, op->Source);
        FloatContext context = X87.Context(core);
        Number result = TFunction.Exact(ref context, X87.Read(core, op->Destination), second);
        if (X87.Report(core, context))
            Finish(core, op, result);
        return Completion.Next;
    }

    private static void Finish(Core* core, Op* op, in Number result)
    {
        X87.Write(core, op->Destination, result);
        X87.Pop(core, op->Extra);
    }
}

/// <summary>FCOM FUCOM FICOM FTST and FCOMI with their popping forms.</summary>
/// <remarks><see cref="Op.Immediate"/> holds the source's kind, <see cref="Op.Extra"/> the pops and the bits below.</remarks>
internal readonly unsafe struct X87Compare : IX87
{
    public const byte PopMask = 3;
    public const byte IsUnordered = 4;
    public const byte ToFlags = 8;
    public const byte WithZero = 16;

    public static Completion Run(Processor processor, Core* core, Op* op, ulong address)
    {
        Number second = Number.Zero(false);
        bool isStack = op->Immediate == X87Operand.Stack && (op->Extra & WithZero) == 0;
        if (op->Immediate != X87Operand.Stack && !X87Operand.Load(processor, op->Immediate, address, out second))
            return Completion.Fault;
        if (X87.IsEmpty(core, 0) || (isStack && X87.IsEmpty(core, op->Source)))
        {
            Finish(core, op, Ordering.Unordered, isPopped: X87.ReportStackFault(core, isOverflow: false));
            return Completion.Next;
        }

        if (isStack)
            second = X87.Read(core, op->Source);
        FloatContext context = X87.Context(core);
        Ordering ordering = FloatArithmetic.Compare(ref context, X87.Read(core, 0), second, (op->Extra & IsUnordered) == 0);
        Finish(core, op, ordering, isPopped: X87.Report(core, context));
        return Completion.Next;
    }

    /// <summary>The codes are set even when an unmasked exception follows; only the pop is then left out.</summary>
    private static void Finish(Core* core, Op* op, Ordering ordering, bool isPopped)
    {
        if ((op->Extra & ToFlags) != 0)
        {
            core->State.Flags.Bits = ordering switch
            {
                Ordering.Unordered => Rflags.Zero | Rflags.Parity | Rflags.Carry,
                Ordering.Less => Rflags.Carry,
                Ordering.Equal => Rflags.Zero,
                _ => 0ul,
            };
        }
        else
        {
            int kept = core->State.Fpu.Status & X87.C1;
            X87.SetCodes(core, kept | ordering switch
            {
                Ordering.Unordered => X87.C3 | X87.C2 | X87.C0,
                Ordering.Less => X87.C0,
                Ordering.Equal => X87.C3,
                _ => 0,
            });
        }

        if (isPopped)
            X87.Pop(core, op->Extra & PopMask);
    }
}

/// <summary>A function of ST(0) alone; <see cref="IX87Function.Exact"/> sees the context of the control word.</summary>
internal interface IX87Function
{
    static abstract Number Exact(ref FloatContext context, in Number value);
}

internal readonly struct X87SquareRoot : IX87Function
{
    public static Number Exact(ref FloatContext context, in Number value) => FloatArithmetic.SquareRoot(ref context, value);
}

/// <summary>FRNDINT.</summary>
internal readonly struct X87RoundToInteger : IX87Function
{
    public static Number Exact(ref FloatContext context, in Number value) => FloatArithmetic.RoundToInteger(ref context, value);
}

internal readonly unsafe struct X87Unary<TFunction> : IX87
    where TFunction : struct, IX87Function
{
    public static Completion Run(Processor processor, Core* core, Op* op, ulong address)
    {
        if (X87.IsEmpty(core, 0))
        {
            if (X87.ReportStackFault(core, isOverflow: false))
                X87.Write(core, 0, Number.Indefinite);
            return Completion.Next;
        }

        FloatContext context = X87.Context(core);
        Number result = TFunction.Exact(ref context, X87.Read(core, 0));
        if (X87.Report(core, context))
            X87.Write(core, 0, result);
        return Completion.Next;
    }
}

/// <summary>FPREM, and FPREM1 with Extra 1: C2 says that it must go on, else C0 C3 C1 are the quotient's low bits.</summary>
internal readonly unsafe struct X87Remainder : IX87
{
    public static Completion Run(Processor processor, Core* core, Op* op, ulong address)
    {
        if (X87.IsEmpty(core, 0) || X87.IsEmpty(core, 1))
        {
            if (X87.ReportStackFault(core, isOverflow: false))
                X87.Write(core, 0, Number.Indefinite);
            core->State.Fpu.Status &= unchecked((ushort)~X87.C2);
            return Completion.Next;
        }

        FloatContext context = X87.Context(core, FloatFormat.Extended(64));
        Number result = FloatRemainder.Step(ref context, X87.Read(core, 0), X87.Read(core, 1), op->Extra != 0, out long quotient);
        core->State.Fpu.Status &= unchecked((ushort)~X87.C2);
        if (!X87.Report(core, context))
            return Completion.Next;
        X87.Write(core, 0, result);
        if (quotient == FloatRemainder.None)
            return Completion.Next;
        X87.SetCodes(core, quotient == FloatRemainder.Incomplete ? X87.C2
            : ((quotient & 4) != 0 ? X87.C0 : 0) | ((quotient & 2) != 0 ? X87.C3 : 0) | ((quotient & 1) != 0 ? X87.C1 : 0));
        return Completion.Next;
    }
}

/// <summary>FSCALE: ST(0) times two to the power of ST(1), truncated.</summary>
internal readonly struct X87Scale
{
    private const int MostUseful = 0x1_0000;

    public static Number Exact(ref FloatContext context, in Number value, in Number scale)
    {
        if (context.TryNaN(value, scale, out Number nan))
            return nan;
        if (scale.Kind == NumberKind.Infinity)
        {
            bool isInvalid = scale.IsNegative ? value.Kind == NumberKind.Infinity : value.Kind == NumberKind.Zero;
            if (isInvalid)
                return context.Invalid();
        }

        if (context.NoteDenormal(value.IsDenormal | scale.IsDenormal))
            return default;
        if (scale.Kind == NumberKind.Infinity)
            return scale.IsNegative ? Number.Zero(value.IsNegative) : Number.Infinity(value.IsNegative);
        if (value.Kind != NumberKind.Finite)
            return value;
        int places = 0;
        if (scale.Kind == NumberKind.Finite && scale.Exponent >= 0)
        {
            places = scale.Exponent > 16 ? MostUseful : (int)(scale.Significand >> (63 - scale.Exponent));
            places = scale.IsNegative ? -System.Math.Min(places, MostUseful) : System.Math.Min(places, MostUseful);
        }

        return context.Round(value with { Exponent = value.Exponent + places, IsDenormal = false });
    }
}

internal readonly unsafe struct X87ScaleInstruction : IX87
{
    public static Completion Run(Processor processor, Core* core, Op* op, ulong address)
    {
        if (X87.IsEmpty(core, 0) || X87.IsEmpty(core, 1))
        {
            if (X87.ReportStackFault(core, isOverflow: false))
                X87.Write(core, 0, Number.Indefinite);
            return Completion.Next;
        }

        FloatContext context = X87.Context(core, FloatFormat.Extended(64));
        Number result = X87Scale.Exact(ref context, X87.Read(core, 0), X87.Read(core, 1));
        if (X87.Report(core, context))
            X87.Write(core, 0, result);
        return Completion.Next;
    }
}

/// <summary>FXTRACT: the exponent into ST(0)'s place, the significand above it.</summary>
internal readonly unsafe struct X87Extract : IX87
{
    public static Completion Run(Processor processor, Core* core, Op* op, ulong address)
    {
        bool isUnderflow = X87.IsEmpty(core, 0);
        if (isUnderflow || !X87.IsEmpty(core, 7))
        {
            if (X87.ReportStackFault(core, isOverflow: !isUnderflow))
                Finish(core, Number.Indefinite, Number.Indefinite);
            return Completion.Next;
        }

        FloatContext context = X87.Context(core, FloatFormat.Extended(64));
        Number value = X87.Read(core, 0);
        Number exponent;
        Number significand = value;
        if (context.TryNaN(value, Number.Zero(false), out Number nan))
        {
            exponent = significand = nan;
        }
        else if (value.Kind == NumberKind.Zero)
        {
            context.Raised |= FloatFlags.DivideByZero;
            exponent = Number.Infinity(true);
        }
        else if (value.Kind == NumberKind.Infinity)
        {
            exponent = Number.Infinity(false);
        }
        else
        {
            context.NoteDenormal(value.IsDenormal);
            exponent = Number.Of(value.Exponent);
            significand = value with { Exponent = 0 };
        }

        if (X87.Report(core, context))
            Finish(core, exponent, significand);
        return Completion.Next;
    }

    private static void Finish(Core* core, in Number exponent, in Number significand)
    {
        X87.Write(core, 0, exponent);
        X87.Rotate(core, -1);
        X87.Write(core, 0, significand);
    }
}
