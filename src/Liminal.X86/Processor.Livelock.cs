// SPDX-License-Identifier: Apache-2.0
using Liminal.X86.Execution;
using Liminal.X86.State;

namespace Liminal.X86;

/// <content>The same exception at the same instruction, for ever.</content>
/// <remarks>
/// A handler that returns to the instruction that faulted, having changed nothing, makes the guest run for ever without a word. Counted is an
/// exception that comes at once after an IRET: nothing but handlers has retired since the last delivery. Deliveries are part of the state, so
/// a run that is cut, forked or resumed finds the livelock at the same instruction.
/// </remarks>
public sealed unsafe partial class Processor
{
    /// <summary>Deliveries of one exception at one RIP and address, with no instruction retired between, that end the run of a confidential guest.</summary>
    /// <remarks>
    /// An ordinary page fault is repeated a handful of times at most, while another processor changes the same table. A handler of Linux that
    /// returns without effect takes a few thousand instructions, so the end comes within about a million.
    /// </remarks>
    public const int LivelockBound = 256;

    /// <summary>Counts an exception; true with the stop set when it has come too often.</summary>
    private bool IsLivelock(in GuestFault fault)
    {
        // A user program may loop over its own faults; that stops nothing but itself.
        bool isOfPlatform = fault.Vector is ExceptionVector.MachineCheck or ExceptionVector.Virtualization or ExceptionVector.VmmCommunication;
        if (!isOfPlatform && Cpl == 3)
            return false;

        ulong rip = Core.Rip(_core);
        ref RepeatedFault last = ref State.Repeated[(int)((rip * 0x9e37_79b9_7f4a_7c15) >> 60)];
        if (last.Rip != rip || last.Vector != fault.Vector || last.Address != fault.Address || InstructionsRetired != State.ReturnedAt)
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
