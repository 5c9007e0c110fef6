// SPDX-License-Identifier: Apache-2.0
using System.Numerics;
using System.Runtime.Intrinsics;
using Liminal.X86.Execution;
using Liminal.X86.FloatingPoint;
using Liminal.X86.State;

namespace Liminal.X86.Instructions;

/// <summary>CMPSS CMPSD CMPPS CMPPD: predicate in <see cref="Op.Immediate"/>, <see cref="Op.Extra"/> elements are compared.</summary>
internal readonly unsafe struct CompareFloat<T> : ITryVectorSource
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    public static bool Try(Core* core, Op* op, Vector128<byte> source)
    {
        ref Vector128<byte> place = ref VectorForm.Xmm(core, op->Destination);
        Vector128<T> first = place.As<byte, T>();
        Vector128<byte> result = place;
        int width = 16 / Vector128<T>.Count;
        int predicate = (int)op->Immediate & 7;
        var elements = new FloatElements(core->State.Fpu.Mxcsr);
        for (int i = 0; i < op->Extra; i++)
        {
            Ordering ordering = FloatComparison.Of(ref elements, first[i], source.As<byte, T>()[i], predicate is 1 or 2 or 5 or 6);
            byte fill = Holds(ordering, predicate) ? (byte)0xff : (byte)0;
            for (int j = 0; j < width; j++)
                result = result.WithElement((i * width) + j, fill);
        }

        if (elements.Raised != FloatFlags.None && !elements.Commit(core))
            return false;
        place = result;
        return true;
    }

    private static bool Holds(Ordering ordering, int predicate) => predicate switch
    {
        0 => ordering == Ordering.Equal,
        1 => ordering == Ordering.Less,
        2 => ordering is Ordering.Less or Ordering.Equal,
        3 => ordering == Ordering.Unordered,
        4 => ordering != Ordering.Equal,
        5 => ordering != Ordering.Less,
        6 => ordering is Ordering.Greater or Ordering.Unordered,
        _ => ordering != Ordering.Unordered,
    };
}

internal static class FloatComparison
{
    public static Ordering Of<T>(ref FloatElements elements, T first, T second, bool isQuietInvalid)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        bool isOrdinary = (T.IsNormal(first) || T.IsZero(first)) && (T.IsNormal(second) || T.IsZero(second));
        if (isOrdinary)
            return first == second ? Ordering.Equal : first < second ? Ordering.Less : Ordering.Greater;
        FloatContext context = elements.Context<T>();
        Ordering ordering = FloatArithmetic.Compare(ref context, elements.Take(first), elements.Take(second), isQuietInvalid);
        elements.Note(context);
        return ordering;
    }
}

/// <summary>COMISS UCOMISS COMISD UCOMISD (unordered ones with Extra 1): ZF PF CF; OF AF SF cleared.</summary>
internal readonly unsafe struct CompareToFlags<T> : ITryVectorSource
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    public static bool Try(Core* core, Op* op, Vector128<byte> source)
    {
        var elements = new FloatElements(core->State.Fpu.Mxcsr);
        T first = VectorForm.Xmm(core, op->Destination).As<byte, T>()[0];
        Ordering ordering = FloatComparison.Of(ref elements, first, source.As<byte, T>()[0], op->Extra == 0);
        if (elements.Raised != FloatFlags.None && !elements.Commit(core))
            return false;
        core->State.Flags.Bits = ordering switch
        {
            Ordering.Unordered => Rflags.Zero | Rflags.Parity | Rflags.Carry,
            Ordering.Equal => Rflags.Zero,
            Ordering.Less => Rflags.Carry,
            _ => 0ul,
        };
        return true;
    }
}
