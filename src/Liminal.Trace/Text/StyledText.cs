// SPDX-License-Identifier: Apache-2.0

using System.Collections.Generic;
using System.Linq;

namespace Liminal.Trace;

/// <summary>What a piece of text is, for whoever turns it into colours.</summary>
public enum TextStyle
{
    /// <summary>Ordinary text.</summary>
    Plain,

    /// <summary>Text that carries the page: titles, who acts.</summary>
    Strong,

    /// <summary>Text that is there when needed: sources, headings of columns, what has not changed.</summary>
    Faint,

    /// <summary>A cell that differs from the step before.</summary>
    Changed,

    /// <summary>Good news: a property that holds.</summary>
    Good,

    /// <summary>Something to look at.</summary>
    Notable,

    /// <summary>A violation.</summary>
    Violation,
}

/// <summary>A piece of a line in one style.</summary>
/// <param name="Text">Printable text without line ends.</param>
/// <param name="Style">What it is.</param>
public readonly record struct TextSpan(string Text, TextStyle Style);

/// <summary>One line of output, without its end.</summary>
/// <param name="Spans">The pieces from left to right.</param>
public sealed record TextLine(IReadOnlyList<TextSpan> Spans)
{
    /// <summary>The line without its styles and without blanks at its end.</summary>
    public override string ToString() => string.Concat(Spans.Select(span => span.Text)).TrimEnd();
}
