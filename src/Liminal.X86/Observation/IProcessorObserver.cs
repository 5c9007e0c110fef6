// SPDX-License-Identifier: Apache-2.0
namespace Liminal.X86.Observation;

/// <summary>Sees what a processor does to its translations, to watched pages, and where it leaves the straight path of its code.</summary>
/// <remarks>
/// Costs nothing while none is set, and changes nothing that the guest can see: a run with an observer retires the same instructions as one
/// without. A call comes from inside an instruction: <see cref="Processor.Rip"/> is at it and <see cref="Processor.InstructionsRetired"/> counts
/// those before it; registers may be read, <see cref="Processor.RequestStop"/> may be called, nothing may be written.
/// Methods that an observer leaves out do nothing.
/// </remarks>
public interface IProcessorObserver
{
    /// <summary>An exception or interrupt was delivered: its frame is on the stack. Except for a software interrupt, the delivery has been counted as an instruction.</summary>
    void OnDelivery(Processor processor, in EventDelivery delivery)
    {
    }

    /// <summary>Translations were dropped from this processor's TLB.</summary>
    void OnInvalidation(Processor processor, in TlbInvalidation invalidation)
    {
    }

    /// <summary>CR3 was written; what that dropped is told by <see cref="OnInvalidation"/> right afterwards.</summary>
    /// <param name="processor">Who wrote it.</param>
    /// <param name="old">CR3 before.</param>
    /// <param name="value">As written, with bit 63 when the translations of the new address space were to be kept.</param>
    void OnCr3Write(Processor processor, ulong old, ulong value)
    {
    }

    /// <summary>An instruction flushed a line or all of the data cache.</summary>
    void OnCacheFlush(Processor processor, in CacheFlush flush)
    {
    }

    /// <summary>Bytes of a watched page were stored to; RAM holds the new value already.</summary>
    void OnWatchedStore(Processor processor, in WatchedStore store)
    {
    }

    /// <summary>The next instruction is at a tracepoint of <see cref="Processor.Breakpoints"/>; it has not executed.</summary>
    /// <remarks>Told once for each arrival; an instruction that is interrupted or faults there and is executed again is a new one.</remarks>
    void OnTracepoint(Processor processor)
    {
    }
}

/// <summary>How an event came about.</summary>
public enum EventKind : byte
{
    /// <summary>The instruction at <see cref="EventDelivery.Rip"/> faulted.</summary>
    Fault,

    /// <summary>#DB after an instruction, or an NMI.</summary>
    Trap,

    /// <summary>An interrupt of the local APIC.</summary>
    External,

    /// <summary>INT n, INT3, INTO.</summary>
    Software,
}

/// <summary>One delivered exception or interrupt.</summary>
/// <param name="Kind">How it came about.</param>
/// <param name="Vector">0 to 255.</param>
/// <param name="ErrorCode">What was pushed; null for vectors without one.</param>
/// <param name="Address">For faults of memory accesses the linear address (#PF: CR2), else 0.</param>
/// <param name="Rip">The RIP that was pushed.</param>
/// <param name="Handler">Where execution goes on.</param>
/// <param name="FromUser">CPL 3 was interrupted.</param>
public readonly record struct EventDelivery(
    EventKind Kind, byte Vector, uint? ErrorCode, ulong Address, ulong Rip, ulong Handler, bool FromUser);

/// <summary>What made a processor drop translations.</summary>
public enum InvalidationCause : byte
{
    /// <summary>INVLPG.</summary>
    Invlpg,

    /// <summary>INVPCID.</summary>
    Invpcid,

    /// <summary>A write to CR3.</summary>
    Cr3,

    /// <summary>A write to CR0, CR4 or EFER that changed paging, such as a toggle of CR4.PGE.</summary>
    ControlRegister,

    /// <summary>The machine, not the guest: <see cref="Processor.FlushTranslations"/>.</summary>
    Machine,
}

/// <summary>Translations that one processor dropped.</summary>
/// <param name="Cause">Why.</param>
/// <param name="Page">A linear address in the one page that was dropped; null for all pages.</param>
/// <param name="KeepsGlobal">Global translations stayed.</param>
/// <param name="Pcid">The one address space that was dropped, or -1 for all.</param>
public readonly record struct TlbInvalidation(InvalidationCause Cause, ulong? Page, bool KeepsGlobal, int Pcid);

/// <summary>What a cache instruction does.</summary>
public enum CacheFlushKind : byte
{
    /// <summary>CLFLUSH, CLFLUSHOPT, CLWB: one line.</summary>
    Line,

    /// <summary>WBINVD, WBNOINVD: the whole cache, written back.</summary>
    WriteBackAll,

    /// <summary>INVD: the whole cache, thrown away.</summary>
    DiscardAll,
}

/// <summary>One flush of the data cache.</summary>
/// <param name="Kind">What.</param>
/// <param name="LinearAddress">For a line: the operand.</param>
/// <param name="PhysicalAddress">For a line: where it led, attribute bit removed.</param>
/// <param name="IsShared">For a line: the translation's attribute is "shared".</param>
public readonly record struct CacheFlush(CacheFlushKind Kind, ulong LinearAddress, ulong PhysicalAddress, bool IsShared);

/// <summary>One store to a watched page.</summary>
/// <param name="PhysicalAddress">Guest-physical address of the first byte, attribute bit removed.</param>
/// <param name="LinearAddress">Through which it was stored; 0 for <paramref name="ByPageWalk"/>.</param>
/// <param name="Size">Bytes, 1 to 8; never across a page edge. Wider stores come in pieces; a REP in aligned pieces, those that change nothing left out.</param>
/// <param name="Old">Value before, zero-extended.</param>
/// <param name="Value">Value after.</param>
/// <param name="ByPageWalk">The processor itself set A or D in a page-table entry.</param>
/// <param name="IsShared">It went to the shared backing of a confidential guest.</param>
public readonly record struct WatchedStore(
    ulong PhysicalAddress, ulong LinearAddress, int Size, ulong Old, ulong Value, bool ByPageWalk, bool IsShared);
