// SPDX-License-Identifier: Apache-2.0
using System;
using Liminal.Chipset;
using Liminal.Machine.Scheduling;
using Liminal.X86;
using Liminal.X86.State;

namespace Liminal.Machine;

/// <content>The loop: timers, signals, one processor for a while, and over again.</content>
public sealed partial class VirtualMachine
{
    /// <summary>Most instructions until <see cref="Interrupt"/> is heard, when nothing else ends a slice.</summary>
    private const ulong LongestSlice = 10_000_000;

    /// <summary>Asked for input to the guest's console before each slice; returns the number of bytes it wrote to the span.</summary>
    public ConsoleInput? Input { get; set; }

    /// <summary>Told how many ticks an idle machine is about to skip; an interactive console may wait here. Null skips at once.</summary>
    /// <remarks>Returning false with no deadline ahead (<see cref="MachineClock.Never"/>) ends the run as idle for ever.</remarks>
    public Func<ulong, bool>? Idle { get; set; }

    /// <summary>Runs until something ends the run.</summary>
    /// <param name="instructionLimit">Value of <see cref="InstructionsRetired"/> at which to stop; it may be passed by an instruction's worth of event deliveries.</param>
    /// <returns>Why the run ended. A machine that powered off, reset, or met something not modelled does not run on.</returns>
    public MachineEnd Run(ulong instructionLimit) => Run(instructionLimit, ProcessorChoice.All);

    /// <summary>Runs as <see cref="Run(ulong)"/> does, with some processors held back or stepped.</summary>
    /// <param name="instructionLimit">Value of <see cref="InstructionsRetired"/> at which to stop.</param>
    /// <param name="choice">
    /// Who executes. While none of the allowed processors can, being halted, the others run on, so that what it waits for can happen.
    /// </param>
    public MachineEnd Run(ulong instructionLimit, ProcessorChoice choice)
    {
        if (_end is { CanGoOn: true })
        {
            _end = null;
        }

        while (true)
        {
            if (_end is not null)
            {
                return _end;
            }

            if (_isInterrupted)
            {
                _isInterrupted = false;
                End(MachineEndKind.Requested, Interrupted);
                continue;
            }

            if (_state.InstructionsRetired >= instructionLimit)
            {
                End(MachineEndKind.InstructionLimit, "");
                continue;
            }

            if (TakeTrap(choice))
            {
                continue;
            }

            FeedConsole();
            Board.ExpireTimers();
            if (Confidential is { HasWaiting: true } && _state.InstructionsRetired >= _state.NextPoll)
            {
                // At fixed instructions, so that it does not matter how runs are cut.
                _state.NextPoll = _state.InstructionsRetired - (_state.InstructionsRetired % Scheduler.Turn) + Scheduler.Turn;
                Confidential.Poll();
            }

            ulong runnable = DeliverSignals();
            if (runnable != 0)
            {
                RunSlice(runnable, instructionLimit - _state.InstructionsRetired, choice);
            }
            else
            {
                SkipIdleTime();
            }
        }
    }

    /// <summary>Moves the clock to the present instruction of the running processor.</summary>
    internal void SynchronizeClock() =>
        Board.Clock.MoveTo(_sliceStartTicks + (RetiredInSlice * _configuration.TicksPerInstruction));

    private void RunSlice(ulong runnable, ulong instructionsLeft, ProcessorChoice choice)
    {
        // Where none that may run can, the others do; what is due for them acts first.
        bool isAnyAllowed = (runnable & choice.Allowed) != 0;
        if (!isAnyAllowed && TakeTrap(ProcessorChoice.All))
            return;

        ulong allowed = isAnyAllowed ? choice.Allowed : ulong.MaxValue;
        Processor processor = _processors[_scheduler.Next(runnable, out ulong turn, allowed)];
        bool isStep = ((choice.Stepped >> processor.Index) & 1) != 0;
        ulong now = Board.Clock.Now;
        ulong deadline = Board.NextDeadline;
        ulong untilDeadline = deadline == MachineClock.Never
            ? ulong.MaxValue
            : (deadline - now + _configuration.TicksPerInstruction - 1) / _configuration.TicksPerInstruction;
        ulong budget = Math.Min(Math.Min(turn, untilDeadline), Math.Min(instructionsLeft, isStep ? 1 : LongestSlice));
        if (Confidential is { HasWaiting: true })
        {
            budget = Math.Min(budget, _state.NextPoll - _state.InstructionsRetired);
        }

        _running = processor;
        _sliceStartRetired = processor.State.InstructionsRetired;
        _sliceStartTicks = now;
        StopReason stop = processor.Run((long)budget);
        SynchronizeClock();
        _scheduler.Charge(RetiredInSlice);
        NoteStop(stop);
        ulong retired = RetiredInSlice;
        if (isStep && retired != 0)
        {
            End(MachineEndKind.Stepped, "");
        }

        _running = null;
        _state.InstructionsRetired += retired;
    }

    private void NoteStop(StopReason stop)
    {
        switch (stop.Kind)
        {
            case StopKind.NotModelled:
                End(MachineEndKind.NotModelled, stop.Detail);
                break;
            case StopKind.Shutdown:
                End(MachineEndKind.TripleFault, stop.Detail);
                break;
            case StopKind.HostExit:
                // Who ended the guest has said so already.
                End(MachineEndKind.GuestTerminated, stop.Detail);
                break;
            case StopKind.Livelock:
                End(MachineEndKind.Livelock, stop.Detail);
                break;
            case StopKind.Breakpoint:
                NoteTrap();
                if (Breakpoints.Contains(_running!.LinearRip))
                {
                    End(MachineEndKind.Breakpoint, stop.Detail);
                }

                break;
            case StopKind.Watchpoint:
                End(MachineEndKind.Watchpoint, stop.Detail);
                break;
            case StopKind.Hook:
                End(MachineEndKind.Requested, stop.Detail);
                break;
            default:
                break;  // A halt shows in the processor's activity; the rest goes on.
        }
    }

    /// <summary>Takes what the local APICs have for their processors.</summary>
    /// <returns>Bit n is set when processor n can execute.</returns>
    private ulong DeliverSignals()
    {
        ulong runnable = 0;
        for (int index = 0; index < _processors.Length; index++)
        {
            Processor processor = _processors[index];
            LocalApic apic = Board.LocalApics[index];
            if (apic.HasInit)
            {
                apic.AcknowledgeInit();
                if (Confidential?.TakeInit(processor) != true)
                {
                    processor.Initialise();
                }
            }

            if (apic.StartupVector >= 0)
            {
                if (Confidential?.TakeStartup(processor, (byte)apic.StartupVector) != true)
                {
                    processor.Start((byte)apic.StartupVector);
                }

                apic.AcknowledgeStartup();
            }

            if (apic.HasNmi && Confidential?.HoldsNmi(processor) != true)
            {
                apic.AcknowledgeNmi();
                processor.RequestNonMaskableInterrupt();
            }

            bool interrupt = apic.PendingVector >= 0;
            if (processor.InterruptRequested != interrupt)
            {
                processor.InterruptRequested = interrupt;
            }

            if (CanExecute(processor))
            {
                runnable |= 1ul << index;
            }
        }

        return runnable;
    }

    private static bool CanExecute(Processor processor)
    {
        ref VcpuState state = ref processor.State;
        return state.Activity switch
        {
            Activity.Running => true,
            Activity.Halted => (state.NmiPending && !state.NmiBlocked)
                || (state.InterruptRequested && (state.SystemFlags & Rflags.InterruptEnable) != 0),
            Activity.Held => state.InterruptRequested || (state.NmiPending && !state.NmiBlocked),
            _ => false,
        };
    }

    private void SkipIdleTime()
    {
        ulong deadline = Board.NextDeadline;
        ulong skipped = deadline == MachineClock.Never ? MachineClock.Never : deadline - Board.Clock.Now;
        bool goesOn = Idle?.Invoke(skipped) ?? false;
        if (deadline != MachineClock.Never)
        {
            // Input that arrived while waiting belongs before the skip only if the guest can see it there; it cannot, being halted.
            Board.Clock.MoveTo(deadline);
        }
        else if (!goesOn)
        {
            End(MachineEndKind.IdleForever, "");
        }
    }

    private void FeedConsole()
    {
        int room = Board.Serial.ReceiverRoom;
        if (Input is null || room == 0)
        {
            return;
        }

        Span<byte> bytes = stackalloc byte[16];
        int count = Input(bytes[..room]);
        foreach (byte value in bytes[..count])
        {
            Board.Serial.Receive(value);
        }
    }
}

/// <summary>Which processors a run lets execute.</summary>
/// <param name="Allowed">Bit n: processor n may be picked.</param>
/// <param name="Stepped">Bit n: the run ends with <see cref="MachineEndKind.Stepped"/> once processor n has retired one instruction.</param>
public readonly record struct ProcessorChoice(ulong Allowed, ulong Stepped)
{
    /// <summary>Every processor, until something ends the run.</summary>
    public static ProcessorChoice All => new(ulong.MaxValue, 0);
}

/// <summary>Writes waiting input to a span, at most as much as fits, without blocking.</summary>
/// <returns>Number of bytes written.</returns>
public delegate int ConsoleInput(Span<byte> destination);
