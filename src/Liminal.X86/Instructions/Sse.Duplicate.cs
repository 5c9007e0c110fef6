// SPDX-License-Identifier: Apache-2.0
using System.Runtime.Intrinsics;
using Liminal.X86.Execution;

namespace Liminal.X86.Instructions;

/// <summary>MOVDDUP: the low half twice.</summary>
internal readonly unsafe struct DuplicateLowHalf : IVectorSource
{
    public static void Run(Core* core, Op* op, Vector128<byte> source)
        => VectorForm.Xmm(core, op->Destination) = Vector128.Create(source.AsUInt64()[0]).AsByte();
}

/// <summary>MOVSLDUP (Extra 0) and MOVSHDUP (Extra 1): the even or the odd elements twice.</summary>
internal readonly unsafe struct DuplicateElements : IVectorSource
{
    public static void Run(Core* core, Op* op, Vector128<byte> source)
    {
        Vector128<uint> from = source.AsUInt32();
        uint low = from[op->Extra];
        uint high = from[2 + op->Extra];
        VectorForm.Xmm(core, op->Destination) = Vector128.Create(low, low, high, high).AsByte();
    }
}
