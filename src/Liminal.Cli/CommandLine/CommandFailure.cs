// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;

namespace Liminal.Cli.CommandLine;

/// <summary>The user gave something that cannot be used. Ends the command with one line.</summary>
/// <param name="id">The diagnostic; docs/reference/diagnostics.md explains each.</param>
/// <param name="message">What, where and what to do, without a full stop.</param>
internal sealed class CommandFailure(string id, string message) : Exception(message)
{
    /// <summary>The diagnostic, such as <c>LIM3010</c>.</summary>
    public string Id { get; } = id;

    /// <summary>What the process says to the shell.</summary>
    public int ExitCode { get; init; } = CommandLine.ExitCode.BadInput;

    /// <summary>Lines above that line: a compiler's errors, one each. Usually none.</summary>
    public IReadOnlyList<string> Details { get; init; } = [];
}
