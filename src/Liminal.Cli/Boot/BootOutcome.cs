// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Threading;
using Liminal.Linux;
using Liminal.Linux.Guest;
using Liminal.Machine;

namespace Liminal.Cli.Boot;

/// <summary>How a boot ended.</summary>
/// <param name="End">Why the machine stopped.</param>
/// <param name="ExitCode">0 the text was seen or the guest ended in order; 1 it panicked or was terminated; 3 not modelled or a limit; 130 interrupted.</param>
/// <param name="Reason">One line: what happened and where.</param>
/// <param name="Instructions">Instructions that all processors retired.</param>
/// <param name="ResumedAt">Instructions that a snapshot saved.</param>
/// <param name="Elapsed">Host time of the run, for the report only.</param>
/// <param name="LastLines">The end of the console.</param>
/// <param name="Stack">When the guest was ended or could not go on: the kernel's stack there, innermost first; else empty.</param>
internal sealed record BootOutcome(
    MachineEnd End,
    int ExitCode,
    string Reason,
    ulong Instructions,
    ulong ResumedAt,
    TimeSpan Elapsed,
    IReadOnlyList<string> LastLines,
    IReadOnlyList<string> Stack)
{
    private const int LastLineCount = 12;

    /// <summary>Judges a run.</summary>
    /// <param name="session">The machine after the run.</param>
    /// <param name="end">Why it stopped.</param>
    /// <param name="stopCode">Exit code when it was stopped from outside; null when it was not.</param>
    /// <param name="elapsed">Host time of the run.</param>
    public static BootOutcome Of(BootSession session, MachineEnd end, int? stopCode, TimeSpan elapsed)
    {
        int exitCode = end.Kind switch
        {
            MachineEndKind.Requested when session.TextWasSeen => 0,
            _ when session.HasPanicked => 1,
            MachineEndKind.PoweredOff or MachineEndKind.Reset => 0,
            MachineEndKind.DebugExit => end.Value == 0 ? 0 : 1,
            MachineEndKind.TripleFault or MachineEndKind.GuestTerminated or MachineEndKind.Livelock => 1,
            MachineEndKind.Requested when stopCode is int code => code,
            _ => 3,
        };
        string reason = Symbolise(session, end);
        return new BootOutcome(
            end,
            exitCode,
            session.HasPanicked ? $"the kernel panicked; {reason}" : reason,
            session.Machine.InstructionsRetired,
            session.ResumedAt,
            elapsed,
            session.Log.LastLines(LastLineCount),
            StackAt(session, end));
    }

    /// <summary>The exit code of a run that a signal stopped; null when none came.</summary>
    public static int? CodeOf(CancellationToken interrupt) => interrupt.IsCancellationRequested ? CommandLine.ExitCode.Interrupted : null;

    /// <summary>Writes the reason, the counts and, when the run did not end well, the end of the console.</summary>
    public void Print(TextWriter writer)
    {
        if (ExitCode is not (0 or 130))
        {
            writer.WriteLine("liminal: the last lines of the console:");
            foreach (string line in LastLines)
            {
                writer.WriteLine("  | " + line);
            }
        }

        if (Stack.Count != 0)
        {
            writer.WriteLine($"liminal: the stack of processor {End.Processor}:");
            foreach (string line in Stack)
            {
                writer.WriteLine("  | " + line);
            }
        }

        // The console may have stopped in the middle of a line.
        writer.WriteLine();
        double seconds = Elapsed.TotalSeconds;
        string rate = seconds > 0 ? ((Instructions - ResumedAt) / seconds / 1e6).ToString("F0", CultureInfo.InvariantCulture) : "-";
        writer.WriteLine($"liminal: {Reason}");
        writer.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"liminal: {Instructions:N0} instructions, {Instructions - ResumedAt:N0} of them now in {seconds:F2} s ({rate} million a second)"));
    }

    private static string[] StackAt(BootSession session, MachineEnd end)
    {
        if (end.Kind is not (MachineEndKind.GuestTerminated or MachineEndKind.Livelock or MachineEndKind.TripleFault)
            || session.Image is not { } image
            || KernelKnowledge.Of(image, session.Request.Image, []) is not { } knowledge
            || GuestKernel.Attach(session.Machine, knowledge, out _) is not { } kernel)
        {
            return [];
        }

        return kernel.StackOf(session.Machine.Processors[end.Processor]).ToString().Split('\n');
    }

    private static string Symbolise(BootSession session, MachineEnd end)
    {
        string place = SymbolAt.Describe(session.Image, end.Rip);
        return place.Length == 0 ? end.ToString() : $"{end} in {place}";
    }
}
