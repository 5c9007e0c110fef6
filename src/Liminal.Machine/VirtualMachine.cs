// SPDX-License-Identifier: Apache-2.0
using System;
using System.Collections.Generic;
using System.Linq;
using System.Runtime.InteropServices;
using Liminal.Chipset;
using Liminal.Machine.Boards;
using Liminal.Machine.Confidential;
using Liminal.Machine.Scheduling;
using Liminal.Memory.Ram;
using Liminal.X86;
using Liminal.X86.Execution;
using Liminal.X86.State;

namespace Liminal.Machine;

/// <summary>A computer: RAM, processors, board, and the one clock that moves with retired instructions.</summary>
/// <remarks>
/// One host thread runs one machine. The clock moves by <see cref="MachineConfiguration.TicksPerInstruction"/> for each instruction that any
/// processor retires, as if the processors were threads of one core; so no processor ever sees the time go back. When none has anything
/// to do, the clock moves to the next deadline of a device at once.
/// </remarks>
public sealed partial class VirtualMachine : Stateful, IDisposable
{
    private readonly MachineConfiguration _configuration;
    private readonly CodeCache _code;
    private readonly bool _ownsCode;
    private readonly Processor[] _processors;
    private readonly Scheduler _scheduler;
    private readonly Stateful[] _parts;
    private Action<byte> _transmit;

    private volatile bool _isInterrupted;
    private MachineEnd? _end;
    private Processor? _running;
    private ulong _sliceStartRetired;
    private ulong _sliceStartTicks;
    private State _state;

    /// <summary>A machine at power-on: RAM is zero, every processor waits for a start-up message or a loader.</summary>
    /// <param name="configuration">What it is made of.</param>
    /// <param name="transmit">Takes each byte that the guest writes to its console.</param>
    public VirtualMachine(MachineConfiguration configuration, Action<byte> transmit)
        : this(configuration, transmit, Memories.AtPowerOn(configuration), new CodeCache(), ownsCode: true)
    {
    }

    private VirtualMachine(MachineConfiguration configuration, Action<byte> transmit, Memories memories, CodeCache code, bool ownsCode)
    {
        _configuration = configuration;
        _transmit = transmit;
        _code = code;
        _ownsCode = ownsCode;
        Ram = memories.Ram;
        SharedRam = memories.SharedRam;
        PageStates = memories.PageStates;
        Breakpoints = new BreakpointSet(code);
        _trapAddresses = new BreakpointSet(code);
        Watchpoints = new WatchpointSet(code);
        Board = new Board(configuration, new Control(this), value => _transmit(value));
        _scheduler = new Scheduler(configuration.ScheduleSeed);
        _state.Random = new SplitMix(configuration.Seed);
        var bus = new ProcessorBus(this);
        CpuidTable cpuid = configuration.Cpuid;
        if (configuration.Confidential is { } confidential)
        {
            Confidential = ConfidentialGuest.Create(this, confidential);
            cpuid = cpuid.Copy();
            Confidential.AdjustCpuid(cpuid, configuration.ProcessorCount);
        }

        _processors = new Processor[configuration.ProcessorCount];
        for (int index = 0; index < _processors.Length; index++)
        {
            _processors[index] = new Processor(index, Ram, bus, cpuid, code)
            {
                Rules = Confidential,
                SharedRam = SharedRam,
                Breakpoints = Breakpoints,
                Traps = _trapAddresses,
                Watchpoints = Watchpoints,
            };
            _processors[index].State.Activity = Activity.WaitForStartup;
            _processors[index].StateChanged();
        }

        _parts = [.. StatefulParts.Select(named => named.Part)];
    }

    internal struct State
    {
        public ulong InstructionsRetired;
        public ulong NextPoll;
        public SplitMix Random;
    }

    /// <inheritdoc/>
    public override Span<byte> StateBytes => MemoryMarshal.AsBytes(MemoryMarshal.CreateSpan(ref _state, 1));

    /// <summary>What the machine is made of.</summary>
    public MachineConfiguration Configuration => _configuration;

    /// <summary>Guest RAM; in a confidential guest, what private accesses reach.</summary>
    public GuestRam Ram { get; }

    /// <summary>What shared accesses reach in a confidential guest, and the host with them; null in an ordinary VM.</summary>
    public GuestRam? SharedRam { get; }

    /// <summary>What the host side holds for each page; null in an ordinary VM.</summary>
    public PageStates? PageStates { get; }

    /// <summary>The host side of a confidential guest; null in an ordinary VM.</summary>
    public ConfidentialGuest? Confidential { get; }

    /// <summary>Sees what happens between a confidential guest and its host; forks start without one.</summary>
    public IMachineObserver? Observer { get; set; }

    /// <summary>Linear addresses at which <see cref="Run(ulong)"/> ends with <see cref="MachineEndKind.Breakpoint"/>, before the instruction there.</summary>
    /// <remarks>Not part of the state: a fork begins without any, a snapshot has none, and a run that goes on after each does the same as one without them.</remarks>
    public BreakpointSet Breakpoints { get; }

    /// <summary>Bytes whose loads or stores end <see cref="Run(ulong)"/> with <see cref="MachineEndKind.Watchpoint"/>; no more state than breakpoints are.</summary>
    public WatchpointSet Watchpoints { get; }

    /// <summary>The devices.</summary>
    public Board Board { get; }

    /// <summary>The processors by index; 0 is the bootstrap processor.</summary>
    public ReadOnlySpan<Processor> Processors => _processors;

    /// <summary>Everything that changes besides RAM and processors, in a fixed order, by a stable name.</summary>
    public IEnumerable<(string Name, Stateful Part)> StatefulParts
    {
        get
        {
            yield return ("machine", this);
            yield return ("scheduler", _scheduler);
            foreach ((string name, Stateful device) in Board.StatefulDevices)
            {
                yield return (name, device);
            }

            if (Confidential is not null)
            {
                yield return ("host", Confidential.Numbers);
                yield return ("confidential", Confidential);
            }
        }
    }

    /// <summary>Every memory that changes, in a fixed order, by a stable name; forks share their pages.</summary>
    public IEnumerable<(string Name, GuestRam Memory)> MemoryParts
    {
        get
        {
            yield return ("ram", Ram);
            if (SharedRam is not null)
            {
                yield return ("shared ram", SharedRam);
                yield return ("page states", PageStates!.Store);
            }
        }
    }

    /// <summary>Instructions that all processors together have retired since power-on.</summary>
    public ulong InstructionsRetired => _state.InstructionsRetired + RetiredInSlice;

    /// <summary>The next 64 bits of the machine's random numbers.</summary>
    internal ulong NextRandom() => _state.Random.Next();

    /// <summary>Ends the run before the next instruction; the machine can run on afterwards.</summary>
    /// <param name="detail">For the report.</param>
    public void RequestEnd(string detail) => End(MachineEndKind.Requested, detail);

    /// <summary>The detail of an end that <see cref="Interrupt"/> asked for.</summary>
    public const string Interrupted = "interrupted";

    /// <summary>Ends the run at the end of the present slice; the one member that may be called from another thread.</summary>
    public void Interrupt() => _isInterrupted = true;

    private ulong RetiredInSlice => _running is null ? 0 : _running.InstructionsRetired - _sliceStartRetired;

    /// <summary>Ends the run at the present instruction, because it asks for something that is not modelled.</summary>
    internal void EndNotModelled(string what) => End(MachineEndKind.NotModelled, what);

    /// <summary>Ends a confidential guest at the present instruction.</summary>
    internal void EndGuest(MachineEndKind kind, string detail, GuestEnd guest) => End(kind, detail, guest: guest);

    private void End(MachineEndKind kind, string detail, uint value = 0, GuestEnd? guest = null)
    {
        Processor processor = _running ?? _trapped ?? _processors[0];
        if (_end is null)
        {
            _end = new MachineEnd(kind, processor.Index, processor.Rip, detail, value) { Guest = guest };
        }

        _running?.RequestStop();
    }

    /// <summary>What holds the guest's memory: one RAM, or two and the states of their pages.</summary>
    private readonly record struct Memories(GuestRam Ram, GuestRam? SharedRam, PageStates? PageStates)
    {
        public static Memories AtPowerOn(MachineConfiguration configuration)
        {
            var ram = new GuestRam(configuration.MemorySize);
            return configuration.Confidential is { } confidential
                ? new Memories(ram, new GuestRam(configuration.MemorySize), new PageStates(ram, confidential.Platform))
                : new Memories(ram, null, null);
        }

        public static Memories Fork(VirtualMachine machine)
        {
            GuestRam ram = machine.Ram.Fork();
            return new Memories(ram, machine.SharedRam?.Fork(), machine.PageStates?.Fork(ram, machine.Confidential!.Platform));
        }
    }

    /// <summary>What devices ask of the machine.</summary>
    private sealed class Control(VirtualMachine machine) : IMachineControl
    {
        public void PowerOff() => machine.End(MachineEndKind.PoweredOff, "");

        public void Reset(string through) => machine.End(MachineEndKind.Reset, through);

        public void DebugExit(uint value) => machine.End(MachineEndKind.DebugExit, $"value {value}, with which QEMU exits with code {((value << 1) | 1) & 0xff}", value);

        public void NotModelled(string what) => machine.End(MachineEndKind.NotModelled, what);
    }
}
