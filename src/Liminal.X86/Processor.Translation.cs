// SPDX-License-Identifier: Apache-2.0
using System;
using Liminal.Memory;
using Liminal.Memory.Ram;
using Liminal.Platform;
using Liminal.X86.Execution;
using Liminal.X86.Observation;
using Liminal.X86.Paging;
using Liminal.X86.State;

namespace Liminal.X86;

/// <content>From linear addresses to host pages: TLBs, the walk, and what is derived from both.</content>
public sealed unsafe partial class Processor
{
    private const int FastTableCount = 4;
    private const int UserTable = 0;
    private const int SupervisorTable = 1;
    private const int SupervisorTableWithoutSmap = 2;
    private const int EmptyTable = 3;
    private const ulong PageMask = ~0xffful;

    private uint[] _keys = new uint[1 << CodeMode.HookShift];

    /// <summary>Counts what links between blocks rely on: code translations that came or went, and code that was replaced.</summary>
    private ulong _codeChanges;

    /// <summary>RAM that shared translations lead to in a confidential guest; null when both attributes lead to <see cref="Ram"/>.</summary>
    public GuestRam? SharedRam
    {
        get;
        init
        {
            field = value;
            if (value != null)
                value.Observer = Ram.Observer;
        }
    }

    /// <summary>The registers that a page walk of this processor depends on, for an access that is not an implicit one.</summary>
    public PagingRegisters PagingRegisters => new(
        State.Cr0, State.Cr3, State.Cr4, State.Efer, (State.SystemFlags & Rflags.AlignmentCheck) != 0 && Cpl < 3,
        _physicalBits, Rules?.AttributeBit ?? 0, _hasGiantPages);

    private ulong Pcid => (State.Cr4 & Cr4.ProcessContextIds) != 0 ? State.Cr3 & 0xfff : 0;

    /// <summary>The privilege of data accesses: user at CPL 3.</summary>
    internal PageAccess Privilege => (_core->Mode & CodeMode.User) != 0 ? PageAccess.User : 0;

    /// <summary>Walks the guest's tables without a TLB and without side effects, for debuggers, reports and hosts: no rule is asked.</summary>
    public WalkResult Walk(ulong linearAddress, PageAccess access)
    {
        var reader = new PlainTableReader(this);
        return PageWalk.Walk(PagingRegisters, ref reader, linearAddress, access);
    }

    /// <summary>True when an address is sign-extended from 48 bits, or 57 with 5-level paging.</summary>
    public bool IsCanonical(ulong address) => IsCanonical(address, (State.Cr4 & Cr4.FiveLevelPaging) != 0);

    /// <summary>True when a register that holds an address takes this one: a base, a table, an MSR; and when INVPCID does.</summary>
    /// <remarks>
    /// 57 bits on a processor that has 5-level paging, whether it is on or not. Source: what KVM's developers found on processors, commit "KVM: x86:
    /// model canonical checks more precisely" of Linux 6.13.
    /// </remarks>
    public bool IsCanonicalToHold(ulong address) => IsCanonical(address, _hasFiveLevels);

    private static bool IsCanonical(ulong address, bool isWide)
    {
        int unused = isWide ? 7 : 16;
        return ((long)(address << unused) >> unused) == (long)address;
    }

    /// <summary>Finds the translation of a data address, walking when the TLB has none that allows the access.</summary>
    /// <returns>False with the fault or stop set.</returns>
    internal bool TryTranslate(ulong address, PageAccess access, out ulong data)
    {
        ulong page = address & PageMask;
        int slot = (int)(address >> 12) & (DataTlb.Capacity - 1);
        ref TlbEntry entry = ref State.DataTlb[slot];
        ulong needed = (access & PageAccess.Write) != 0 ? Translation.Dirty : 0;
        data = entry.Data;
        if (entry.Matches(page, Pcid) && (data & needed) == needed && IsAllowed(data, access))
            return true;

        if (!TryWalk(address, access, out data))
            return false;
        entry = new TlbEntry(page | 1, data);
        NoteTlbFill(slot);
        if ((data & Translation.Global) == 0)
            _localSlots[slot >> 6] |= 1ul << slot;
        ForgetFast(slot);
        return true;
    }

    /// <summary>Finds the translation of a code page.</summary>
    internal bool TryTranslateCode(ulong address, out ulong data)
    {
        const ulong LargeOffsets = (1ul << LargeCodeTlb.PageShift) - 1;
        ref TlbEntry large = ref State.LargeCodeTlb[(int)(address >> LargeCodeTlb.PageShift) & (LargeCodeTlb.Capacity - 1)];
        ref TlbEntry small = ref State.CodeTlb[(int)(address >> 12) & (CodeTlb.Capacity - 1)];
        PageAccess access = PageAccess.Fetch | Privilege;
        data = small.Data;
        if (small.Matches(address & PageMask, Pcid) && IsAllowed(data, access))
            return true;
        data = large.Data + (address & LargeOffsets & PageMask);
        if (large.Matches(address & ~LargeOffsets, Pcid) && IsAllowed(data, access))
            return true;

        if (!TryWalk(address, access, out data))
            return false;
        bool isLarge = Translation.PageShift(data) >= LargeCodeTlb.PageShift && PagingRegisters.IsPaging
            && (Rules == null || Rules.IsUniform(data & Translation.FrameMask));
        ref TlbEntry entry = ref isLarge ? ref large : ref small;
        _codeChanges++;
        NoteTlbFlush();
        if (entry.Tag != 0)
            ForgetCodeLinks();
        entry = isLarge
            ? new TlbEntry((address & ~LargeOffsets) | 1, data - (address & LargeOffsets & PageMask))
            : new TlbEntry((address & PageMask) | 1, data);
        return true;
    }

    /// <summary>Host address of the byte that a translation leads to; null when it is not RAM.</summary>
    internal byte* HostAddress(ulong data, ulong address, bool forWrite)
    {
        GuestRam ram = (data & Translation.Shared) != 0 && SharedRam != null ? SharedRam : Ram;
        ulong frame = (data & Translation.FrameMask) >> 12;
        byte* page = forWrite ? ram.PageForWrite(frame) : ram.PageForRead(frame);
        return page == null ? null : page + (address & ~PageMask);
    }

    /// <summary>Derives the code mode, the fast table and the key from the state.</summary>
    internal void RefreshMode()
    {
        SegmentRegister cs = State.Segments[(int)SegmentIndex.Cs];
        bool is64 = cs.IsLong && _core->IsLongMode;
        int mode = is64 ? CodeMode.Code64 : cs.IsBig ? CodeMode.Code32 : CodeMode.Code16;
        if (!is64 && State.Segments[(int)SegmentIndex.Ss].IsBig)
            mode |= CodeMode.BigStack;
        if (!is64 && !IsEverythingFlat)
            mode |= CodeMode.Limited;
        bool isUser = (State.Cr0 & Cr0.ProtectionEnable) != 0 && Cpl == 3;
        if (isUser)
            mode |= CodeMode.User;
        mode |= _hookKind << CodeMode.HookShift;
        bool suspendsSmap = (State.Cr4 & Cr4.SupervisorAccessPrevention) != 0 && (State.SystemFlags & Rflags.AlignmentCheck) != 0;
        bool isVectorDefined = (State.Cr0 & Cr0.Emulation) == 0 && (State.Cr4 & Cr4.OsFxsr) != 0;
        _core->VectorFault = !isVectorDefined ? ExceptionVector.InvalidOpcode
            : (State.Cr0 & Cr0.TaskSwitched) != 0 ? ExceptionVector.DeviceNotAvailable : 0;
        _core->Mode = mode;
        _core->Key = KeyOf(mode);
        _core->Checks = Checks;
        _core->Fast = FastTable(_core->Checks != AccessChecks.None ? EmptyTable : isUser ? UserTable : suspendsSmap ? SupervisorTableWithoutSmap : SupervisorTable);
        RefreshAttention();
    }

    private uint KeyOf(int mode)
    {
        if (mode >= _keys.Length)
            Array.Resize(ref _keys, (mode | ~CodeMode.HookMask) + 1);
        ref uint key = ref _keys[mode];
        if (key == 0)
            key = Code.NewKey();
        return key;
    }

    /// <summary>What the supervisor reads and writes in pages of its own, by far the most, needs no look at the registers.</summary>
    private bool IsAllowed(ulong data, PageAccess access)
        => ((access & ~PageAccess.Write) == PageAccess.Read && (data & (Translation.Writable | Translation.User)) == Translation.Writable)
            || PageWalk.IsAllowed(
                PagingRegisters, access, (data & Translation.Writable) != 0, (data & Translation.User) != 0, (data & Translation.NoExecute) != 0);

    private bool TryWalk(ulong address, PageAccess access, out ulong data)
    {
        data = 0;
        if (_core->IsLongMode && !IsCanonical(address))
            return Raise((access & PageAccess.Fetch) == 0 && IsStackAccess(address) ? ExceptionVector.Stack : ExceptionVector.GeneralProtection);

        var reader = new TableReader(this, address);
        WalkResult walk = PageWalk.Walk(PagingRegisters, ref reader, address, access);
        if (walk.Status == WalkStatus.PageFault)
        {
            DropAfterPageFault(address);
            return RaisePageFault(address, walk.ErrorCode);
        }

        if (walk.Status == WalkStatus.TableUnreadable)
        {
            return reader.Verdict.Answer == ConfidentialAnswer.Proceed
                ? StopNotModelled($"page-table entry at 0x{walk.PhysicalAddress:x} is not in RAM (linear 0x{address:x})")
                : Apply(reader.Verdict, address);
        }

        // Only an entry of 8 bytes has room for the attribute; an access without one is private.
        bool hasAttribute = Rules != null && walk.Depth != 0 && (State.Cr4 & Cr4.PhysicalAddressExtension) != 0;
        bool isShared = hasAttribute && walk.HasAttributeBit == Rules!.AttributeBitMeansShared;
        if (Rules != null)
        {
            AccessKind kind = (access & PageAccess.Fetch) != 0 ? AccessKind.Fetch
                : (access & PageAccess.Write) != 0 ? AccessKind.Write : AccessKind.Read;
            ConfidentialVerdict verdict = Rules.Check(
                this, new ConfidentialAccess(address, walk.PhysicalAddress, isShared ? PteAttribute.Shared : PteAttribute.Private, kind));
            if (verdict.Answer != ConfidentialAnswer.Proceed)
                return Apply(verdict, address);
            isShared &= kind != AccessKind.Fetch || !Rules.CodeAndTablesArePrivate;

            // A write must be checked as a write, even where D was set before.
            if ((access & PageAccess.Write) == 0)
                walk.Permissions &= ~Translation.Dirty;
        }

        for (int i = 0; i < walk.Depth; i++)
        {
            if (walk.Steps[i].Due != 0)
                SetEntryBits(walk.Steps[i]);
        }

        data = (walk.PhysicalAddress & Translation.FrameMask) | walk.Permissions | (isShared ? Translation.Shared : 0)
            | (Pcid << Translation.PcidShift);
        return true;
    }

    private void SetEntryBits(in WalkStep step)
    {
        byte* page = Ram.PageForWrite(step.Address >> 12);
        int offset = (int)(step.Address & ~PageMask);
        NotePhysicalWrite(page, offset, 1);
        page[offset] |= (byte)step.Due;
        if (IsWatched(step.Address))
        {
            int size = (State.Cr4 & Cr4.PhysicalAddressExtension) != 0 ? 8 : 4;
            Observer?.OnWatchedStore(this, new WatchedStore(
                step.Address, 0, size, step.Value, step.Value | step.Due, ByPageWalk: true, IsShared: false));
        }
    }

    /// <summary>The RAM that a table lies in, from the attribute of the entry that points to it.</summary>
    private GuestRam TableRam(bool hasAttributeBit, out PteAttribute attribute)
    {
        bool isShared = Rules != null && hasAttributeBit == Rules.AttributeBitMeansShared && (State.Cr4 & Cr4.PhysicalAddressExtension) != 0;
        attribute = isShared ? PteAttribute.Shared : PteAttribute.Private;
        return isShared && SharedRam != null && !Rules!.CodeAndTablesArePrivate ? SharedRam : Ram;
    }

    private static bool TryReadEntry(GuestRam ram, ulong address, int size, out ulong entry)
    {
        entry = 0;
        byte* page = ram.PageForRead(address >> 12);
        if (page == null)
            return false;
        byte* host = page + (address & ~PageMask);
        entry = size == 8 ? *(ulong*)host : *(uint*)host;
        return true;
    }

    /// <summary>Reads table entries through the rules, for an access to a linear address.</summary>
    private ref struct TableReader(Processor processor, ulong linearAddress) : ITableReader
    {
        public ConfidentialVerdict Verdict;

        public bool TryReadEntry(ulong address, bool hasAttributeBit, int size, out ulong entry)
        {
            entry = 0;
            GuestRam ram = processor.TableRam(hasAttributeBit, out PteAttribute attribute);
            if (processor.Rules is { } rules)
            {
                Verdict = rules.Check(processor, new ConfidentialAccess(linearAddress, address, attribute, AccessKind.PageWalk));
                if (Verdict.Answer != ConfidentialAnswer.Proceed)
                    return false;
            }

            return Processor.TryReadEntry(ram, address, size, out entry);
        }
    }

    /// <summary>Reads table entries as they are, without asking the rules.</summary>
    private readonly ref struct PlainTableReader(Processor processor) : ITableReader
    {
        public bool TryReadEntry(ulong address, bool hasAttributeBit, int size, out ulong entry) =>
            Processor.TryReadEntry(processor.TableRam(hasAttributeBit, out _), address, size, out entry);
    }
}
