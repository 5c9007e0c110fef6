// SPDX-License-Identifier: Apache-2.0
using System;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Liminal.X86.Observation;
using Liminal.X86.Paging;
using Liminal.X86.State;

namespace Liminal.X86.Execution;

/// <summary>What handlers work on: the state, and what is derived from it. Lives in native memory at a fixed address.</summary>
// SAFETY: a processor allocates it and frees it in Dispose; handlers get the pointer from the loop and keep it no longer than they run.
internal unsafe struct Core
{
    /// <summary>Must stay first: handlers address registers from here.</summary>
    public VcpuState State;

    /// <summary>Table of the present privilege.</summary>
    public FastEntry* Fast;

    /// <summary>Instructions that may still start in this run, those of the present block already taken off.</summary>
    public long Remaining;

    /// <summary>The block that executes.</summary>
    public Block* Current;

    /// <summary>The op that left the fast path; null between instructions.</summary>
    public Op* Op;

    /// <summary>Stands for the present code mode and code translations: a link made under another key is not followed.</summary>
    public uint Key;

    /// <summary>Present <see cref="CodeMode"/>, without <see cref="CodeMode.Single"/>.</summary>
    public int Mode;

    /// <summary>Non-zero when the loop has something to see to between blocks.</summary>
    public Attention Attention;

    /// <summary>Not none: <see cref="Fast"/> is a table that stays empty, and every data access is checked.</summary>
    public AccessChecks Checks;

    /// <summary>Vector that SSE instructions raise: #UD or #NM; zero when they may execute.</summary>
    public int VectorFault;

    /// <summary>Why a handler returned zero.</summary>
    public BlockExit Exit;

    /// <summary>The fault, for <see cref="BlockExit.Fault"/>.</summary>
    public GuestFault Fault;

    /// <summary>Leads to the <see cref="X86.Processor"/>.</summary>
    public GCHandle Handle;

    /// <summary>Sees each instruction; without a target while there is none.</summary>
    public GCHandle<InstructionHook?> Hook;

    /// <summary>Lets every handler behind the present one know that the block must end here.</summary>
    public readonly bool MustLeave => Attention != Attention.None;

    public readonly Processor Processor => Unsafe.As<Processor>(Handle.Target!);

    /// <summary>Zero in real mode, whatever CS holds.</summary>
    public readonly int Cpl => (State.Cr0 & Cr0.ProtectionEnable) == 0 ? 0 : IsVirtual8086 ? 3 : State.Segments[(int)SegmentIndex.Cs].Selector & 3;

    /// <summary>Virtual-8086 mode.</summary>
    public readonly bool IsVirtual8086 => (State.SystemFlags & Rflags.Virtual8086) != 0;

    /// <summary>Selectors name descriptors: protected mode, but not virtual-8086 mode.</summary>
    public readonly bool HasDescriptors => (State.Cr0 & Cr0.ProtectionEnable) != 0 && !IsVirtual8086;

    public readonly bool IsLongMode => (State.Efer & Efer.LongModeActive) != 0;

    public readonly bool Is64Bit => (Mode & CodeMode.SizeMask) == CodeMode.Code64;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong* Register(Core* core, int byteOffset) => (ulong*)((byte*)core + byteOffset);

    /// <summary>Value of a whole register by number in the file.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ref ulong Gpr(Core* core, int number) => ref ((ulong*)core)[number];

    /// <summary>RIP of the first instruction of the present block.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ref ulong Rip(Core* core) => ref ((ulong*)core)[RegisterFile.Rip];

    /// <summary>The fast translation that an address would have.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static FastEntry* Entry(Core* core, ulong address)
        => (FastEntry*)((byte*)core->Fast + ((address >> 7) & ((FastEntry.Count - 1) << 5)));
}

/// <summary>What the loop must see to before the next block.</summary>
[Flags]
internal enum Attention
{
    None = 0,

    /// <summary><see cref="Processor.RequestStop"/>.</summary>
    Stop = 1,

    /// <summary>An interrupt, NMI, pending #DB, shadow, trap flag, or an activity other than running.</summary>
    Event = 2,

    /// <summary>Code was overwritten, or another hook was set: what follows in the block may be stale.</summary>
    CodeChanged = 8,

    /// <summary>A device was accessed: a repeated string instruction goes no further for now.</summary>
    Device = 16,

    /// <summary>A watched byte was touched.</summary>
    Watch = 32,
}

/// <summary>Why a handler returned without naming the next block.</summary>
internal enum BlockExit
{
    /// <summary>RIP is set; look the block up.</summary>
    Lookup,

    /// <summary>The instruction faulted; RIP is at it.</summary>
    Fault,

    /// <summary>The run ends; RIP is at the instruction.</summary>
    Stop,
}

/// <summary>An exception of the guest: a value, never a C# exception.</summary>
/// <param name="Vector">0 to 31.</param>
/// <param name="ErrorCode">Pushed for the vectors that have one.</param>
/// <param name="Address">For #PF: CR2.</param>
internal readonly record struct GuestFault(byte Vector, uint ErrorCode, ulong Address)
{
    public bool HasErrorCode => Vector is ExceptionVector.DoubleFault or ExceptionVector.InvalidTss or ExceptionVector.SegmentNotPresent
        or ExceptionVector.Stack or ExceptionVector.GeneralProtection or ExceptionVector.PageFault or ExceptionVector.AlignmentCheck
        or ExceptionVector.ControlProtection or ExceptionVector.VmmCommunication;
}
