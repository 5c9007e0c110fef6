// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;
using System.Linq;

namespace Liminal.Trace;

/// <summary>Sweeps of one conversion under different hosts and settings that came to the same, so that they are told once.</summary>
/// <param name="Sweeps">The sweeps, in the order of the report; at least one.</param>
public sealed record SweepGroup(IReadOnlyList<ConversionSweep> Sweeps)
{
    /// <summary>The first of them; everything but its host, its switches and its time stands for all.</summary>
    public ConversionSweep First => Sweeps[0];

    /// <summary>Puts the sweeps of a report into groups, in the order in which the groups first occur.</summary>
    public static IReadOnlyList<SweepGroup> Of(IEnumerable<ConversionSweep> sweeps) =>
        [.. sweeps.GroupBy(Signature, StringComparer.Ordinal).Select(static same => new SweepGroup([.. same]))];

    /// <summary>Equal for two sweeps that would be told in the same words.</summary>
    private static string Signature(ConversionSweep sweep) => string.Join('\n',
    [
        sweep.Kernel, sweep.Platform, sweep.Direction, sweep.Subject.Cause, sweep.Subject.Region, $"{sweep.Subject.Pages} {sweep.Subject.Processors}",
        sweep.Subject.Applied, string.Join(' ', sweep.Subject.Without), sweep.Result, sweep.Ended, sweep.Incomplete,
        $"{sweep.FirstInstruction} {sweep.LastInstruction} {sweep.Probes} {sweep.Situations} {sweep.Runs} {sweep.Events.Count}",
        string.Join(' ', sweep.Events.Select(static one => one.Instruction)),
        Signature(sweep.Cost),
        .. sweep.Windows.Select(static window => $"{window.First} {window.Last} {string.Join('/', window.Mappings)} {string.Join('/', window.PageStates)} {window.Meets} {window.End} {window.Conclusion}"),
        .. sweep.Properties.Select(static verdict => $"{verdict.Property} {verdict.Verdict} {verdict.Reason}"),
    ]);

    private static string Signature(ConversionCost cost) =>
        $"{cost.Instructions} {cost.PteStores} {cost.FlushRequests} {cost.TlbFlushes} {cost.CacheFlushes} {cost.GuestOperations} {cost.HostCalls}";
}
