// SPDX-License-Identifier: Apache-2.0
using Liminal.X86.Execution;
using Liminal.X86.Instructions;
using Liminal.X86.State;

namespace Liminal.X86;

/// <content>Stops before the instructions that a debugger or sweep names.</content>
// SAFETY: core and op are the handler's own, as in Form.
public sealed unsafe partial class Processor
{
    private ulong _reportedBreakpoint;
    private ulong _retiredAtReport = ulong.MaxValue;

    /// <summary>Where the processor stops with <see cref="StopKind.Breakpoint"/>; null for nowhere.</summary>
    /// <remarks>
    /// An arrival is reported once: the next run goes on, as long as the processor has retired nothing in between. An instruction that faults
    /// and is executed again is a new arrival.
    /// </remarks>
    public BreakpointSet? Breakpoints { get; set; }

    /// <summary>Where the processor stops with <see cref="StopKind.Breakpoint"/> as well, for the machine's own purposes; null for nowhere.</summary>
    public BreakpointSet? Traps { get; set; }

    /// <summary>Linear address of the next instruction; during a bus call, of the present one.</summary>
    public ulong LinearRip => _core->Is64Bit ? Rip : (uint)(Rip + SegmentBase(SegmentIndex.Cs));

    /// <summary>There is an address at which the processor has to ask.</summary>
    private bool HasBreakpoints => Breakpoints is { IsEmpty: false } || Traps is { Count: > 0 };

    /// <summary>The op in front of an instruction at whose offset in a page some machine has a breakpoint.</summary>
    internal static nint CheckBreakpoint(Core* core, Op* op)
    {
        core->Op = op;
        return core->Processor.MeetsBreakpoint() ? Form.Abort(core, op) : Form.Next(core, op);
    }

    /// <summary>True, with the stop set, when the processor must stop before the next instruction. Tells the observer of a tracepoint.</summary>
    private bool MeetsBreakpoint()
    {
        if (!HasBreakpoints)
            return false;
        ulong address = LinearRip;
        ulong retired = InstructionsRetired;
        bool stops = Breakpoints?.Contains(address) == true || Traps?.Contains(address) == true;
        bool tells = Observer != null && Breakpoints?.HasTracepoint(address) == true;
        if ((!stops && !tells) || (_reportedBreakpoint == address && _retiredAtReport == retired))
            return false;
        _reportedBreakpoint = address;
        _retiredAtReport = retired;
        if (tells)
            Observer!.OnTracepoint(this);
        if (!stops)
            return false;
        _stop = new StopReason(StopKind.Breakpoint, Rip, string.Empty);
        _core->Exit = BlockExit.Stop;
        return true;
    }
}
