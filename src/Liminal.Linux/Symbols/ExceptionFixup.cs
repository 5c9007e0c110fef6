// SPDX-License-Identifier: Apache-2.0

namespace Liminal.Linux.Symbols;

/// <summary>What the kernel does when the instruction of an exception-table entry faults: the low eight bits of the
/// entry's data word.</summary>
/// <remarks>Source: Linux v6.12 arch/x86/include/asm/extable_fixup_types.h; <see cref="Copy"/> is in v6.1 only,
/// <see cref="Eretu"/> in v6.12 only.</remarks>
public enum ExceptionFixup : byte
{
    /// <summary>No handling.</summary>
    None = 0,

    /// <summary>Go on at the fixup address.</summary>
    Default = 1,

    /// <summary>Store the vector in AX, go on at the fixup address.</summary>
    Fault = 2,

    /// <summary>A user-space access: as Default, with a warning for a non-canonical address.</summary>
    UserAccess = 3,

    /// <summary>A user-space copy: as Fault.</summary>
    Copy = 4,

    /// <summary>Clear FS, then as Default.</summary>
    ClearFs = 5,

    /// <summary>Reset the floating-point state.</summary>
    FpuRestore = 6,

    /// <summary>A load by a BPF program: clear the destination register.</summary>
    Bpf = 7,

    /// <summary>WRMSR that warns.</summary>
    Wrmsr = 8,

    /// <summary>RDMSR that warns and returns zero.</summary>
    Rdmsr = 9,

    /// <summary>WRMSR that returns an error.</summary>
    WrmsrSafe = 10,

    /// <summary>RDMSR that returns an error.</summary>
    RdmsrSafe = 11,

    /// <summary>WRMSR in the machine-check handler.</summary>
    WrmsrInMachineCheck = 12,

    /// <summary>RDMSR in the machine-check handler.</summary>
    RdmsrInMachineCheck = 13,

    /// <summary>As Default, also for a machine check.</summary>
    DefaultMachineCheckSafe = 14,

    /// <summary>As Fault, also for a machine check.</summary>
    FaultMachineCheckSafe = 15,

    /// <summary>Drop one stack slot and set a register.</summary>
    PopRegister = 16,

    /// <summary>Set a register to the immediate.</summary>
    ImmediateRegister = 17,

    /// <summary>A fault in an SGX enclave call.</summary>
    FaultSgx = 18,

    /// <summary>Compute the uncopied length of a user copy.</summary>
    UserCopyLength = 19,

    /// <summary>load_unaligned_zeropad(): load the aligned word in front of the page, zeros in place of what lies
    /// behind it.</summary>
    Zeropad = 20,

    /// <summary>Return to user mode under FRED.</summary>
    Eretu = 21,
}
