// SPDX-License-Identifier: Apache-2.0
using Liminal.Chipset;
using Liminal.Machine.Boards;
using Liminal.X86;

namespace Liminal.Machine;

/// <summary>Connects processors with the board.</summary>
/// <remarks>
/// Every write, and every read that sends an interrupt, ends the slice, so that deadlines, interrupt requests and the schedule are looked at
/// again before the next instruction, and where a slice ends otherwise never shows.
/// </remarks>
internal sealed class ProcessorBus(VirtualMachine machine) : IBus
{
    private const uint ApicBaseMsr = 0x1B;
    private const uint TscDeadlineMsr = 0x6E0;

    public BusOutcome ReadMemory(Processor processor, ulong address, int size, out ulong value)
    {
        value = 0;
        IMmioDevice? device = machine.Board.MmioAt(processor.Index, address, out ulong offset);
        if (device is null)
        {
            return BusOutcome.NotModelled;
        }

        machine.SynchronizeClock();
        uint before = machine.Board.InterruptMessagesSent;
        value = device.ReadMmio(offset, size);
        if (machine.Board.InterruptMessagesSent != before)
        {
            processor.RequestStop();
        }

        return BusOutcome.Done;
    }

    public BusOutcome WriteMemory(Processor processor, ulong address, int size, ulong value)
    {
        IMmioDevice? device = machine.Board.MmioAt(processor.Index, address, out ulong offset);
        if (device is null)
        {
            return BusOutcome.NotModelled;
        }

        machine.SynchronizeClock();
        device.WriteMmio(offset, size, value);
        processor.RequestStop();
        return BusOutcome.Done;
    }

    public BusOutcome ReadPort(Processor processor, ushort port, int size, out uint value)
    {
        value = 0;
        IPortDevice? device = machine.Board.Ports.At(port);
        if (device is null)
        {
            return BusOutcome.NotModelled;
        }

        machine.SynchronizeClock();
        uint before = machine.Board.InterruptMessagesSent;
        value = device.ReadPort(port, size);
        if (machine.Board.InterruptMessagesSent != before)
        {
            processor.RequestStop();
        }

        return BusOutcome.Done;
    }

    public BusOutcome WritePort(Processor processor, ushort port, int size, uint value)
    {
        IPortDevice? device = machine.Board.Ports.At(port);
        if (device is null)
        {
            return BusOutcome.NotModelled;
        }

        machine.SynchronizeClock();
        device.WritePort(port, size, value);
        processor.RequestStop();
        return BusOutcome.Done;
    }

    public BusOutcome ReadMsr(Processor processor, uint index, out ulong value)
    {
        LocalApic apic = machine.Board.LocalApics[processor.Index];
        machine.SynchronizeClock();
        if (machine.Confidential is { } guest && guest.ReadMsr(processor, index, out value) is { } answer)
        {
            return answer;
        }

        value = 0;
        switch (index)
        {
            case ApicBaseMsr:
                value = apic.Base;
                return BusOutcome.Done;
            case TscDeadlineMsr:
                value = apic.TscDeadline is 0 ? 0 : apic.TscDeadline + processor.State.Msr.TscAdjust;
                return BusOutcome.Done;
            case >= LocalApic.FirstMsr and <= LocalApic.LastMsr:
                return apic.TryReadMsr(index, out value) ? BusOutcome.Done : BusOutcome.GeneralProtection;
            default:
                return BoardMsrs.Read(processor.Cpuid, index, out value);
        }
    }

    public BusOutcome WriteMsr(Processor processor, uint index, ulong value)
    {
        LocalApic apic = machine.Board.LocalApics[processor.Index];
        machine.SynchronizeClock();
        if (machine.Confidential is { } guest && guest.WriteMsr(processor, index, value) is { } answer)
        {
            return answer;
        }

        processor.RequestStop();
        switch (index)
        {
            case ApicBaseMsr:
                return value >> processor.Cpuid.PhysicalBits == 0 && apic.TrySetBase(value) ? BusOutcome.Done : BusOutcome.GeneralProtection;
            case TscDeadlineMsr:
                SetTscDeadline(processor, apic, value);
                return BusOutcome.Done;
            case >= LocalApic.FirstMsr and <= LocalApic.LastMsr:
                return apic.TryWriteMsr(index, value) ? BusOutcome.Done : BusOutcome.GeneralProtection;
            default:
                return BoardMsrs.Write(processor.Cpuid, index, value);
        }
    }

    public bool HasLocalApic(Processor processor) => machine.Board.LocalApics[processor.Index].IsEnabled;

    public int AcknowledgeInterrupt(Processor processor)
    {
        LocalApic apic = machine.Board.LocalApics[processor.Index];
        int vector = apic.PendingVector >= 0 ? apic.Acknowledge() : -1;
        processor.InterruptRequested = apic.PendingVector >= 0;
        return vector;
    }

    public ulong ReadTaskPriority(Processor processor) => machine.Board.LocalApics[processor.Index].TaskPriorityClass;

    public void WriteTaskPriority(Processor processor, ulong priority)
    {
        machine.Board.LocalApics[processor.Index].TaskPriorityClass = (byte)priority;
        processor.RequestStop();
    }

    public ulong ReadTimestamp(Processor processor)
    {
        machine.SynchronizeClock();
        return machine.Board.Clock.Now;
    }

    public ulong NextRandom(Processor processor) => machine.NextRandom();

    private static void SetTscDeadline(Processor processor, LocalApic apic, ulong value)
    {
        // A time-stamp before the clock's zero has passed; 1 is the earliest time that arms.
        ulong adjust = processor.State.Msr.TscAdjust;
        long time = (long)(value - adjust);
        apic.TscDeadline = value == 0 ? 0 : time <= 0 ? 1 : (ulong)time;
    }
}
