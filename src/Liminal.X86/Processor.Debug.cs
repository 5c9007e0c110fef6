// SPDX-License-Identifier: Apache-2.0
using Liminal.X86.Execution;
using Liminal.X86.Observation;
using Liminal.X86.State;

namespace Liminal.X86;

/// <content>Debug registers and alignment checks: both send every data access to the slow path while they are on.</content>
/// <remarks>
/// While a breakpoint is enabled, each instruction is a block of its own.
/// Source: SDM3B "Debug registers", "Debug exceptions"; SDM3A "Alignment check exception".
/// </remarks>
public sealed unsafe partial class Processor
{
    private const ulong SingleStepStatus = 1 << 14;
    private const ulong RegisterAccessStatus = 1 << 13;
    private const ulong GeneralDetect = 1 << 13;
    private const int Status = 4;
    private const int Control = 5;
    private const int OnRead = -1;
    private const int OnExecution = 0;
    private const int OnWrite = 1;
    private const int OnPort = 2;

    private ulong _debugHits;
    private bool _hasDroppedTrap;

    /// <summary>Some breakpoint of DR7 is enabled.</summary>
    private bool HasDebugBreakpoints => (State.Debug[Control] & 0xff) != 0;

    /// <summary>What data accesses must be checked for in the present state.</summary>
    private AccessChecks Checks
    {
        get
        {
            bool isAligned = (State.Cr0 & Cr0.AlignmentMask) != 0 && (State.SystemFlags & Rflags.AlignmentCheck) != 0 && Cpl == 3;
            return (isAligned ? AccessChecks.Alignment : 0) | (HasDebugBreakpoints ? AccessChecks.Breakpoints : 0);
        }
    }

    /// <summary>MOV to or from a debug register: #UD for DR4 and DR5 with CR4.DE, #DB with DR7.GD.</summary>
    /// <returns>The index of the register in the state, or -1 with the fault set.</returns>
    internal int FindDebugRegister(int number)
    {
        if (number > 7 || (number is 4 or 5 && (State.Cr4 & Cr4.DebuggingExtensions) != 0))
        {
            Raise(ExceptionVector.InvalidOpcode);
            return -1;
        }

        if ((State.Debug[Control] & GeneralDetect) != 0)
        {
            SetDebugStatus(RegisterAccessStatus);
            Raise(ExceptionVector.Debug);
            return -1;
        }

        return number >= 6 ? number - 2 : number;
    }

    /// <summary>DR6 for a #DB: B0 to B3 say what this exception met; the bits above them are only ever set.</summary>
    /// <remarks>
    /// Source: APM2 "Debug-status register (DR6)": bits 3:0 are updated on every breakpoint and general-detect condition, bits 15:13 are not
    /// cleared. SDM3B "Debug status register (DR6)" says that certain debug exceptions may clear bits 0 to 3; that a single step and INT1 are
    /// among them is as KVM has it (arch/x86/kvm/x86.c, kvm_deliver_exception_payload()).
    /// </remarks>
    private void SetDebugStatus(ulong bits)
    {
        const ulong BreakpointBits = 15;
        State.Debug[Status] = (State.Debug[Status] & ~BreakpointBits) | bits;
    }

    /// <summary>INT n, SYSCALL and SYSENTER: the single step that was due is dropped with TF.</summary>
    internal void DropTrap() => _hasDroppedTrap = true;

    /// <summary>Checks an access of the present instruction; false with #AC. Notes the breakpoints that it meets.</summary>
    private bool CheckAccess(ulong address, int size, bool isWrite)
    {
        AccessChecks checks = _core->Checks;
        if ((checks & AccessChecks.Alignment) != 0 && Cpl == 3 && size is 2 or 4 or 8 && (address & (ulong)(size - 1)) != 0)
            return Raise(ExceptionVector.AlignmentCheck);
        if ((checks & AccessChecks.Breakpoints) != 0)
            NoteDebug(address, size, isWrite ? OnWrite : OnRead);
        return true;
    }

    /// <summary>Notes port breakpoints, which exist with CR4.DE.</summary>
    internal void NotePortAccess(ushort port, int size)
    {
        if (HasDebugBreakpoints && (State.Cr4 & Cr4.DebuggingExtensions) != 0)
            NoteDebug(port, size, OnPort);
    }

    /// <summary>Bits of DR6 for the instruction breakpoints at an address.</summary>
    private ulong InstructionBreakpointsAt(ulong address) => Match(address, 1, OnExecution);

    private void NoteDebug(ulong address, int size, int kind) => _debugHits |= Match(address, size, kind);

    /// <summary>Bits of DR6 for the breakpoints that an access meets.</summary>
    /// <param name="address">First byte.</param>
    /// <param name="size">Bytes.</param>
    /// <param name="kind">R/W field of DR7 that matches; a read is seen by the read-or-write kind only.</param>
    private ulong Match(ulong address, int size, int kind)
    {
        ulong control = State.Debug[Control];
        ulong hits = 0;
        for (int i = 0; i < 4; i++)
        {
            const int ReadOrWrite = 3;
            int field = (int)(control >> (16 + (4 * i))) & 15;
            int wanted = field & 3;
            bool isRightKind = wanted == kind || (wanted == ReadOrWrite && kind is OnWrite or OnRead);
            if ((control & (3ul << (2 * i))) == 0 || !isRightKind)
                continue;
            ulong length = wanted == OnExecution ? 1 : (field >> 2) switch { 0 => 1ul, 1 => 2, 2 => 8, _ => 4 };
            ulong first = State.Debug[i] & ~(length - 1);
            if (address < first + length && first < address + (ulong)size)
                hits |= 1ul << i;
        }

        return hits;
    }

    /// <summary>Delivers #DB for instruction breakpoints before the instruction; RF lets it through after the return.</summary>
    private bool TakeInstructionBreakpoint(ulong hits)
    {
        SetDebugStatus(hits);
        Deliver(new GuestFault(ExceptionVector.Debug, 0, 0), EventKind.Fault);
        return !TakeStop();
    }
}

/// <summary>Why data accesses take the slow path.</summary>
[System.Flags]
internal enum AccessChecks
{
    None = 0,
    Alignment = 1,
    Breakpoints = 2,
}
