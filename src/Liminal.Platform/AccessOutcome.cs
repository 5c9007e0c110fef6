// SPDX-License-Identifier: Apache-2.0

namespace Liminal.Platform;

/// <summary>What an access meets.</summary>
public enum AccessOutcome : byte
{
    /// <summary>The access completes on the backing that its attribute names.</summary>
    Ok,

    /// <summary>#PF: not present, or a reserved bit is set.</summary>
    PageFault,

    /// <summary>#VE (TDX): an EPT violation that the hardware turned into an exception in the guest.</summary>
    VirtualizationException,

    /// <summary>#VC (SEV-SNP): PAGE_NOT_VALIDATED, error code 0x404.</summary>
    VmmCommunicationException,

    /// <summary>#MC injected by a paravisor.</summary>
    MachineCheck,

    /// <summary>An exit to the VMM or paravisor; what follows is the host's choice (<see cref="AccessResolution"/>).</summary>
    HostExit,

    /// <summary>The VM is gone.</summary>
    GuestTerminated,

    /// <summary>The same exit at the same instruction for ever: the host resumes without changing anything.</summary>
    Livelock,

    /// <summary>The access completes with data that nobody wrote there (ciphertext, or another key's view).</summary>
    SilentlyWrong,
}

/// <summary>Who asks: the kind of an access.</summary>
public enum AccessKind : byte
{
    /// <summary>Data read; a stray load is one.</summary>
    Read,

    /// <summary>Data write.</summary>
    Write,

    /// <summary>Instruction fetch.</summary>
    Fetch,

    /// <summary>Page-table read by the walker.</summary>
    PageWalk,
}
