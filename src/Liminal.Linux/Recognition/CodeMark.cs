// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;
using System.Linq;
using Liminal.Linux.Symbols;

namespace Liminal.Linux.Recognition;

/// <summary>How a piece of kernel code is told by its symbols.</summary>
/// <param name="Name">Its name in Liminal: of a protocol, or of a platform.</param>
/// <param name="Title">What it is, in a few words.</param>
/// <param name="Present">Symbols that must all be there, exactly or as a compiler's clone such as name.part.0; of several with | between, one.</param>
/// <param name="Absent">Symbols none of which may be there.</param>
/// <param name="Source">Where these symbols come from: kernel version and file.</param>
public sealed record CodeMark(string Name, string Title, IReadOnlyList<string> Present, IReadOnlyList<string> Absent, string Source)
{
    /// <summary>Looks for the symbols of this mark.</summary>
    internal RecognisedCode In(Kallsyms symbols) =>
        new(this, [.. Present.Concat(Absent).Select(name => new SymbolEvidence(name, HasSymbol(symbols, name)))]);

    private static bool HasSymbol(Kallsyms symbols, string names) => Array.Exists(
        names.Split('|'), name => symbols.Contains(name) || Array.Exists(Clones, clone => symbols.Contains(name + clone)));

    /// <summary>Suffixes of clones that GCC leaves when it takes a function apart or specialises it.</summary>
    private static readonly string[] Clones = [".part.0", ".constprop.0", ".isra.0"];
}

/// <summary>One symbol that was looked for.</summary>
/// <param name="Symbol">Its name.</param>
/// <param name="IsPresent">Whether the kernel has it.</param>
public readonly record struct SymbolEvidence(string Symbol, bool IsPresent)
{
    /// <summary>The name, with a minus in front when the kernel does not have it.</summary>
    public override string ToString() => IsPresent ? Symbol : "-" + Symbol;
}

/// <summary>What a kernel's symbols say about one mark.</summary>
/// <param name="Mark">What was looked for.</param>
/// <param name="Evidence">Every symbol of the mark, in its order: those wanted, then those not wanted.</param>
public sealed record RecognisedCode(CodeMark Mark, IReadOnlyList<SymbolEvidence> Evidence)
{
    /// <summary>The name of the mark.</summary>
    public string Name => Mark.Name;

    /// <summary>Whether all wanted symbols are there and none of the others.</summary>
    public bool IsMatch => Evidence.All(item => item.IsPresent == Mark.Present.Contains(item.Symbol, StringComparer.Ordinal));
}
