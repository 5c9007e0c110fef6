// SPDX-License-Identifier: Apache-2.0

using System.Collections;
using System.Collections.Generic;
using System.Linq;

namespace Liminal.Linux.Diagnostics;

/// <summary>The failures met while something was read or obtained, in the order they were met.</summary>
/// <remarks>A method that takes a bag returns null, or false, exactly when it has added to it.</remarks>
public sealed class DiagnosticBag : IReadOnlyList<Diagnostic>
{
    private readonly List<Diagnostic> _items = [];

    /// <inheritdoc/>
    public int Count => _items.Count;

    /// <inheritdoc/>
    public Diagnostic this[int index] => _items[index];

    /// <summary>Adds one failure.</summary>
    public void Add(Diagnostic diagnostic) => _items.Add(diagnostic);

    /// <summary>Adds one failure.</summary>
    /// <param name="kind">Which kind of failure.</param>
    /// <param name="subject">The file, package or setting as the user named it.</param>
    /// <param name="detail">What was found there: a clause without a full stop.</param>
    public void Add(DiagnosticKind kind, string subject, string detail) => Add(new Diagnostic(kind, subject, detail));

    /// <inheritdoc/>
    public IEnumerator<Diagnostic> GetEnumerator() => _items.GetEnumerator();

    /// <inheritdoc/>
    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    /// <summary>The lines, one per failure.</summary>
    public override string ToString() => string.Join('\n', _items.Select(static item => item.ToString()));
}
