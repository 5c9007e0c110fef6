// SPDX-License-Identifier: Apache-2.0
using Liminal.Memory;
using Liminal.Platform;

namespace Liminal.X86;

/// <summary>Who sees an instruction in a confidential guest. <see cref="Native"/>: nobody, it does what it does in any guest.</summary>
public enum Intercept : byte
{
    /// <summary>Executes as in any guest.</summary>
    Native,

    /// <summary>CPUID.</summary>
    Cpuid,

    /// <summary>RDMSR, WRMSR.</summary>
    Msr,

    /// <summary>IN, OUT, INS, OUTS.</summary>
    Io,

    /// <summary>HLT.</summary>
    Hlt,

    /// <summary>MONITOR, MWAIT.</summary>
    Monitor,

    /// <summary>RDTSC, RDTSCP.</summary>
    Rdtsc,

    /// <summary>RDPMC.</summary>
    Rdpmc,

    /// <summary>INVD, WBINVD, WBNOINVD.</summary>
    CacheControl,

    /// <summary>MOV to and from debug registers.</summary>
    DebugRegister,

    /// <summary>MOV to and from control registers, LMSW, CLTS.</summary>
    ControlRegister,

    /// <summary>XSETBV.</summary>
    Xsetbv,

    /// <summary>VMCALL (Intel).</summary>
    Vmcall,

    /// <summary>VMMCALL (AMD).</summary>
    Vmmcall,

    /// <summary>TDCALL.</summary>
    Tdcall,

    /// <summary>VMGEXIT.</summary>
    Vmgexit,

    /// <summary>PVALIDATE.</summary>
    Pvalidate,

    /// <summary>RMPADJUST.</summary>
    Rmpadjust,
}

/// <summary>What the confidential rules answer.</summary>
public enum ConfidentialAnswer : byte
{
    /// <summary>Goes on as in any guest. The only answer to a memory access that the TLB keeps.</summary>
    Proceed,

    /// <summary>The rules carried the instruction out themselves; execution goes on behind it. Not an answer to a memory access.</summary>
    Emulated,

    /// <summary>The rules carried out a part; the same instruction goes on with what they left in the registers. Not an answer to a memory access.</summary>
    Again,

    /// <summary>The exception in the verdict is delivered; the instruction has done nothing.</summary>
    Exception,

    /// <summary>The run ends with <see cref="StopKind.HostExit"/>; the instruction has done nothing.</summary>
    HostExit,
}

/// <summary>What the confidential rules decided about one access or instruction.</summary>
/// <param name="Answer">The decision.</param>
/// <param name="Vector">For <see cref="ConfidentialAnswer.Exception"/>: 14 #PF, 18 #MC, 20 #VE or 29 #VC.</param>
/// <param name="ErrorCode">For vectors that push one.</param>
/// <param name="Address">For #PF of an instruction: CR2. For an access, the address is known.</param>
public readonly record struct ConfidentialVerdict(ConfidentialAnswer Answer, byte Vector = 0, uint ErrorCode = 0, ulong Address = 0);

/// <summary>Where the address operand of an instruction led that works on pages.</summary>
/// <param name="GuestPhysicalAddress">Where it led, attribute bit removed.</param>
/// <param name="Attribute">Private or shared, as the translation says.</param>
public readonly record struct OperandTranslation(ulong GuestPhysicalAddress, PteAttribute Attribute);

/// <summary>One access, after the page walk.</summary>
/// <param name="LinearAddress">The address that was, or is being, translated; of an access across a page edge, the first byte on the page in question.</param>
/// <param name="GuestPhysicalAddress">Where it led, attribute bit removed.</param>
/// <param name="Attribute">Private or shared, as the translation says.</param>
/// <param name="Kind">Read, write, fetch, or a read by the page walker.</param>
public readonly record struct ConfidentialAccess(ulong LinearAddress, ulong GuestPhysicalAddress, PteAttribute Attribute, AccessKind Kind);

/// <summary>One access to ports that an instruction is about to make; of INS and OUTS, one element.</summary>
/// <param name="Port">First port.</param>
/// <param name="Size">Bytes: 1, 2 or 4.</param>
/// <param name="IsInput">IN or INS.</param>
/// <param name="IsString">INS or OUTS.</param>
/// <param name="IsRepeated">With REP.</param>
/// <param name="IsImmediate">The port number is in the instruction, not in DX.</param>
public readonly record struct PortAccess(ushort Port, int Size, bool IsInput, bool IsString, bool IsRepeated, bool IsImmediate);

/// <summary>A MOV to a control register.</summary>
/// <param name="Number">0, 2, 3, 4 or 8.</param>
/// <param name="Source">Number of the general register.</param>
/// <param name="Value">What is in it.</param>
public readonly record struct ControlRegisterWrite(int Number, int Source, ulong Value);

/// <summary>The rules of a confidential guest, as the machine supplies them to a processor. A plain VM has none (null).</summary>
/// <remarks>
/// The TLB keeps only translations that were allowed: whoever changes a page's state decides which processors'
/// <see cref="Processor.FlushTranslations"/> to call, and staleness is modelled by not calling it.
/// </remarks>
public interface IConfidentialRules
{
    /// <summary>Mask of the attribute bit in page-table entries and CR3 (C-bit, shared bit, vTOM bit); zero when there is none.</summary>
    ulong AttributeBit { get; }

    /// <summary>True when the attribute bit set means shared (TDX, vTOM), false when it means private (C-bit).</summary>
    bool AttributeBitMeansShared { get; }

    /// <summary>True when code and page tables are private whatever the attribute of their mapping says (SEV); the check is told the attribute all the same.</summary>
    /// <remarks>Source: APM2 15.34.5 "SEV encryption behavior".</remarks>
    bool CodeAndTablesArePrivate => false;

    /// <summary>True when an allowed fetch of one 4 KiB page says that the whole 2 MiB page around it may be fetched too.</summary>
    bool IsUniform(ulong guestPhysicalAddress) => false;

    /// <summary>Decides about an access that missed the TLB, and about each table read of its walk.</summary>
    ConfidentialVerdict Check(Processor processor, in ConfidentialAccess access);

    /// <summary>Decides about an instruction before it does anything. Registers may be read and, for <see cref="ConfidentialAnswer.Emulated"/>, changed.</summary>
    /// <remarks>Asked only about an instruction that the privilege level and the I/O permissions allow.</remarks>
    /// <param name="processor">Who executes it.</param>
    /// <param name="intercept">Its column in the instruction table; never <see cref="Intercept.Native"/>.</param>
    /// <param name="length">Bytes of the instruction.</param>
    ConfidentialVerdict Execute(Processor processor, Intercept intercept, int length);
}
