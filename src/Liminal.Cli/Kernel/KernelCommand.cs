// SPDX-License-Identifier: Apache-2.0

using System.CommandLine;
using Liminal.Cli.CommandLine;
using Liminal.Linux.Diagnostics;

namespace Liminal.Cli.Kernel;

/// <summary><c>liminal kernel</c>: obtain kernels, and see what is known of them.</summary>
internal static class KernelCommand
{
    /// <summary>Builds the command.</summary>
    public static Command Create(Invocation invocation) => new ExplainedCommand(
        "kernel",
        "Obtains Linux kernels, and tells what is known of an image.",
        ("liminal kernel get debian:6.12-cloud", "the newest Debian 6.12 kernel for clouds, through apt, into the cache"),
        ("liminal kernel info /boot/vmlinuz", "version, symbols, zeropad sites and conversion code of an image"))
    {
        GetCommand.Create(invocation),
        InfoCommand.Create(invocation),
    };

    /// <summary>The first diagnostic as the failure of a command.</summary>
    internal static CommandFailure Failure(DiagnosticBag diagnostics) => new(diagnostics[0].Id, diagnostics[0].Message);
}
