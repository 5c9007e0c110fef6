// SPDX-License-Identifier: Apache-2.0
using Liminal.X86.State;

namespace Liminal.X86;

/// <content>MSRs and CPUID.</content>
public sealed unsafe partial class Processor
{
    /// <summary>Reads an MSR as RDMSR does; false with the fault or stop set.</summary>
    internal bool ReadMsr(uint index, out ulong value)
    {
        switch (index)
        {
            case ModelSpecificRegister.TimeStampCounter:
                value = Bus.ReadTimestamp(this) + State.Msr.TscAdjust;
                return true;
            case ModelSpecificRegister.TscAdjust:
                value = State.Msr.TscAdjust;
                return true;
            case ModelSpecificRegister.SysenterCs:
                value = State.Msr.SysenterCs;
                return true;
            case ModelSpecificRegister.SysenterEsp:
                value = State.Msr.SysenterEsp;
                return true;
            case ModelSpecificRegister.SysenterEip:
                value = State.Msr.SysenterEip;
                return true;
            case ModelSpecificRegister.MiscEnable:
                value = State.Msr.MiscEnable;
                return true;
            case ModelSpecificRegister.Pat:
                value = State.Msr.Pat;
                return true;
            case ModelSpecificRegister.Efer:
                value = State.Efer;
                return true;
            case ModelSpecificRegister.Star:
                value = State.Msr.Star;
                return true;
            case ModelSpecificRegister.LongStar:
                value = State.Msr.LongStar;
                return true;
            case ModelSpecificRegister.CompatibilityStar:
                value = State.Msr.CompatibilityStar;
                return true;
            case ModelSpecificRegister.SyscallFlagMask:
                value = State.Msr.SyscallFlagMask;
                return true;
            case ModelSpecificRegister.FsBase:
                value = SegmentBase(SegmentIndex.Fs);
                return true;
            case ModelSpecificRegister.GsBase:
                value = SegmentBase(SegmentIndex.Gs);
                return true;
            case ModelSpecificRegister.KernelGsBase:
                value = State.Msr.KernelGsBase;
                return true;
            case ModelSpecificRegister.TscAux:
                value = State.Msr.TscAux;
                return true;
        }

        BusOutcome outcome = Bus.ReadMsr(this, index, out value);
        return outcome switch
        {
            BusOutcome.Done => true,
            BusOutcome.GeneralProtection => Raise(ExceptionVector.GeneralProtection),
            _ => StopNotModelled($"RDMSR of 0x{index:x}"),
        };
    }

    /// <summary>Writes an MSR as WRMSR does; false with the fault or stop set.</summary>
    internal bool WriteMsr(uint index, ulong value)
    {
        switch (index)
        {
            case ModelSpecificRegister.TimeStampCounter:
                State.Msr.TscAdjust = value - Bus.ReadTimestamp(this);
                return true;
            case ModelSpecificRegister.TscAdjust:
                State.Msr.TscAdjust = value;
                return true;
            case ModelSpecificRegister.SysenterCs:
                State.Msr.SysenterCs = value;
                return true;
            case ModelSpecificRegister.SysenterEsp:
                return WriteAddress(ref State.Msr.SysenterEsp, value);
            case ModelSpecificRegister.SysenterEip:
                return WriteAddress(ref State.Msr.SysenterEip, value);
            case ModelSpecificRegister.MiscEnable:
                State.Msr.MiscEnable = value;
                return true;
            case ModelSpecificRegister.Pat:
                return WritePat(value);
            case ModelSpecificRegister.Efer:
                return WriteEfer(value);
            case ModelSpecificRegister.Star:
                State.Msr.Star = value;
                return true;
            case ModelSpecificRegister.LongStar:
                return WriteAddress(ref State.Msr.LongStar, value);
            case ModelSpecificRegister.CompatibilityStar:
                return WriteAddress(ref State.Msr.CompatibilityStar, value);
            case ModelSpecificRegister.SyscallFlagMask:
                State.Msr.SyscallFlagMask = (uint)value;
                return true;
            case ModelSpecificRegister.FsBase:
                return WriteAddress(ref SegmentBase(SegmentIndex.Fs), value);
            case ModelSpecificRegister.GsBase:
                return WriteAddress(ref SegmentBase(SegmentIndex.Gs), value);
            case ModelSpecificRegister.KernelGsBase:
                return WriteAddress(ref State.Msr.KernelGsBase, value);
            case ModelSpecificRegister.TscAux:
                State.Msr.TscAux = (uint)value;
                return true;
        }

        BusOutcome outcome = Bus.WriteMsr(this, index, value);
        return outcome switch
        {
            BusOutcome.Done => true,
            BusOutcome.GeneralProtection => Raise(ExceptionVector.GeneralProtection),
            _ => StopNotModelled($"WRMSR of 0x{value:x} to 0x{index:x}"),
        };
    }

    /// <summary>What CPUID answers now: the table, and the bits that follow from state.</summary>
    /// <remarks>
    /// Leaf 1: EBX 31:24 APIC identifier, ECX 27 OSXSAVE, EDX 9 local APIC (and leaf 8000_0001h, where it has that bit).
    /// Leaves 0Bh and 1Fh: EDX the x2APIC identifier. Source: SDM2 "CPUID", SDM3A "Enabling or disabling the local APIC".
    /// </remarks>
    public CpuidResult ReadCpuid(uint leaf, uint subleaf)
    {
        CpuidResult result = Cpuid.Find(leaf, subleaf);
        switch (leaf)
        {
            case 1:
                uint osXsave = (State.Cr4 & Cr4.OsXsave) != 0 ? 1u << 27 : 0;
                return result with
                {
                    Ebx = (result.Ebx & 0xff_ffff) | ((uint)Index << 24),
                    Ecx = (result.Ecx & ~(1u << 27)) | osXsave,
                    Edx = WithApicBit(result.Edx),
                };
            case 0x8000_0001:
                return result with { Edx = WithApicBit(result.Edx) };
            case 0xb or 0x1f when Cpuid.Find(leaf, 0) != default:
                return result with { Edx = (uint)Index, Ecx = (result.Ecx & ~0xffu) | (subleaf & 0xff) };
            default:
                return result;
        }
    }

    private uint WithApicBit(uint features) => Bus.HasLocalApic(this) ? features : features & ~(1u << 9);

    private bool WriteAddress(ref ulong register, ulong value)
    {
        if (!IsCanonicalToHold(value))
            return Raise(ExceptionVector.GeneralProtection);
        register = value;
        return true;
    }

    private bool WritePat(ulong value)
    {
        for (int i = 0; i < 64; i += 8)
        {
            if (((value >> i) & 0xff) is not (0 or 1 or 4 or 5 or 6 or 7))
                return Raise(ExceptionVector.GeneralProtection);
        }

        State.Msr.Pat = value;
        return true;
    }
}
