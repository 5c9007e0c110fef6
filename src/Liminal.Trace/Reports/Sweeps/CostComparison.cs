// SPDX-License-Identifier: Apache-2.0

using System.Collections.Generic;
using System.Globalization;
using System.Linq;

namespace Liminal.Trace;

/// <summary>What one conversion costs in each kernel, and in each kernel that was altered: the rows to be held against each other.</summary>
/// <param name="Platform">Name of the platform.</param>
/// <param name="Direction"><c>decrypt</c> or <c>encrypt</c>.</param>
/// <param name="Region">Where the pages come from.</param>
/// <param name="Pages">Pages converted.</param>
/// <param name="Rows">One row per kernel and alteration, in the order of the sweeps.</param>
public sealed record CostComparison(string Platform, string Direction, string Region, int Pages, IReadOnlyList<CostRow> Rows)
{
    /// <summary>The comparisons that the sweeps of a report allow, in the order of the sweeps.</summary>
    /// <remarks>
    /// Hosts and settings under which a conversion costs the same share a row, named after the first of them. A conversion that did not return
    /// has no cost.
    /// </remarks>
    public static IReadOnlyList<CostComparison> Of(IReadOnlyList<ConversionSweep> sweeps) =>
    [
        .. from sweep in sweeps
           where sweep.Result is not null
           group sweep by (sweep.Platform, sweep.Direction, sweep.Subject.Region, sweep.Subject.Pages) into same
           select new CostComparison(same.Key.Platform, same.Key.Direction, same.Key.Region, same.Key.Pages, [.. same.DistinctBy(Signature).Select(Row)]),
    ];

    private static CostRow Row(ConversionSweep sweep) => new(
        sweep.Kernel, sweep.Subject.Applied, sweep.Subject.Without, sweep.Host, sweep.Switches,
        (double)sweep.Cost.PteStores / sweep.Subject.Pages, sweep.Cost);

    /// <summary>Equal for two sweeps of one comparison that share a row.</summary>
    private static string Signature(ConversionSweep sweep) => string.Join('\n',
    [
        sweep.Kernel, sweep.Subject.Applied, string.Join(',', sweep.Subject.Without),
        .. new[]
        {
            (long)sweep.Cost.Instructions, sweep.Cost.PteStores, sweep.Cost.FlushRequests, sweep.Cost.TlbFlushes, sweep.Cost.CacheFlushes,
            sweep.Cost.GuestOperations, sweep.Cost.HostCalls,
        }.Select(static count => count.ToString(CultureInfo.InvariantCulture)),
    ]);
}

/// <summary>What a conversion costs in one kernel, as shipped or altered.</summary>
/// <param name="Kernel">Name of the kernel, as in <see cref="SweepReport.Kernels"/>.</param>
/// <param name="Applied">The protocol that took the place of the kernel's own function; null for none.</param>
/// <param name="Without">The callbacks that the plain ones took the place of; usually none.</param>
/// <param name="Host">The first host under which it costs this.</param>
/// <param name="Switches">The first settings under which it costs this.</param>
/// <param name="PteStoresPerPage">Stores to leaf entries for each 4 KiB page; less than 1 where large leaves are rewritten whole.</param>
/// <param name="Cost">The counts.</param>
public sealed record CostRow(
    string Kernel,
    string? Applied,
    IReadOnlyList<string> Without,
    string Host,
    IReadOnlyList<string> Switches,
    double PteStoresPerPage,
    ConversionCost Cost);
