// SPDX-License-Identifier: Apache-2.0
using System;
using Liminal.X86.Execution;
using Liminal.X86.Paging;
using Liminal.X86.State;

namespace Liminal.X86;

/// <content>Hardware task switches: far JMP and CALL, task gates, IRET with NT.</content>
/// <remarks>
/// Until the old task is saved a fault leaves everything as it was. Behind that the new task has been entered, and what its segments are refused for
/// is a fault of its first instruction: the switch succeeds, and <see cref="Core.Exit"/> holds the fault. Tasks of the 80286 stop the machine: what
/// the upper halves of registers hold after them no manual says. Source: SDM3A "Task management", "Task switching", and the table "Exception
/// conditions checked during a task switch".
/// </remarks>
public sealed unsafe partial class Processor
{
    private const int TaskGate = 5;
    private const int BusyTask = 2;
    private const int WideTask = 8;
    private const uint SmallestTask = 103;
    private const ulong LocalBreakpoints = 0x55;
    private const ulong TaskSwitchStatus = 1 << 15;

    // Offsets in a TSS.
    private const uint TaskLink = 0;
    private const uint TaskCr3 = 28;
    private const uint TaskEip = 32;
    private const uint TaskFlags = 36;
    private const uint TaskRegisters = 40;
    private const uint TaskSegments = 72;
    private const uint TaskLocalTable = 96;
    private const uint TaskTrap = 100;
    private const int TaskLength = 104;

    /// <summary>What becomes of the old task.</summary>
    private enum TaskSwitch
    {
        /// <summary>JMP: it is left.</summary>
        Jump,

        /// <summary>CALL, interrupts and exceptions: it stays busy, and the new one is linked to it.</summary>
        Nest,

        /// <summary>IRET: it is left, and the new one was busy already.</summary>
        Return,
    }

    /// <summary>IRET with NT: back to the task that the present one is linked to.</summary>
    internal bool ReturnFromTask(ulong returnRip)
    {
        if (!LoadSystem(State.Tr.Base + TaskLink, 2, out ulong link))
            return false;
        ushort selector = (ushort)link;
        uint error = (uint)(selector & NullMask);
        if ((selector & 4) != 0)
            return Raise(ExceptionVector.InvalidTss, error);
        if (!TryLoadDescriptor(selector, ExceptionVector.InvalidTss, out ulong low))
            return false;
        int type = Segment(selector, low).Attributes & 0x1f;
        if ((type & ~WideTask) != (1 | BusyTask))
            return Raise(ExceptionVector.InvalidTss, error);
        if (!TrySwitchTask(selector, low, TaskSwitch.Return, returnRip, RflagsValue & ~Rflags.NestedTask))
            return false;
        State.NmiBlocked = false;
        return true;
    }

    /// <summary>Switches to the available task that a task gate or a far transfer names.</summary>
    /// <param name="selector">Of the TSS.</param>
    /// <param name="how">JMP, or one that comes back.</param>
    /// <param name="returnRip">Where the old task goes on.</param>
    /// <param name="flags">Its flags.</param>
    /// <param name="errorCode">Pushed on the new task's stack.</param>
    private bool TryEnterTask(ushort selector, TaskSwitch how, ulong returnRip, ulong flags, uint? errorCode = null)
    {
        uint error = (uint)(selector & NullMask);
        if ((selector & 4) != 0)
            return Raise(ExceptionVector.GeneralProtection, error);
        if (!TryLoadDescriptor(selector, ExceptionVector.GeneralProtection, out ulong low))
            return false;
        if ((Segment(selector, low).Attributes & 0x1f & ~WideTask) != 1)
            return Raise(ExceptionVector.GeneralProtection, error);
        if (!TrySwitchTask(selector, low, how, returnRip, flags))
            return false;

        // The error code is the first thing on the new stack; a stack that is refused, or has no room, is the new task's fault.
        if (errorCode is uint code && _core->Exit != BlockExit.Fault)
            Push(4, code);
        return true;
    }

    private bool TrySwitchTask(ushort selector, ulong low, TaskSwitch how, ulong returnRip, ulong flags)
    {
        SegmentRegister next = Segment(selector, low);
        uint error = (uint)(selector & NullMask);
        if ((next.Attributes & PresentAttribute) == 0)
            return Raise(ExceptionVector.SegmentNotPresent, error);
        if ((next.Attributes & State.Tr.Attributes & WideTask) == 0)
            return StopNotModelled($"switch from task 0x{State.Tr.Selector:x} to 0x{selector:x}, of which one is a 16-bit task");
        if (next.Limit < SmallestTask)
            return Raise(ExceptionVector.InvalidTss, error);
        if (State.Tr.Limit < SmallestTask)
            return Raise(ExceptionVector.InvalidTss, (uint)(State.Tr.Selector & NullMask));

        ulong task = BaseOf(low);
        uint* image = stackalloc uint[TaskLength / 4];
        for (uint i = TaskCr3 / 4; i < TaskLength / 4; i++)
        {
            if (!LoadSystem((uint)(task + (4 * i)), 4, out ulong value))
                return false;
            image[i] = (uint)value;
        }

        ulong oldDescriptor = State.Gdtr.Base + (uint)(State.Tr.Selector & ~7) + 4;
        ulong newDescriptor = State.Gdtr.Base + (uint)(selector & ~7) + 4;
        if (!Probe((uint)(State.Tr.Base + TaskEip), (int)(TaskLocalTable - TaskEip), PageAccess.Write)
            || (how == TaskSwitch.Nest && !Probe((uint)task, 2, PageAccess.Write))
            || (how != TaskSwitch.Nest && !Probe((uint)oldDescriptor, 4, PageAccess.Write))
            || (how != TaskSwitch.Return && !Probe((uint)newDescriptor, 4, PageAccess.Write)))
        {
            return false;
        }

        ushort old = State.Tr.Selector;
        SaveTask(returnRip, flags);
        if (how != TaskSwitch.Nest)
            SetBusy(oldDescriptor, false);
        if (how != TaskSwitch.Return)
            SetBusy(newDescriptor, true);
        if (how == TaskSwitch.Nest)
        {
            StoreSystem((uint)(task + TaskLink), 2, old);
            image[TaskFlags / 4] |= (uint)Rflags.NestedTask;
        }

        State.Tr = new SystemSegment(task, next.Limit, selector, (ushort)(next.Attributes | BusyTask));
        EnterTask(image);
        return true;

        void SetBusy(ulong address, bool isBusy)
        {
            const uint Busy = BusyTask << 8;
            if (LoadSystem((uint)address, 4, out ulong high))
                StoreSystem((uint)address, 4, isBusy ? high | Busy : high & ~(ulong)Busy);
        }
    }

    private void SaveTask(ulong rip, ulong flags)
    {
        ulong task = State.Tr.Base;
        Save(TaskEip, 4, rip);
        Save(TaskFlags, 4, flags);
        for (uint i = 0; i < 8; i++)
            Save(TaskRegisters + (4 * i), 4, Core.Gpr(_core, (int)i));
        for (uint i = 0; i < 6; i++)
            Save(TaskSegments + (4 * i), 2, State.Segments[(int)i].Selector);

        void Save(uint offset, int size, ulong value) => StoreSystem((uint)(task + offset), size, value);
    }

    /// <summary>Loads a task; leaves the fault set when one of its segments is refused.</summary>
    private void EnterTask(uint* image)
    {
        State.Cr0 |= Cr0.TaskSwitched;
        State.Debug[Control] &= ~LocalBreakpoints;
        if ((State.Cr0 & Cr0.Paging) != 0 && image[TaskCr3 / 4] != State.Cr3)
            WriteCr3(image[TaskCr3 / 4]);
        Core.Rip(_core) = image[TaskEip / 4];
        for (int i = 0; i < 8; i++)
            Core.Gpr(_core, i) = image[(TaskRegisters / 4) + i];

        ulong flags = image[TaskFlags / 4] & Rflags.Defined;
        State.Flags.Bits = flags;
        State.SystemFlags = (flags & ~LazyFlags.Mask) | Rflags.Always;
        bool isVirtual = _core->IsVirtual8086;
        for (int i = 0; i < 6; i++)
        {
            // The selectors are there before any of them is looked at.
            ushort selector = (ushort)image[(TaskSegments / 4) + i];
            State.Segments[i] = new SegmentRegister(selector, 0, 0);
            SegmentBase((SegmentIndex)i) = 0;
            if (isVirtual)
                SetVirtualSegment((SegmentIndex)i, selector);
        }

        RefreshMode();
        _ = TryLoadTaskTable((ushort)image[TaskLocalTable / 4]) && (isVirtual || TryLoadTaskSegments(image)) && IsInCode(Core.Rip(_core));
        if ((image[TaskTrap / 4] & 1) != 0)
            State.PendingDebug |= TaskSwitchStatus;
        RefreshMode();
    }

    private bool TryLoadTaskTable(ushort selector)
    {
        State.Ldtr = new SystemSegment(0, 0, selector, 0);
        uint error = (uint)(selector & NullMask);
        if (error == 0)
            return true;
        if ((selector & 4) != 0)
            return Raise(ExceptionVector.InvalidTss, error);
        if (!TryLoadDescriptor(selector, ExceptionVector.InvalidTss, out ulong low))
            return false;
        SegmentRegister table = Segment(selector, low);
        const int LocalTable = 2;
        if ((table.Attributes & 0x1f) != LocalTable || (table.Attributes & PresentAttribute) == 0)
            return Raise(ExceptionVector.InvalidTss, error);
        State.Ldtr = new SystemSegment(BaseOf(low), table.Limit, selector, table.Attributes);
        return true;
    }

    private bool TryLoadTaskSegments(uint* image)
    {
        ushort selector = (ushort)image[(TaskSegments / 4) + (int)SegmentIndex.Cs];
        uint error = (uint)(selector & NullMask);
        if (error == 0)
            return Raise(ExceptionVector.InvalidTss);
        if (!TryLoadDescriptor(selector, ExceptionVector.InvalidTss, out ulong low))
            return false;
        SegmentRegister code = Segment(selector, low);
        bool isCode = (code.Attributes & (NotSystem | CodeType)) == (NotSystem | CodeType);
        bool isConforming = (code.Attributes & Conforming) != 0;
        if (!isCode || (isConforming ? code.Dpl > (selector & 3) : code.Dpl != (selector & 3)))
            return Raise(ExceptionVector.InvalidTss, error);
        if (!IsPresent(code))
            return false;
        State.Segments[(int)SegmentIndex.Cs] = code;
        SegmentBase(SegmentIndex.Cs) = BaseOf(low);
        foreach (SegmentIndex segment in (ReadOnlySpan<SegmentIndex>)[SegmentIndex.Ss, SegmentIndex.Es, SegmentIndex.Ds, SegmentIndex.Fs, SegmentIndex.Gs])
        {
            if (!LoadSegment(segment, (ushort)image[(TaskSegments / 4) + (int)segment], ExceptionVector.InvalidTss))
                return false;
        }

        return true;
    }
}
