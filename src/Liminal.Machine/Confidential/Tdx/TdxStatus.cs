// SPDX-License-Identifier: Apache-2.0
namespace Liminal.Machine.Confidential.Tdx;

/// <summary>What the TDX module returns in RAX. The low half of some is the number of the operand at fault, or a SEPT level.</summary>
/// <remarks>Source: TDX-Module 1.5, tdx_error_codes_defs.h; api_error_with_operand_id() adds the operand.</remarks>
internal static class TdxStatus
{
    public const ulong Success = 0;
    public const ulong OperandInvalid = 0xC000_0100_0000_0000;
    public const ulong NoValidVeInfo = 0xC000_0704_0000_0000;
    public const ulong PageAlreadyAccepted = 0x0000_0B0A_0000_0000;
    public const ulong PageSizeMismatch = 0xC000_0B0B_0000_0000;
    public const ulong FieldIdIncorrect = 0xC000_0C00_0000_0000;
    public const ulong FieldNotWritable = 0xC000_0C01_0000_0000;
    public const ulong FieldValueNotValid = 0xC000_0C03_0000_0000;

    // Operands, as they are numbered in the low half.
    public const ulong Rax = 0;
    public const ulong Rcx = 1;
    public const ulong Rdx = 2;
    public const ulong R8 = 8;
}

/// <summary>What the VMM returns in R10 of a TDVMCALL.</summary>
/// <remarks>Source: KVM v6.16, asm/shared/tdx.h, TDVMCALL_STATUS_*.</remarks>
internal static class TdVmCallStatus
{
    public const ulong Success = 0;
    public const ulong Retry = 1;
    public const ulong InvalidOperand = 0x8000_0000_0000_0000;
    public const ulong AlignError = 0x8000_0000_0000_0002;
    public const ulong FunctionUnsupported = 0x8000_0000_0000_0003;
}

/// <summary>Leaves of TDCALL, the number in RAX.</summary>
/// <remarks>Source: TDX-Module 1.5, tdx_api_defs.h.</remarks>
internal enum TdCallLeaf : ushort
{
    VpVmCall = 0,
    VpInfo = 1,
    VpVeInfoGet = 3,
    MrReport = 4,
    MemPageAccept = 6,
    VmRead = 7,
    VmWrite = 8,
}

/// <summary>Functions of TDVMCALL, the number in R11.</summary>
/// <remarks>Source: KVM v6.16, asm/shared/tdx.h and uapi/asm/vmx.h: those below 10000h are exit reasons.</remarks>
internal enum TdVmCallFunction : ulong
{
    Cpuid = 0x0A,
    Halt = 0x0C,
    PortIo = 0x1E,
    ReadMsr = 0x1F,
    WriteMsr = 0x20,
    Mmio = 0x30,
    GetTdVmCallInfo = 0x1_0000,
    MapGpa = 0x1_0001,
    GetQuote = 0x1_0002,
    ReportFatalError = 0x1_0003,
    SetupEventNotifyInterrupt = 0x1_0004,
}

/// <summary>Why a #VE was raised: VM-exit reasons.</summary>
/// <remarks>Source: SDM3C, appendix "VMX basic exit reasons"; TDX-Module 1.5, tdx_td_dispatcher.c for which of them become #VE.</remarks>
internal enum VeReason : uint
{
    Cpuid = 10,
    Halt = 12,
    Invd = 13,
    Vmcall = 18,
    ControlRegister = 28,
    PortIo = 30,
    ReadMsr = 31,
    WriteMsr = 32,
    Mwait = 36,
    Monitor = 39,
    EptViolation = 48,
    Wbinvd = 54,
}
