// SPDX-License-Identifier: Apache-2.0
using System;
using System.Text;
using Liminal.X86;

namespace Liminal.Machine.Confidential.Tdx;

/// <content>TDVMCALL: what the guest asks of the VMM, other than conversions.</content>
/// <remarks>
/// Source: KVM v6.16, tdx.c, handle_tdvmcall() and the function of each call; TDX-Module 1.5, tdg_vp_vmcall.c, for which registers pass. The
/// devices behind ports and addresses are the board's: where it has none, the machine stops, as for an ordinary VM.
/// </remarks>
public sealed partial class TdxGuest
{
    private const uint InterruptCommand = 0x830;
    private const ulong InitMode = 5;
    private const ulong StartupMode = 6;

    private ConfidentialVerdict CallHost(Processor processor)
    {
        // RCX selects the registers that pass. RAX, RCX and RSP cannot.
        const ulong Unselectable = (1 << 0) | (1 << 1) | (1 << 4);
        ulong selected = processor.Gpr(Rcx);
        if ((selected & Unselectable) != 0 || (selected >> 16) >> 16 != 0)
        {
            return Complete(processor, TdxStatus.OperandInvalid | TdxStatus.Rcx);
        }

        var registers = new PassedRegisters(processor, (ushort)selected);
        ConfidentialVerdict verdict = registers[10] == 0 ? CallStandard(processor, registers) : CallVendor(processor, registers);
        if (verdict.Answer == ConfidentialAnswer.Emulated)
        {
            processor.Gpr(Rax) = TdxStatus.Success;
        }

        return verdict;
    }

    private ConfidentialVerdict CallStandard(Processor processor, PassedRegisters registers)
    {
        switch ((TdVmCallFunction)registers[11])
        {
            case TdVmCallFunction.Cpuid:
                return Cpuid(processor, registers);
            case TdVmCallFunction.Halt:
                processor.WaitForInterrupt();
                return registers.Return(TdVmCallStatus.Success);
            case TdVmCallFunction.PortIo:
                return PortIo(processor, registers);
            case TdVmCallFunction.ReadMsr:
                return ReadMsr(processor, registers);
            case TdVmCallFunction.WriteMsr:
                return WriteMsr(processor, registers);
            case TdVmCallFunction.Mmio:
                return Mmio(processor, registers);
            case TdVmCallFunction.GetTdVmCallInfo:
                return GetTdVmCallInfo(registers);
            case TdVmCallFunction.MapGpa:
                return MapGpa(processor, registers);
            case TdVmCallFunction.ReportFatalError:
                return ReportFatalError(registers);
            case TdVmCallFunction.GetQuote when (registers[12] & AttributeBit) == 0:
            case TdVmCallFunction.SetupEventNotifyInterrupt when registers[12] is < 32 or > 255:
                return registers.Return(TdVmCallStatus.InvalidOperand);
            default:
                Observer?.OnNote(processor, $"TDVMCALL function 0x{registers[11]:x}: the VMM does not have it");
                return registers.Return(TdVmCallStatus.FunctionUnsupported);
        }
    }

    /// <summary>A KVM hypercall. The host announces none, so there is none.</summary>
    /// <remarks>Source: KVM v6.16, x86.c, ____kvm_emulate_hypercall(): -KVM_ENOSYS.</remarks>
    private ConfidentialVerdict CallVendor(Processor processor, PassedRegisters registers)
    {
        const long NoSuchCall = -1000;
        Observer?.OnNote(processor, $"TDVMCALL with vendor number 0x{registers[10]:x}: the VMM does not have it");
        return registers.Return(unchecked((ulong)NoSuchCall));
    }

    private static ConfidentialVerdict Cpuid(Processor processor, PassedRegisters registers)
    {
        CpuidResult result = processor.ReadCpuid((uint)registers[12], (uint)registers[13]);
        registers[12] = result.Eax;
        registers[13] = result.Ebx;
        registers[14] = result.Ecx;
        registers[15] = result.Edx;
        return registers.Return(TdVmCallStatus.Success);
    }

    private ConfidentialVerdict PortIo(Processor processor, PassedRegisters registers)
    {
        ulong size = registers[12];
        ulong direction = registers[13];
        ushort port = (ushort)registers[14];
        if (size is not (1 or 2 or 4) || direction > 1)
        {
            return registers.Return(TdVmCallStatus.InvalidOperand);
        }

        BusOutcome outcome;
        if (direction == 1)
        {
            uint value = (uint)registers[15] & SizeMask(size);
            outcome = processor.Bus.WritePort(processor, port, (int)size, value);
        }
        else
        {
            outcome = processor.Bus.ReadPort(processor, port, (int)size, out uint value);
            registers[11] = value & SizeMask(size);
        }

        return outcome == BusOutcome.NotModelled
            ? End(processor, MachineEndKind.NotModelled, $"{size}-byte {(direction == 1 ? "OUT to" : "IN from")} port 0x{port:x} by TDVMCALL, where nothing is")
            : registers.Return(TdVmCallStatus.Success);
    }

    private ConfidentialVerdict ReadMsr(Processor processor, PassedRegisters registers)
    {
        uint index = (uint)registers[12];
        if (!TryReadHostMsr(processor, index, out ulong value))
        {
            Observer?.OnNote(processor, $"TDVMCALL RDMSR of 0x{index:x}: the VMM does not have it");
            return registers.Return(TdVmCallStatus.InvalidOperand);
        }

        registers[11] = value;
        return registers.Return(TdVmCallStatus.Success);
    }

    /// <summary>WRMSR by the VMM. It keeps INIT and start-up messages to itself.</summary>
    /// <remarks>Source: KVM v6.16, vmx/main.c, vt_apic_init_signal_blocked().</remarks>
    private ConfidentialVerdict WriteMsr(Processor processor, PassedRegisters registers)
    {
        uint index = (uint)registers[12];
        ulong value = registers[13];
        if (index == InterruptCommand && ((value >> 8) & 7) is InitMode or StartupMode)
        {
            Observer?.OnNote(processor, "INIT or start-up message: the VMM delivers none to a TD");
            return registers.Return(TdVmCallStatus.Success);
        }

        if (!TryWriteHostMsr(processor, index, value))
        {
            Observer?.OnNote(processor, $"TDVMCALL WRMSR of 0x{value:x} to 0x{index:x}: the VMM refuses");
            return registers.Return(TdVmCallStatus.InvalidOperand);
        }

        return registers.Return(TdVmCallStatus.Success);
    }

    /// <summary>MSRs that the VMM keeps besides the board's: no machine-check banks, and IA32_MISC_ENABLE, which it takes and forgets.</summary>
    /// <remarks>Source: KVM v6.16, tdx.c, tdx_has_emulated_msr().</remarks>
    private static bool TryReadHostMsr(Processor processor, uint index, out ulong value)
    {
        const uint MachineCheckCapabilities = 0x179;
        const uint MachineCheckStatus = 0x17A;
        value = 0;
        return index switch
        {
            MachineCheckCapabilities or MachineCheckStatus => true,
            TdxMsrs.MiscEnable => (value = processor.State.Msr.MiscEnable) == value,
            _ => processor.Bus.ReadMsr(processor, index, out value) == BusOutcome.Done,
        };
    }

    private static bool TryWriteHostMsr(Processor processor, uint index, ulong value)
    {
        const uint MachineCheckStatus = 0x17A;
        return index is MachineCheckStatus or TdxMsrs.MiscEnable || processor.Bus.WriteMsr(processor, index, value) == BusOutcome.Done;
    }

    private ConfidentialVerdict Mmio(Processor processor, PassedRegisters registers)
    {
        ulong size = registers[12];
        ulong direction = registers[13];
        ulong address = registers[14];
        ulong last = address + size - 1;
        bool isShared = (address & last & AttributeBit) != 0;
        if (size is not (1 or 2 or 4 or 8) || direction > 1 || !isShared)
        {
            return registers.Return(TdVmCallStatus.InvalidOperand);
        }

        address &= ~AttributeBit;
        if (Machine.Ram.Contains(address, 1) || (address >> 12) != ((last & ~AttributeBit) >> 12))
        {
            return End(processor, MachineEndKind.NotModelled, $"{size}-byte device access to 0x{address:x} by TDVMCALL, in RAM or across a page edge");
        }

        BusOutcome outcome;
        if (direction == 1)
        {
            outcome = processor.Bus.WriteMemory(processor, address, (int)size, registers[15] & (ulong.MaxValue >> (64 - (8 * (int)size))));
        }
        else
        {
            outcome = processor.Bus.ReadMemory(processor, address, (int)size, out ulong value);
            registers[11] = value;
        }

        return outcome == BusOutcome.NotModelled
            ? End(processor, MachineEndKind.NotModelled, $"{size}-byte {(direction == 1 ? "store to" : "load from")} 0x{address:x} by TDVMCALL, where nothing is")
            : registers.Return(TdVmCallStatus.Success);
    }

    private static ConfidentialVerdict GetTdVmCallInfo(PassedRegisters registers)
    {
        if (registers[12] > 1)
        {
            return registers.Return(TdVmCallStatus.InvalidOperand);
        }

        for (int number = 11; number <= 14; number++)
        {
            registers[number] = 0;
        }

        return registers.Return(TdVmCallStatus.Success);
    }

    /// <summary>The guest gives up. Its last words are 64 bytes in eight registers.</summary>
    /// <remarks>Source: Linux v6.12, coco/tdx/tdx.c, tdx_panic(), for the order of the registers.</remarks>
    private ConfidentialVerdict ReportFatalError(PassedRegisters registers)
    {
        const ulong HasPage = 1ul << 63;    // of R12: R13 is the address of a shared page with more
        ReadOnlySpan<int> order = [14, 15, 3, 7, 6, 8, 9, 2];
        var text = new StringBuilder();
        foreach (int number in order)
        {
            for (int shift = 0; shift < 64; shift += 8)
            {
                char character = (char)(byte)(registers[number] >> shift);
                if (character is >= ' ' and < '\x7f')
                {
                    text.Append(character);
                }
            }
        }

        ulong code = registers[12];
        string words = text.Length == 0 ? "" : $", \"{text}\"";
        string plain = (code & HasPage) == 0 ? "" : ", with more in a shared page";
        Machine.EndGuest(
            MachineEndKind.GuestTerminated,
            $"the guest reports a fatal error, code 0x{code:x}{words}{plain}",
            new GuestEnd("the guest", "tdx-report-fatal-error", "KVM v6.16, tdx.c, tdx_report_fatal_error()"));
        return new ConfidentialVerdict(ConfidentialAnswer.HostExit);
    }

    private static uint SizeMask(ulong size) => uint.MaxValue >> (32 - (8 * (int)size));

    /// <summary>The guest's registers as the VMM sees them: those that are not selected read as zero and are not written.</summary>
    private readonly struct PassedRegisters(Processor processor, ushort selected)
    {
        public ulong this[int number]
        {
            get => (selected & (1 << number)) != 0 ? processor.Gpr(number) : 0;
            set => Set(number, value);
        }

        public ConfidentialVerdict Return(ulong status)
        {
            Set(10, status);
            return new ConfidentialVerdict(ConfidentialAnswer.Emulated);
        }

        private void Set(int number, ulong value)
        {
            if ((selected & (1 << number)) != 0)
            {
                processor.Gpr(number) = value;
            }
        }
    }
}
