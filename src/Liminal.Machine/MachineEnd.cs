// SPDX-License-Identifier: Apache-2.0
namespace Liminal.Machine;

/// <summary>Why a machine stopped running.</summary>
public enum MachineEndKind
{
    /// <summary>The limit of instructions was reached; the machine can run on.</summary>
    InstructionLimit,

    /// <summary>Whoever watches the machine asked for it; the machine can run on.</summary>
    Requested,

    /// <summary>A processor arrived at one of <see cref="VirtualMachine.Breakpoints"/>; the machine can run on.</summary>
    Breakpoint,

    /// <summary>A processor touched one of <see cref="VirtualMachine.Watchpoints"/>; the machine can run on.</summary>
    Watchpoint,

    /// <summary>A processor of <see cref="ProcessorChoice.Stepped"/> has retired an instruction; the machine can run on.</summary>
    Stepped,

    /// <summary>The guest switched the power off through ACPI.</summary>
    PoweredOff,

    /// <summary>The guest asked for a reset.</summary>
    Reset,

    /// <summary>A processor shut down: a fault while delivering a double fault.</summary>
    TripleFault,

    /// <summary>A test program ended through the debug-exit port.</summary>
    DebugExit,

    /// <summary>Every processor is halted and nothing will ever wake one.</summary>
    IdleForever,

    /// <summary>The guest used something that is not modelled.</summary>
    NotModelled,

    /// <summary>The host, the paravisor or the guest itself ended the guest.</summary>
    GuestTerminated,

    /// <summary>The same exception or exit at the same instruction, for ever.</summary>
    Livelock,
}

/// <summary>Who ended a confidential guest, and by which rule.</summary>
/// <param name="Who">"the paravisor", "the VMM", "the guest".</param>
/// <param name="Rule">Name of the rule; empty when none decided.</param>
/// <param name="Source">Where the rule is written.</param>
public sealed record GuestEnd(string Who, string Rule, string Source);

/// <summary>Why a machine stopped running, and where.</summary>
/// <param name="Kind">The reason.</param>
/// <param name="Processor">Index of the processor that ran last.</param>
/// <param name="Rip">Its next instruction.</param>
/// <param name="Detail">For the report; empty when the kind says it all.</param>
/// <param name="Value">The value written to the debug-exit port, else 0.</param>
public sealed record MachineEnd(MachineEndKind Kind, int Processor, ulong Rip, string Detail, uint Value = 0)
{
    /// <summary>For <see cref="MachineEndKind.GuestTerminated"/> and a livelock of the host: who and why; else null.</summary>
    public GuestEnd? Guest { get; init; }

    /// <summary>True when the machine can run on.</summary>
    public bool CanGoOn => Kind is MachineEndKind.InstructionLimit or MachineEndKind.Requested or MachineEndKind.Breakpoint
        or MachineEndKind.Watchpoint or MachineEndKind.Stepped;

    /// <summary>One line for people.</summary>
    public override string ToString()
    {
        string what = Kind switch
        {
            MachineEndKind.InstructionLimit => "the limit of instructions was reached",
            MachineEndKind.Requested => "stopped on request",
            MachineEndKind.Breakpoint => "stopped at a breakpoint",
            MachineEndKind.Watchpoint => "stopped at a watchpoint",
            MachineEndKind.Stepped => "stopped after a step",
            MachineEndKind.PoweredOff => "the guest powered off",
            MachineEndKind.Reset => "the guest asked for a reset",
            MachineEndKind.TripleFault => "triple fault",
            MachineEndKind.DebugExit => "the guest ended through the debug-exit port",
            MachineEndKind.IdleForever => "every processor is halted and nothing will wake one",
            MachineEndKind.NotModelled => "not modelled",
            MachineEndKind.Livelock => "livelock",
            _ => "the guest was terminated",
        };
        string detail = Detail.Length == 0 ? "" : $": {Detail}";
        return $"{what}{detail} (processor {Processor}, RIP 0x{Rip:x})";
    }
}
