// SPDX-License-Identifier: Apache-2.0

using System;
using System.Globalization;
using System.Linq;

namespace Liminal.Trace;

/// <summary>How reports for other programs name the parts of a sweep; instructions count from the entry of the conversion.</summary>
internal static class SweepWords
{
    /// <summary>Host and switches: <c>cooperative host, rmp-change-invalidates-tlb=off</c>.</summary>
    public static string Settings(ConversionSweep sweep) => string.Join(", ", [$"{sweep.Host} host", .. sweep.Switches]);

    /// <summary>What was converted: <c>16 pages of direct-map</c>, and the experiment if it is one.</summary>
    public static string Subject(SweepSubject subject) => string.Join(", ",
    [
        $"{Count(subject.Pages, "page")} of {subject.Region}",
        .. subject.Applied is null ? (string[])[] : [$"{subject.Applied} applied"],
        .. subject.Number is int number ? [$"conversion {number} of the boot"] : (string[])[],
        .. subject.Without.Select(static function => $"without {function}"),
    ]);

    /// <summary>A window in one line.</summary>
    public static string Window(ConversionSweep sweep, SweepWindow window) =>
        $"{Offset(sweep, window.First)} to {Offset(sweep, window.Last)}, {Count(window.Length, "instruction")}: {Count(window.Pages.Count, "page")}, "
        + $"{string.Join(", ", window.Mappings)}, {string.Join(", ", window.PageStates)}: meets {window.MeetsInWords()}, {window.End}: {window.Conclusion}";

    /// <summary>An instruction, counted from the entry: <c>+34,948</c>.</summary>
    public static string Offset(ConversionSweep sweep, ulong instruction) =>
        "+" + (instruction - sweep.FirstInstruction).ToString("N0", CultureInfo.InvariantCulture);

    /// <summary>The function of a symbol: <c>pvalidate_pages</c> of <c>pvalidate_pages+0xac/0x200</c>.</summary>
    public static string Function(string symbol)
    {
        string known = symbol.TrimStart('?', ' ');
        int end = known.AsSpan().IndexOfAny('+', ' ');
        return end < 0 ? known : known[..end];
    }

    private static string Count(ulong count, string one) => $"{count.ToString("N0", CultureInfo.InvariantCulture)} {one}{(count == 1 ? "" : "s")}";

    private static string Count(int count, string one) => Count((ulong)count, one);
}
