// SPDX-License-Identifier: Apache-2.0
using System;
using System.Runtime.InteropServices;
using Liminal.Chipset;
using Liminal.Memory;
using Liminal.Platform;
using Liminal.X86;
using Liminal.X86.State;

namespace Liminal.Machine.Confidential.Snp;

/// <summary>The host of an AMD guest: SEV-SNP, SEV-ES or SEV, as the hardware and KVM with QEMU serve it.</summary>
/// <remarks>
/// The rules of pages are those of <see cref="SnpPlatform"/> and <see cref="SevPlatform"/>. What stands here is how #VC, the GHCB and the two
/// instructions on RMP entries look to the guest. The guest runs at VMPL0, without an SVSM; no instruction's #VC is delivered to
/// another VMPL. Not modelled: restricted and alternate injection (#HV), debug swap, secure TSC, attestation, VMPLs other than 0.
/// </remarks>
internal sealed partial class SnpGuest : ConfidentialGuest
{
    private const byte Vc = ExceptionVector.VmmCommunication;
    private const uint NestedPageFault = 0x400;
    private const uint PageNotValidated = 0x404;
    private const ulong FramesInLarge = 512;
    private const int Rax = 0;
    private const int Rcx = 1;
    private const int Rdx = 2;
    private const int Rbx = 3;

    private readonly SevStatus _status;
    private readonly bool[] _isLarge;
    private readonly bool[] _isShared;
    private readonly Vcpu[] _vcpus;

    /// <summary>A guest whose registers are encrypted when <paramref name="status"/> says so.</summary>
    public SnpGuest(VirtualMachine machine, ConfidentialConfiguration configuration, SevStatus status)
        : base(machine, configuration)
    {
        _status = status;
        _isLarge = new bool[Platform.States.Count];
        _isShared = new bool[Platform.States.Count];
        foreach (PageStateInfo info in Platform.States)
        {
            // Only a large RMP entry can be split; a platform without an RMP has none.
            _isLarge[info.State.Value] = Platform.Apply(HostOperation.Split, info.State, Switches).Status == OperationStatus.Done;
            _isShared[info.State.Value] = info.Side == PageSide.Shared;
        }

        _vcpus = new Vcpu[machine.Configuration.ProcessorCount];
        foreach (ref Vcpu vcpu in _vcpus.AsSpan())
        {
            vcpu.RegisteredGhcb = ulong.MaxValue;
            vcpu.DefaultMemoryType = SevMsr.WriteBack;
        }

        JumpTable = EncryptsState && !HasRmp ? SnpLaunch.JumpTable : 0;
    }

    /// <summary>What the hypervisor keeps for one processor.</summary>
    private struct Vcpu
    {
        /// <summary>MSR C001_0130: the guest's and the hypervisor's letter box.</summary>
        public ulong GhcbMsr;

        /// <summary>The only address that a GHCB of an SNP guest may have; all ones before there is one.</summary>
        public ulong RegisteredGhcb;

        /// <summary>What the processor waits for, parked.</summary>
        public ResetHold Hold;

        /// <summary>IA32_MTRR_DEF_TYPE.</summary>
        public ulong DefaultMemoryType;

        /// <summary>Of the first processor: the machine's AP jump table, as the guest's firmware would have set it.</summary>
        public ulong JumpTable;
    }

    private enum ResetHold : ulong
    {
        None,
        MsrProtocol,
        Page,
    }

    /// <inheritdoc/>
    public override string HostName => "the hypervisor";

    /// <inheritdoc/>
    public override bool CodeAndTablesArePrivate => true;

    /// <inheritdoc/>
    public override Span<byte> StateBytes => MemoryMarshal.AsBytes(_vcpus.AsSpan());

    /// <inheritdoc/>
    public override GuestBootData BootData => HasRmp
        ? SnpLaunch.BootData(Machine.Processors[0].Cpuid, AttributeBit, TimeStampKilohertz)
        : SnpLaunch.BootDataWithoutRmp(AttributeBit, TimeStampKilohertz);

    private static ulong TimeStampKilohertz => MachineClock.TicksPerSecond / 1000;

    private bool HasRmp => _status.HasFlag(SevStatus.SecureNestedPaging);

    private ref ulong JumpTable => ref _vcpus[0].JumpTable;

    private bool EncryptsState => _status.HasFlag(SevStatus.EncryptedState);

    /// <inheritdoc/>
    public override void AdjustCpuid(CpuidTable basis, int processorCount) =>
        SevCpuid.Adjust(basis, _status, Platform.Format.AttributeBit!.Value, Switches, processorCount);

    /// <summary>A launched guest's memory is in 2 MiB entries wherever all of one is RAM.</summary>
    public override void Loaded()
    {
        if (!HasRmp)
        {
            return;
        }

        PageState large = new(Platform.PrivateState.Value);
        foreach (PageStateInfo info in Platform.States)
        {
            if (_isLarge[info.State.Value] && info.Side == PageSide.Private)
            {
                large = info.State;
            }
        }

        for (ulong first = 0; first << 12 < Machine.Ram.EndAddress; first += FramesInLarge)
        {
            if (!Machine.Ram.Contains(first << 12, FramesInLarge << 12))
            {
                continue;
            }

            for (ulong frame = first; frame < first + FramesInLarge; frame++)
            {
                Machine.PageStates![frame] = large;
            }
        }
    }

    /// <inheritdoc/>
    public override BusOutcome? ReadMsr(Processor processor, uint index, out ulong value)
    {
        value = 0;
        switch (index)
        {
            case SevMsr.Status:
                value = (ulong)_status;
                return BusOutcome.Done;
            case GhcbMsr.Index when EncryptsState:
                value = _vcpus[processor.Index].GhcbMsr;
                return BusOutcome.Done;
            case GhcbMsr.Index:
                return BusOutcome.GeneralProtection;
            case SevMsr.MemoryTypeDefault:
                value = _vcpus[processor.Index].DefaultMemoryType;
                return BusOutcome.Done;
            default:
                return SevMsr.Read(index, out value);
        }
    }

    /// <inheritdoc/>
    public override BusOutcome? WriteMsr(Processor processor, uint index, ulong value)
    {
        switch (index)
        {
            case SevMsr.Status:
                return BusOutcome.GeneralProtection;
            case GhcbMsr.Index when EncryptsState:
                _vcpus[processor.Index].GhcbMsr = value;
                return BusOutcome.Done;
            case GhcbMsr.Index:
                return BusOutcome.GeneralProtection;
            case SevMsr.MemoryTypeDefault:
                _vcpus[processor.Index].DefaultMemoryType = value & 0xCFF;
                return BusOutcome.Done;
            default:
                return SevMsr.Write(index, value);
        }
    }

    /// <inheritdoc/>
    public override ConfidentialVerdict Execute(Processor processor, Intercept intercept, int length)
    {
        switch (intercept)
        {
            case Intercept.Pvalidate when HasRmp:
                return ValidatePage(processor);
            case Intercept.Rmpadjust when HasRmp:
                return AdjustPage(processor);
            case Intercept.Vmgexit when EncryptsState:
                return Exit(processor);
            default:
                return EncryptsState && VmmCommunication.ExitCodeOf(processor, intercept, length) is uint code
                    ? new ConfidentialVerdict(ConfidentialAnswer.Exception, Vc, code)
                    : default;
        }
    }

    /// <summary>Splits the entry of a 2 MiB page when one of its pages no longer belongs to it.</summary>
    /// <remarks>Source: KVM v6.12, sev.c: every change of a page whose entry is larger begins with PSMASH.</remarks>
    public override void Apply(Processor? processor, ulong frame, in PageChange change)
    {
        PageState before = Machine.PageStates![frame];
        base.Apply(processor, frame, change);
        if (!_isLarge[before.Value] || _isLarge[change.State.Value])
        {
            return;
        }

        ulong first = frame & ~(FramesInLarge - 1);
        for (ulong other = first; other < first + FramesInLarge; other++)
        {
            PageState state = Machine.PageStates[other];
            if (_isLarge[state.Value])
            {
                base.Apply(processor, other, Platform.Apply(HostOperation.Split, state, Switches).Change);
            }
        }
    }

    /// <summary>An address outside RAM: devices show as nested page faults of the guest's own, which asks for them through the GHCB.</summary>
    /// <remarks>
    /// Source: KVM v6.12, svm/svm.c, init_vmcb() and mmu/mmu.c, kvm_handle_noslot_fault(): an entry with a reserved bit, so that hardware raises
    /// #VC; a private access to what is no memory is a memory-fault exit, which QEMU does not convert.
    /// </remarks>
    protected override ConfidentialVerdict CheckDevice(Processor processor, in ConfidentialAccess access)
    {
        if (!EncryptsState)
        {
            return default;
        }

        bool isPrivate = access.Attribute == PteAttribute.Private || access.Kind is AccessKind.Fetch or AccessKind.PageWalk;
        if (isPrivate && HasRmp)
        {
            return End(
                processor,
                MachineEndKind.GuestTerminated,
                $"{HostName}: private {access.Kind} at linear 0x{access.LinearAddress:x} of physical 0x{access.GuestPhysicalAddress:x}, where there is no RAM");
        }

        processor.State.Cr2 = access.LinearAddress;
        return new ConfidentialVerdict(ConfidentialAnswer.Exception, Vc, NestedPageFault);
    }

    /// <inheritdoc/>
    protected override ConfidentialVerdict Raise(Processor processor, in ConfidentialAccess access, AccessOutcome outcome)
    {
        if (outcome != AccessOutcome.VmmCommunicationException)
        {
            throw new System.Diagnostics.UnreachableException($"{outcome} on {Platform.Name}");
        }

        processor.State.Cr2 = access.LinearAddress;
        return new ConfidentialVerdict(ConfidentialAnswer.Exception, Vc, PageNotValidated);
    }
}
