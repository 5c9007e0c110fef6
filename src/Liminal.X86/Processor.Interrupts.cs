// SPDX-License-Identifier: Apache-2.0
using System;
using Liminal.X86.Execution;
using Liminal.X86.Observation;
using Liminal.X86.Paging;
using Liminal.X86.State;

namespace Liminal.X86;

/// <content>Delivery of exceptions and interrupts through the IDT.</content>
/// <remarks>
/// Delivery changes nothing until every check has passed and every word is on the new stack. It counts as one instruction, so that a guest
/// that faults for ever still uses up its budget.
/// Source: SDM3A chapter "Interrupt and exception handling", with "64-bit mode stack frame", "IST", and the double-fault table.
/// </remarks>
public sealed unsafe partial class Processor
{
    /// <summary>INT n, INT3 and INTO, from inside their instruction.</summary>
    /// <returns>False with the fault set.</returns>
    internal bool TryDeliverSoftware(byte vector, ulong returnRip)
    {
        DropTrap();
        return TryDeliver(vector, null, EventKind.Software, returnRip);
    }

    /// <summary>INT1: #DB as a trap, whatever the gate's privilege. Breakpoints that a load of SS held back are reported with it.</summary>
    internal bool TryDeliverDebugTrap(ulong returnRip)
    {
        DropTrap();
        if (!TryDeliver(ExceptionVector.Debug, null, EventKind.Trap, returnRip))
            return NoteExternal();
        SetDebugStatus(State.PendingDebug);
        State.PendingDebug = 0;
        return true;
    }

    private void DeliverInterrupt(byte vector) => Deliver(new GuestFault(vector, 0, 0), EventKind.External);

    private void Deliver(GuestFault fault)
        => Deliver(fault, fault.Vector is ExceptionVector.Debug or ExceptionVector.NonMaskableInterrupt ? EventKind.Trap : EventKind.Fault);

    private void Deliver(GuestFault fault, EventKind kind)
    {
        if (Rules != null && kind == EventKind.Fault && IsLivelock(fault))
            return;
        _core->Remaining--;
        ulong rip = Core.Rip(_core);
        int cpl = Cpl;
        while (true)
        {
            if (fault.Vector == ExceptionVector.PageFault && kind == EventKind.Fault)
                State.Cr2 = fault.Address;
            bool hasErrorCode = fault.HasErrorCode && kind == EventKind.Fault;
            bool isDelivered = TryDeliver(fault.Vector, hasErrorCode ? fault.ErrorCode : null, kind, rip, fault.Address);
            if (isDelivered && _core->Exit != BlockExit.Fault)
            {
                if (Rules != null && kind == EventKind.Fault)
                    NoteDelivery(fault.Vector, rip, cpl, hasErrorCode);
                return;
            }

            if (_core->Exit == BlockExit.Stop)
                return;
            NoteExternal();
            _core->Exit = BlockExit.Lookup;
            if (isDelivered)
                rip = Core.Rip(_core);   // a task was entered, and refused one of its segments
            if (fault.Vector == ExceptionVector.DoubleFault)
            {
                State.Activity = Activity.Shutdown;
                RefreshAttention();
                return;
            }

            GuestFault second = _core->Fault;
            bool isDouble = kind == EventKind.Fault
                && (IsContributory(fault.Vector)
                    ? IsContributory(second.Vector)
                    : IsPageFault(fault.Vector) && (IsContributory(second.Vector) || IsPageFault(second.Vector)));
            fault = isDouble ? new GuestFault(ExceptionVector.DoubleFault, 0, 0) : second;
            kind = EventKind.Fault;
        }
    }

    private static bool IsContributory(byte vector) => vector is ExceptionVector.Divide or ExceptionVector.InvalidTss
        or ExceptionVector.SegmentNotPresent or ExceptionVector.Stack or ExceptionVector.GeneralProtection or ExceptionVector.ControlProtection;

    private static bool IsPageFault(byte vector) => vector is ExceptionVector.PageFault or ExceptionVector.Virtualization or ExceptionVector.VmmCommunication;

    /// <summary>EXT in the error code of a fault that the delivery of another event met. Always false.</summary>
    /// <remarks>Source: SDM3A "Error code". Not for INT n, INT3 and INTO.</remarks>
    private bool NoteExternal()
    {
        GuestFault fault = _core->Fault;
        bool namesSelector = fault.Vector is ExceptionVector.InvalidTss or ExceptionVector.SegmentNotPresent or ExceptionVector.Stack or ExceptionVector.GeneralProtection;
        if (_core->Exit == BlockExit.Fault && namesSelector)
            _core->Fault = fault with { ErrorCode = fault.ErrorCode | 1 };
        return false;
    }

    private bool TryDeliver(byte vector, uint? errorCode, EventKind kind, ulong returnRip, ulong address = 0)
    {
        bool fromUser = Cpl == 3;
        bool isDelivered = _core->IsLongMode ? TryDeliverLong(vector, errorCode, kind, returnRip)
            : (State.Cr0 & Cr0.ProtectionEnable) != 0 ? TryDeliverProtected(vector, errorCode, kind, returnRip)
            : TryDeliverReal(vector, returnRip);
        if (!isDelivered)
            return false;
        if (vector == ExceptionVector.Debug)
            State.Debug[Control] &= ~GeneralDetect;
        RefreshMode();
        Observer?.OnDelivery(this, new EventDelivery(kind, vector, errorCode, address, returnRip, Core.Rip(_core), fromUser));
        return true;
    }

    private bool TryDeliverLong(byte vector, uint? errorCode, EventKind kind, ulong returnRip)
    {
        uint gateError = GateError(vector, kind);
        if (((uint)vector * 16) + 15 > State.Idtr.Limit)
            return Raise(ExceptionVector.GeneralProtection, gateError);
        ulong gate = State.Idtr.Base + ((ulong)vector * 16);
        if (!LoadSystem(gate, 8, out ulong low) || !LoadSystem(gate + 8, 8, out ulong high))
            return false;
        int type = (int)(low >> 40) & 0x1f;
        if (type is not (0xe or 0xf) || (kind == EventKind.Software && ((int)(low >> 45) & 3) < Cpl))
            return Raise(ExceptionVector.GeneralProtection, gateError);
        if ((low & (1ul << 47)) == 0)
            return Raise(ExceptionVector.SegmentNotPresent, gateError);

        ulong target = (low & 0xffff) | ((low >> 32) & 0xffff_0000) | (high << 32);
        if (!TryLoadHandler((ushort)(low >> 16), out SegmentRegister code, out int newCpl))
            return false;
        if (!code.IsLong || code.IsBig)
            return Raise(ExceptionVector.GeneralProtection, (uint)(code.Selector & NullMask));

        int stackTable = (int)(low >> 32) & 7;
        ulong rsp = Core.Gpr(_core, RspNumber);
        if (stackTable != 0 || newCpl != Cpl)
        {
            uint slot = stackTable != 0 ? 36u + ((uint)(stackTable - 1) * 8) : 4u + ((uint)newCpl * 8);
            if (slot + 7 > State.Tr.Limit)
                return Raise(ExceptionVector.InvalidTss, (uint)(State.Tr.Selector & NullMask));
            if (!LoadSystem(State.Tr.Base + slot, 8, out rsp))
                return false;
        }

        rsp &= ~0xful;
        int words = errorCode == null ? 5 : 6;
        ulong frame = rsp - (ulong)(words * 8);
        if (!IsCanonical(frame))
            return Raise(ExceptionVector.Stack);
        ulong* values = stackalloc ulong[6];
        int next = 0;
        if (errorCode != null)
            values[next++] = errorCode.Value;
        values[next++] = returnRip;
        values[next++] = State.Segments[(int)SegmentIndex.Cs].Selector;
        values[next++] = SavedFlags(kind);
        values[next++] = Core.Gpr(_core, RspNumber);
        values[next] = State.Segments[(int)SegmentIndex.Ss].Selector;
        for (int i = words - 1; i >= 0; i--)
        {
            // From the first word that is pushed, so that CR2 is the first that cannot be.
            if (!Probe(frame + (ulong)(i * 8), 8, PageAccess.Write))
                return false;
        }

        for (int i = 0; i < words; i++)
        {
            if (!StoreSystem(frame + (ulong)(i * 8), 8, values[i]))
                return false;
        }

        if (newCpl != Cpl)
        {
            State.Segments[(int)SegmentIndex.Ss] = new SegmentRegister((ushort)newCpl, (ushort)(0x93 | (newCpl << 5)), 0);
            SegmentBase(SegmentIndex.Ss) = 0;
        }

        Enter(type, code, 0, target);
        Core.Gpr(_core, RspNumber) = frame;
        return true;
    }

    private bool TryDeliverProtected(byte vector, uint? errorCode, EventKind kind, ulong returnRip)
    {
        uint gateError = GateError(vector, kind);
        if (((uint)vector * 8) + 7 > State.Idtr.Limit)
            return Raise(ExceptionVector.GeneralProtection, gateError);
        if (!LoadSystem(State.Idtr.Base + ((ulong)vector * 8), 8, out ulong gate))
            return false;
        int type = (int)(gate >> 40) & 0x1f;
        if (type is not (TaskGate or 6 or 7 or 0xe or 0xf) || (kind == EventKind.Software && ((int)(gate >> 45) & 3) < Cpl))
            return Raise(ExceptionVector.GeneralProtection, gateError);
        if ((gate & (1ul << 47)) == 0)
            return Raise(ExceptionVector.SegmentNotPresent, gateError);
        if (type == TaskGate)
            return TryEnterTask((ushort)(gate >> 16), TaskSwitch.Nest, returnRip, SavedFlags(kind), errorCode);
        if (!TryLoadHandler((ushort)(gate >> 16), out SegmentRegister code, out int newCpl))
            return false;
        int size = (type & 8) != 0 ? 4 : 2;
        if (!TryPeekDescriptor(code.Selector, out ulong low, out _))
            return false;
        ulong target = (gate & 0xffff) | (size == 4 ? (gate >> 32) & 0xffff_0000 : 0);
        if (!IsInCode(code, target))
            return false;
        if (_core->IsVirtual8086)
            return TryLeaveVirtual8086(type, size, code, BaseOf(low), target, SavedFlags(kind), returnRip, errorCode);
        if (newCpl != Cpl)
        {
            ReadOnlySpan<ulong> words =
            [
                State.Segments[(int)SegmentIndex.Ss].Selector, Core.Gpr(_core, RspNumber), SavedFlags(kind),
                State.Segments[(int)SegmentIndex.Cs].Selector, returnRip, errorCode ?? 0,
            ];
            if (!TrySwitchStack(newCpl, size, errorCode == null ? words[..5] : words))
                return false;
            Enter(type, code, BaseOf(low), target);
            return true;
        }

        ulong before = StackPointer;
        bool isPushed = Push(size, SavedFlags(kind)) && Push(size, State.Segments[(int)SegmentIndex.Cs].Selector) && Push(size, returnRip)
            && (errorCode == null || Push(size, errorCode.Value));
        if (!isPushed)
        {
            StackPointer = before;
            return false;
        }

        Enter(type, code, BaseOf(low), target);
        return true;
    }

    private bool TryDeliverReal(byte vector, ulong returnRip)
    {
        if (((uint)vector * 4) + 3 > State.Idtr.Limit)
            return Raise(ExceptionVector.GeneralProtection);
        if (!LoadSystem(State.Idtr.Base + ((ulong)vector * 4), 4, out ulong target))
            return false;
        if ((target & 0xffff) > State.Segments[(int)SegmentIndex.Cs].Limit)
            return Raise(ExceptionVector.GeneralProtection);
        ulong before = StackPointer;
        if (!Push(2, RflagsValue) || !Push(2, State.Segments[(int)SegmentIndex.Cs].Selector) || !Push(2, returnRip))
        {
            StackPointer = before;
            return false;
        }

        State.SystemFlags &= ~(Rflags.InterruptEnable | Rflags.Trap | Rflags.AlignmentCheck | Rflags.Resume);
        return JumpFar((ushort)(target >> 16), target & 0xffff, returnRip);
    }

    private static uint GateError(byte vector, EventKind kind) => ((uint)vector * 8) | 2 | (kind == EventKind.Software ? 0u : 1u);

    /// <summary>RF is set in the image of a fault, so that IRET does not meet an instruction breakpoint again.</summary>
    private ulong SavedFlags(EventKind kind) => RflagsValue | (kind == EventKind.Fault ? Rflags.Resume : 0);

    private bool TryLoadHandler(ushort selector, out SegmentRegister code, out int newCpl)
    {
        newCpl = Cpl;
        if (!TryLoadCode(selector, out _, out code))
            return false;
        if (code.Dpl > Cpl)
            return Raise(ExceptionVector.GeneralProtection, (uint)(selector & NullMask));
        if (!IsPresent(code))
            return false;
        if ((code.Attributes & Conforming) == 0)
            newCpl = code.Dpl;
        code = code with { Selector = (ushort)((selector & NullMask) | newCpl) };
        return true;
    }

    private void Enter(int gateType, SegmentRegister code, ulong codeBase, ulong target)
    {
        ulong cleared = Rflags.Trap | Rflags.NestedTask | Rflags.Virtual8086 | Rflags.Resume;
        if ((gateType & 1) == 0)
            cleared |= Rflags.InterruptEnable;
        State.SystemFlags &= ~cleared;
        SetCodeSegment(code, codeBase, target);
    }
}
