// SPDX-License-Identifier: Apache-2.0
using System;
using Liminal.X86.Execution;
using Liminal.X86.Observation;
using Liminal.X86.State;

namespace Liminal.X86;

/// <content>The loop: blocks one after another, and what happens between them.</content>
public sealed unsafe partial class Processor
{
    private readonly Decoding.Translator _translator;
    private ulong _retiredAtEnd;
    private StopReason _stop;

    /// <summary>Executes instructions until the budget is used up or something else ends the run.</summary>
    /// <param name="budget">Instructions; the delivery of an interrupt or exception counts as one.</param>
    /// <returns>Why it ended. RIP is at the next instruction.</returns>
    public StopReason Run(long budget)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(budget);
        _core->Remaining = budget;
        _retiredAtEnd = State.InstructionsRetired + (ulong)budget;
        _core->Attention &= ~Attention.Stop;
        RefreshAttention();
        StopReason reason = Loop();
        _core->Op = null;
        State.InstructionsRetired = InstructionsRetired;
        _core->Remaining = 0;
        _retiredAtEnd = State.InstructionsRetired;
        return reason;
    }

    private StopReason Loop()
    {
        Core* core = _core;
        Block* next = null;
        while (true)
        {
            core->Op = null;
            bool isSingle = false;
            if (core->Attention != Attention.None)
            {
                next = null;
                if (!Attend(out isSingle))
                    return _stop;
                if (core->Attention != Attention.None && !isSingle)
                    continue;
            }

            if (isSingle)
            {
                if (!ExecuteOne())
                    return _stop;
                continue;
            }

            if (next == null)
            {
                ulong address = Core.Gpr(core, RegisterFile.Rip);
                if (!core->Is64Bit)
                    address = (uint)(address + SegmentBase(SegmentIndex.Cs));
                JumpEntry* jump = Code.Jumps + CodeCache.JumpIndex(address);
                if (jump->Address == address && jump->Key == core->Key)
                {
                    next = jump->Block;
                }
                else
                {
                    if (core->Remaining <= 0)
                        return Stopped(StopKind.BudgetExhausted);
                    next = Find(address, core->Mode);
                    if (next == null)
                    {
                        if (!AfterExit())
                            return _stop;
                        continue;
                    }

                    *(Code.Jumps + CodeCache.JumpIndex(address)) = new JumpEntry { Address = address, Block = next, Key = core->Key };
                }
            }

            long left = core->Remaining - next->Count;
            if (left < 0)
            {
                if (core->Remaining <= 0)
                    return Stopped(StopKind.BudgetExhausted);
                next = null;
                if (!ExecuteRest())
                    return _stop;
                continue;
            }

            core->Remaining = left;
            core->Current = next;
            Op* first = Block.OpsOf(next);
            next = (Block*)((delegate*<Core*, Op*, nint>)first->Handler)(core, first);
            if (next == null && core->Exit != BlockExit.Lookup && !AfterExit())
                return _stop;
        }
    }

    /// <summary>Executes one instruction from a block of its own.</summary>
    private bool ExecuteOne()
    {
        Core* core = _core;
        if (core->Remaining <= 0)
        {
            _stop = Stopped(StopKind.BudgetExhausted);
            return false;
        }

        if (MeetsBreakpoint())
        {
            _core->Exit = BlockExit.Lookup;
            return false;
        }

        if (Hook is { } hook && !hook.BeforeInstruction(new HookedInstruction(core, null)))
        {
            _stop = Stopped(StopKind.Hook);
            return false;
        }

        return ExecuteSingle();
    }

    /// <summary>Executes what is left of the budget, less than a block, while nothing wants attention: no trap, no breakpoint of DR7.</summary>
    private bool ExecuteRest()
    {
        if (_hookKind != 0 || HasBreakpoints)
            return ExecuteOne();

        Core* core = _core;
        do
        {
            core->Op = null;
            Block* block = FindSingle(LinearRip);
            if (block == null)
                return AfterExit();
            core->Remaining--;
            core->Current = block;
            Op* first = Block.OpsOf(block);
            _ = ((delegate*<Core*, Op*, nint>)first->Handler)(core, first);
            if (core->Exit != BlockExit.Lookup)
                return AfterExit();
        }
        while (core->Remaining > 0 && core->Attention == Attention.None);
        return true;
    }

    private bool ExecuteSingle()
    {
        Core* core = _core;
        ulong address = Core.Gpr(core, RegisterFile.Rip);
        if (!core->Is64Bit)
            address = (uint)(address + SegmentBase(SegmentIndex.Cs));
        ulong resume = State.SystemFlags & Rflags.Resume;
        if (HasDebugBreakpoints && resume == 0 && !State.DebugShadow && InstructionBreakpointsAt(address) is not 0 and ulong hits)
        {
            bool isTaken = TakeInstructionBreakpoint(hits);
            RefreshAttention();
            return isTaken;
        }

        bool isTraced = (State.SystemFlags & Rflags.Trap) != 0;
        State.SystemFlags &= ~Rflags.Resume;
        State.InterruptShadow = false;
        State.DebugShadow = false;
        _hasDroppedTrap = false;
        _debugHits = 0;
        Block* block = FindSingle(address);
        if (block != null)
        {
            core->Remaining--;
            core->Current = block;
            Op* first = Block.OpsOf(block);
            _ = ((delegate*<Core*, Op*, nint>)first->Handler)(core, first);
        }

        bool hasRetired = core->Exit == BlockExit.Lookup;
        if (hasRetired)
            State.PendingDebug |= _debugHits | (isTraced && !_hasDroppedTrap && !State.DebugShadow ? SingleStepStatus : 0);
        else if (core->Exit == BlockExit.Stop)
            State.SystemFlags |= resume;
        bool goesOn = hasRetired || AfterExit();
        RefreshAttention();
        return goesOn;
    }

    /// <summary>The block at RIP for a branch that is about to be linked; null when the loop must see to something first.</summary>
    internal Block* FindForLink()
    {
        if (_core->Attention != Attention.None || _core->Remaining <= 0 || (_core->Current->Mode & CodeMode.Single) != 0)
            return null;
        return Find(Core.Rip(_core), _core->Mode);
    }

    /// <summary>The block at a linear address, translated when it is new; null with the exit set when it cannot be fetched.</summary>
    private Block* Find(ulong address, int mode) => IsInCode(Core.Rip(_core)) ? _translator.Find(address, mode) : null;

    private Block* FindSingle(ulong address)
    {
        int mode = _core->Mode | CodeMode.Single;
        JumpEntry* known = Code.Jumps + CodeCache.SingleIndex(address);
        if (known->Address == address && known->Key == KeyOf(mode))
            return known->Block;
        Block* block = Find(address, mode);
        if (block != null)
            *known = new JumpEntry { Address = address, Block = block, Key = KeyOf(mode) };
        return block;
    }

    /// <summary>Delivers the fault or reports the stop that a handler left behind.</summary>
    private bool AfterExit()
    {
        BlockExit exit = _core->Exit;
        _core->Exit = BlockExit.Lookup;
        _core->Op = null;
        if (exit == BlockExit.Fault)
            Deliver(_core->Fault);
        else if (exit == BlockExit.Stop)
            return false;
        return !TakeStop();
    }

    /// <summary>True when the delivery of an event met something that is not modelled.</summary>
    private bool TakeStop()
    {
        if (_core->Exit != BlockExit.Stop)
            return false;
        _core->Exit = BlockExit.Lookup;
        return true;
    }

    /// <summary>Sees to stops, events and traps between two instructions.</summary>
    /// <param name="isSingle">True when the next instruction must be executed by itself.</param>
    /// <returns>False when the run ends.</returns>
    private bool Attend(out bool isSingle)
    {
        isSingle = false;
        Attention attention = _core->Attention;
        _core->Attention &= ~(Attention.CodeChanged | Attention.Stop | Attention.Device | Attention.Watch);
        if ((attention & Attention.Watch) != 0)
            return End(StopKind.Watchpoint);
        if ((attention & Attention.Stop) != 0)
            return End(StopKind.Requested);

        if ((attention & Attention.Event) != 0)
        {
            if (_core->Remaining <= 0)
                return End(StopKind.BudgetExhausted);
            if (!TakeEvent())
                return false;
        }

        RefreshAttention();
        isSingle = State.InterruptShadow || (State.SystemFlags & (Rflags.Trap | Rflags.Resume)) != 0 || HasDebugBreakpoints;
        return true;
    }

    /// <summary>Wakes the processor and delivers the event of highest priority, if one can be taken.</summary>
    /// <remarks>Source: SDM3A "Priority among concurrent events".</remarks>
    private bool TakeEvent()
    {
        bool canInterrupt = State.InterruptRequested && (State.SystemFlags & Rflags.InterruptEnable) != 0;
        bool canNmi = State.NmiPending && !State.NmiBlocked;
        switch (State.Activity)
        {
            case Activity.Halted when canInterrupt || canNmi:
                State.Activity = Activity.Running;
                break;
            case Activity.Held when State.InterruptRequested || canNmi:
                State.Activity = Activity.Running;
                break;
            case Activity.Halted:
            case Activity.Held:
            case Activity.WaitForStartup:
                return End(StopKind.Halted);
            case Activity.Shutdown:
                return End(StopKind.Shutdown);
        }

        if (State.PendingDebug != 0 && !State.DebugShadow)
        {
            SetDebugStatus(State.PendingDebug);
            State.PendingDebug = 0;
            Deliver(new GuestFault(ExceptionVector.Debug, 0, 0));
        }
        else if (State.InterruptShadow)
        {
            return true;
        }
        else if (canNmi)
        {
            State.NmiPending = false;
            State.NmiBlocked = true;
            Deliver(new GuestFault(ExceptionVector.NonMaskableInterrupt, 0, 0));
        }
        else if (canInterrupt)
        {
            int vector = Bus.AcknowledgeInterrupt(this);
            if (vector >= 0)
                DeliverInterrupt((byte)vector);
        }

        if (TakeStop())
            return false;
        return State.Activity != Activity.Shutdown || End(StopKind.Shutdown);
    }

    internal void RefreshAttention()
    {
        bool hasEvent = State.Activity != Activity.Running || State.InterruptShadow || State.PendingDebug != 0
            || (State.NmiPending && !State.NmiBlocked) || (State.SystemFlags & (Rflags.Trap | Rflags.Resume)) != 0 || HasDebugBreakpoints
            || (State.InterruptRequested && (State.SystemFlags & Rflags.InterruptEnable) != 0);
        Attention attention = _core->Attention & ~Attention.Event;
        if (hasEvent)
            attention |= Attention.Event;
        _core->Attention = attention;
    }

    private bool End(StopKind kind)
    {
        _stop = Stopped(kind);
        return false;
    }

    private StopReason Stopped(StopKind kind) => new(kind, Rip, string.Empty);

    /// <summary>Sets the exit to a fault. Always false, so that it can end a condition.</summary>
    internal bool Raise(byte vector, uint errorCode = 0)
    {
        _core->Fault = new GuestFault(vector, errorCode, 0);
        _core->Exit = BlockExit.Fault;
        return false;
    }

    private bool RaisePageFault(ulong address, uint errorCode)
    {
        _core->Fault = new GuestFault(ExceptionVector.PageFault, errorCode, address);
        _core->Exit = BlockExit.Fault;
        return false;
    }

    /// <summary>Sets the exit to a stop: something is not modelled.</summary>
    internal bool StopNotModelled(string what)
    {
        _stop = new StopReason(StopKind.NotModelled, Rip, what);
        _core->Exit = BlockExit.Stop;
        return false;
    }

    /// <summary>Sets the exit to what the confidential rules decided.</summary>
    private bool Apply(in ConfidentialVerdict verdict, ulong address)
    {
        if (verdict.Answer == ConfidentialAnswer.Exception)
        {
            _core->Fault = new GuestFault(verdict.Vector, verdict.ErrorCode, address);
            _core->Exit = BlockExit.Fault;
            return false;
        }

        _stop = new StopReason(StopKind.HostExit, Rip, $"linear 0x{address:x}");
        _core->Exit = BlockExit.Stop;
        return false;
    }
}
