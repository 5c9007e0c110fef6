// SPDX-License-Identifier: Apache-2.0
using System;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Liminal.Machine.Boards;
using Liminal.Memory;
using Liminal.Memory.Ram;
using Liminal.Platform;
using Liminal.X86;
using Liminal.X86.State;

namespace Liminal.Machine.Confidential;

/// <summary>
/// A guest under a Hyper-V paravisor: SEV-SNP in vTOM mode, or an L2 guest of TD Partitioning. The paravisor shows it an ordinary processor, serves
/// its hypercalls, and gets every access that the page states do not allow.
/// </summary>
/// <remarks>
/// Source: OpenVMM 2026-08 for what the paravisor does, TLFS for the interface; platform rules come from the rulebook. Not modelled: SynIC and VMBus,
/// synthetic timers, VTL1, hypercalls other than the visibility call.
/// </remarks>
public sealed partial class ParavisorGuest : ConfidentialGuest
{
    private State _state;

    /// <summary>Binds the paravisor to a machine.</summary>
    public ParavisorGuest(VirtualMachine machine, ConfidentialConfiguration configuration)
        : base(machine, configuration)
    {
    }

    /// <inheritdoc/>
    public override Span<byte> StateBytes => MemoryMarshal.AsBytes(MemoryMarshal.CreateSpan(ref _state, 1));

    /// <inheritdoc/>
    public override string HostName => "the paravisor";

    /// <inheritdoc/>
    public override bool CodeAndTablesArePrivate => IsSnp;

    /// <summary>Calls of the guest with code DBh so far, those with an error included.</summary>
    public ulong VisibilityCalls => _state.VisibilityCalls;

    /// <summary>VMGEXITs with an empty GHCB so far.</summary>
    public ulong EmptyGhcbExits => _state.EmptyGhcbExits;

    private bool IsSnp => Platform is VtomPlatform;

    /// <inheritdoc/>
    /// <remarks>The GHCB pages are of the reserved type, because Linux maps memory that the ACPI types name as private, and everything else it maps for a device as shared.</remarks>
    public override GuestBootData BootData => IsSnp
        ? new GuestBootData { Regions = [(GhcbOf(0), MemoryMap.ParavisorGhcbEnd - GhcbOf(0), MemoryType.Reserved)] }
        : new GuestBootData();

    /// <inheritdoc/>
    public override void AdjustCpuid(CpuidTable basis, int processorCount) => HyperVCpuid.Apply(basis, Platform, processorCount);

    /// <inheritdoc/>
    public override void Loaded()
    {
        if (!IsSnp)
        {
            return;
        }

        // The paravisor has made the GHCB pages visible to the hypervisor before the guest starts.
        for (int index = 0; index < Machine.Configuration.ProcessorCount; index++)
        {
            Machine.PageStates![GhcbOf(index) >> 12] = Platform.SharedState;
            _state.Ghcb[index] = GhcbOf(index) | AttributeBit;
        }
    }

    /// <inheritdoc/>
    public override ConfidentialVerdict Execute(Processor processor, Intercept intercept, int length) => intercept switch
    {
        Intercept.Vmcall when !IsSnp => ExecuteHypercall(processor),
        Intercept.Vmmcall when IsSnp => ExecuteHypercall(processor),
        Intercept.Vmgexit when IsSnp => ExecuteVmgexit(processor),
        Intercept.Tdcall when !IsSnp => ExecuteTdcall(processor),
        _ => default,
    };

    /// <inheritdoc/>
    protected override ConfidentialVerdict CheckDevice(Processor processor, in ConfidentialAccess access)
    {
        // The paravisor has the I/O APIC; what is above the boundary belongs to the hypervisor, which has no devices here.
        bool isPrivate = access.Attribute == PteAttribute.Private;
        ulong page = access.GuestPhysicalAddress & ~0xffful;
        bool isParavisors = page is MemoryMap.IoApic or MemoryMap.LocalApic;
        return isPrivate == isParavisors || access.Kind is AccessKind.Fetch or AccessKind.PageWalk
            ? default
            : NotModelled($"{access.Kind} of device memory at 0x{access.GuestPhysicalAddress:x} through a {(isPrivate ? "private" : "shared")} mapping");
    }

    /// <inheritdoc/>
    protected override ConfidentialVerdict Raise(Processor processor, in ConfidentialAccess access, AccessOutcome outcome) => outcome switch
    {
        AccessOutcome.MachineCheck => new(ConfidentialAnswer.Exception, ExceptionVector.MachineCheck),
        _ => new(ConfidentialAnswer.Exception, ExceptionVector.PageFault, ReservedBitError(processor, access)),
    };

    /// <summary>A backing of the guest's memory as one of its own addresses names it; null when the page's state does not allow the access or it is not RAM.</summary>
    private GuestRam? BackingOf(ulong address, int length, AccessKind kind)
    {
        PteAttribute attribute = (address & AttributeBit) != 0 ? PteAttribute.Shared : PteAttribute.Private;
        ulong place = address & ~AttributeBit;
        bool isAllowed = length > 0 && Machine.Ram.Contains(place, (ulong)length)
            && Platform.Access(Machine.PageStates![place >> 12], attribute, kind, Switches).Outcome == AccessOutcome.Ok;
        return !isAllowed ? null : attribute == PteAttribute.Shared ? Machine.SharedRam : Machine.Ram;
    }

    private ulong GhcbOf(int index) => MemoryMap.ParavisorGhcbEnd - ((ulong)(Machine.Configuration.ProcessorCount - index) << 12);

    /// <summary>Unmanaged; copied by a fork.</summary>
    internal struct State
    {
        public ulong GuestOsId;
        public ulong HypervisorGuestOsId;
        public ulong HypercallPage;
        public ulong ReferenceTsc;
        public ulong InvariantTscControl;
        public ulong VisibilityCalls;
        public ulong EmptyGhcbExits;
        public uint TscSequence;
        public PerProcessor VpAssist;
        public PerProcessor Ghcb;
    }

    /// <summary>One value for each processor.</summary>
    [InlineArray(Board.MostProcessors)]
    internal struct PerProcessor
    {
        private ulong _first;
    }
}
