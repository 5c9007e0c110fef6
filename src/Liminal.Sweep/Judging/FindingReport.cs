// SPDX-License-Identifier: Apache-2.0

using System.Collections.Generic;
using System.Linq;
using Liminal.Linux.Calls;
using Liminal.Memory;
using Liminal.Platform;
using Liminal.Sweep.Conversions;
using Liminal.Trace;

namespace Liminal.Sweep.Judging;

/// <summary>Turns a finding into its place in a report.</summary>
public static class FindingReport
{
    /// <summary>The report of one conversion.</summary>
    /// <param name="finding">What was found.</param>
    /// <param name="kernelName">What the report calls the kernel.</param>
    /// <param name="platform">The rulebook.</param>
    /// <param name="hostName">Name of the host policy.</param>
    /// <param name="switches">Settings of the policy switches, as texts.</param>
    /// <param name="processors">Processors of the machine.</param>
    /// <param name="seconds">Time it took.</param>
    public static ConversionSweep Of(
        ConversionFinding finding,
        string kernelName,
        ConfidentialPlatform platform,
        string hostName,
        IReadOnlyList<string> switches,
        int processors,
        double seconds)
    {
        ConversionQuestion question = finding.Question;
        KernelCallResult result = finding.Record.Result;
        return new ConversionSweep(
            kernelName,
            platform.Name,
            question.Target == PteAttribute.Shared ? "decrypt" : "encrypt",
            hostName,
            switches,
            new SweepSubject(
                question.Cause ?? $"{question.Function}({finding.Range.Address:x16}, {finding.Range.Frames.Count})",
                RegionName(question.Region), finding.Range.Frames.Count, finding.Range.Frames[0].Value, processors, question.Applied?.Name, question.Without)
            {
                Number = question.Number,
            },
            result.HasReturned ? ResultText(result) : null,
            finding.Record.End is { CanGoOn: true } died ? died.Detail : finding.Record.End?.ToString(),
            finding.Record.First,
            finding.Record.Last,
            ObservedTimeline.Lanes(processors, question.Cpu, finding.Range.Frames.Count),
            finding.Record.Events,
            finding.Windows,
            PropertyJudge.Of(finding, platform),
            finding.Record.Cost,
            finding.Record.Probes,
            finding.Record.Spans.Select(static span => (span.Mapping.Region, span.Situation)).Distinct().Count(),
            finding.Runs.Count,
            seconds,
            finding.IsComplete
                ? finding.Record.EventsLeftOut > 0 ? $"{finding.Record.EventsLeftOut} further events were counted and are not listed" : null
                : "not every stray load was tried");
    }

    /// <summary>The name of a region on the command line and in reports.</summary>
    public static string RegionName(SweepRegion region) => region switch
    {
        SweepRegion.DirectMap => "direct-map",
        SweepRegion.Vmalloc => "vmalloc",
        _ => "image",
    };

    /// <summary>What a conversion returned: <c>0</c>, <c>-EIO (-5)</c>.</summary>
    internal static string ResultText(KernelCallResult result) => result.Error == 0 ? "0" : $"{Errno(result.Error)} ({result.Error})";

    private static string Errno(int error) => -error switch
    {
        5 => "-EIO",
        12 => "-ENOMEM",
        14 => "-EFAULT",
        16 => "-EBUSY",
        22 => "-EINVAL",
        _ => "error",
    };
}
