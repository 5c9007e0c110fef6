// SPDX-License-Identifier: Apache-2.0
using Liminal.X86.Execution;
using Liminal.X86.State;

namespace Liminal.X86;

/// <content>Segment loading and far transfers.</content>
/// <remarks>
/// Limits of accesses are in Processor.SegmentLimits.cs.
/// Source: SDM3A chapter "Protection", and SDM2 for each instruction's checks.
/// </remarks>
public sealed unsafe partial class Processor
{
    private const ushort PresentAttribute = 0x80;
    private const ushort NotSystem = 0x10;
    private const ushort CodeType = 8;
    private const ushort WritableOrReadable = 2;
    private const ushort Conforming = 4;
    private const ushort ExpandDown = 4;
    private const int NullMask = 0xfffc;

    /// <summary>Loads ES, SS, DS, FS or GS as MOV and POP do.</summary>
    /// <param name="segment">Which.</param>
    /// <param name="selector">Names the descriptor.</param>
    /// <param name="vector">What a selector of no use is: #GP, or #TS in a task switch.</param>
    internal bool LoadSegment(SegmentIndex segment, ushort selector, byte vector = ExceptionVector.GeneralProtection)
    {
        if (!_core->HasDescriptors)
        {
            SegmentRegister old = State.Segments[(int)segment];
            State.Segments[(int)segment] = new SegmentRegister(selector, old.Attributes, old.Limit);
            SegmentBase(segment) = (ulong)selector << 4;
            return true;
        }

        int rpl = selector & 3;
        uint error = (uint)(selector & NullMask);
        if ((selector & NullMask) == 0)
        {
            if (segment == SegmentIndex.Ss && (!_core->Is64Bit || Cpl == 3 || rpl != Cpl))
                return Raise(vector);
            ushort attributes = segment == SegmentIndex.Ss ? (ushort)(0x93 | (Cpl << 5)) : (ushort)0;
            State.Segments[(int)segment] = new SegmentRegister(selector, attributes, 0);
            SegmentBase(segment) = 0;
            RefreshMode();
            return true;
        }

        if (!TryLoadDescriptor(selector, vector, out ulong low))
            return false;
        SegmentRegister loaded = Segment(selector, low);
        bool isCode = (loaded.Attributes & CodeType) != 0;
        bool isReadable = !isCode || (loaded.Attributes & WritableOrReadable) != 0;
        bool isConforming = isCode && (loaded.Attributes & Conforming) != 0;
        bool isAllowed = segment == SegmentIndex.Ss
            ? !isCode && (loaded.Attributes & WritableOrReadable) != 0 && rpl == Cpl && loaded.Dpl == Cpl
            : isReadable && (isConforming || (loaded.Dpl >= rpl && loaded.Dpl >= Cpl));
        if ((loaded.Attributes & NotSystem) == 0 || !isAllowed)
            return Raise(vector, error);
        if ((loaded.Attributes & PresentAttribute) == 0)
            return Raise(segment == SegmentIndex.Ss ? ExceptionVector.Stack : ExceptionVector.SegmentNotPresent, error);
        State.Segments[(int)segment] = loaded;
        SegmentBase(segment) = BaseOf(low);
        RefreshMode();
        return true;
    }

    /// <summary>Far JMP and the target half of far CALL: CS and RIP at the present privilege.</summary>
    /// <param name="selector">New CS, or what names a gate or task.</param>
    /// <param name="rip">New RIP.</param>
    /// <param name="returnRip">Where a task that is left goes on.</param>
    internal bool JumpFar(ushort selector, ulong rip, ulong returnRip)
    {
        if (!_core->HasDescriptors)
        {
            if (rip > State.Segments[(int)SegmentIndex.Cs].Limit)
                return Raise(ExceptionVector.GeneralProtection);
            SetCodeSegment(new SegmentRegister(selector, 0x9b, State.Segments[(int)SegmentIndex.Cs].Limit), (ulong)selector << 4, rip);
            return true;
        }

        bool isFollowed = TryJumpGate(selector, returnRip, out bool isGate);
        if (!isFollowed || isGate)
            return isFollowed;
        if (!TryLoadCode(selector, out ulong low, out SegmentRegister code))
            return false;
        bool isConforming = (code.Attributes & Conforming) != 0;
        if (isConforming ? code.Dpl > Cpl : (code.Dpl != Cpl || (selector & 3) > Cpl))
            return Raise(ExceptionVector.GeneralProtection, (uint)(selector & NullMask));
        if (!IsPresent(code))
            return false;
        if (code.IsLong && _core->IsLongMode && !IsCanonical(rip))
            return Raise(ExceptionVector.GeneralProtection);
        if (!IsInCode(code, rip))
            return false;
        SetCodeSegment(code with { Selector = (ushort)((selector & NullMask) | Cpl) }, BaseOf(low), rip);
        return true;
    }

    /// <summary>The common end of far RET and IRET: to the same or an outer privilege.</summary>
    /// <param name="selector">New CS.</param>
    /// <param name="rip">New RIP.</param>
    /// <param name="stackSelector">New SS, used when the privilege changes or <paramref name="alwaysLoadsStack"/>.</param>
    /// <param name="rsp">New RSP, likewise.</param>
    /// <param name="alwaysLoadsStack">IRET in 64-bit mode.</param>
    internal bool ReturnFar(ushort selector, ulong rip, ushort stackSelector, ulong rsp, bool alwaysLoadsStack)
    {
        int rpl = selector & 3;
        if (!TryLoadCode(selector, out ulong low, out SegmentRegister code))
            return false;
        bool isConforming = (code.Attributes & Conforming) != 0;
        if (rpl < Cpl || (isConforming ? code.Dpl > rpl : code.Dpl != rpl))
            return Raise(ExceptionVector.GeneralProtection, (uint)(selector & NullMask));
        if (!IsPresent(code))
            return false;
        if (code.IsLong && !IsCanonical(rip))
            return Raise(ExceptionVector.GeneralProtection);
        if (!IsInCode(code, rip))
            return false;
        bool isOuter = rpl > Cpl;
        if (isOuter || alwaysLoadsStack)
        {
            SegmentRegister stack;
            ulong stackBase = 0;
            if ((stackSelector & NullMask) == 0)
            {
                if (!code.IsLong || rpl == 3)
                    return Raise(ExceptionVector.GeneralProtection);
                stack = new SegmentRegister(stackSelector, (ushort)(0x93 | (rpl << 5)), 0);
            }
            else
            {
                if (!TryLoadDescriptor(stackSelector, ExceptionVector.GeneralProtection, out ulong stackLow))
                    return false;
                stack = Segment(stackSelector, stackLow);
                bool isWritableData = (stack.Attributes & (NotSystem | CodeType | WritableOrReadable)) == (NotSystem | WritableOrReadable);
                if ((stackSelector & 3) != rpl || stack.Dpl != rpl || !isWritableData)
                    return Raise(ExceptionVector.GeneralProtection, (uint)(stackSelector & NullMask));
                if ((stack.Attributes & PresentAttribute) == 0)
                    return Raise(ExceptionVector.Stack, (uint)(stackSelector & NullMask));
                stackBase = BaseOf(stackLow);
            }

            State.Segments[(int)SegmentIndex.Ss] = stack;
            SegmentBase(SegmentIndex.Ss) = stackBase;
            SetCodeSegment(code, BaseOf(low), rip);
            StackPointer = rsp;
            if (isOuter)
                DropInnerSegments();
            return true;
        }

        SetCodeSegment(code, BaseOf(low), rip);
        return true;
    }

    /// <summary>LLDT and LTR.</summary>
    internal bool LoadSystemSegment(ushort selector, bool isTask)
    {
        uint error = (uint)(selector & NullMask);
        if (error == 0)
        {
            if (isTask)
                return Raise(ExceptionVector.GeneralProtection);
            State.Ldtr = default;
            return true;
        }

        if ((selector & 4) != 0)
            return Raise(ExceptionVector.GeneralProtection, error);
        if (!TryLoadDescriptor(selector, ExceptionVector.GeneralProtection, out ulong low))
            return false;
        SegmentRegister loaded = Segment(selector, low);
        int type = loaded.Attributes & 0x1f;
        bool isRightType = isTask ? type == 9 || (type == 1 && !_core->IsLongMode) : type == 2;
        if (!isRightType)
            return Raise(ExceptionVector.GeneralProtection, error);
        if ((loaded.Attributes & PresentAttribute) == 0)
            return Raise(ExceptionVector.SegmentNotPresent, error);
        ulong address = State.Gdtr.Base + (uint)(selector & ~7);
        ulong high = 0;
        if (_core->IsLongMode)
        {
            if ((uint)(selector & ~7) + 15 > State.Gdtr.Limit)
                return Raise(ExceptionVector.GeneralProtection, error);
            if (!LoadSystem(address + 8, 8, out high))
                return false;
            if (((high >> 40) & 0x1f) != 0 || !IsCanonicalToHold(BaseOf(low) | (high << 32)))
                return Raise(ExceptionVector.GeneralProtection, error);
        }

        var segment = new SystemSegment(BaseOf(low) | (high << 32), loaded.Limit, selector, loaded.Attributes);
        if (!isTask)
        {
            State.Ldtr = segment;
            return true;
        }

        if (!StoreSystem(address, 8, low | (1ul << 41)))
            return false;
        State.Tr = segment with { Attributes = (ushort)(segment.Attributes | 2) };
        return true;
    }

    /// <summary>Reads a descriptor without any check but that it is inside its table; false without a fault when it is not.</summary>
    internal bool TryPeekDescriptor(ushort selector, out ulong low, out bool isFault)
    {
        low = 0;
        isFault = false;
        bool isLocal = (selector & 4) != 0;
        uint offset = (uint)(selector & ~7);
        ulong tableBase = isLocal ? State.Ldtr.Base : State.Gdtr.Base;
        uint limit = isLocal ? State.Ldtr.Limit : State.Gdtr.Limit;
        if ((selector & NullMask) == 0 || offset + 7 > limit || (isLocal && (State.Ldtr.Attributes & PresentAttribute) == 0))
            return false;
        isFault = !LoadSystem(tableBase + offset, 8, out low);
        return !isFault;
    }

    /// <summary>The segment that a descriptor describes.</summary>
    internal static SegmentRegister Segment(ushort selector, ulong low)
    {
        uint limit = (uint)(low & 0xffff) | (uint)((low >> 32) & 0xf_0000);
        bool isGranular = (low & (1ul << 55)) != 0;
        return new SegmentRegister(selector, (ushort)(low >> 40), isGranular ? (limit << 12) | 0xfff : limit);
    }

    /// <summary>CS, its base and RIP, and all that follows from them.</summary>
    internal void SetCodeSegment(SegmentRegister code, ulong codeBase, ulong rip)
    {
        State.Segments[(int)SegmentIndex.Cs] = code;
        SegmentBase(SegmentIndex.Cs) = codeBase;
        Core.Rip(_core) = rip;
        RefreshMode();
        Instructions.Form.Wrap(_core);
    }

    private static ulong BaseOf(ulong low) => ((low >> 16) & 0xff_ffff) | ((low >> 32) & 0xff00_0000);

    private bool TryLoadDescriptor(ushort selector, byte vector, out ulong low)
    {
        if (TryPeekDescriptor(selector, out low, out bool isFault))
            return true;
        return !isFault && Raise(vector, (uint)(selector & NullMask));
    }

    private bool TryLoadCode(ushort selector, out ulong low, out SegmentRegister code)
    {
        low = 0;
        code = default;
        uint error = (uint)(selector & NullMask);
        if (error == 0)
            return Raise(ExceptionVector.GeneralProtection);
        if (!TryLoadDescriptor(selector, ExceptionVector.GeneralProtection, out low))
            return false;
        code = Segment(selector, low);
        if ((code.Attributes & (NotSystem | CodeType)) != (NotSystem | CodeType) || (_core->IsLongMode && code.IsLong && code.IsBig))
            return Raise(ExceptionVector.GeneralProtection, error);
        return true;
    }

    /// <summary>#NP for code that is not present; asked after its privilege.</summary>
    private bool IsPresent(SegmentRegister code)
        => (code.Attributes & PresentAttribute) != 0 || Raise(ExceptionVector.SegmentNotPresent, (uint)(code.Selector & NullMask));

    /// <summary>After a return to an outer privilege: data segments that it may not use become null.</summary>
    private void DropInnerSegments()
    {
        foreach (SegmentIndex segment in (SegmentIndex[])[SegmentIndex.Es, SegmentIndex.Ds, SegmentIndex.Fs, SegmentIndex.Gs])
        {
            SegmentRegister old = State.Segments[(int)segment];
            bool isConformingCode = (old.Attributes & (CodeType | Conforming)) == (CodeType | Conforming);
            if (old.Attributes != 0 && old.Dpl < Cpl && !isConformingCode)
                State.Segments[(int)segment] = default;
        }

        RefreshMode();
    }
}
