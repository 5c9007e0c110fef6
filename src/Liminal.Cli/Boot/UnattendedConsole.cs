// SPDX-License-Identifier: Apache-2.0

using System.Diagnostics;
using System.IO;
using System.Threading;
using Liminal.Cli.CommandLine;
using Liminal.Machine;

namespace Liminal.Cli.Boot;

/// <summary>Runs a boot with nobody at the console: its output is printed, and input comes from a file or pipe, if at all. Ctrl-C ends it with a report.</summary>
internal static class UnattendedConsole
{
    /// <summary>Runs to an end or the limit of instructions.</summary>
    /// <param name="session">The machine.</param>
    /// <param name="input">What is typed to the guest; null for nothing.</param>
    /// <param name="output">Where the guest's console goes.</param>
    /// <param name="interrupt">Ends the run.</param>
    public static BootOutcome Run(BootSession session, Stream? input, Stream output, CancellationToken interrupt)
    {
        using var buffered = new BufferedStream(output, 1 << 12);
        session.Echo = value =>
        {
            buffered.WriteByte(value);
            if (value == '\n')
            {
                buffered.Flush();
            }
        };
        using CancellationTokenRegistration typing = input is null ? default : PipedInput.Connect(session, input, buffered.Flush, interrupt);
        var time = Stopwatch.StartNew();
        MachineEnd end = session.Run(interrupt);
        time.Stop();
        buffered.Flush();
        return BootOutcome.Of(session, end, session.Debugger is { WasKilled: true } ? ExitCode.Interrupted : BootOutcome.CodeOf(interrupt), time.Elapsed);
    }
}
