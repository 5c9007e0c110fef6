// SPDX-License-Identifier: Apache-2.0

namespace Liminal.Cli.CommandLine;

/// <summary>What the process says to the shell.</summary>
internal static class ExitCode
{
    /// <summary>Every property holds, or the command did what it was asked.</summary>
    public const int Success = 0;

    /// <summary>A property is violated.</summary>
    public const int Violated = 1;

    /// <summary>Bad usage or bad input; one line on standard error says what, where and what to do.</summary>
    public const int BadInput = 2;

    /// <summary>No verdict: a limit was reached, something is not modelled, or Liminal itself is at fault.</summary>
    public const int NoVerdict = 3;

    /// <summary>Interrupted by Ctrl-C or SIGTERM, after a partial report.</summary>
    public const int Interrupted = 130;
}
