// SPDX-License-Identifier: Apache-2.0
using System;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Liminal.Memory;
using Liminal.Platform;
using Liminal.X86;
using Liminal.X86.State;

namespace Liminal.Machine.Confidential.Tdx;

/// <summary>A TDX guest: the TDX module below it, and the VMM that it reaches through the module.</summary>
/// <remarks>
/// Sources: TDX-Module 1.5 for what the guest sees of the module; KVM v6.16, tdx.c, for the VMM. Here: which instructions raise #VE.
/// <c>TdxGuest.Module.cs</c> has the leaves of TDCALL, <c>TdxGuest.Calls.cs</c> and <c>TdxGuest.MapGpa.cs</c> the calls to the VMM,
/// <c>TdxGuest.Start.cs</c> how the processors begin. What is left out stands in docs/reference/limits.md.
/// </remarks>
public sealed partial class TdxGuest : ConfidentialGuest
{
    private const int Rax = 0;
    private const int Rcx = 1;
    private const int Rdx = 2;
    private const uint LongestInstruction = 15;

    private State _state;

    /// <summary>Binds the module to a machine.</summary>
    /// <param name="machine">The machine.</param>
    /// <param name="configuration">Rules and host.</param>
    public TdxGuest(VirtualMachine machine, ConfidentialConfiguration configuration)
        : base(machine, configuration)
    {
        _state.TdControls = HasSeptVeDisable ? PendingVeDisable : 0;
    }

    /// <inheritdoc/>
    public override string HostName => "the VMM";

    /// <inheritdoc/>
    public override Span<byte> StateBytes => MemoryMarshal.AsBytes(MemoryMarshal.CreateSpan(ref _state, 1));

    /// <inheritdoc/>
    public override void AdjustCpuid(CpuidTable basis, int processorCount) => TdxCpuid.Adjust(basis, (int)Platform.Format.AttributeBit!);

    /// <inheritdoc/>
    /// <remarks>Source: TDX-Module 1.5, td_other_exits.c, td_nmi_exit(): not before the guest has read what its #VE was about.</remarks>
    public override bool HoldsNmi(Processor processor) => InfoOf(processor).IsValid;

    /// <inheritdoc/>
    public override ConfidentialVerdict Execute(Processor processor, Intercept intercept, int length) => intercept switch
    {
        Intercept.Tdcall => CallModule(processor),
        Intercept.Io => RaiseVe(processor, VeReason.PortIo, Qualification(processor.PortAccess), length),
        Intercept.Cpuid => ExecuteCpuid(processor, length),
        Intercept.Msr => ExecuteMsr(processor, length),
        Intercept.ControlRegister => processor.ControlRegisterWrite is { } write ? ExecuteControlRegister(processor, write, length) : default,
        Intercept.Hlt => RaiseVe(processor, VeReason.Halt, 0, length),
        Intercept.CacheControl => RaiseVe(processor, OpcodeEndsWith(processor, length, 0x08) ? VeReason.Invd : VeReason.Wbinvd, 0, length),
        Intercept.Monitor => RaiseVe(processor, OpcodeEndsWith(processor, length, 0xC8) ? VeReason.Monitor : VeReason.Mwait, 0, length),
        Intercept.Vmcall => RaiseVe(processor, VeReason.Vmcall, 0, length),

        // RDPMC needs ATTRIBUTES.PERFMON. AMD's instructions do not exist; the rest is the processor's.
        Intercept.Rdpmc => new ConfidentialVerdict(ConfidentialAnswer.Exception, ExceptionVector.GeneralProtection),
        _ => default,
    };

    /// <inheritdoc/>
    protected override ConfidentialVerdict Raise(Processor processor, in ConfidentialAccess access, AccessOutcome outcome) => outcome switch
    {
        AccessOutcome.VirtualizationException when access.Attribute == PteAttribute.Shared && InfoOf(processor).IsValid =>
            ExitWithoutVe(processor, access),
        AccessOutcome.VirtualizationException => RaiseEptViolation(processor, access),
        _ => new ConfidentialVerdict(ConfidentialAnswer.Exception, ExceptionVector.PageFault, ReservedBitError(processor, access)),
    };

    /// <summary>An access where there is no RAM. Shared, it is a device's, and KVM has arranged for #VE there; private, it is a mistake that KVM and QEMU do not forgive.</summary>
    /// <remarks>
    /// Source: KVM v6.16, mmu.c, kvm_mmu_faultin_pfn(), and QEMU v9.1, kvm-all.c, kvm_convert_memory(): no private memory where none is assigned;
    /// KVM v6.16, vmx/main.c, vt_check_emulate_instruction(): an entry that does not suppress #VE, and the access again.
    /// </remarks>
    protected override ConfidentialVerdict CheckDevice(Processor processor, in ConfidentialAccess access)
    {
        if (access.Attribute == PteAttribute.Private)
        {
            return End(
                processor,
                MachineEndKind.GuestTerminated,
                $"{HostName}: private {access.Kind} at linear 0x{access.LinearAddress:x} of 0x{access.GuestPhysicalAddress:x}, where there is no memory",
                new AccessRule(AccessOutcome.GuestTerminated, "tdx-no-private-memory", "QEMU v9.1, kvm-all.c, kvm_convert_memory()"));
        }

        if (access.Kind is AccessKind.Fetch or AccessKind.PageWalk)
        {
            return Raise(processor, access, Platform.Access(Platform.SharedState, access.Attribute, access.Kind, Switches).Outcome);
        }

        return InfoOf(processor).IsValid
            ? End(
                processor,
                MachineEndKind.Livelock,
                $"{HostName}: device access at linear 0x{access.LinearAddress:x} while #VE information waits to be read; KVM runs the guest again for ever",
                new AccessRule(AccessOutcome.Livelock, "tdx-device-access-without-ve", "KVM v6.16, vmx/main.c, vt_check_emulate_instruction()"))
            : RaiseEptViolation(processor, access);
    }

    /// <summary>
    /// A #VE for a shared address is the processor's, and it raises none while the information area is in use: the access exits, and the
    /// module hands it to the VMM.
    /// </summary>
    /// <remarks>Source: SDM3C "Convertible EPT violations"; TDX-Module 1.5, td_ept_violation.c.</remarks>
    private ConfidentialVerdict ExitWithoutVe(Processor processor, in ConfidentialAccess access)
    {
        ulong frame = access.GuestPhysicalAddress >> 12;
        PageState state = Machine.PageStates![frame];
        ExitRule exit = Platform.RespondToExit(state, access.Attribute, access.Kind, Host, Switches | PolicySwitches.SuppressVe);
        bool isServed = exit.Disposition == ExitDisposition.Resume
            && Platform.Access(exit.Change.State, access.Attribute, access.Kind, Switches).Outcome == AccessOutcome.Ok;
        if (isServed)
        {
            Apply(processor, frame, exit.Change);
            return default;
        }

        return End(
            processor,
            MachineEndKind.GuestTerminated,
            $"{HostName}: shared {access.Kind} at linear 0x{access.LinearAddress:x} of page 0x{frame:x} ({Platform.States[state.Value].Name})"
            + $" while #VE information waits to be read, rule {exit.Rule} ({exit.Source})",
            new AccessRule(AccessOutcome.GuestTerminated, exit.Rule, exit.Source));
    }

    private ConfidentialVerdict ExecuteCpuid(Processor processor, int length) =>
        TdxCpuid.IsAnswered((uint)processor.Gpr(Rax), (uint)processor.Gpr(Rcx)) ? default : RaiseVe(processor, VeReason.Cpuid, 0, length);

    private ConfidentialVerdict ExecuteMsr(Processor processor, int length)
    {
        uint index = (uint)processor.Gpr(Rcx);
        bool isWrite = processor.IsMsrWrite;
        TdxMsrAction action = TdxMsrs.Find(index, isWrite);
        if (action == TdxMsrAction.Module)
        {
            action = isWrite ? ModuleWrite(processor, index) : ModuleRead(processor, index);
        }

        return action switch
        {
            TdxMsrAction.Native => default,
            TdxMsrAction.Module => new ConfidentialVerdict(ConfidentialAnswer.Emulated),
            TdxMsrAction.Gp => new ConfidentialVerdict(ConfidentialAnswer.Exception, ExceptionVector.GeneralProtection),
            _ => RaiseVe(processor, isWrite ? VeReason.WriteMsr : VeReason.ReadMsr, 0, length),
        };
    }

    /// <summary>MOV to CR0 or CR4: bits that the module keeps for itself. What no processor allows is left to the processor.</summary>
    /// <remarks>Source: TDX-Module 1.5, helpers.c, write_guest_cr0() and write_guest_cr4(); SDM3C, table "Exit qualification for control-register accesses".</remarks>
    private ConfidentialVerdict ExecuteControlRegister(Processor processor, ControlRegisterWrite write, int length)
    {
        bool isInvalid = write.Number == 0 && (write.Value & Cr0.NumericError) == 0;
        if (isInvalid)
        {
            return new ConfidentialVerdict(ConfidentialAnswer.Exception, ExceptionVector.GeneralProtection);
        }

        bool isImpossible = (write.Value & Cr0.Paging) != 0 && (write.Value & Cr0.ProtectionEnable) == 0;
        bool isKept = write.Number switch
        {
            0 => !isImpossible && ((write.Value & Cr0.ProtectionEnable) == 0 || (write.Value & (Cr0.NotWriteThrough | Cr0.CacheDisable)) != 0),
            4 => (write.Value & Cr4.MachineCheckEnable) == 0,
            _ => false,
        };
        return isKept ? RaiseVe(processor, VeReason.ControlRegister, (uint)write.Number | ((uint)write.Source << 8), length) : default;
    }

    /// <summary>RDMSR that the module answers.</summary>
    private static TdxMsrAction ModuleRead(Processor processor, uint index)
    {
        const ulong PerformanceMonitoringAvailable = 1 << 7;
        const ulong PebsUnavailable = 1 << 12;
        ulong value = index switch
        {
            TdxMsrs.XapicDisableStatus => 1,    // LEGACY_XAPIC_DISABLED
            TdxMsrs.MiscEnable => (processor.State.Msr.MiscEnable & ~PerformanceMonitoringAvailable) | PebsUnavailable,
            _ => 0,
        };
        processor.Gpr(Rax) = (uint)value;
        processor.Gpr(Rdx) = value >> 32;
        return TdxMsrAction.Module;
    }

    /// <summary>WRMSR that the module checks; Native lets the processor carry it out.</summary>
    private static TdxMsrAction ModuleWrite(Processor processor, uint index)
    {
        ulong value = (processor.Gpr(Rdx) << 32) | (uint)processor.Gpr(Rax);
        if (index == TdxMsrs.ExtendedSupervisorState)
        {
            // No bit is allowed, because XFAM has no supervisor state.
            return value != 0 ? TdxMsrAction.Gp : TdxMsrAction.Module;
        }

        // EFER: only SCE may change; LMA is read-only.
        const ulong Changeable = Efer.SyscallEnable | Efer.LongModeActive;
        return ((value ^ processor.State.Efer) & ~Changeable) == 0 ? TdxMsrAction.Native : TdxMsrAction.Ve;
    }

    /// <summary>Bits 2:0 size minus one, 3 input, 4 string, 5 REP, 6 immediate port, 31:16 port.</summary>
    /// <remarks>Source: SDM3C, table "Exit qualification for I/O instructions".</remarks>
    private static uint Qualification(PortAccess access) => (uint)(access.Size - 1)
        | (access.IsInput ? 1u << 3 : 0u) | (access.IsString ? 1u << 4 : 0u) | (access.IsRepeated ? 1u << 5 : 0u)
        | (access.IsImmediate ? 1u << 6 : 0u) | ((uint)access.Port << 16);

    private static bool OpcodeEndsWith(Processor processor, int length, byte last)
    {
        Span<byte> bytes = stackalloc byte[(int)LongestInstruction];
        return processor.PeekInstruction(bytes[..length]) == length && bytes[length - 1] == last;
    }

    /// <summary>#VE for an EPT violation: GLA is where the access, or its part on this page, begins; GPA is with the shared bit.</summary>
    /// <remarks>
    /// Source: SDM3C, table "Exit qualification for EPT violations": bits 2:0 read, write, fetch; 7 GLA valid; 8 an access to it, not to a table
    /// of its walk. The length of the instruction is not given.
    /// </remarks>
    private ConfidentialVerdict RaiseEptViolation(Processor processor, in ConfidentialAccess access)
    {
        ulong qualification = (1u << 7) | access.Kind switch
        {
            AccessKind.Read => (1u << 8) | (1u << 0),
            AccessKind.Write => (1u << 8) | (1u << 1),
            AccessKind.Fetch => (1u << 8) | (1u << 2),
            _ => 1u << 0,
        };
        ulong shared = access.Attribute == PteAttribute.Shared ? AttributeBit : 0;
        return RaiseVe(processor, VeReason.EptViolation, qualification, 0, access.LinearAddress, access.GuestPhysicalAddress | shared);
    }

    /// <summary>#VE; #DF while the last one has not been read.</summary>
    /// <remarks>Source: TDX-Module 1.5, td_other_exits.c, tdx_inject_ve().</remarks>
    private ConfidentialVerdict RaiseVe(Processor processor, VeReason reason, ulong qualification, int length, ulong linear = 0, ulong physical = 0)
    {
        ref VeInformation information = ref InfoOf(processor);
        if (information.IsValid)
        {
            Observer?.OnNote(processor, $"#VE for exit reason {(uint)reason} while the information of the last one waits to be read: #DF");
            return new ConfidentialVerdict(ConfidentialAnswer.Exception, ExceptionVector.DoubleFault);
        }

        information = new VeInformation
        {
            IsValid = true,
            Reason = (uint)reason,
            Qualification = qualification,
            LinearAddress = linear,
            PhysicalAddress = physical,
            Length = (uint)length,
        };
        ref VeCounts counts = ref _state.Counts;
        counts.Total++;
        switch (reason)
        {
            case VeReason.PortIo:
                counts.PortIo++;
                break;
            case VeReason.EptViolation:
                counts.EptViolation++;
                break;
            case VeReason.Cpuid:
                counts.Cpuid++;
                break;
            case VeReason.ReadMsr or VeReason.WriteMsr:
                counts.Msr++;
                break;
        }

        return new ConfidentialVerdict(ConfidentialAnswer.Exception, ExceptionVector.Virtualization);
    }

    private bool HasSeptVeDisable => Switches.HasFlag(PolicySwitches.SeptVeDisable);

    private ref VeInformation InfoOf(Processor processor) => ref _state.Information[processor.Index];

    /// <summary>Exceptions raised so far, for reports and tests.</summary>
    public VeCounts Counts => _state.Counts;

    /// <summary>Numbers of #VE by cause.</summary>
    public struct VeCounts
    {
        /// <summary>All.</summary>
        public ulong Total;

        /// <summary>IN, OUT, INS, OUTS.</summary>
        public ulong PortIo;

        /// <summary>Accesses to memory: devices, and pages that are not what their mapping says.</summary>
        public ulong EptViolation;

        /// <summary>CPUID.</summary>
        public ulong Cpuid;

        /// <summary>RDMSR and WRMSR.</summary>
        public ulong Msr;
    }

    /// <summary>What TDG.VP.VEINFO.GET reads, one for each processor.</summary>
    internal struct VeInformation
    {
        public ulong Qualification;
        public ulong LinearAddress;
        public ulong PhysicalAddress;
        public uint Reason;
        public uint Length;
        public bool IsValid;
    }

    [InlineArray(Boards.Board.MostProcessors)]
    internal struct VeInformations
    {
        private VeInformation _first;
    }

    /// <summary>Unmanaged; copied by a fork.</summary>
    internal struct State
    {
        public VeInformations Information;
        public VeCounts Counts;
        public ulong TdControls;
        public ulong NotifyEnables;

        /// <summary>Bit n is set while processor n waits at the mailbox.</summary>
        public ulong Waiting;
    }
}
