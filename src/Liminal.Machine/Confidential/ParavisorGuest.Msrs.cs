// SPDX-License-Identifier: Apache-2.0
using System;
using System.Runtime.InteropServices;
using Liminal.Chipset;
using Liminal.Memory.Ram;
using Liminal.Platform;
using Liminal.X86;

namespace Liminal.Machine.Confidential;

/// <content>Model-specific registers: Hyper-V's synthetic ones, machine check, and what a kernel reads on an AMD processor.</content>
/// <remarks>Source: OpenVMM 2026-08, hv1_emulator/src/hv.rs, msr_read() and msr_write(); virt_mshv_vtl/src/processor/snp/mod.rs, read_msr_snp().</remarks>
public sealed partial class ParavisorGuest
{
    private const uint FirstSynthetic = 0x4000_0000;
    private const uint LastSynthetic = 0x4000_01FF;
    private const ulong EnableBit = 1;
    private const ulong PageReservedBits = 0xFFE;

    /// <inheritdoc/>
    public override BusOutcome? ReadMsr(Processor processor, uint index, out ulong value)
    {
        value = 0;
        switch (index)
        {
            case (uint)SyntheticMsr.GuestOsId:
                value = _state.GuestOsId;
                return BusOutcome.Done;
            case (uint)SyntheticMsr.Hypercall:
                value = _state.HypercallPage;
                return BusOutcome.Done;
            case (uint)SyntheticMsr.VpIndex:
                value = (ulong)processor.Index;
                return BusOutcome.Done;
            case (uint)SyntheticMsr.ReferenceCounter:
                value = Machine.Board.Clock.Now / NanosecondsPerReferenceTick;
                return BusOutcome.Done;
            case (uint)SyntheticMsr.ReferenceTsc:
                value = _state.ReferenceTsc;
                return BusOutcome.Done;
            case (uint)SyntheticMsr.TscFrequency:
                value = MachineClock.TicksPerSecond;
                return BusOutcome.Done;
            case (uint)SyntheticMsr.ApicFrequency:
                value = MachineClock.CrystalHertz;
                return BusOutcome.Done;
            case (uint)SyntheticMsr.VpAssistPage:
                value = _state.VpAssist[processor.Index];
                return BusOutcome.Done;
            case (uint)SyntheticMsr.InvariantTscControl:
                value = _state.InvariantTscControl;
                return BusOutcome.Done;
            case >= FirstSynthetic and <= LastSynthetic:
                Observer?.OnNote(processor, $"RDMSR of 0x{index:x}, which the paravisor does not have");
                return BusOutcome.GeneralProtection;
            case (uint)MachineCheckMsr.Capabilities or (uint)MachineCheckMsr.Status:
                return BusOutcome.Done;
            default:
                return IsSnp ? ReadAmdMsr(processor, index, out value) : null;
        }
    }

    /// <inheritdoc/>
    public override BusOutcome? WriteMsr(Processor processor, uint index, ulong value)
    {
        switch (index)
        {
            case (uint)SyntheticMsr.GuestOsId:
                _state.GuestOsId = value;
                return BusOutcome.Done;
            case (uint)SyntheticMsr.Hypercall:
                return SetHypercallPage(value) ? BusOutcome.Done : BusOutcome.GeneralProtection;
            case (uint)SyntheticMsr.ReferenceTsc:
                return SetReferenceTsc(value) ? BusOutcome.Done : BusOutcome.GeneralProtection;
            case (uint)SyntheticMsr.VpAssistPage:
                return SetVpAssistPage(processor.Index, value) ? BusOutcome.Done : BusOutcome.GeneralProtection;
            case (uint)SyntheticMsr.InvariantTscControl:
                _state.InvariantTscControl = value & 1;
                return BusOutcome.Done;
            case >= FirstSynthetic and <= LastSynthetic:
                Observer?.OnNote(processor, $"WRMSR of 0x{value:x} to 0x{index:x}, which the paravisor does not have or does not let write");
                return BusOutcome.GeneralProtection;
            case (uint)MachineCheckMsr.Status:
                return BusOutcome.Done;
            case (uint)AmdMsr.Ghcb when IsSnp:
                _state.Ghcb[processor.Index] = value;
                return BusOutcome.Done;
            case (uint)AmdMsr.NorthBridgeConfiguration or (>= (uint)AmdMsr.FirstPerformance and <= (uint)AmdMsr.LastPerformance) when IsSnp:
                return BusOutcome.Done;     // lost, as in KVM v6.12, x86.c, kvm_set_msr_common(), of a guest without performance counters
            default:
                return null;
        }
    }

    private BusOutcome? ReadAmdMsr(Processor processor, uint index, out ulong value)
    {
        value = 0;
        switch (index)
        {
            case (uint)AmdMsr.Ghcb:
                value = _state.Ghcb[processor.Index];
                return BusOutcome.Done;
            case (uint)AmdMsr.HardwareConfiguration:
                value = InvariantTscIsLocked;
                return BusOutcome.Done;
            case (uint)AmdMsr.SystemConfiguration or (uint)AmdMsr.InterruptPending or (uint)AmdMsr.NorthBridgeConfiguration
                or (uint)AmdMsr.LoadStoreConfiguration or (uint)AmdMsr.FloatingPointConfiguration or (uint)AmdMsr.DecodeConfiguration
                or (>= (uint)AmdMsr.FirstPerformance and <= (uint)AmdMsr.LastPerformance):
                return BusOutcome.Done;
            default:
                return null;
        }
    }

    /// <summary>The paravisor writes the page into the guest's memory and does not bring back what was there. Source: OpenVMM 2026-08, hv1_emulator/src/pages.rs.</summary>
    private bool SetHypercallPage(ulong value)
    {
        const ulong Locked = 2;
        if ((_state.HypercallPage & Locked) != 0 || (value & PageReservedBits & ~Locked) != 0)
        {
            return false;
        }

        bool isNew = (value & EnableBit) != 0 && (value ^ _state.HypercallPage) >> 12 != 0;
        isNew |= (value & ~_state.HypercallPage & EnableBit) != 0;
        if (isNew)
        {
            Span<byte> page = stackalloc byte[GuestRam.PageSize];
            page.Fill(0xCC);    // INT3 behind the code: a jump into the page is noticed
            ReadOnlySpan<byte> code = IsSnp ? [0x0F, 0x01, 0xD9, 0xC3] : [0x0F, 0x01, 0xC1, 0xC3];  // VMMCALL or VMCALL; RET
            code.CopyTo(page);
            if (!TryWritePage(value & ~0xFFFul, page))
            {
                return false;
            }
        }

        _state.HypercallPage = value;
        return true;
    }

    private bool SetReferenceTsc(ulong value)
    {
        if ((value & PageReservedBits) != 0)
        {
            return false;
        }

        if ((value & EnableBit) != 0 && (_state.ReferenceTsc ^ value) >> 12 != 0)
        {
            // Time in units of 100 ns is (TSC * scale) >> 64; a sequence of zero would mean that the page is not valid.
            const ulong ReferenceHertz = 1_000_000_000 / NanosecondsPerReferenceTick;
            uint sequence = _state.TscSequence + 1;
            sequence = sequence == 0 ? 1 : sequence;
            Span<byte> page = stackalloc byte[GuestRam.PageSize];
            page.Clear();
            MemoryMarshal.Write(page, sequence);
            MemoryMarshal.Write(page[8..], (ulong)(((UInt128)ReferenceHertz << 64) / MachineClock.TicksPerSecond));
            if (!TryWritePage(value & ~0xFFFul, page))
            {
                return false;
            }

            _state.TscSequence = sequence;
        }

        _state.ReferenceTsc = value;
        return true;
    }

    private bool SetVpAssistPage(int processor, ulong value)
    {
        if ((value & PageReservedBits) != 0)
        {
            return false;
        }

        ulong before = _state.VpAssist[processor];
        bool isNew = (value & EnableBit) != 0 && ((before & EnableBit) == 0 || (before ^ value) >> 12 != 0);
        if (isNew)
        {
            Span<byte> zeros = stackalloc byte[GuestRam.PageSize];
            zeros.Clear();
            if (!TryWritePage(value & ~0xFFFul, zeros))
            {
                return false;
            }
        }

        _state.VpAssist[processor] = value;
        return true;
    }

    /// <summary>True when a page is one that the paravisor keeps for the guest; it cannot be made visible to the host.</summary>
    private bool IsOverlay(ulong frame)
    {
        bool isOverlay = Names(_state.HypercallPage, frame) || Names(_state.ReferenceTsc, frame);
        for (int index = 0; index < Machine.Configuration.ProcessorCount; index++)
        {
            isOverlay |= Names(_state.VpAssist[index], frame);
        }

        return isOverlay;

        static bool Names(ulong register, ulong frame) => (register & EnableBit) != 0 && register >> 12 == frame;
    }

    private bool TryWritePage(ulong address, ReadOnlySpan<byte> page)
    {
        if ((address & AttributeBit) != 0 || BackingOf(address, page.Length, AccessKind.Write) is not { } backing)
        {
            return false;
        }

        backing.Write(address, page);
        return true;
    }

    private const ulong NanosecondsPerReferenceTick = 100;

    /// <summary>HWCR bit 24: the time-stamp counter cannot be stopped; without it a kernel complains of the firmware.</summary>
    private const ulong InvariantTscIsLocked = 1 << 24;

    /// <summary>Source: TLFS, "Synthetic MSRs".</summary>
    private enum SyntheticMsr : uint
    {
        GuestOsId = 0x4000_0000,
        Hypercall = 0x4000_0001,
        VpIndex = 0x4000_0002,
        ReferenceCounter = 0x4000_0020,
        ReferenceTsc = 0x4000_0021,
        TscFrequency = 0x4000_0022,
        ApicFrequency = 0x4000_0023,
        VpAssistPage = 0x4000_0073,
        InvariantTscControl = 0x4000_0118,
    }

    /// <summary>Source: SDM4, "Architectural MSRs". OpenHCL lets both read zero: no bank, no status.</summary>
    private enum MachineCheckMsr : uint
    {
        Capabilities = 0x179,
        Status = 0x17A,
    }

    /// <summary>Source: APM2, appendix A; AMD PPR for family 17h. All but the first two read zero.</summary>
    private enum AmdMsr : uint
    {
        Ghcb = 0xC001_0130,
        HardwareConfiguration = 0xC001_0015,
        SystemConfiguration = 0xC001_0010,
        FirstPerformance = 0xC001_0000,
        LastPerformance = 0xC001_0007,
        NorthBridgeConfiguration = 0xC001_001F,
        InterruptPending = 0xC001_0055,
        LoadStoreConfiguration = 0xC001_1020,
        FloatingPointConfiguration = 0xC001_1028,
        DecodeConfiguration = 0xC001_1029,
    }
}
