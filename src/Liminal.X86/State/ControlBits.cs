// SPDX-License-Identifier: Apache-2.0
namespace Liminal.X86.State;

/// <summary>Bits of CR0.</summary>
public static class Cr0
{
    /// <summary>PE.</summary>
    public const ulong ProtectionEnable = 1 << 0;

    /// <summary>MP.</summary>
    public const ulong MonitorCoprocessor = 1 << 1;

    /// <summary>EM.</summary>
    public const ulong Emulation = 1 << 2;

    /// <summary>TS.</summary>
    public const ulong TaskSwitched = 1 << 3;

    /// <summary>ET, always set.</summary>
    public const ulong ExtensionType = 1 << 4;

    /// <summary>NE.</summary>
    public const ulong NumericError = 1 << 5;

    /// <summary>WP.</summary>
    public const ulong WriteProtect = 1 << 16;

    /// <summary>AM.</summary>
    public const ulong AlignmentMask = 1 << 18;

    /// <summary>NW.</summary>
    public const ulong NotWriteThrough = 1 << 29;

    /// <summary>CD.</summary>
    public const ulong CacheDisable = 1 << 30;

    /// <summary>PG.</summary>
    public const ulong Paging = 1ul << 31;
}

/// <summary>Bits of CR4.</summary>
public static class Cr4
{
    /// <summary>TSD.</summary>
    public const ulong TimeStampDisable = 1 << 2;

    /// <summary>DE.</summary>
    public const ulong DebuggingExtensions = 1 << 3;

    /// <summary>PSE.</summary>
    public const ulong PageSizeExtensions = 1 << 4;

    /// <summary>PAE.</summary>
    public const ulong PhysicalAddressExtension = 1 << 5;

    /// <summary>MCE.</summary>
    public const ulong MachineCheckEnable = 1 << 6;

    /// <summary>PGE.</summary>
    public const ulong PageGlobalEnable = 1 << 7;

    /// <summary>OSFXSR.</summary>
    public const ulong OsFxsr = 1 << 9;

    /// <summary>OSXMMEXCPT.</summary>
    public const ulong OsXmmExceptions = 1 << 10;

    /// <summary>UMIP.</summary>
    public const ulong UserModeInstructionPrevention = 1 << 11;

    /// <summary>LA57.</summary>
    public const ulong FiveLevelPaging = 1 << 12;

    /// <summary>FSGSBASE.</summary>
    public const ulong FsGsBase = 1 << 16;

    /// <summary>PCIDE.</summary>
    public const ulong ProcessContextIds = 1 << 17;

    /// <summary>OSXSAVE.</summary>
    public const ulong OsXsave = 1 << 18;

    /// <summary>SMEP.</summary>
    public const ulong SupervisorExecutionPrevention = 1 << 20;

    /// <summary>SMAP.</summary>
    public const ulong SupervisorAccessPrevention = 1 << 21;
}

/// <summary>Bits of IA32_EFER.</summary>
public static class Efer
{
    /// <summary>SCE.</summary>
    public const ulong SyscallEnable = 1 << 0;

    /// <summary>LME.</summary>
    public const ulong LongModeEnable = 1 << 8;

    /// <summary>LMA.</summary>
    public const ulong LongModeActive = 1 << 10;

    /// <summary>NXE.</summary>
    public const ulong NoExecuteEnable = 1 << 11;
}

/// <summary>Exception vectors that the processor raises.</summary>
public static class ExceptionVector
{
    /// <summary>#DE.</summary>
    public const byte Divide = 0;

    /// <summary>#DB.</summary>
    public const byte Debug = 1;

    /// <summary>NMI.</summary>
    public const byte NonMaskableInterrupt = 2;

    /// <summary>#BP.</summary>
    public const byte Breakpoint = 3;

    /// <summary>#OF.</summary>
    public const byte Overflow = 4;

    /// <summary>#BR.</summary>
    public const byte BoundRange = 5;

    /// <summary>#UD.</summary>
    public const byte InvalidOpcode = 6;

    /// <summary>#NM.</summary>
    public const byte DeviceNotAvailable = 7;

    /// <summary>#DF.</summary>
    public const byte DoubleFault = 8;

    /// <summary>#TS.</summary>
    public const byte InvalidTss = 10;

    /// <summary>#NP.</summary>
    public const byte SegmentNotPresent = 11;

    /// <summary>#SS.</summary>
    public const byte Stack = 12;

    /// <summary>#GP.</summary>
    public const byte GeneralProtection = 13;

    /// <summary>#PF.</summary>
    public const byte PageFault = 14;

    /// <summary>#MF.</summary>
    public const byte FloatingPoint = 16;

    /// <summary>#AC.</summary>
    public const byte AlignmentCheck = 17;

    /// <summary>#MC.</summary>
    public const byte MachineCheck = 18;

    /// <summary>#XM.</summary>
    public const byte SimdFloatingPoint = 19;

    /// <summary>#VE.</summary>
    public const byte Virtualization = 20;

    /// <summary>#CP.</summary>
    public const byte ControlProtection = 21;

    /// <summary>#VC.</summary>
    public const byte VmmCommunication = 29;
}

/// <summary>Indices of the MSRs that the processor keeps itself; all others are the bus's.</summary>
public static class ModelSpecificRegister
{
    /// <summary>IA32_TIME_STAMP_COUNTER.</summary>
    public const uint TimeStampCounter = 0x10;

    /// <summary>IA32_TSC_ADJUST.</summary>
    public const uint TscAdjust = 0x3b;

    /// <summary>IA32_SYSENTER_CS.</summary>
    public const uint SysenterCs = 0x174;

    /// <summary>IA32_SYSENTER_ESP.</summary>
    public const uint SysenterEsp = 0x175;

    /// <summary>IA32_SYSENTER_EIP.</summary>
    public const uint SysenterEip = 0x176;

    /// <summary>IA32_MISC_ENABLE.</summary>
    public const uint MiscEnable = 0x1a0;

    /// <summary>IA32_PAT.</summary>
    public const uint Pat = 0x277;

    /// <summary>IA32_EFER.</summary>
    public const uint Efer = 0xc000_0080;

    /// <summary>IA32_STAR.</summary>
    public const uint Star = 0xc000_0081;

    /// <summary>IA32_LSTAR.</summary>
    public const uint LongStar = 0xc000_0082;

    /// <summary>IA32_CSTAR.</summary>
    public const uint CompatibilityStar = 0xc000_0083;

    /// <summary>IA32_FMASK.</summary>
    public const uint SyscallFlagMask = 0xc000_0084;

    /// <summary>IA32_FS_BASE.</summary>
    public const uint FsBase = 0xc000_0100;

    /// <summary>IA32_GS_BASE.</summary>
    public const uint GsBase = 0xc000_0101;

    /// <summary>IA32_KERNEL_GS_BASE.</summary>
    public const uint KernelGsBase = 0xc000_0102;

    /// <summary>IA32_TSC_AUX.</summary>
    public const uint TscAux = 0xc000_0103;
}
