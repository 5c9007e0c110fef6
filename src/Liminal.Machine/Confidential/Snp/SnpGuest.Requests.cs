// SPDX-License-Identifier: Apache-2.0
using System;
using Liminal.X86;
using Liminal.X86.State;

namespace Liminal.Machine.Confidential.Snp;

/// <content>What the hypervisor does for each exit code.</content>
internal sealed partial class SnpGuest
{
    private const ulong IoInput = 1 << 0;
    private const ulong IoString = 1 << 2;
    private const uint TimeStampCounter = 0x10;
    private const uint MiscEnable = 0x1A0;
    private const uint TimeStampAdjust = 0x3B;

    /// <summary>"No such hypercall", -KVM_ENOSYS, and "not allowed", -KVM_EPERM.</summary>
    private const ulong NoHypercall = unchecked((ulong)-1000);
    private const ulong NotPermitted = unchecked((ulong)-1);

    private ConfidentialVerdict Serve(Processor processor, in GhcbPage page, Request request)
    {
        switch ((GhcbExit)request.Code)
        {
            case GhcbExit.Cpuid:
                CpuidResult cpuid = processor.ReadCpuid((uint)request.Rax, (uint)request.Rcx);
                (request.Rax, request.Rbx, request.Rcx, request.Rdx) = (cpuid.Eax, cpuid.Ebx, cpuid.Ecx, cpuid.Edx);
                break;
            case GhcbExit.Msr:
                ServeMsr(processor, page, request);
                break;
            case GhcbExit.InputOutput:
                return ServePort(processor, page, request);
            case GhcbExit.MmioRead or GhcbExit.MmioWrite:
                return ServeMmio(processor, page, request);
            case GhcbExit.Rdtsc or GhcbExit.Rdtscp:
                ulong time = processor.Bus.ReadTimestamp(processor) + processor.State.Msr.TscAdjust;
                (request.Rax, request.Rdx) = ((uint)time, time >> 32);
                request.Rcx = request.Code == (ulong)GhcbExit.Rdtscp ? (uint)processor.State.Msr.TscAux : request.Rcx;
                break;
            case GhcbExit.Rdpmc:
                Inject(page, ExceptionVector.GeneralProtection);    // there is no performance counter
                break;
            case GhcbExit.Vmmcall:
                Observer?.OnNote(processor, $"hypercall {request.Rax}: there is none");
                request.Rax = request.Cpl == 0 ? NoHypercall : NotPermitted;
                break;
            case GhcbExit.NmiComplete:
                processor.State.NmiBlocked = false;
                processor.StateChanged();
                break;
            case GhcbExit.ApHaltLoop:
                Park(processor, ResetHold.Page);
                break;
            case GhcbExit.ApJumpTable:
                ServeJumpTable(page, request);
                break;
            case GhcbExit.PageStateChange:
                ServePageStateChange(processor, page, request);
                break;
            case GhcbExit.ApCreation:
                return ServeApCreation(processor, page, request);
            case GhcbExit.Features:
                Answer(page, 0, Features);
                break;
            case GhcbExit.Terminate:
                return End(processor, MachineEndKind.GuestTerminated, GhcbTermination.Describe((request.Info1 << 12) | (request.Info2 << 16)));
            case GhcbExit.UnsupportedEvent:
                return End(
                    processor, MachineEndKind.GuestTerminated, $"{HostName}: the guest does not support the exit 0x{request.Info1:x} that was reflected to it");
            default:
                break;  // Cache flushes, MONITOR, MWAIT and DR7: nothing for a hypervisor to do.
        }

        return new ConfidentialVerdict(ConfidentialAnswer.Emulated);
    }

    /// <summary>RDMSR and WRMSR: the processor's own that are not the guest's to keep, then the board's; what nobody has is #GP, as under KVM.</summary>
    private void ServeMsr(Processor processor, in GhcbPage page, Request request)
    {
        uint index = (uint)request.Rcx;
        bool isWrite = request.Info1 != 0;
        ulong value = (request.Rdx << 32) | (uint)request.Rax;
        BusOutcome outcome;
        switch (index)
        {
            case TimeStampCounter when isWrite:
                processor.State.Msr.TscAdjust = value - processor.Bus.ReadTimestamp(processor);
                outcome = BusOutcome.Done;
                break;
            case TimeStampCounter:
                value = processor.Bus.ReadTimestamp(processor) + processor.State.Msr.TscAdjust;
                outcome = BusOutcome.Done;
                break;
            case TimeStampAdjust:
                outcome = Exchange(ref processor.State.Msr.TscAdjust, isWrite, ref value);
                break;
            case MiscEnable:
                outcome = Exchange(ref processor.State.Msr.MiscEnable, isWrite, ref value);
                break;
            default:
                outcome = isWrite ? processor.Bus.WriteMsr(processor, index, value) : processor.Bus.ReadMsr(processor, index, out value);
                break;
        }

        if (outcome != BusOutcome.Done)
        {
            if (outcome == BusOutcome.NotModelled)
            {
                Observer?.OnNote(processor, $"{(isWrite ? "WRMSR to" : "RDMSR of")} 0x{index:x}, which nobody has: #GP");
            }

            Inject(page, ExceptionVector.GeneralProtection);
            return;
        }

        if (!isWrite)
        {
            (request.Rax, request.Rdx) = ((uint)value, value >> 32);
        }
    }

    /// <summary>IN, OUT, INS and OUTS; the data of the last two goes through the scratch area.</summary>
    private ConfidentialVerdict ServePort(Processor processor, in GhcbPage page, Request request)
    {
        int size = (int)(request.Info1 >> 4) & 7;
        ushort port = (ushort)(request.Info1 >> 16);
        bool isInput = (request.Info1 & IoInput) != 0;
        if (size is not (1 or 2 or 4))
        {
            Refuse(page, GhcbError.InvalidInput);
            return new ConfidentialVerdict(ConfidentialAnswer.Emulated);
        }

        BusOutcome outcome = BusOutcome.Done;
        if ((request.Info1 & IoString) == 0)
        {
            outcome = Transfer(processor, port, size, isInput, ref request.Rax);
        }
        else
        {
            if (request.Info2 > ScratchLimit || !TryFindScratch(page, request.Scratch, request.Info2 * (ulong)size))
            {
                Refuse(page, GhcbError.InvalidScratchArea);
                return new ConfidentialVerdict(ConfidentialAnswer.Emulated);
            }

            Span<byte> bytes = stackalloc byte[8];
            for (ulong done = 0; done < request.Info2 && outcome == BusOutcome.Done; done++)
            {
                ulong at = request.Scratch + (done * (ulong)size);
                Machine.SharedRam!.Read(at, bytes[..size]);
                ulong value = BitConverter.ToUInt32(bytes) & (uint.MaxValue >> (32 - (8 * size)));
                outcome = Transfer(processor, port, size, isInput, ref value);
                if (isInput)
                {
                    BitConverter.TryWriteBytes(bytes, value);
                    Machine.SharedRam.Write(at, bytes[..size]);
                }
            }
        }

        return outcome == BusOutcome.Done
            ? new ConfidentialVerdict(ConfidentialAnswer.Emulated)
            : End(processor, MachineEndKind.NotModelled, $"{size}-byte {(isInput ? "IN from" : "OUT to")} port 0x{port:x}, where nothing is, through the GHCB");
    }

    private static BusOutcome Transfer(Processor processor, ushort port, int size, bool isInput, ref ulong value)
    {
        if (!isInput)
        {
            return processor.Bus.WritePort(processor, port, size, (uint)value & (uint.MaxValue >> (32 - (8 * size))));
        }

        BusOutcome outcome = processor.Bus.ReadPort(processor, port, size, out uint input);
        ulong mask = size == 4 ? ulong.MaxValue : uint.MaxValue >> (32 - (8 * size));
        value = (value & ~mask) | (input & mask);
        return outcome;
    }

    /// <summary>A load or store of a device for the guest, or of what the hypervisor sees of RAM: the shared backing.</summary>
    private ConfidentialVerdict ServeMmio(Processor processor, in GhcbPage page, Request request)
    {
        ulong address = request.Info1;
        ulong size = request.Info2;
        bool isRead = request.Code == (ulong)GhcbExit.MmioRead;
        if (size is not (1 or 2 or 4 or 8) || (address & 0xFFF) + size > 0x1000)
        {
            Refuse(page, GhcbError.InvalidInput);
            return new ConfidentialVerdict(ConfidentialAnswer.Emulated);
        }

        if (!TryFindScratch(page, request.Scratch, size))
        {
            Refuse(page, GhcbError.InvalidScratchArea);
            return new ConfidentialVerdict(ConfidentialAnswer.Emulated);
        }

        Span<byte> bytes = stackalloc byte[8];
        bytes.Clear();
        bool isRam = Machine.SharedRam!.Contains(address, size);
        Span<byte> used = bytes[..(int)size];
        BusOutcome outcome = BusOutcome.Done;
        if (isRead)
        {
            if (isRam)
            {
                Machine.SharedRam.Read(address, used);
            }
            else
            {
                outcome = processor.Bus.ReadMemory(processor, address, (int)size, out ulong value);
                BitConverter.TryWriteBytes(bytes, value);
            }

            Machine.SharedRam.Write(request.Scratch, used);
        }
        else
        {
            Machine.SharedRam.Read(request.Scratch, used);
            if (isRam)
            {
                Machine.SharedRam.Write(address, used);
            }
            else
            {
                outcome = processor.Bus.WriteMemory(processor, address, (int)size, BitConverter.ToUInt64(bytes));
            }
        }

        return outcome switch
        {
            BusOutcome.Done => new ConfidentialVerdict(ConfidentialAnswer.Emulated),
            _ => End(
                processor,
                MachineEndKind.NotModelled,
                $"{size}-byte {(isRead ? "load from" : "store to")} physical 0x{address:x}, where nothing is, through the GHCB"),
        };
    }

    private void ServeJumpTable(in GhcbPage page, Request request)
    {
        switch (request.Info1)
        {
            case 0:
                JumpTable = request.Info2;
                break;
            case 1:
                Answer(page, 0, JumpTable);
                break;
            default:
                Refuse(page, GhcbError.InvalidInput);
                break;
        }
    }

    private static BusOutcome Exchange(ref ulong register, bool isWrite, ref ulong value)
    {
        if (isWrite)
        {
            register = value;
        }
        else
        {
            value = register;
        }

        return BusOutcome.Done;
    }
}
