// SPDX-License-Identifier: Apache-2.0
using Liminal.X86.Execution;
using Liminal.X86.Observation;
using Liminal.X86.Paging;
using Liminal.X86.State;

namespace Liminal.X86.Instructions;

/// <summary>HLT.</summary>
internal readonly unsafe struct Halt : IInstruction
{
    public static Completion Run(Processor processor, Core* core, Op* op)
    {
        core->State.Activity = Activity.Halted;
        processor.RefreshAttention();
        return Completion.End;
    }
}

/// <summary>INVLPG.</summary>
internal readonly unsafe struct InvalidatePage<TAddress> : IInstruction
    where TAddress : struct, IAddressForm
{
    public static Completion Run(Processor processor, Core* core, Op* op)
    {
        processor.FlushPage(InvalidationCause.Invlpg, TAddress.Of(core, op));
        return Completion.End;
    }
}

/// <summary>INVPCID: kind in a register, PCID and address from memory.</summary>
internal readonly unsafe struct InvalidateContext<TAddress> : IInstruction
    where TAddress : struct, IAddressForm
{
    public static Completion Run(Processor processor, Core* core, Op* op)
    {
        ulong kind = *Core.Register(core, op->Destination);
        ulong address = TAddress.Of(core, op);
        if (!processor.Load(address, 8, out ulong pcid) || !processor.Load(address + 8, 8, out ulong page)
            || !processor.InvalidateContext(kind, pcid, page))
        {
            return Completion.Fault;
        }

        return Completion.End;
    }
}

/// <summary>WBINVD, WBNOINVD: memory is always coherent here.</summary>
internal readonly unsafe struct WriteBackCaches : IInstruction
{
    public static Completion Run(Processor processor, Core* core, Op* op)
    {
        processor.Observer?.OnCacheFlush(processor, new CacheFlush(CacheFlushKind.WriteBackAll, 0, 0, false));
        return Completion.Next;
    }
}

/// <summary>INVD: memory is always coherent here, so nothing is lost.</summary>
internal readonly unsafe struct DiscardCaches : IInstruction
{
    public static Completion Run(Processor processor, Core* core, Op* op)
    {
        processor.Observer?.OnCacheFlush(processor, new CacheFlush(CacheFlushKind.DiscardAll, 0, 0, false));
        return Completion.Next;
    }
}

/// <summary>CLFLUSH, CLFLUSHOPT, CLWB: translates its address as a load does, and faults as one; flushes nothing.</summary>
internal readonly unsafe struct FlushLine<TAddress> : IInstruction
    where TAddress : struct, IAddressForm
{
    public static Completion Run(Processor processor, Core* core, Op* op)
    {
        ulong address = TAddress.Of(core, op);
        if (!processor.TryTranslate(address, processor.Privilege, out ulong data))
            return Completion.Fault;
        processor.Observer?.OnCacheFlush(processor, new CacheFlush(
            CacheFlushKind.Line, address, (data & Translation.FrameMask) | (address & 0xfff), (data & Translation.Shared) != 0));
        return Completion.Next;
    }
}

/// <summary>CMPXCHG8B and CMPXCHG16B: halves of <typeparamref name="THalf"/>; the 16-byte form needs alignment.</summary>
internal readonly unsafe struct CompareExchangeWide<THalf, TAddress> : IInstruction
    where THalf : struct, IOperandSize
    where TAddress : struct, IAddressForm
{
    public static Completion Run(Processor processor, Core* core, Op* op)
    {
        const int Rdx = 2;
        ulong address = TAddress.Of(core, op);
        if (THalf.Bits == 64 && (address & 15) != 0)
        {
            processor.Raise(ExceptionVector.GeneralProtection);
            return Completion.Fault;
        }

        ulong second = address + (ulong)THalf.Bytes;
        if (!processor.LoadForModify(address, THalf.Bytes, out ulong low) || !processor.LoadForModify(second, THalf.Bytes, out ulong high))
            return Completion.Fault;
        bool isEqual = low == THalf.Read((byte*)core) && high == THalf.Read((byte*)core + (Rdx * 8));
        ulong newLow = isEqual ? THalf.Read((byte*)core + (3 * 8)) : low;
        ulong newHigh = isEqual ? THalf.Read((byte*)core + 8) : high;
        if (!processor.Store(address, THalf.Bytes, newLow) || !processor.Store(second, THalf.Bytes, newHigh))
            return Completion.Fault;
        if (!isEqual)
        {
            THalf.WriteRegister((byte*)core, low);
            THalf.WriteRegister((byte*)core + (Rdx * 8), high);
        }

        core->State.Flags.Bits = (core->State.Flags.Bits & ~Rflags.Zero) | (isEqual ? Rflags.Zero : 0);
        return Completion.Next;
    }
}

/// <summary>XLAT: AL from DS:[RBX + AL]. The form's address has no index; AL is added here.</summary>
internal readonly unsafe struct TranslateByte : IInstruction
{
    public static Completion Run(Processor processor, Core* core, Op* op)
    {
        ulong offset = Core.Gpr(core, 3) + *(byte*)core;
        offset = op->Scale switch { 2 => (ushort)offset, 4 => (uint)offset, _ => offset };
        ulong address = offset + *Core.Register(core, op->Segment);
        if (!processor.Load(core->Is64Bit ? address : (uint)address, 1, out ulong value))
            return Completion.Fault;
        *(byte*)core = (byte)value;
        return Completion.Next;
    }
}
