// SPDX-License-Identifier: Apache-2.0

using Liminal.Trace;

namespace Liminal.Linux.Diagnostics;

/// <summary>One kind of failure that a user can cause and mend.</summary>
/// <param name="Id">Stable identifier: LIM1nnn for image and package files, LIM3nnn for the machine's
/// configuration.</param>
/// <param name="Title">What is wrong, in a few words; the heading of its section in
/// docs/reference/diagnostics.md.</param>
/// <param name="Remedy">What to do about it: an imperative clause without a full stop, at the end of the printed
/// line.</param>
public sealed record DiagnosticKind(string Id, string Title, string Remedy);

/// <summary>One failure, told in one line: which kind, where, what was found, what to do.</summary>
/// <param name="Kind">The kind; it brings the identifier and the remedy.</param>
/// <param name="Subject">Where: the file, package or setting as the user named it.</param>
/// <param name="Detail">What was found there: a clause without a full stop.</param>
public sealed record Diagnostic(DiagnosticKind Kind, string Subject, string Detail)
{
    /// <summary>The stable identifier, such as LIM1007.</summary>
    public string Id => Kind.Id;

    /// <summary>Where, what and what to do, without the identifier. Nothing in it can move a terminal's
    /// cursor.</summary>
    public string Message => PrintableText.Of($"{Subject}: {Detail}; {Kind.Remedy}");

    /// <summary>The whole line: identifier and message.</summary>
    public override string ToString() => $"{Id}: {Message}";
}
