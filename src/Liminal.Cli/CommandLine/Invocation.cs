// SPDX-License-Identifier: Apache-2.0

using System.Threading;
using Liminal.Cli.Output;

namespace Liminal.Cli.CommandLine;

/// <summary>What every command is handed besides its arguments.</summary>
/// <param name="Terminal">Where it writes.</param>
/// <param name="Interrupt">Ctrl-C or SIGTERM: finish with what there is.</param>
internal sealed record Invocation(Terminal Terminal, CancellationToken Interrupt);
