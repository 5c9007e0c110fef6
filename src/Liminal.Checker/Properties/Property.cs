// SPDX-License-Identifier: Apache-2.0

using System.Collections.Generic;

namespace Liminal.Checker.Properties;

/// <summary>What is demanded of a conversion.</summary>
public enum Property : byte
{
    /// <summary>No stray load ends the guest.</summary>
    StrayLoadsSurvive,

    /// <summary>A stray load meets data or an ordinary page fault, and nothing of the platform: the decoupling claim of the series.</summary>
    StrayLoadsTakePageFaultsOnly,

    /// <summary>The invariant of Linux's TDX code.</summary>
    NoPrivateMappingOfASharedPage,

    /// <summary>No plaintext of the guest stands where the host can read it.</summary>
    NoPlaintextReachesTheHost,

    /// <summary>The guest never takes bytes that the host chose for its own private data.</summary>
    NoHostDataIsTakenForPrivate,

    /// <summary>Every address told to the host is the address of the page.</summary>
    TranslationSucceeds,

    /// <summary>A data-cache flush flushes, and no old line is written back after the page has changed hands.</summary>
    CacheFlushTakesEffect,

    /// <summary>After a successful conversion no CPU holds a translation from before it.</summary>
    NoStaleTranslationSurvives,

    /// <summary>A conversion that the host does not refuse ends with success, and success means what it says.</summary>
    ConversionEndsAsRequested,

    /// <summary>A failed conversion leaves no page not present for good, and none in a mixed state with the allocator.</summary>
    FailureLeavesNothingUsable,

    /// <summary>The converter never repeats itself for ever.</summary>
    ConversionTerminates,
}

/// <summary>A property as a named sentence.</summary>
/// <param name="Property">The property.</param>
/// <param name="Sentence">What it demands, in one sentence.</param>
/// <param name="Violated">What has happened when it does not hold, in a few words.</param>
public sealed record PropertyInfo(Property Property, string Sentence, string Violated)
{
    /// <summary>The name, as on the command line and in reports.</summary>
    public string Name => Property.ToString();

    /// <summary>Every property, in the order of reports.</summary>
    public static IReadOnlyList<PropertyInfo> All { get; } =
    [
        new(Property.StrayLoadsSurvive, "No stray load ends in termination, a fatal exception, or a livelock.", "a stray load ends the guest"),
        new(Property.StrayLoadsTakePageFaultsOnly, "A stray load meets data or an ordinary #PF; no #VE, #VC, #MC or exit that changes the page.", "a stray load meets the platform"),
        new(Property.NoPrivateMappingOfASharedPage, "No CPU can reach a page that the host holds shared through a private translation, walked or cached.", "a private mapping of a shared page"),
        new(Property.NoPlaintextReachesTheHost, "Private data of the guest never stands in a page that the host can read.", "plaintext reaches the host"),
        new(Property.NoHostDataIsTakenForPrivate, "The owner of a private page never reads bytes that the host chose.", "host data is taken for private"),
        new(Property.TranslationSucceeds, "The notify step finds the right frame in the state the page tables are in.", "the translation fails or names another page"),
        new(Property.CacheFlushTakesEffect, "Every cache flush that is asked for is made, and no line under the old attribute is written back after the page has changed hands.", "the cache flush does nothing"),
        new(Property.NoStaleTranslationSurvives, "When a conversion returns success, no CPU caches a translation that the page tables no longer hold.", "a stale translation survives"),
        new(Property.ConversionEndsAsRequested, "Unless the host refuses, a conversion returns, with page tables and, where the platform keeps any, page state as requested, and the new user can use the page.", "the conversion does not end as requested"),
        new(Property.FailureLeavesNothingUsable, "A failed conversion leaves no page not present, and hands the allocator no page in a mixed state.", "failure leaves an unusable or mixed page"),
        new(Property.ConversionTerminates, "The converter never comes back to a state it was in.", "the conversion never ends"),
    ];
}
