// SPDX-License-Identifier: Apache-2.0
using System.Runtime.CompilerServices;
using Liminal.X86.Execution;

namespace Liminal.X86.Instructions;

/// <summary>How a memory operand's linear address is formed, as a type parameter.</summary>
internal unsafe interface IAddressForm
{
    static abstract ulong Of(Core* core, Op* op);
}

/// <summary>64-bit base plus displacement: about nine of ten memory operands. RIP-relative ones too, RIP being in the register file.</summary>
internal readonly unsafe struct BaseAddress : IAddressForm
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Of(Core* core, Op* op) => *Core.Register(core, op->Base) + op->Displacement;
}

/// <summary>Everything a 64-bit address can have.</summary>
internal readonly unsafe struct FullAddress : IAddressForm
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Of(Core* core, Op* op)
        => *Core.Register(core, op->Base) + (*Core.Register(core, op->Index) << op->Scale) + *Core.Register(core, op->Segment) + op->Displacement;
}

/// <summary>32-bit offset: wraps at 4 GiB before the segment base is added; outside 64-bit mode the sum wraps too.</summary>
internal readonly unsafe struct Address32 : IAddressForm
{
    public static ulong Of(Core* core, Op* op)
    {
        uint offset = (uint)(*Core.Register(core, op->Base) + (*Core.Register(core, op->Index) << op->Scale) + op->Displacement);
        ulong linear = offset + *Core.Register(core, op->Segment);
        return core->Is64Bit ? linear : (uint)linear;
    }
}

/// <summary>16-bit offset.</summary>
internal readonly unsafe struct Address16 : IAddressForm
{
    public static ulong Of(Core* core, Op* op)
    {
        ushort offset = (ushort)(*Core.Register(core, op->Base) + *Core.Register(core, op->Index) + op->Displacement);
        return (uint)(offset + *Core.Register(core, op->Segment));
    }
}
