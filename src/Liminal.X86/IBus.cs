// SPDX-License-Identifier: Apache-2.0
namespace Liminal.X86;

/// <summary>How the machine around a processor answered a request.</summary>
public enum BusOutcome : byte
{
    /// <summary>The request was carried out.</summary>
    Done,

    /// <summary>Nothing that is modelled answers; the processor stops with <see cref="StopKind.NotModelled"/> before the instruction.</summary>
    NotModelled,

    /// <summary>The architecture answers with #GP(0): an MSR that does not exist, or a reserved bit in its value.</summary>
    GeneralProtection,
}

/// <summary>Everything of the machine that a processor asks for, outside RAM. Only slow paths come here.</summary>
/// <remarks>
/// An implementation that changes when something is next due (a timer was armed, another processor was signalled) calls
/// <see cref="Processor.RequestStop"/>; the run then ends after the present instruction.
/// While a call is being served, <see cref="Processor.InstructionsRetired"/> counts the instructions before the present one.
/// </remarks>
public interface IBus
{
    /// <summary>Loads from guest-physical addresses that are not RAM.</summary>
    /// <param name="processor">Who asks.</param>
    /// <param name="address">Guest-physical address.</param>
    /// <param name="size">Bytes: 1, 2, 4 or 8; never across a page edge.</param>
    /// <param name="value">The value, zero-extended.</param>
    BusOutcome ReadMemory(Processor processor, ulong address, int size, out ulong value);

    /// <summary>Stores to guest-physical addresses that are not RAM.</summary>
    BusOutcome WriteMemory(Processor processor, ulong address, int size, ulong value);

    /// <summary>IN and INS.</summary>
    /// <param name="processor">Who asks.</param>
    /// <param name="port">First port.</param>
    /// <param name="size">Bytes: 1, 2 or 4.</param>
    /// <param name="value">The value, zero-extended.</param>
    BusOutcome ReadPort(Processor processor, ushort port, int size, out uint value);

    /// <summary>OUT and OUTS.</summary>
    BusOutcome WritePort(Processor processor, ushort port, int size, uint value);

    /// <summary>RDMSR of an index that the processor itself does not keep, see <see cref="State.ModelSpecificRegister"/>: the local APIC's and the board's.</summary>
    BusOutcome ReadMsr(Processor processor, uint index, out ulong value);

    /// <summary>WRMSR of an index that the processor itself does not keep.</summary>
    BusOutcome WriteMsr(Processor processor, uint index, ulong value);

    /// <summary>Hands over the vector of the highest pending interrupt and moves it into service; asked only while <see cref="Processor.InterruptRequested"/>.</summary>
    /// <returns>0 to 255, or -1 when the request has gone away.</returns>
    int AcknowledgeInterrupt(Processor processor);

    /// <summary>IA32_APIC_BASE enables the local APIC; CPUID shows it.</summary>
    bool HasLocalApic(Processor processor);

    /// <summary>CR8: bits 7:4 of the local APIC's task priority.</summary>
    ulong ReadTaskPriority(Processor processor);

    /// <summary>Sets CR8.</summary>
    void WriteTaskPriority(Processor processor, ulong priority);

    /// <summary>The time-stamp counter of the machine at this instruction, before the processor's own IA32_TSC_ADJUST.</summary>
    ulong ReadTimestamp(Processor processor);

    /// <summary>The next 64 random bits of the machine's seed, for RDRAND and RDSEED.</summary>
    ulong NextRandom(Processor processor);
}
