// SPDX-License-Identifier: Apache-2.0
using Liminal.X86.Execution;
using Liminal.X86.FloatingPoint;

namespace Liminal.X86.Instructions;

/// <summary>F2XM1.</summary>
internal readonly struct X87PowerLessOne : IX87Function
{
    public static Number Exact(ref FloatContext context, in Number value) => Transcendental.PowerLessOne(ref context, value);
}

/// <summary>A function of ST(0) and ST(1) whose result takes the place of both.</summary>
internal interface IX87PairFunction
{
    static abstract Number Exact(ref FloatContext context, in Number top, in Number next);
}

/// <summary>FYL2X.</summary>
internal readonly struct X87Logarithm : IX87PairFunction
{
    public static Number Exact(ref FloatContext context, in Number top, in Number next) => Transcendental.Logarithm(ref context, top, next);
}

/// <summary>FYL2XP1.</summary>
internal readonly struct X87LogarithmOfOnePlus : IX87PairFunction
{
    public static Number Exact(ref FloatContext context, in Number top, in Number next) => Transcendental.LogarithmOfOnePlus(ref context, top, next);
}

/// <summary>FPATAN.</summary>
internal readonly struct X87AngleOfPoint : IX87PairFunction
{
    public static Number Exact(ref FloatContext context, in Number top, in Number next) => Transcendental.Angle(ref context, top, next);
}

internal readonly unsafe struct X87Pair<TFunction> : IX87
    where TFunction : struct, IX87PairFunction
{
    public static Completion Run(Processor processor, Core* core, Op* op, ulong address)
    {
        if (X87.IsEmpty(core, 0) || X87.IsEmpty(core, 1))
        {
            if (X87.ReportStackFault(core, isOverflow: false))
                Finish(core, Number.Indefinite);
            return Completion.Next;
        }

        FloatContext context = X87.Context(core);
        Number result = TFunction.Exact(ref context, X87.Read(core, 0), X87.Read(core, 1));
        if (X87.Report(core, context))
            Finish(core, result);
        return Completion.Next;
    }

    private static void Finish(Core* core, in Number result)
    {
        X87.Write(core, 1, result);
        X87.Pop(core, 1);
    }
}

/// <summary>FSIN, FCOS, FSINCOS, FPTAN: the first result takes the angle's place, the second is pushed.</summary>
internal interface IX87AngleFunction
{
    static abstract bool IsPushing { get; }

    /// <summary>Computes the results.</summary>
    /// <returns>False when the angle is out of range.</returns>
    static abstract bool TryExact(ref FloatContext context, in Number angle, out Number first, out Number second);
}

/// <summary>FSIN.</summary>
internal readonly struct X87Sine : IX87AngleFunction
{
    public static bool IsPushing => false;

    public static bool TryExact(ref FloatContext context, in Number angle, out Number first, out Number second)
    {
        second = default;
        return Transcendental.TrySine(ref context, angle, out first);
    }
}

/// <summary>FCOS.</summary>
internal readonly struct X87Cosine : IX87AngleFunction
{
    public static bool IsPushing => false;

    public static bool TryExact(ref FloatContext context, in Number angle, out Number first, out Number second)
    {
        second = default;
        return Transcendental.TryCosine(ref context, angle, out first);
    }
}

/// <summary>FSINCOS.</summary>
internal readonly struct X87SineAndCosine : IX87AngleFunction
{
    public static bool IsPushing => true;

    public static bool TryExact(ref FloatContext context, in Number angle, out Number first, out Number second)
    {
        first = default;
        return Transcendental.TryCosine(ref context, angle, out second) && Transcendental.TrySine(ref context, angle, out first);
    }
}

/// <summary>FPTAN, which pushes a one, or the NaN that is its result.</summary>
internal readonly struct X87Tangent : IX87AngleFunction
{
    public static bool IsPushing => true;

    public static bool TryExact(ref FloatContext context, in Number angle, out Number first, out Number second)
    {
        bool isInRange = Transcendental.TryTangent(ref context, angle, out first);
        second = first.IsNaN ? first : Number.Of(1);
        return isInRange;
    }
}

internal readonly unsafe struct X87OfAngle<TFunction> : IX87
    where TFunction : struct, IX87AngleFunction
{
    public static Completion Run(Processor processor, Core* core, Op* op, ulong address)
    {
        bool isUnderflow = X87.IsEmpty(core, 0);
        if (isUnderflow || (TFunction.IsPushing && !X87.IsEmpty(core, 7)))
        {
            core->State.Fpu.Status &= unchecked((ushort)~X87.C2);
            if (X87.ReportStackFault(core, isOverflow: !isUnderflow))
                Finish(core, Number.Indefinite, Number.Indefinite);
            return Completion.Next;
        }

        FloatContext context = X87.Context(core);
        bool isInRange = TFunction.TryExact(ref context, X87.Read(core, 0), out Number first, out Number second);
        core->State.Fpu.Status = (ushort)((core->State.Fpu.Status & ~X87.C2) | (isInRange ? 0 : X87.C2));
        if (X87.Report(core, context) && isInRange)
            Finish(core, first, second);
        return Completion.Next;
    }

    private static void Finish(Core* core, in Number first, in Number second)
    {
        X87.Write(core, 0, first);
        if (!TFunction.IsPushing)
            return;
        X87.Rotate(core, -1);
        X87.Write(core, 0, second);
    }
}
