// SPDX-License-Identifier: Apache-2.0

using System;
using System.Net.Sockets;
using System.Threading;
using Liminal.Linux.Diagnostics;
using Liminal.Machine;
using Liminal.Machine.Debugging;

namespace Liminal.Cli.Boot.Debugging;

/// <summary>Runs a machine under the control of a debugger that may come and go.</summary>
/// <remarks>
/// Being stopped and continued changes nothing in what the machine does. A debugger that detaches or is lost leaves the machine running; one
/// that kills ends the run. Bytes that are no packets are passed over.
/// </remarks>
internal sealed class GdbServer : IDisposable
{
    private readonly VirtualMachine _machine;
    private readonly IGdbSymbols? _symbols;
    private readonly GdbConnection _connection;
    private GdbSession? _session;
    private bool _isStopped;

    private GdbServer(VirtualMachine machine, IGdbSymbols? symbols, int port, bool isWaiting)
    {
        _machine = machine;
        _symbols = symbols;
        _isStopped = isWaiting;
        _connection = GdbConnection.Listen(port, machine.Interrupt);
    }

    /// <summary>The port that is listened on.</summary>
    public int Port => _connection.Port;

    /// <summary>True once a debugger has ended the machine.</summary>
    public bool WasKilled { get; private set; }

    /// <summary>Starts to listen.</summary>
    /// <param name="machine">The machine.</param>
    /// <param name="symbols">Names for "monitor symbol".</param>
    /// <param name="port">TCP port on the loopback interface.</param>
    /// <param name="isWaiting">Nothing executes before a debugger lets it.</param>
    /// <param name="diagnostics">Receives one diagnostic when the answer is null.</param>
    public static GdbServer? Listen(VirtualMachine machine, IGdbSymbols? symbols, int port, bool isWaiting, DiagnosticBag diagnostics)
    {
        try
        {
            return new GdbServer(machine, symbols, port, isWaiting);
        }
        catch (SocketException exception)
        {
            diagnostics.Add(BootDiagnostics.NoDebuggerPort, $"port {port}", exception.Message.TrimEnd('.'));
            return null;
        }
    }

    /// <summary>Runs as <see cref="VirtualMachine.Run(ulong)"/> does, with pauses.</summary>
    /// <param name="instructionLimit">Where to stop.</param>
    /// <param name="leave">Ends the run although a debugger holds the machine.</param>
    public MachineEnd Run(ulong instructionLimit, CancellationToken leave)
    {
        while (true)
        {
            if (_isStopped && !Converse(leave))
            {
                return new MachineEnd(MachineEndKind.Requested, 0, _machine.Processors[0].Rip, WasKilled ? "ended by gdb" : "interrupted");
            }

            MachineEnd end = _machine.Run(instructionLimit, _session?.Choice ?? ProcessorChoice.All);
            switch (end.Kind)
            {
                case MachineEndKind.Breakpoint or MachineEndKind.Watchpoint or MachineEndKind.Stepped:
                    Stop(end);
                    break;
                case MachineEndKind.Requested when end.Detail == VirtualMachine.Interrupted:
                    if (leave.IsCancellationRequested)
                        return end;

                    HandleWaiting(end);
                    break;
                case MachineEndKind.Requested or MachineEndKind.InstructionLimit:
                case MachineEndKind.PoweredOff or MachineEndKind.Reset or MachineEndKind.DebugExit:
                    return end;
                default:
                    ShowLastState(end, leave);
                    return end;
            }
        }
    }

    /// <summary>Tells a debugger that the machine is gone.</summary>
    /// <param name="exitCode">What the process will say to the shell.</param>
    public void Finish(int exitCode)
    {
        if (_session is not null && !WasKilled)
        {
            _connection.Send($"W{exitCode:x2}");
        }

        _connection.Close();
    }

    /// <inheritdoc/>
    public void Dispose() => _connection.Dispose();

    /// <summary>Stops, and says so, if there is anybody to hear it.</summary>
    private void Stop(MachineEnd end)
    {
        if (_session is null)
        {
            return;
        }

        _isStopped = true;
        _connection.Send(_session.StopReply(end));
    }

    /// <summary>The machine will not run on, but can be looked at.</summary>
    private void ShowLastState(MachineEnd end, CancellationToken leave)
    {
        if (_session is not null)
        {
            _connection.Send(GdbSession.Message($"liminal: {end}\n"));
            Stop(end);
            Converse(leave);
        }
    }

    /// <summary>Sees to what came in while the machine was running.</summary>
    private void HandleWaiting(MachineEnd end)
    {
        while (!_isStopped && _connection.TryTake(out GdbEvent item))
        {
            switch (item.Kind)
            {
                case GdbEventKind.Connected:
                    Attach();
                    break;
                case GdbEventKind.Disconnected:
                    Lose();
                    break;
                case GdbEventKind.Input when item.Input.Kind == GdbInputKind.Interrupt:
                    Stop(end);
                    break;
                case GdbEventKind.Input:
                    // Between "continue" and a stop there is nothing that gdb may ask.
                    break;
            }
        }
    }

    /// <summary>Answers packets until one resumes the machine.</summary>
    /// <returns>False when the run is over instead.</returns>
    private bool Converse(CancellationToken leave)
    {
        while (_isStopped)
        {
            GdbEvent item;
            try
            {
                item = _connection.Take(leave);
            }
            catch (OperationCanceledException)
            {
                return false;
            }

            switch (item.Kind)
            {
                case GdbEventKind.Connected:
                    Attach();
                    break;
                case GdbEventKind.Disconnected:
                    // Who has connected and gone has had a chance to say how long to wait.
                    Lose();
                    break;
                default:
                    Handle(item.Input);
                    break;
            }
        }

        return !WasKilled;
    }

    private void Handle(GdbInput input)
    {
        if (_session is null)
        {
            return;
        }

        switch (input.Kind)
        {
            case GdbInputKind.Packet:
                if (_session.WantsAcknowledgements)
                    _connection.Acknowledge(isGood: true);

                Answer(_session.Handle(input.Payload));
                break;
            case GdbInputKind.Garbled:
                _connection.Acknowledge(isGood: false);
                break;
            case GdbInputKind.Resend:
                _connection.SendAgain();
                break;
            default:
                // Ctrl-C at a machine that is stopped.
                break;
        }
    }

    private void Answer(GdbAnswer answer)
    {
        if (answer.Reply is string reply)
        {
            _connection.Send(reply);
        }

        switch (answer.Request)
        {
            case GdbRequest.Resume:
                _isStopped = false;
                break;
            case GdbRequest.Detach:
                Lose();
                break;
            case GdbRequest.Kill:
                WasKilled = true;
                _isStopped = false;
                break;
        }
    }

    private void Attach()
    {
        _session = new GdbSession(_machine, _symbols);
        _isStopped = true;
    }

    private void Lose()
    {
        _session?.End();
        _session = null;
        _isStopped = false;
    }
}
