// SPDX-License-Identifier: Apache-2.0

using System.Diagnostics;
using System.IO;
using System.Threading;
using Liminal.Cli.CommandLine;
using Liminal.Machine;

namespace Liminal.Cli.Boot;

/// <summary>Runs a boot with nobody at the console: its output is printed, input never comes. Ctrl-C ends it with a report.</summary>
internal static class UnattendedConsole
{
    /// <summary>Runs to an end or the limit of instructions.</summary>
    public static BootOutcome Run(BootSession session, Stream output, CancellationToken interrupt)
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
        var time = Stopwatch.StartNew();
        MachineEnd end = session.Run(interrupt);
        time.Stop();
        buffered.Flush();
        return BootOutcome.Of(session, end, session.Debugger is { WasKilled: true } ? ExitCode.Interrupted : BootOutcome.CodeOf(interrupt), time.Elapsed);
    }
}
