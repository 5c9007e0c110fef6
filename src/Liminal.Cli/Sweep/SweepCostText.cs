// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using Liminal.Trace;

namespace Liminal.Cli.Sweep;

/// <summary>What conversions cost, as a table: one row for each kernel as shipped or altered, those of one conversion under one another.</summary>
internal static class SweepCostText
{
    private const int CountWidth = 11;
    private const string Indent = "  ";

    private static readonly (string Name, Func<CostRow, string> Value)[] Columns =
    [
        ("PTE/page", static row => row.PteStoresPerPage.ToString("0.00", CultureInfo.InvariantCulture)),
        ("requests", static row => Number(row.Cost.FlushRequests)),
        ("TLB", static row => Number(row.Cost.TlbFlushes)),
        ("cache", static row => Number(row.Cost.CacheFlushes)),
        ("guest ops", static row => Number(row.Cost.GuestOperations)),
        ("host calls", static row => Number(row.Cost.HostCalls)),
        ("total", static row => Number((long)row.Cost.Instructions)),
    ];

    /// <summary>The table; nothing when there is nothing to tell.</summary>
    /// <param name="comparisons">What is told.</param>
    public static IEnumerable<TextLine> Render(IReadOnlyList<CostComparison> comparisons)
    {
        if (comparisons.Count == 0)
            yield break;

        int names = comparisons.SelectMany(static one => one.Rows).Max(static row => NameOf(row).Length) + Indent.Length;
        string head = string.Concat(Columns.Select(static column => column.Name.PadLeft(CountWidth)));
        yield return new TextLine([new TextSpan("cost: stores to leaves for each page, flush requests, flushes carried out, cache lines flushed, instructions", TextStyle.Strong)]);
        yield return new TextLine([new TextSpan("".PadRight(names) + head, TextStyle.Faint)]);
        foreach (CostComparison comparison in comparisons)
        {
            yield return new TextLine([new TextSpan($"{comparison.Platform} {comparison.Direction}, {comparison.Pages} pages", TextStyle.Plain)]);
            foreach (CostRow row in comparison.Rows)
            {
                string counts = string.Concat(Columns.Select(column => column.Value(row).PadLeft(CountWidth)));
                yield return new TextLine([new TextSpan($"{Indent}{NameOf(row)}".PadRight(names) + counts + Factor(row, comparison.Rows[0]), TextStyle.Plain)]);
                string phases = string.Join(", ", row.Cost.Phases.Select(static phase => $"{phase.Name} {Number((long)phase.Instructions)}"));
                foreach (string line in PrintableText.Wrap(PrintableText.Of(phases), names + head.Length - (2 * Indent.Length)))
                    yield return new TextLine([new TextSpan($"{Indent}{Indent}{line}", TextStyle.Faint)]);
            }
        }
    }

    /// <summary>The instructions as a multiple of the first row's.</summary>
    private static string Factor(CostRow row, CostRow first) =>
        row == first || first.Cost.Instructions == 0
            ? ""
            : $"  {((double)row.Cost.Instructions / first.Cost.Instructions).ToString("0.00", CultureInfo.InvariantCulture)} x";

    private static string NameOf(CostRow row) => PrintableText.Of(string.Join(' ',
    [
        row.Kernel,
        .. row.Applied is null ? Array.Empty<string>() : [$"with {row.Applied}"],
        .. row.Without.Select(static name => $"without {name}"),
    ]));

    private static string Number(long value) => value.ToString("N0", CultureInfo.InvariantCulture);
}
