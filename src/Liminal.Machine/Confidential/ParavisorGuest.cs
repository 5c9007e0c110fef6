// SPDX-License-Identifier: Apache-2.0
using System;
using System.Runtime.InteropServices;
using Liminal.Platform;
using Liminal.X86;
using Liminal.X86.State;

namespace Liminal.Machine.Confidential;

/// <summary>A guest under a Hyper-V paravisor: SEV-SNP in vTOM mode, or an L2 guest of TD Partitioning.</summary>
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
    public override bool CodeAndTablesArePrivate => Platform is VtomPlatform;

    /// <inheritdoc/>
    public override void AdjustCpuid(CpuidTable basis, int processorCount)
    {
    }

    /// <inheritdoc/>
    public override ConfidentialVerdict Execute(Processor processor, Intercept intercept, int length) => default;

    /// <inheritdoc/>
    protected override ConfidentialVerdict Raise(Processor processor, in ConfidentialAccess access, AccessOutcome outcome) => outcome switch
    {
        AccessOutcome.MachineCheck => new(ConfidentialAnswer.Exception, ExceptionVector.MachineCheck),
        _ => new(ConfidentialAnswer.Exception, ExceptionVector.PageFault, ReservedBitError(processor, access)),
    };

    /// <summary>Unmanaged; copied by a fork.</summary>
    internal struct State
    {
        public ulong GuestOsId;
    }
}
