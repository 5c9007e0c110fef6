// SPDX-License-Identifier: Apache-2.0

using System.Collections.Generic;

namespace Liminal.Trace;

/// <summary>One real conversion in a real kernel, with a stray load tried at every instruction of it.</summary>
/// <param name="Kernel">Name of the kernel, as in <see cref="SweepReport.Kernels"/>.</param>
/// <param name="Platform">Name of the platform, as in <see cref="SweepReport.Platforms"/>.</param>
/// <param name="Direction"><c>decrypt</c> (private to shared) or <c>encrypt</c> (shared to private).</param>
/// <param name="Host">Name of the host policy, as in <see cref="SweepReport.Hosts"/>.</param>
/// <param name="Switches">Settings of what the sources leave open, each as <c>name=value</c>, in a fixed order; may be empty.</param>
/// <param name="Subject">What was converted and how it came about.</param>
/// <param name="Result">What the conversion returned, as the caller sees it: <c>0</c>, <c>-EIO (-5)</c>; null when it never returned.</param>
/// <param name="Ended">How the guest fared without any stray load: null when it went on, otherwise in one line why it did not.</param>
/// <param name="FirstInstruction">Instructions that the machine had retired when the conversion was entered.</param>
/// <param name="LastInstruction">The same, when it returned or ended.</param>
/// <param name="Lanes">Who takes part, in the order in which they are drawn: processors, host, pages.</param>
/// <param name="Events">What the conversion did, in order.</param>
/// <param name="Windows">The spans in which a stray load meets something else than its data, in order of their first instruction.</param>
/// <param name="Properties">The verdicts, in the order of <see cref="SweepReport.Properties"/>; a counterexample is a timeline of real events.</param>
/// <param name="Cost">What the conversion cost.</param>
/// <param name="Probes">Questions that were asked: instructions times mappings times translations.</param>
/// <param name="Situations">Distinct situations among them.</param>
/// <param name="Runs">Stray loads that were run to their end in a fork of the machine.</param>
/// <param name="Seconds">Time it took. The only measured value: everything else is the same on every computer.</param>
/// <param name="Incomplete">Why part of the conversion was not swept; null when all of it was.</param>
public sealed record ConversionSweep(
    string Kernel,
    string Platform,
    string Direction,
    string Host,
    IReadOnlyList<string> Switches,
    SweepSubject Subject,
    string? Result,
    string? Ended,
    ulong FirstInstruction,
    ulong LastInstruction,
    IReadOnlyList<Lane> Lanes,
    IReadOnlyList<SweepEvent> Events,
    IReadOnlyList<SweepWindow> Windows,
    IReadOnlyList<PropertyVerdict> Properties,
    ConversionCost Cost,
    long Probes,
    long Situations,
    long Runs,
    double Seconds,
    string? Incomplete);

/// <summary>What was converted and how it came about.</summary>
/// <param name="Cause">The call, such as <c>set_memory_decrypted(ffff888004000000, 16)</c>, or what in the boot made it.</param>
/// <param name="Region"><c>direct-map</c>, <c>vmalloc</c> or <c>image</c>.</param>
/// <param name="Pages">4 KiB pages in the range.</param>
/// <param name="FirstFrame">Frame of the first page.</param>
/// <param name="Processors">Processors of the machine.</param>
/// <param name="Applied">Name of the protocol that took the place of the kernel's own function; null for the kernel's own.</param>
/// <param name="Without">Callbacks of <c>x86_platform.guest</c> that the kernel's plain ones took the place of, in the order given; usually none.</param>
public sealed record SweepSubject(
    string Cause, string Region, int Pages, ulong FirstFrame, int Processors, string? Applied, IReadOnlyList<string> Without)
{
    /// <summary>Number, in its boot, of a conversion that the kernel made by itself, from 1; null for one that was called.</summary>
    public int? Number { get; init; }
}
