// SPDX-License-Identifier: Apache-2.0
using System;
using Liminal.X86.Execution;
using Liminal.X86.Paging;
using Liminal.X86.State;

namespace Liminal.X86;

/// <content>Call gates and stacks of inner privilege levels.</content>
/// <remarks>Source: SDM3A "Call gates", "Accessing a code segment through a call gate", "Stack switching".</remarks>
public sealed unsafe partial class Processor
{
    private const int CallGate16 = 4;
    private const int CallGate = 0xc;

    /// <summary>Where a call gate leads; a task has a selector alone.</summary>
    private readonly record struct GateTarget(ushort Selector, ulong Rip = 0, int Size = 0, int Parameters = 0, bool IsTask = false);

    /// <summary>Far CALL, through a call gate too.</summary>
    internal bool CallFar(ushort selector, ulong rip, int size, ulong returnRip)
    {
        if (!TryFollowGate(selector, out GateTarget? gate))
            return false;
        int newCpl = Cpl;
        ulong before = StackPointer;
        ulong returnSelector = State.Segments[(int)SegmentIndex.Cs].Selector;
        if (gate is { } target)
        {
            if (target.IsTask)
                return TryEnterTask(target.Selector, TaskSwitch.Nest, returnRip, RflagsValue);
            if (!TryLoadGateCode(target, isCall: true, out SegmentRegister code, out ulong codeBase, out newCpl))
                return false;
            if (newCpl != Cpl)
                return TryCallInner(target, code, codeBase, newCpl, returnSelector, returnRip);
            if (Push(target.Size, returnSelector) && Push(target.Size, returnRip))
            {
                SetCodeSegment(code with { Selector = (ushort)((code.Selector & NullMask) | newCpl) }, codeBase, target.Rip);
                return true;
            }
        }
        else if (Push(size, returnSelector) && Push(size, returnRip) && JumpFar(selector, rip, returnRip))
        {
            return true;
        }

        StackPointer = before;
        return false;
    }

    /// <summary>Far JMP through a call gate or to a task, or false in <paramref name="isGate"/> when the selector names none.</summary>
    private bool TryJumpGate(ushort selector, ulong returnRip, out bool isGate)
    {
        isGate = false;
        if (!TryFollowGate(selector, out GateTarget? gate))
            return false;
        if (gate is not { } target)
            return true;
        isGate = true;
        if (target.IsTask)
            return TryEnterTask(target.Selector, TaskSwitch.Jump, returnRip, RflagsValue);
        if (!TryLoadGateCode(target, isCall: false, out SegmentRegister code, out ulong codeBase, out int newCpl))
            return false;
        SetCodeSegment(code with { Selector = (ushort)((code.Selector & NullMask) | newCpl) }, codeBase, target.Rip);
        return true;
    }

    /// <summary>Pushes words, first word highest, on the stack that the TSS names for a level; SS and RSP change only when all are pushed.</summary>
    private bool TrySwitchStack(int newCpl, int size, ReadOnlySpan<ulong> words)
    {
        if (!TryLoadInnerStack(newCpl, out SegmentRegister stack, out ulong stackBase, out ulong pointer))
            return false;
        ulong mask = stack.IsBig ? uint.MaxValue : ushort.MaxValue;
        for (int i = 0; i < words.Length; i++)
        {
            if (!Contains(stack, InnerOffset(i), (ulong)size))
                return Raise(ExceptionVector.Stack, (uint)(stack.Selector & NullMask));
            if (!Probe(InnerAddress(i), size, PageAccess.Write))
                return false;
        }

        for (int i = 0; i < words.Length; i++)
        {
            if (!StoreSystem(InnerAddress(i), size, words[i]))
                return false;
        }

        State.Segments[(int)SegmentIndex.Ss] = stack;
        SegmentBase(SegmentIndex.Ss) = stackBase;
        ref ulong rsp = ref Core.Gpr(_core, RspNumber);
        rsp = (rsp & ~mask) | ((pointer - (ulong)(size * words.Length)) & mask);
        return true;

        ulong InnerOffset(int index) => (pointer - (ulong)(size * (index + 1))) & mask;

        ulong InnerAddress(int index) => (uint)(stackBase + InnerOffset(index));
    }

    /// <summary>SS and ESP of an inner level from a 16- or 32-bit TSS.</summary>
    private bool TryLoadInnerStack(int cpl, out SegmentRegister stack, out ulong stackBase, out ulong pointer)
    {
        stack = default;
        stackBase = pointer = 0;
        bool isWide = (State.Tr.Attributes & 8) != 0;
        int size = isWide ? 4 : 2;
        uint slot = isWide ? 4u + ((uint)cpl * 8) : 2u + ((uint)cpl * 4);
        if (slot + (uint)size + 1 > State.Tr.Limit)
            return Raise(ExceptionVector.InvalidTss, (uint)(State.Tr.Selector & NullMask));
        if (!LoadSystem(State.Tr.Base + slot, size, out pointer) || !LoadSystem(State.Tr.Base + slot + (ulong)size, 2, out ulong value))
            return false;
        ushort selector = (ushort)value;
        uint error = (uint)(selector & NullMask);
        if (error == 0)
            return Raise(ExceptionVector.InvalidTss);
        if (!TryLoadDescriptor(selector, ExceptionVector.InvalidTss, out ulong low))
            return false;
        stack = Segment(selector, low);
        stackBase = BaseOf(low);
        bool isWritableData = (stack.Attributes & (NotSystem | CodeType | WritableOrReadable)) == (NotSystem | WritableOrReadable);
        if ((selector & 3) != cpl || stack.Dpl != cpl || !isWritableData)
            return Raise(ExceptionVector.InvalidTss, error);
        return (stack.Attributes & PresentAttribute) != 0 || Raise(ExceptionVector.Stack, error);
    }

    private bool TryCallInner(GateTarget target, SegmentRegister code, ulong codeBase, int newCpl, ulong returnSelector, ulong returnRip)
    {
        ulong oldStack = State.Segments[(int)SegmentIndex.Ss].Selector;
        ulong oldPointer = Core.Gpr(_core, RspNumber);
        if (_core->IsLongMode)
        {
            uint slot = 4u + ((uint)newCpl * 8);
            if (slot + 7 > State.Tr.Limit)
                return Raise(ExceptionVector.InvalidTss, (uint)(State.Tr.Selector & NullMask));
            if (!LoadSystem(State.Tr.Base + slot, 8, out ulong rsp))
                return false;
            ulong frame = rsp - 32;
            if (!IsCanonical(frame))
                return Raise(ExceptionVector.Stack);
            if (!Probe(frame, 32, PageAccess.Write) || !StoreSystem(frame + 24, 8, oldStack) || !StoreSystem(frame + 16, 8, oldPointer)
                || !StoreSystem(frame + 8, 8, returnSelector) || !StoreSystem(frame, 8, returnRip))
            {
                return false;
            }

            State.Segments[(int)SegmentIndex.Ss] = new SegmentRegister((ushort)newCpl, (ushort)(0x93 | (newCpl << 5)), 0);
            SegmentBase(SegmentIndex.Ss) = 0;
            Core.Gpr(_core, RspNumber) = frame;
        }
        else
        {
            Span<ulong> words = stackalloc ulong[4 + 31];
            int count = 0;
            words[count++] = oldStack;
            words[count++] = oldPointer;
            for (int i = target.Parameters - 1; i >= 0; i--)
            {
                if (!LoadStack(StackPointer + (ulong)(i * target.Size), target.Size, out words[count++]))
                    return false;
            }

            words[count++] = returnSelector;
            words[count++] = returnRip;
            if (!TrySwitchStack(newCpl, target.Size, words[..count]))
                return false;
        }

        SetCodeSegment(code with { Selector = (ushort)((code.Selector & NullMask) | newCpl) }, codeBase, target.Rip);
        return true;
    }

    /// <summary>Reads the gate that a selector names; null when it names a segment, or nothing, which the caller then finds out.</summary>
    private bool TryFollowGate(ushort selector, out GateTarget? gate)
    {
        gate = null;
        if (!_core->HasDescriptors)
            return true;
        if (!TryPeekDescriptor(selector, out ulong low, out bool isFault))
            return !isFault;
        SegmentRegister descriptor = Segment(selector, low);
        uint error = (uint)(selector & NullMask);
        int type = descriptor.Attributes & 0x1f;
        if ((type & NotSystem) != 0)
            return true;
        bool isLong = _core->IsLongMode;
        bool isTask = !isLong && type is 1 or 3 or 9 or 0xb;
        bool isGate = isLong ? type == CallGate : type is CallGate or CallGate16 or TaskGate;
        if (!isTask && !isGate)
            return Raise(ExceptionVector.GeneralProtection, error);
        if (descriptor.Dpl < Cpl || descriptor.Dpl < (selector & 3))
            return Raise(ExceptionVector.GeneralProtection, error);
        if (isTask)
        {
            gate = new GateTarget(selector, IsTask: true);
            return true;
        }

        if ((descriptor.Attributes & PresentAttribute) == 0)
            return Raise(ExceptionVector.SegmentNotPresent, error);
        if (type == TaskGate)
        {
            gate = new GateTarget((ushort)(low >> 16), IsTask: true);
            return true;
        }

        ulong high = 0;
        if (isLong)
        {
            bool isLocal = (selector & 4) != 0;
            ulong table = isLocal ? State.Ldtr.Base : State.Gdtr.Base;
            uint limit = isLocal ? State.Ldtr.Limit : State.Gdtr.Limit;
            uint offset = (uint)(selector & ~7);
            if (offset + 15 > limit)
                return Raise(ExceptionVector.GeneralProtection, error);
            if (!LoadSystem(table + offset + 8, 8, out high))
                return false;
            if (((high >> 40) & 0x1f) != 0)
                return Raise(ExceptionVector.GeneralProtection, error);
        }

        ulong rip = type == CallGate16 ? low & 0xffff : (low & 0xffff) | ((low >> 32) & 0xffff_0000) | (high << 32);
        gate = new GateTarget((ushort)(low >> 16), rip, isLong ? 8 : type == CallGate16 ? 2 : 4, isLong ? 0 : (int)(low >> 32) & 0x1f);
        return true;
    }

    private bool TryLoadGateCode(GateTarget target, bool isCall, out SegmentRegister code, out ulong codeBase, out int newCpl)
    {
        codeBase = 0;
        newCpl = Cpl;
        if (!TryLoadCode(target.Selector, out ulong low, out code))
            return false;
        uint error = (uint)(target.Selector & NullMask);
        bool isConforming = (code.Attributes & Conforming) != 0;
        bool isAllowed = isCall || isConforming ? code.Dpl <= Cpl : code.Dpl == Cpl;
        if (!isAllowed || (_core->IsLongMode && (!code.IsLong || code.IsBig)))
            return Raise(ExceptionVector.GeneralProtection, error);
        if (!IsPresent(code))
            return false;
        if (_core->IsLongMode && !IsCanonical(target.Rip))
            return Raise(ExceptionVector.GeneralProtection);
        if (!IsInCode(code, target.Rip))
            return false;
        if (isCall && !isConforming)
            newCpl = code.Dpl;
        codeBase = BaseOf(low);
        return true;
    }
}
