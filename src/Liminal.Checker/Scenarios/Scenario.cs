// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;
using Liminal.Checker.Vocabulary;
using Liminal.Platform;

namespace Liminal.Checker.Scenarios;

/// <summary>What the caller of a failed conversion does with the pages.</summary>
/// <remarks>Source: Linux v6.12, the callers of set_memory_decrypted() and set_memory_encrypted(): kernel/dma, arch/x86/kernel/kvmclock.c, drivers/virt/coco.</remarks>
public enum CallerOnFailure : byte
{
    /// <summary>Hands them to the allocator again (kvmclock_init_mem, sev-guest, swiotlb_exit).</summary>
    Frees,

    /// <summary>Leaks them.</summary>
    Leaks,

    /// <summary>Goes on as if the conversion had succeeded (swiotlb_update_mem_attributes).</summary>
    Ignores,
}

/// <summary>Which pages a second converter works on.</summary>
public enum SecondConverter : byte
{
    /// <summary>There is none.</summary>
    None,

    /// <summary>The second half of the pages, while the first converter has the first half.</summary>
    NeighbouringPages,

    /// <summary>The same pages, in the same direction.</summary>
    SamePages,
}

/// <summary>One question to the checker: a protocol, a platform, an adversary, and the size of the model.</summary>
/// <param name="Protocol">The conversion.</param>
/// <param name="Platform">The rules.</param>
/// <param name="Direction">Private to shared or back.</param>
/// <param name="Host">How the host behaves.</param>
/// <param name="Switches">The setting of every policy switch of the platform.</param>
public sealed record Scenario(
    Protocol Protocol, ConfidentialPlatform Platform, Direction Direction, HostPolicy Host, PolicySwitches Switches)
{
    /// <summary>Which kernel mapping the caller names.</summary>
    public Region Region { get; init; } = Region.DirectMap;

    /// <summary>Pages in the range, 1 to 4.</summary>
    public int Pages { get; init; } = 2;

    /// <summary>CPUs, 1 to 4; the first converter runs on CPU 0, a second one on CPU 1.</summary>
    public int Cpus { get; init; } = 2;

    /// <summary>Explore failures inside the guest (steps that may fail).</summary>
    public bool Failures { get; init; }

    /// <summary>What the caller does after a failure.</summary>
    public CallerOnFailure Caller { get; init; } = CallerOnFailure.Frees;

    /// <summary>Whether and where a second converter runs.</summary>
    public SecondConverter Second { get; init; } = SecondConverter.None;

    /// <summary>A live vmap alias of each page exists that no step knows of.</summary>
    public bool LiveAlias { get; init; }

    /// <summary>Replaces the translation of every step that names pages to the host; null: as the protocol says.</summary>
    public Translation? Translation { get; init; }

    /// <summary>The state of each page before the conversion; null: the platform's usual private or shared state, as the direction says.</summary>
    public PageState? InitialState { get; init; }

    /// <summary>Largest number of pages a model holds.</summary>
    public const int MaxPages = 4;

    /// <summary>Largest number of CPUs a model holds.</summary>
    public const int MaxCpus = 4;

    /// <summary>Largest number of mappings of all pages together.</summary>
    public const int MaxMappings = 12;

    /// <summary>Whether caches keep lines of one page coherent across attributes; where no attribute exists there is nothing to keep.</summary>
    public bool CachesAreCoherent => Switches.HasFlag(PolicySwitches.CoherentCaches) || Platform.Format.AttributeMask == 0;

    /// <summary>Whether the guest is to flush the data cache before it changes an attribute.</summary>
    /// <remarks>
    /// Source: the enc_cache_flush_required callback: always with TDX, without SME_COHERENT with SEV, never under a paravisor, which flushes for its
    /// guest (Linux v6.12, hyperv/ivm.c, hv_vtom_cache_flush_required()).
    /// </remarks>
    public bool NeedsCacheFlush => !CachesAreCoherent && Platform.Name is not ("tdp" or "vtom");

    /// <summary>Says what is wrong with the sizes, or null.</summary>
    public string? Complaint()
    {
        if (Pages is < 1 or > MaxPages)
        {
            return $"a model has 1 to {MaxPages} pages, not {Pages}";
        }

        if (Cpus is < 1 or > MaxCpus)
        {
            return $"a model has 1 to {MaxCpus} CPUs, not {Cpus}";
        }

        if (Second != SecondConverter.None && Cpus < 2)
        {
            return "a second converter needs a second CPU";
        }

        if (Second == SecondConverter.NeighbouringPages && Pages < 2)
        {
            return "two converters of neighbouring pages need at least 2 pages";
        }

        if (Protocol.StepsOf(Direction).Count == 0)
        {
            return $"protocol {Protocol.Name} has no steps for {Direction}";
        }

        if (InitialState is PageState state && state.Value >= Platform.States.Count)
        {
            return $"platform {Platform.Name} has {Platform.States.Count} page states, and none with the number {state.Value}";
        }

        int mappings = Mapping.Layout(this).Count;
        return mappings > MaxMappings ? $"{mappings} mappings do not fit a model ({MaxMappings} at most): use fewer pages" : null;
    }

    /// <summary>Whether the protocol can run on the platform at all.</summary>
    public bool IsApplicable => Contains(Protocol.Platforms, Platform.Name);

    private static bool Contains(IReadOnlyList<string> names, string name)
    {
        foreach (string candidate in names)
        {
            if (string.Equals(candidate, name, StringComparison.Ordinal))
            {
                return true;
            }
        }

        return false;
    }
}
