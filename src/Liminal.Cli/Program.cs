// SPDX-License-Identifier: Apache-2.0

using System.Runtime.InteropServices;
using System.Threading;
using Liminal.Cli.CommandLine;
using Liminal.Cli.Output;

using CancellationTokenSource interrupt = new();
using PosixSignalRegistration keyboard = PosixSignalRegistration.Create(PosixSignal.SIGINT, Interrupt);
using PosixSignalRegistration termination = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Interrupt);
using PosixSignalRegistration hangUp = PosixSignalRegistration.Create(PosixSignal.SIGHUP, Interrupt);

return Application.Run(args, new Invocation(Terminal.OfProcess(), interrupt.Token));

// The first signal asks for a partial report; the second finds nobody to hold it up and ends the process.
void Interrupt(PosixSignalContext signal)
{
    signal.Cancel = !interrupt.IsCancellationRequested;
    interrupt.Cancel();
}
