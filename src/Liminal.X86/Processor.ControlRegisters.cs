// SPDX-License-Identifier: Apache-2.0
using Liminal.X86.Observation;
using Liminal.X86.State;

namespace Liminal.X86;

/// <content>Writes to control registers and EFER, with what they check and flush.</content>
/// <remarks>Source: SDM3A "Control registers", "Invalidation of TLBs and paging-structure caches", "Initializing IA-32e mode".</remarks>
public sealed unsafe partial class Processor
{
    private const ulong DefinedCr0 = 0xe005_003f;
    private const ulong FlushingCr0 = Cr0.Paging | Cr0.WriteProtect | Cr0.ProtectionEnable;
    private const ulong FlushingCr4 = Cr4.PageGlobalEnable | Cr4.PhysicalAddressExtension | Cr4.PageSizeExtensions
        | Cr4.SupervisorExecutionPrevention | Cr4.SupervisorAccessPrevention | Cr4.ProcessContextIds | Cr4.FiveLevelPaging;
    private const ulong NoFlush = 1ul << 63;

    /// <summary>The bits of CR4 that CPUID announces; setting another is #GP(0).</summary>
    private ulong DefinedCr4
    {
        get
        {
            CpuidResult one = Cpuid.Find(1, 0);
            CpuidResult seven = Cpuid.Find(7, 0);
            ulong bits = Cr4.TimeStampDisable | Cr4.PageSizeExtensions | Cr4.PhysicalAddressExtension | Cr4.PageGlobalEnable
                | Cr4.OsFxsr | Cr4.OsXmmExceptions | Cr4.DebuggingExtensions | (1 << 8);
            bits |= When(one.Edx, 7, Cr4.MachineCheckEnable) | When(one.Ecx, 17, Cr4.ProcessContextIds) | When(one.Ecx, 26, Cr4.OsXsave);
            bits |= When(seven.Ebx, 0, Cr4.FsGsBase) | When(seven.Ebx, 7, Cr4.SupervisorExecutionPrevention)
                | When(seven.Ebx, 20, Cr4.SupervisorAccessPrevention);
            return bits | When(seven.Ecx, 2, Cr4.UserModeInstructionPrevention) | When(seven.Ecx, 16, Cr4.FiveLevelPaging);
        }
    }

    internal bool WriteCr0(ulong value)
    {
        bool isInvalid = (value >> 32) != 0
            || ((value & Cr0.Paging) != 0 && (value & Cr0.ProtectionEnable) == 0)
            || ((value & Cr0.NotWriteThrough) != 0 && (value & Cr0.CacheDisable) == 0);
        if (isInvalid)
            return Raise(ExceptionVector.GeneralProtection);
        value = (value & DefinedCr0) | Cr0.ExtensionType;
        ulong changed = value ^ State.Cr0;
        if ((changed & Cr0.Paging) != 0)
        {
            bool turnsOn = (value & Cr0.Paging) != 0;
            if (turnsOn && (State.Efer & Efer.LongModeEnable) != 0)
            {
                if ((State.Cr4 & Cr4.PhysicalAddressExtension) == 0 || State.Segments[(int)SegmentIndex.Cs].IsLong)
                    return Raise(ExceptionVector.GeneralProtection);
                State.Efer |= Efer.LongModeActive;
            }
            else if (!turnsOn)
            {
                if (_core->Is64Bit || (State.Cr4 & Cr4.ProcessContextIds) != 0)
                    return Raise(ExceptionVector.GeneralProtection);
                State.Efer &= ~Efer.LongModeActive;
            }
        }

        State.Cr0 = value;
        if ((changed & FlushingCr0) != 0)
            FlushTlb(InvalidationCause.ControlRegister, keepGlobal: false);
        RefreshMode();
        return true;
    }

    internal bool WriteCr3(ulong value)
    {
        bool hasContexts = (State.Cr4 & Cr4.ProcessContextIds) != 0;
        bool keeps = hasContexts && (value & NoFlush) != 0;
        ulong reserved = _core->IsLongMode ? ~((1ul << _physicalBits) - 1) & ~(Rules?.AttributeBit ?? 0) : 0;
        if (hasContexts)
            reserved &= ~NoFlush;
        if ((value & reserved) != 0)
            return Raise(ExceptionVector.GeneralProtection);
        ulong old = State.Cr3;
        State.Cr3 = value & ~NoFlush;
        Observer?.OnCr3Write(this, old, value);
        if (keeps)
            ForgetHostPointers();
        else
            FlushTlb(InvalidationCause.Cr3, keepGlobal: true, hasContexts ? (int)(value & 0xfff) : -1);
        return true;
    }

    internal bool WriteCr4(ulong value)
    {
        ulong changed = value ^ State.Cr4;
        bool isInvalid = (value & ~DefinedCr4) != 0
            || (_core->IsLongMode && ((value & Cr4.PhysicalAddressExtension) == 0 || (changed & Cr4.FiveLevelPaging) != 0))
            || ((changed & value & Cr4.ProcessContextIds) != 0 && (!_core->IsLongMode || (State.Cr3 & 0xfff) != 0));
        if (isInvalid)
            return Raise(ExceptionVector.GeneralProtection);
        State.Cr4 = value;
        if ((changed & FlushingCr4) != 0)
            FlushTlb(InvalidationCause.ControlRegister, keepGlobal: false);
        RefreshMode();
        return true;
    }

    internal bool WriteCr8(ulong value)
    {
        if (value > 15)
            return Raise(ExceptionVector.GeneralProtection);
        Bus.WriteTaskPriority(this, value);
        return true;
    }

    internal bool WriteEfer(ulong value)
    {
        const ulong Defined = Efer.SyscallEnable | Efer.LongModeEnable | Efer.LongModeActive | Efer.NoExecuteEnable;
        ulong changed = value ^ State.Efer;
        bool changesLongMode = (changed & Efer.LongModeEnable) != 0 && (State.Cr0 & Cr0.Paging) != 0;
        if ((value & ~Defined) != 0 || changesLongMode)
            return Raise(ExceptionVector.GeneralProtection);
        State.Efer = (value & ~Efer.LongModeActive) | (State.Efer & Efer.LongModeActive);
        if ((changed & Efer.NoExecuteEnable) != 0)
            FlushTlb(InvalidationCause.ControlRegister, keepGlobal: false);
        return true;
    }

    /// <summary>INVPCID with its four kinds; #GP(0) for others and for reserved bits in the descriptor.</summary>
    internal bool InvalidateContext(ulong kind, ulong pcid, ulong address)
    {
        bool needsContext = kind <= 1;
        if (kind > 3 || pcid > 0xfff || (kind == 0 && !IsCanonicalToHold(address))
            || (needsContext && pcid != 0 && (State.Cr4 & Cr4.ProcessContextIds) == 0))
        {
            return Raise(ExceptionVector.GeneralProtection);
        }

        if (kind == 0)
            FlushPage(InvalidationCause.Invpcid, address, (int)pcid, keepGlobal: true);
        else
            FlushTlb(InvalidationCause.Invpcid, keepGlobal: kind != 2, kind == 1 ? (int)pcid : -1);
        return true;
    }

    private static ulong When(uint announced, int bit, ulong control) => ((announced >> bit) & 1) != 0 ? control : 0;
}
