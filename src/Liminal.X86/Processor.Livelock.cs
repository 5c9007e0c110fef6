// SPDX-License-Identifier: Apache-2.0
using Liminal.X86.Execution;
using Liminal.X86.State;

namespace Liminal.X86;

/// <content>The same exception at the same instruction, for ever.</content>
/// <remarks>
/// A handler that returns to the instruction that faulted, having changed nothing, makes the guest run for ever without a word. Counted is an
/// exception whose own handler returned to it, and that comes again at once: nothing but handlers has retired since the last delivery. That an
/// IRET came just before says too little: of two port reads in a row, which the guest's handler carries out, the second one follows the
/// IRET of the first. Deliveries are part of the state, so a run that is cut, forked or resumed finds the livelock at the same instruction.
/// </remarks>
public sealed unsafe partial class Processor
{
    /// <summary>Deliveries of one exception at one RIP and address, with no instruction retired between, that end the run of a confidential guest.</summary>
    /// <remarks>
    /// An ordinary page fault is repeated a handful of times at most, while another processor changes the same table. A handler of Linux that
    /// returns without effect takes a few thousand instructions, so the end comes within about a million.
    /// </remarks>
    public const int LivelockBound = 256;

    /// <summary>The frame of an exception from CPL 3: a kernel may return from a copy of it elsewhere.</summary>
    private const ulong UserFrame = ulong.MaxValue;

    /// <summary>Notes where the frame of an exception lies, for the IRET that takes it.</summary>
    private void NoteDelivery(byte vector, ulong rip, int cpl, bool hasErrorCode)
    {
        ref RepeatedFault last = ref State.Repeated[PlaceOf(rip)];
        if (last.Rip == rip && last.Vector == vector)
        {
            last.Frame = cpl == 3 ? UserFrame : Core.Gpr(_core, RspNumber) + (hasErrorCode ? 8u : 0u);
            last.DeliveredAt = InstructionsRetired;
        }
    }

    /// <summary>Notes an IRET: whether the handler whose frame it takes gave up at the instruction that had faulted.</summary>
    /// <param name="frame">RSP before.</param>
    /// <param name="rip">Where it goes.</param>
    internal void NoteReturn(ulong frame, ulong rip)
    {
        State.ReturnedAt = InstructionsRetired + 1;
        if (Cpl == 3)
            frame = UserFrame;
        int latest = -1;
        for (int place = 0; place < RepeatedFaults.Count; place++)
        {
            if (State.Repeated[place].Frame == frame && (latest < 0 || State.Repeated[place].DeliveredAt > State.Repeated[latest].DeliveredAt))
                latest = place;
        }

        if (latest < 0)
            return;
        State.Repeated[latest].HasReturned = State.Repeated[latest].Rip == rip;
        State.Repeated[latest].Frame = 0;
    }

    private static int PlaceOf(ulong rip) => (int)((rip * 0x9e37_79b9_7f4a_7c15) >> 60);

    /// <summary>Counts an exception; true with the stop set when it has come too often.</summary>
    private bool IsLivelock(in GuestFault fault)
    {
        // A user program may loop over its own faults; that stops nothing but itself.
        bool isOfPlatform = fault.Vector is ExceptionVector.MachineCheck or ExceptionVector.Virtualization or ExceptionVector.VmmCommunication;
        if (!isOfPlatform && Cpl == 3)
            return false;

        ulong rip = Core.Rip(_core);
        ref RepeatedFault last = ref State.Repeated[PlaceOf(rip)];
        bool isAgain = last.Rip == rip && last.Vector == fault.Vector && last.Address == fault.Address
            && last.HasReturned && InstructionsRetired == State.ReturnedAt;
        last.HasReturned = false;
        if (!isAgain)
        {
            last = new RepeatedFault { Rip = rip, Address = fault.Address, Vector = fault.Vector, Count = 1 };
            return false;
        }

        if (++last.Count < LivelockBound)
            return false;
        _stop = new StopReason(
            StopKind.Livelock, rip, $"exception {fault.Vector} at linear 0x{fault.Address:x}, {last.Count} times without an instruction between");
        _core->Exit = BlockExit.Stop;
        return true;
    }
}
