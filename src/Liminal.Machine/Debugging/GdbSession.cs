// SPDX-License-Identifier: Apache-2.0
using System;
using System.Collections.Generic;
using Liminal.X86;

namespace Liminal.Machine.Debugging;

/// <summary>What a packet asks of whoever runs the machine.</summary>
public enum GdbRequest
{
    /// <summary>Nothing: the machine stays stopped.</summary>
    None,

    /// <summary>Run with <see cref="GdbSession.Choice"/> and answer with <see cref="GdbSession.StopReply"/> when it stops.</summary>
    Resume,

    /// <summary>gdb goes away; the machine runs on.</summary>
    Detach,

    /// <summary>gdb ends the machine.</summary>
    Kill,
}

/// <summary>The answer to a packet.</summary>
/// <param name="Reply">Payload of the reply; empty for a packet that is not known, null for no reply (yet).</param>
/// <param name="Request">What to do then.</param>
public readonly record struct GdbAnswer(string? Reply, GdbRequest Request = GdbRequest.None);

/// <summary>What a debugger may know of the program in the machine.</summary>
public interface IGdbSymbols
{
    /// <summary>symbol+offset for an address; empty when there is none.</summary>
    string Describe(ulong address);

    /// <summary>Address of a symbol.</summary>
    ulong? Find(string name);
}

/// <summary>One debugger's session with a machine: packets of GDB's remote protocol in, replies out. It neither waits nor runs anything.</summary>
/// <remarks>
/// Each processor is a thread, numbered from 1. Addresses are linear ones of the processor that gdb has selected; memory is read and written
/// without side effects, and what is not RAM is refused. Breakpoints and watchpoints belong to the session, not to the machine's state.
/// Source: GDB manual, "Remote Protocol".
/// </remarks>
public sealed partial class GdbSession
{
    private const string Ok = "OK";
    private const string BadPacket = "E16";
    private const string BadAddress = "E0e";
    private const string Refused = "E01";

    private readonly VirtualMachine _machine;
    private readonly IGdbSymbols? _symbols;
    private readonly Dictionary<ulong, BreakpointKinds> _breakpoints = [];
    private int _selected;
    private int _continued = -1;
    private bool _hasStopReasons;
    private bool _usesPhysicalAddresses;
    private string _lastStop = "T05thread:01;";

    /// <summary>Begins a session with a stopped machine.</summary>
    /// <param name="machine">The machine.</param>
    /// <param name="symbols">Names of what runs in it; null for none.</param>
    public GdbSession(VirtualMachine machine, IGdbSymbols? symbols)
    {
        ArgumentNullException.ThrowIfNull(machine);
        _machine = machine;
        _symbols = symbols;
    }

    [Flags]
    private enum BreakpointKinds : byte
    {
        None = 0,
        Software = 1,
        Hardware = 2,
    }

    /// <summary>True until gdb switches acknowledgements off.</summary>
    public bool WantsAcknowledgements { get; private set; } = true;

    /// <summary>Who runs after <see cref="GdbRequest.Resume"/>.</summary>
    public ProcessorChoice Choice { get; private set; } = ProcessorChoice.All;

    /// <summary>Answers one packet.</summary>
    public GdbAnswer Handle(string packet)
    {
        ArgumentNullException.ThrowIfNull(packet);
        if (packet.Length == 0)
        {
            return new GdbAnswer("");
        }

        string rest = packet[1..];
        return packet[0] switch
        {
            '?' => new GdbAnswer(_lastStop),
            'g' => new GdbAnswer(ReadRegisters()),
            'G' => new GdbAnswer(WriteRegisters(rest)),
            'p' => new GdbAnswer(ReadRegister(rest)),
            'P' => new GdbAnswer(WriteRegister(rest)),
            'm' => new GdbAnswer(ReadMemory(rest)),
            'M' => new GdbAnswer(WriteMemory(rest, isBinary: false)),
            'X' => new GdbAnswer(WriteMemory(rest, isBinary: true)),
            'H' => new GdbAnswer(SelectThread(rest)),
            'T' => new GdbAnswer(ThreadOf(rest) is >= 0 ? Ok : Refused),
            'Z' => new GdbAnswer(ChangePoint(rest, isSet: true)),
            'z' => new GdbAnswer(ChangePoint(rest, isSet: false)),
            'c' or 's' or 'C' or 'S' => ResumeOld(packet[0], rest),
            'D' => Detach(),
            'k' => new GdbAnswer(null, GdbRequest.Kill),
            'v' => HandleVerbose(packet),
            'q' or 'Q' => new GdbAnswer(HandleQuery(packet)),
            _ => new GdbAnswer(""),
        };
    }

    /// <summary>Removes what the session put into the machine.</summary>
    public void End()
    {
        foreach (ulong address in _breakpoints.Keys)
        {
            _machine.Breakpoints.Remove(address);
        }

        _breakpoints.Clear();
        _machine.Watchpoints.Clear();
    }

    /// <summary>The stop reply for the end of a run.</summary>
    /// <param name="end">Why it ended.</param>
    public string StopReply(MachineEnd end)
    {
        ArgumentNullException.ThrowIfNull(end);
        _selected = end.Processor;
        _lastStop = end.Kind switch
        {
            MachineEndKind.PoweredOff or MachineEndKind.Reset => "W00",
            MachineEndKind.DebugExit => $"W{end.Value & 0xff:x2}",
            MachineEndKind.Breakpoint => $"T05thread:{end.Processor + 1:x2};{BreakpointReason(end)}",
            MachineEndKind.Watchpoint => $"T05thread:{end.Processor + 1:x2};{WatchpointReason(end)}",
            MachineEndKind.Stepped => $"T05thread:{end.Processor + 1:x2};",
            MachineEndKind.TripleFault => $"T0bthread:{end.Processor + 1:x2};",
            _ when end.CanGoOn => $"T02thread:{end.Processor + 1:x2};",
            _ => $"T06thread:{end.Processor + 1:x2};",
        };
        return _lastStop;
    }

    /// <summary>A packet that makes gdb print a text while the machine runs.</summary>
    public static string Message(string text) => "O" + GdbText.HexOf(text);

    /// <summary>A reply as bytes on the wire.</summary>
    public static byte[] Frame(string payload) => GdbText.Frame(payload);

    private string BreakpointReason(MachineEnd end)
    {
        // In a code segment that does not begin at 0, gdb would look for the breakpoint elsewhere, and take the stop for a late one.
        ulong address = _machine.Processors[end.Processor].LinearRip;
        return !_hasStopReasons || address != _machine.Processors[end.Processor].Rip ? ""
            : (_breakpoints.GetValueOrDefault(address) & BreakpointKinds.Hardware) != BreakpointKinds.None ? "hwbreak:;" : "swbreak:;";
    }

    private string WatchpointReason(MachineEnd end)
    {
        Watchpoint hit = _machine.Processors[end.Processor].LastWatchpoint;
        string kind = hit.Kind switch { WatchKind.Write => "watch", WatchKind.Read => "rwatch", _ => "awatch" };
        return $"{kind}:{hit.Address:x};";
    }

    private GdbAnswer Detach()
    {
        End();
        Choice = ProcessorChoice.All;
        return new GdbAnswer(Ok, GdbRequest.Detach);
    }

    /// <summary>c and s, with or without a signal, of the thread that Hc named.</summary>
    private GdbAnswer ResumeOld(char verb, string rest)
    {
        bool isStep = verb is 's' or 'S';
        string address = verb is 'C' or 'S' ? (rest.Split(';') is [_, string given] ? given : "") : rest;
        int thread = _continued >= 0 ? _continued : _selected;
        if (address.Length != 0)
        {
            if (!GdbText.TryNumber(address, out ulong rip))
            {
                return new GdbAnswer(BadPacket);
            }

            _machine.Processors[thread].Rip = rip;
        }

        // A step of one thread leaves the others where they are, as gdb expects when it steps over a breakpoint.
        Choice = isStep ? new ProcessorChoice(1ul << thread, 1ul << thread) : ProcessorChoice.All;
        return new GdbAnswer(null, GdbRequest.Resume);
    }

    private GdbAnswer HandleVerbose(string packet)
    {
        if (packet == "vCont?")
        {
            return new GdbAnswer("vCont;c;C;s;S");
        }

        if (packet.StartsWith("vKill", StringComparison.Ordinal))
        {
            return new GdbAnswer(Ok, GdbRequest.Kill);
        }

        if (!packet.StartsWith("vCont;", StringComparison.Ordinal))
        {
            return new GdbAnswer("");
        }

        ulong allowed = 0;
        ulong stepped = 0;
        ulong decided = 0;
        ulong all = ulong.MaxValue >> (64 - _machine.Processors.Length);
        foreach (string action in packet["vCont;".Length..].Split(';'))
        {
            string[] parts = action.Split(':');
            if (parts[0].Length == 0 || parts[0][0] is not ('c' or 'C' or 's' or 'S'))
            {
                return new GdbAnswer(BadPacket);
            }

            // The first action that names a thread is that thread's.
            int thread = parts.Length > 1 ? ThreadOf(parts[1]) : AllThreads;
            ulong threads = thread == AllThreads ? all : thread >= 0 ? 1ul << thread : 0;
            threads &= ~decided;
            decided |= threads;
            allowed |= threads;
            stepped |= parts[0][0] is 's' or 'S' ? threads : 0;
        }

        if (allowed == 0)
        {
            return new GdbAnswer(Refused);
        }

        Choice = new ProcessorChoice(allowed, stepped);
        return new GdbAnswer(null, GdbRequest.Resume);
    }

    private string ChangePoint(string rest, bool isSet)
    {
        string[] parts = rest.Split(';')[0].Split(',');
        if (parts.Length != 3 || !GdbText.TryNumber(parts[1], out ulong address) || !GdbText.TryNumber(parts[2], out ulong length))
        {
            return BadPacket;
        }

        switch (parts[0])
        {
            case "0":
                ChangeBreakpoint(address, BreakpointKinds.Software, isSet);
                return Ok;
            case "1":
                ChangeBreakpoint(address, BreakpointKinds.Hardware, isSet);
                return Ok;
            case "2":
                return ChangeWatchpoint(address, length, WatchKind.Write, isSet);
            case "3":
                return ChangeWatchpoint(address, length, WatchKind.Read, isSet);
            case "4":
                return ChangeWatchpoint(address, length, WatchKind.Access, isSet);
            default:
                return "";
        }
    }

    private void ChangeBreakpoint(ulong address, BreakpointKinds kind, bool isSet)
    {
        BreakpointKinds before = _breakpoints.GetValueOrDefault(address);
        BreakpointKinds after = isSet ? before | kind : before & ~kind;
        if (after == BreakpointKinds.None)
        {
            _breakpoints.Remove(address);
            _machine.Breakpoints.Remove(address);
        }
        else
        {
            _breakpoints[address] = after;
            _machine.Breakpoints.Add(address);
        }
    }

    private string ChangeWatchpoint(ulong address, ulong length, WatchKind kind, bool isSet)
    {
        if (length is 0 or > GdbPacketReader.MostBytes)
        {
            return BadPacket;
        }

        var watchpoint = new Watchpoint(address, (int)length, kind);
        _ = isSet ? _machine.Watchpoints.Add(watchpoint) : _machine.Watchpoints.Remove(watchpoint);
        return Ok;
    }
}
