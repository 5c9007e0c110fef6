// SPDX-License-Identifier: Apache-2.0
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Liminal.X86.Paging;

namespace Liminal.X86.State;

/// <summary>Everything of a processor that changes: one unmanaged value. A fork is an assignment.</summary>
/// <remarks>The register file must stay at offset 0: handlers address registers by byte offset from the start of the state.</remarks>
public struct VcpuState
{
    /// <summary>General registers, RIP, and segment bases; see <see cref="RegisterFile"/>.</summary>
    public RegisterFile Registers;

    /// <summary>The six arithmetic flags, not yet computed.</summary>
    public LazyFlags Flags;

    /// <summary>RFLAGS without the six arithmetic flags; bit 1 always set.</summary>
    public ulong SystemFlags;

    /// <summary>CR0.</summary>
    public ulong Cr0;

    /// <summary>CR2: address of the last #PF.</summary>
    public ulong Cr2;

    /// <summary>CR3, without the no-flush bit 63.</summary>
    public ulong Cr3;

    /// <summary>CR4.</summary>
    public ulong Cr4;

    /// <summary>IA32_EFER.</summary>
    public ulong Efer;

    /// <summary>XCR0.</summary>
    public ulong Xcr0;

    /// <summary>DR0 to DR3, then DR6 and DR7.</summary>
    public DebugRegisters Debug;

    /// <summary>Segment registers, by <see cref="SegmentIndex"/>; their bases are in <see cref="Registers"/>.</summary>
    public SegmentRegisters Segments;

    /// <summary>Local descriptor table.</summary>
    public SystemSegment Ldtr;

    /// <summary>Task register.</summary>
    public SystemSegment Tr;

    /// <summary>Global descriptor table.</summary>
    public DescriptorTable Gdtr;

    /// <summary>Interrupt descriptor table.</summary>
    public DescriptorTable Idtr;

    /// <summary>Model-specific registers that the processor keeps itself.</summary>
    public ModelSpecificRegisters Msr;

    /// <summary>x87 and SSE.</summary>
    public FloatingPointState Fpu;

    /// <summary>Instructions retired since power-on, and event deliveries: the processor's time.</summary>
    public ulong InstructionsRetired;

    /// <summary>Running, halted, waiting for a start-up message, shut down.</summary>
    public Activity Activity;

    /// <summary>True for one instruction after MOV SS, POP SS and an STI that set IF: no interrupt is taken.</summary>
    public bool InterruptShadow;

    /// <summary>With <see cref="InterruptShadow"/>, after MOV SS and POP SS: #DB is held back too.</summary>
    public bool DebugShadow;

    /// <summary>An NMI waits to be delivered.</summary>
    public bool NmiPending;

    /// <summary>From NMI delivery to the next IRET.</summary>
    public bool NmiBlocked;

    /// <summary>The local APIC asks for an interrupt.</summary>
    public bool InterruptRequested;

    /// <summary>A single-step or breakpoint #DB that waits for the end of its instruction; bits as in DR6.</summary>
    public ulong PendingDebug;

    /// <summary>Value of <see cref="InstructionsRetired"/> behind the last IRET.</summary>
    public ulong ReturnedAt;

    /// <summary>Exceptions of a confidential guest that come back at once, by a hash of their RIP.</summary>
    public RepeatedFaults Repeated;

    /// <summary>Data translations held by the processor.</summary>
    public DataTlb DataTlb;

    /// <summary>Code translations of 4 KiB pages held by the processor.</summary>
    public CodeTlb CodeTlb;

    /// <summary>Code translations of larger pages held by the processor.</summary>
    public LargeCodeTlb LargeCodeTlb;
}

/// <summary>The last exceptions by a hash of their RIP, so that those inside a handler do not hide the one that it handles.</summary>
[InlineArray(Count)]
public struct RepeatedFaults
{
    /// <summary>Places in the table.</summary>
    public const int Count = 16;

    private RepeatedFault _first;
}

/// <summary>An exception, and how often it came back with no instruction retired between the return to it and its next delivery.</summary>
public struct RepeatedFault
{
    /// <summary>RIP of the exception.</summary>
    public ulong Rip;

    /// <summary>Its address: linear, of the access.</summary>
    public ulong Address;

    /// <summary>Stack address that the IRET of its handler will have; all ones from CPL 3; 0 once it has returned.</summary>
    public ulong Frame;

    /// <summary>Value of <see cref="VcpuState.InstructionsRetired"/> at the last delivery.</summary>
    public ulong DeliveredAt;

    /// <summary>Deliveries so far.</summary>
    public int Count;

    /// <summary>The handler has returned to the instruction itself.</summary>
    public bool HasReturned;

    /// <summary>Its vector.</summary>
    public byte Vector;
}

/// <summary>What a processor is doing between instructions.</summary>
public enum Activity : byte
{
    /// <summary>Executes instructions.</summary>
    Running,

    /// <summary>In HLT until an interrupt or NMI.</summary>
    Halted,

    /// <summary>Held by the host, after a call, until an interrupt or NMI is pending, whatever IF says; see <see cref="Processor.WaitForInterrupt"/>.</summary>
    Held,

    /// <summary>After INIT until a start-up IPI.</summary>
    WaitForStartup,

    /// <summary>After a triple fault.</summary>
    Shutdown,
}

/// <summary>Sixteen general registers in encoding order, then RIP, a constant zero, and the bases of ES, CS, SS, DS, FS, GS.</summary>
/// <remarks>RIP and the zero stand in the file so that every address is base + index * scale + segment base + displacement without a branch.
/// While a block of code executes, RIP is that of its first instruction.</remarks>
[InlineArray(Count)]
public struct RegisterFile
{
    /// <summary>Slots in the file.</summary>
    public const int Count = 24;

    /// <summary>Slot of RIP.</summary>
    public const int Rip = 16;

    /// <summary>Slot that always holds zero.</summary>
    public const int Zero = 17;

    /// <summary>Slot of the base of ES; the others follow in encoding order.</summary>
    public const int SegmentBases = 18;

    private ulong _first;
}

/// <summary>DR0, DR1, DR2, DR3, DR6, DR7.</summary>
[InlineArray(6)]
public struct DebugRegisters
{
    private ulong _first;
}

/// <summary>Segment registers in encoding order.</summary>
public enum SegmentIndex : byte
{
    /// <summary>ES.</summary>
    Es,

    /// <summary>CS.</summary>
    Cs,

    /// <summary>SS.</summary>
    Ss,

    /// <summary>DS.</summary>
    Ds,

    /// <summary>FS.</summary>
    Fs,

    /// <summary>GS.</summary>
    Gs,
}

/// <summary>The six segment registers.</summary>
[InlineArray(6)]
public struct SegmentRegisters
{
    private SegmentRegister _first;
}

/// <summary>A segment register without its base.</summary>
/// <param name="Selector">The visible part.</param>
/// <param name="Attributes">Bits 55:40 of the descriptor: type, S, DPL, P, limit 19:16 (ignored), AVL, L, D/B, G.</param>
/// <param name="Limit">In bytes, granularity applied.</param>
public readonly record struct SegmentRegister(ushort Selector, ushort Attributes, uint Limit)
{
    /// <summary>Descriptor privilege level.</summary>
    public int Dpl => (Attributes >> 5) & 3;

    /// <summary>L: 64-bit code.</summary>
    public bool IsLong => (Attributes & 0x2000) != 0;

    /// <summary>D or B: 32-bit code or stack.</summary>
    public bool IsBig => (Attributes & 0x4000) != 0;
}

/// <summary>LDTR or TR.</summary>
/// <param name="Base">Linear address of the table or TSS.</param>
/// <param name="Limit">In bytes.</param>
/// <param name="Selector">The visible part.</param>
/// <param name="Attributes">As in <see cref="SegmentRegister"/>; zero when not usable.</param>
public readonly record struct SystemSegment(ulong Base, uint Limit, ushort Selector, ushort Attributes);

/// <summary>GDTR or IDTR.</summary>
/// <param name="Base">Linear address of the table.</param>
/// <param name="Limit">Offset of the last byte.</param>
public readonly record struct DescriptorTable(ulong Base, ushort Limit);

/// <summary>Values of the MSRs that the processor keeps; indices in <see cref="ModelSpecificRegister"/>.</summary>
public struct ModelSpecificRegisters
{
    /// <summary>IA32_STAR.</summary>
    public ulong Star;

    /// <summary>IA32_LSTAR.</summary>
    public ulong LongStar;

    /// <summary>IA32_CSTAR.</summary>
    public ulong CompatibilityStar;

    /// <summary>IA32_FMASK.</summary>
    public ulong SyscallFlagMask;

    /// <summary>IA32_KERNEL_GS_BASE.</summary>
    public ulong KernelGsBase;

    /// <summary>IA32_SYSENTER_CS.</summary>
    public ulong SysenterCs;

    /// <summary>IA32_SYSENTER_ESP.</summary>
    public ulong SysenterEsp;

    /// <summary>IA32_SYSENTER_EIP.</summary>
    public ulong SysenterEip;

    /// <summary>IA32_PAT.</summary>
    public ulong Pat;

    /// <summary>IA32_TSC_AUX.</summary>
    public ulong TscAux;

    /// <summary>IA32_TSC_ADJUST: added to the machine's time stamp.</summary>
    public ulong TscAdjust;

    /// <summary>IA32_MISC_ENABLE.</summary>
    public ulong MiscEnable;
}

/// <summary>x87 and SSE registers.</summary>
public struct FloatingPointState
{
    /// <summary>XMM0 to XMM15.</summary>
    public VectorRegisters Xmm;

    /// <summary>x87 registers by physical number (not relative to TOP); 80 bits in the low ten bytes.</summary>
    public StackRegisters Stack;

    /// <summary>MXCSR.</summary>
    public uint Mxcsr;

    /// <summary>x87 control word.</summary>
    public ushort Control;

    /// <summary>x87 status word, TOP included.</summary>
    public ushort Status;

    /// <summary>Bit n is set when physical register n is not empty (FXSAVE's abridged tag).</summary>
    public byte Tags;

    /// <summary>Opcode of the last x87 instruction; 11 bits.</summary>
    public ushort Opcode;

    /// <summary>RIP of the last x87 instruction.</summary>
    public ulong InstructionPointer;

    /// <summary>Address of the last x87 memory operand.</summary>
    public ulong DataPointer;
}

/// <summary>Sixteen 128-bit registers.</summary>
[InlineArray(16)]
public struct VectorRegisters
{
    private VectorRegister _first;
}

/// <summary>One 128-bit register or one x87 register.</summary>
/// <param name="Low">Bits 63:0.</param>
/// <param name="High">Bits 127:64.</param>
[StructLayout(LayoutKind.Sequential)]
public record struct VectorRegister(ulong Low, ulong High);

/// <summary>Eight 80-bit registers, 16 bytes apart.</summary>
[InlineArray(8)]
public struct StackRegisters
{
    private VectorRegister _first;
}
